"""Bounds leave nothing out: whatever the data, filter and k, the answer is brute force's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.matcher.index.bounds import WIDTH, Asked, Leading
from services.matcher.index.segment import SegmentRules
from services.matcher.index.segmented import SegmentedIndex
from services.matcher.index.view import ScanPool

DIM = 80
RULES = SegmentRules(head_rows=300, segment_rows=1200, tier="exact", bounds_from=1000)


def skewed(rng: np.random.Generator, n: int, decay: float, scale: float = 1.0) -> np.ndarray:
    rows = rng.standard_normal((n, DIM)) * decay ** np.arange(DIM)
    return (scale * rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def plain(half: np.ndarray, queries: np.ndarray, k: int, may: np.ndarray | None) -> np.ndarray:
    scores = queries @ half.astype(np.float32).T
    if may is not None:
        scores[:, ~may] = -np.inf
    return -np.sort(-scores, axis=1)[:, :k]


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    n=st.integers(300, 1500),
    k=st.integers(1, 4),
    decay=st.sampled_from([0.8, 0.9, 0.95, 1.0]),
    scale=st.sampled_from([0.1, 1.0, 20.0]),
    share=st.sampled_from([None, 0.02, 0.5]),
)
def test_the_best_are_brute_force_s(seed: int, n: int, k: int, decay: float, scale: float, share: float | None) -> None:
    rng = np.random.default_rng(seed)
    half = skewed(rng, n, decay, scale).astype(np.float16)
    queries = np.concatenate([skewed(rng, 6, decay), half[:3].astype(np.float32), np.zeros((1, DIM), np.float32)])
    may = None if share is None else rng.random(n) < share
    leading = Leading(half.astype(np.float32))
    found = leading.bounds(half).scan(half, Asked(leading, queries), k, may)
    if found is None:  # bounds told too little: a plain scan follows
        return
    scores, places = found
    expected = plain(half, queries, k, may)
    np.testing.assert_allclose(scores, np.where(np.isfinite(expected), expected, -np.inf), atol=1e-4 * scale)
    assert ((places >= 0) == np.isfinite(scores)).all()
    assert (places < n).all()
    assert may is None or may[places[places >= 0]].all()


def test_bounds_tell_apart_where_few_directions_count() -> None:
    rng = np.random.default_rng(1)
    half = skewed(rng, 2000, 0.9).astype(np.float16)
    leading = Leading(half.astype(np.float32))
    bounds = leading.bounds(half)
    assert bounds.nbytes >= 2000 * WIDTH * 4
    queries = skewed(rng, 16, 0.9)
    assert bounds.scan(half, Asked(leading, queries), 10, None) is not None
    assert bounds.scan(half, Asked(leading, queries), 1000, None) is None  # nearly all would have to be read


def test_what_one_part_knows_spares_the_next() -> None:
    rng = np.random.default_rng(2)
    half = skewed(rng, 1000, 0.9).astype(np.float16)
    leading = Leading(half.astype(np.float32))
    asked = Asked(leading, half[:9].astype(np.float32))
    asked.learn(np.full((9, 2), 0.999, np.float32))
    found = leading.bounds(half).scan(half, asked, 2, None)
    assert found is not None
    assert (found[1][:, 0] == np.arange(9)).all()
    assert (found[1][:, 1] == -1).all()  # worse than what is known already


@pytest.fixture
def pool() -> Iterator[ScanPool]:
    pool = ScanPool(2)
    yield pool
    pool.close()


def test_an_index_with_bounds_answers_as_without(pool: ScanPool) -> None:
    rng = np.random.default_rng(3)
    rows = skewed(rng, 4000, 0.92)
    bounded = SegmentedIndex(DIM, rules=RULES, pool=pool)
    unbounded = SegmentedIndex(DIM, rules=SegmentRules(300, 1200, tier="exact", bounds_from=10**9), pool=pool)
    for index in (bounded, unbounded):
        index.add(np.arange(4000), rows)
        index.remove(np.arange(0, 4000, 7))
        index.settle()
    assert bounded.nbytes > unbounded.nbytes
    queries = skewed(rng, 32, 0.92)
    for allowed in (None, lambda ids: ids % 2 == 0, lambda ids: ids % 50 == 0):
        found, expected = bounded.search(queries, 5, allowed), unbounded.search(queries, 5, allowed)
        np.testing.assert_allclose(found.scores, expected.scores, atol=1e-5)
        assert (found.ids == expected.ids).mean() > 0.99


def test_a_gallery_that_outgrows_them_lets_its_bounds_go(pool: ScanPool) -> None:
    rules = SegmentRules(300, 1200, tier="exact", fast_from=2000, bounds_from=1000)
    index = SegmentedIndex(DIM, rules=rules, pool=pool)
    rng = np.random.default_rng(4)
    index.add(np.arange(1500), skewed(rng, 1500, 0.9))
    index.settle()
    per_vector = index.nbytes / 1500
    index.add(np.arange(1500, 4500), skewed(rng, 3000, 0.9))
    index.settle()
    assert index.nbytes / 4500 < per_vector - 100
    assert index.tier == "exact"
