"""The fast tier finds what the exact one finds, says which it is, and never misses for a filter or for dead rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from services.matcher.index.segment import SegmentRules
from services.matcher.index.segmented import SegmentedIndex
from services.matcher.index.view import ScanPool

DIM, ROWS = 32, 4000
RULES = SegmentRules(head_rows=250, segment_rows=1000, tier="auto", fast_from=3000)


@pytest.fixture(scope="module")
def pool() -> Iterator[ScanPool]:
    pool = ScanPool(2)
    yield pool
    pool.close()


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    rng = np.random.default_rng(0)
    basis = rng.standard_normal((6, DIM))  # few directions count, as in what a network learned
    centres = rng.standard_normal((ROWS // 20, 6))
    rows = (np.repeat(centres, 20, axis=0) + 0.3 * rng.standard_normal((ROWS, 6))) @ basis
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture
def index(pool: ScanPool, vectors: np.ndarray) -> SegmentedIndex:
    index = SegmentedIndex(DIM, rules=RULES, pool=pool)
    index.add(np.arange(ROWS), vectors)
    index.settle()
    return index


def recall(index: SegmentedIndex, vectors: np.ndarray, may: np.ndarray) -> float:
    """Of the ten best rows, ties within 1e-3 counted, the share that is found."""
    queries = vectors[::40]
    found = index.search(queries, 10, lambda ids: may[ids])
    scores = np.where(may, queries @ vectors.T, -np.inf)
    tenth = np.sort(scores, axis=1)[:, -10]
    return float((found.scores >= tenth[:, None] - 1e-3).mean())


def test_chosen_by_size(pool: ScanPool, vectors: np.ndarray, index: SegmentedIndex) -> None:
    assert index.tier == "fast"
    small = SegmentedIndex(DIM, rules=RULES, pool=pool)
    small.add(np.arange(2000), vectors[:2000])
    small.settle()
    assert small.tier == "exact"
    assert index.nbytes == ROWS * (DIM * 2 + DIM // 2)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.05, 0.002])
def test_recall_under_filters(index: SegmentedIndex, vectors: np.ndarray, share: float) -> None:
    may = np.random.default_rng(1).random(ROWS) < share
    found = index.search(vectors[:50], 10, lambda ids: may[ids])
    assert (found.ids != -1).sum(axis=1).tolist() == [min(10, int(may.sum()))] * 50
    assert may[found.ids[found.ids >= 0]].all()
    assert share < 0.01 or recall(index, vectors, may) >= 0.995


def test_the_nearest_may_all_be_dead(index: SegmentedIndex, vectors: np.ndarray) -> None:
    query = vectors[:1]
    order = np.argsort(-(vectors @ query[0]))
    index.remove(order[:180])
    found = index.search(query, 10)
    np.testing.assert_allclose(found.scores[0], (vectors @ query[0])[order[180:190]], atol=1e-3)


def test_largest_segment_stays_small(index: SegmentedIndex) -> None:
    assert max(index.segments) <= RULES.segment_rows
    assert len(index.segments) <= ROWS // RULES.segment_rows + 2
