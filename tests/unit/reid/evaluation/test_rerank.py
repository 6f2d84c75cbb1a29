"""k-reciprocal re-ranking against the paper in plain loops, and against torchreid with one query."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranking_oracles import embedded, unit

from reid.evaluation.cross_camera import rank_cross_camera
from reid.evaluation.ranking import judge
from reid.evaluation.recall import rank_everything
from reid.evaluation.rerank import Rerank, k_reciprocal_distances


def naive(query, candidates, k1, k2, share):
    """Zhong et al. with sets and loops, for one query."""
    x = np.vstack([query, candidates]).astype(np.float64)
    n = len(x)
    d = np.array([[((x[i] - x[j]) ** 2).sum() for j in range(n)] for i in range(n)])
    d /= d.max(axis=1, keepdims=True)
    ranked = [sorted(range(n), key=lambda j, i=i: (d[i][j], j)) for i in range(n)]

    def reciprocal(i, k):
        return {j for j in ranked[i][: k + 1] if i in ranked[j][: k + 1]}

    v = np.zeros((n, n))
    for i in range(n):
        members = reciprocal(i, k1)
        grown = set(members)
        for j in members:
            others = reciprocal(j, round(k1 / 2))
            if len(others & members) > 2 / 3 * len(others):
                grown |= others
        for j in grown:
            v[i][j] = np.exp(-d[i][j])
        v[i] /= v[i].sum()
    if k2 > 1:
        v = np.array([np.mean([v[j] for j in ranked[i][:k2]], axis=0) for i in range(n)])
    result = []
    for j in range(1, n):
        jaccard = 1 - np.minimum(v[0], v[j]).sum() / np.maximum(v[0], v[j]).sum()
        result.append((1 - share) * jaccard + share * d[0][j])
    return np.array(result)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 24), st.integers(1, 12), st.integers(1, 4))
def test_equals_the_paper_in_loops(seed, n, k1, k2):
    rng = np.random.default_rng(seed)
    vectors = unit(rng.normal(size=(n + 1, 6)))
    found = k_reciprocal_distances(vectors[0], vectors[1:], Rerank(n, k1, k2, 0.3))
    assert found == pytest.approx(naive(vectors[0], vectors[1:], k1, k2, 0.3), abs=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_equals_torchreid_with_one_query(seed):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torchreid.reid.utils import re_ranking
    vectors = unit(np.random.default_rng(seed).normal(size=(61, 8)))
    distances = np.sqrt(np.maximum(2 - 2 * vectors.astype(np.float64) @ vectors.T.astype(np.float64), 0))
    theirs = re_ranking(distances[:1, 1:], distances[:1, :1], distances[1:, 1:])[0]
    assert k_reciprocal_distances(vectors[0], vectors[1:], Rerank()) == pytest.approx(theirs, abs=1e-4)


def test_it_helps_where_neighbours_agree_and_leaves_the_rest_of_the_order_alone():
    rng = np.random.default_rng(2)
    centres = unit(rng.normal(size=(12, 16)))
    vectors = unit(np.repeat(centres, 6, axis=0) + rng.normal(size=(72, 16)) * 0.22)
    pool = embedded(vectors, np.repeat(np.arange(12), 6), np.tile(np.arange(6), 12))
    plain, helped = judge(rank_cross_camera(pool)), judge(rank_cross_camera(pool, Rerank(top=30, k1=5, k2=3)))
    assert helped.precision.mean() > plain.precision.mean() + 0.02
    barely = judge(rank_everything(pool, pool, Rerank(top=1)))
    assert barely.last.tolist() == judge(rank_everything(pool, pool)).last.tolist()


def test_a_constant_embedding_is_not_helped():
    vehicles, cameras = np.repeat(np.arange(20), 3), np.tile(np.arange(3), 20)
    judged = judge(rank_cross_camera(embedded(unit(np.ones((60, 8))), vehicles, cameras), Rerank(top=30)))
    assert judged.first.min() > 30


def test_settings_are_checked():
    for wrong in ({"top": 0}, {"k1": 0}, {"k2": 0}, {"share": 1.5}):
        with pytest.raises(ValueError, match="needs top"):
            Rerank(**wrong)
