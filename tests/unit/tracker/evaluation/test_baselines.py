"""Baselines against naive loops and other libraries."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from tracker.evaluation.baselines.agglomerative import Dendrogram, forbidden_pairs
from tracker.evaluation.baselines.greedy import join_greedily
from tracker.evaluation.baselines.thresholds import JOINERS, THRESHOLDS, joiner_curves
from tracker.evaluation.simulated.components import packaged_components
from tracker.evaluation.simulated.embeddings import Draw, Parts
from tracker.evaluation.truth import SECOND_NS, TruthTracklet


def _vectors(n, seed, dim=6):
    made = np.random.default_rng(seed).standard_normal((n, dim))
    return (made / np.linalg.norm(made, axis=1, keepdims=True)).astype(np.float32)


def _canonical(labels):
    number = {}
    return [number.setdefault(int(label), len(number)) for label in labels]


def _naive_greedy(vectors, cameras, start, end, threshold):
    groups = []
    labels = [-1] * len(vectors)
    for i in sorted(range(len(vectors)), key=lambda i: (start[i], i)):
        best, best_similarity = None, threshold
        for k, group in enumerate(groups):
            if any(cameras[j] == cameras[i] and start[j] <= end[i] and start[i] <= end[j] for j in group):
                continue
            mean = np.sum([vectors[j].astype(np.float64) for j in group], axis=0)
            similarity = float(mean @ vectors[i] / np.linalg.norm(mean))
            if similarity >= best_similarity and (best is None or similarity > best_similarity):
                best, best_similarity = k, similarity
        if best is None:
            groups.append([])
            best = len(groups) - 1
        groups[best].append(i)
        labels[i] = best
    return labels


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.6])
def test_greedy_equals_a_naive_loop(seed, threshold):
    rng = np.random.default_rng(seed)
    n = 40
    vectors = _vectors(n, seed)
    cameras = [f"c{k}" for k in rng.integers(3, size=n)]
    start = rng.integers(0, 60, size=n).tolist()
    end = [s + int(d) for s, d in zip(start, rng.integers(0, 12, size=n), strict=True)]
    assert join_greedily(vectors, cameras, start, end, threshold).tolist() == _naive_greedy(
        vectors, cameras, start, end, threshold
    )


def test_greedy_joins_what_is_alike_and_excludes_one_camera_at_once():
    embeddings = np.array([[1, 0], [1, 0.05], [1, 0.02], [0, 1]], np.float32)
    embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    labels = join_greedily(embeddings, ["a", "a", "b", "b"], [0, 1, 10, 11], [5, 6, 15, 16], 0.7)
    assert labels.tolist() == [0, 1, 1, 2] or labels.tolist() == [0, 1, 0, 2]


@pytest.mark.parametrize(("start", "end"), [([5, 5], [5, 5]), ([0, 5], [5, 9])], ids=["one frame each", "end to end"])
def test_one_frame_in_common_is_at_once(start, end):
    alike = np.array([[1, 0], [1, 0]], np.float32)
    assert join_greedily(alike, ["a", "a"], start, end, 0.5).tolist() == [0, 1]
    assert join_greedily(alike, ["a", "b"], start, end, 0.5).tolist() == [0, 0]
    tracklets = [TruthTracklet("a", 1, s, e, 1, (0, 0), (0, 0)) for s, e in zip(start, end, strict=True)]
    assert forbidden_pairs(tracklets, 100.0).tolist() == [[False, True], [True, False]]


def test_greedy_of_nothing_and_of_lengths_that_differ():
    assert join_greedily(np.zeros((0, 4), np.float32), [], [], [], 0.5).tolist() == []
    with pytest.raises(ValueError, match="lengths differ"):
        join_greedily(np.zeros((1, 4), np.float32), [], [0], [1], 0.5)


def _naive_average_linkage(distance, forbidden, threshold):
    """Joins the two nearest clusters by mean distance until none is near enough."""
    clusters = [[i] for i in range(len(distance))]
    while True:
        best = None
        for a in range(len(clusters)):
            for b in range(a + 1, len(clusters)):
                pairs = [(i, j) for i in clusters[a] for j in clusters[b]]
                if any(forbidden[i, j] for i, j in pairs):
                    continue
                mean = float(np.mean([distance[i, j] for i, j in pairs]))
                if best is None or mean < best[0]:
                    best = (mean, a, b)
        if best is None or best[0] > threshold:
            labels = np.zeros(len(distance), int)
            for k, members in enumerate(clusters):
                labels[members] = k
            return labels
        _, a, b = best
        clusters[a] += clusters.pop(b)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.8])
def test_clustering_equals_scipy_on_vectors_and_a_naive_loop(seed, threshold):
    vectors = _vectors(25, seed, dim=4)
    cut = _canonical(Dendrogram(vectors).cut(threshold))
    tree = linkage(pdist(vectors.astype(np.float64), "cosine"), "average")
    assert cut == _canonical(fcluster(tree, 1 - threshold, "distance"))
    distance = 1.0 - vectors.astype(np.float64) @ vectors.T
    assert cut == _canonical(_naive_average_linkage(distance, np.zeros((25, 25), bool), 1 - threshold))


@pytest.mark.parametrize("seed", range(4))
def test_gated_clustering_equals_a_naive_loop_that_never_joins_what_is_forbidden(seed):
    rng = np.random.default_rng(seed)
    vectors = _vectors(22, seed, dim=3)
    forbidden = rng.random((22, 22)) < 0.2
    forbidden = np.triu(forbidden, 1)
    forbidden = forbidden | forbidden.T
    cut = _canonical(Dendrogram(vectors, forbidden).cut(0.4))
    distance = 1.0 - vectors.astype(np.float64) @ vectors.T
    assert cut == _canonical(_naive_average_linkage(distance, forbidden, 0.6))


def test_gates_are_one_camera_at_once_and_the_longest_trip():
    def seen(camera, start, end, shift=0):
        return TruthTracklet(
            camera, 1, start * SECOND_NS, end * SECOND_NS, 1, (0, 0), (0, 0), shift_ns=shift * SECOND_NS
        )

    tracklets = [seen("a", 0, 10), seen("a", 5, 15), seen("b", 5, 15), seen("b", 200, 210), seen("a", 205, 206, -100)]
    forbidden = forbidden_pairs(tracklets, 100.0)
    assert forbidden[0, 1]
    assert not forbidden[0, 2]
    assert forbidden[0, 3]
    assert not forbidden[0, 4]
    assert (forbidden == forbidden.T).all()
    assert not forbidden.diagonal().any()


def test_one_or_no_tracklet_is_a_cluster_of_its_own():
    assert Dendrogram(_vectors(1, 0)).cut(0.5).tolist() == [0]
    assert Dendrogram(np.zeros((0, 3), np.float32)).cut(0.5).tolist() == []


def test_curves_rise_from_all_in_one_and_fall_to_each_alone(street):
    simulated = Parts(street, packaged_components(), Draw(0)).at(0.5)
    curves = joiner_curves(street, simulated, 1800.0)
    assert tuple(curves) == JOINERS
    for curve in curves.values():
        assert len(curve) == len(THRESHOLDS)
        assert max(curve) > 0.6
        assert max(curve) > curve[0]
        assert max(curve) > curve[-1]
    assert tuple(joiner_curves(street, simulated, 1800.0, ("greedy",))) == ("greedy",)
