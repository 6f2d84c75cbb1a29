"""Semi-hard, distance-weighted and look-alike mining against loops written from their papers."""

import math
from collections import Counter

import numpy as np
import pytest
import torch
from sklearn.cluster import DBSCAN

from reid.errors import DataError
from reid.losses.distance import pairwise_euclidean
from reid.losses.triplet import triplet_loss
from reid.mining.distance_weighted import CUTOFF, FURTHEST, distance_weighted, negative_odds
from reid.mining.look_alikes import NOISE, Grouping, group_look_alikes, pair_quality
from reid.mining.semi_hard import semi_hard
from reid.mining.semi_hard_offline import mine_offline

LABELS = [0, 0, 0, 1, 1, 2, 3, 3, 3]


def features_of(seed: int, n: int = 9, dim: int = 5) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def naive_semi_hard(d, labels, margin):
    found = []
    for a in range(len(labels)):
        negatives = [n for n in range(len(labels)) if labels[n] != labels[a]]
        for p in range(len(labels)):
            if labels[p] != labels[a] or p == a or not negatives:
                continue
            band = [d[a][n] for n in negatives if d[a][p] < d[a][n] < d[a][p] + margin]
            found.append((a, d[a][p], min(band) if band else max(d[a][n] for n in negatives)))
    return found


@pytest.mark.parametrize("margin", [math.inf, 0.5, 0.05])
def test_semi_hard_equals_the_naive_loop(margin):
    for seed in range(5):
        d = pairwise_euclidean(features_of(seed))
        mined = semi_hard(d, torch.tensor(LABELS), margin=margin)
        ours = list(zip(mined.anchors.tolist(), mined.d_ap.tolist(), mined.d_an.tolist(), strict=True))
        expected = naive_semi_hard(d.tolist(), LABELS, margin)
        assert [row[0] for row in ours] == [row[0] for row in expected]
        assert ours == [pytest.approx(row) for row in expected]
    with pytest.raises(ValueError, match="margin"):
        semi_hard(d, torch.tensor(LABELS), margin=0.0)


@pytest.mark.parametrize("margin", [None, 0.3])
def test_gradients_through_both_miners(margin):
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2])

    def loss(features, miner):
        mined = miner(pairwise_euclidean(features), labels, torch.Generator().manual_seed(4))
        return triplet_loss(mined.d_ap, mined.d_an, margin)

    for miner in (semi_hard, distance_weighted):
        features = features_of(3, 7, 4).requires_grad_(True)
        assert torch.autograd.gradcheck(lambda f, m=miner: loss(f, m), (features,), eps=1e-6, atol=1e-5)


def naive_odds(d, labels, dim):
    n = len(labels)
    complete = [a for a in range(n) if labels.count(labels[a]) > 1]
    squares = [d[a][b] ** 2 for a in complete for b in range(n) if labels[a] != labels[b]]
    scale = math.sqrt(2 / (sum(squares) / len(squares)))
    odds = [[0.0] * n for _ in range(n)]
    for a in complete:
        weights = {}
        for b in range(n):
            if labels[b] != labels[a]:
                x = min(max(d[a][b] * scale, CUTOFF), FURTHEST)
                weights[b] = 1 / (x ** (dim - 2) * (1 - x * x / 4) ** ((dim - 3) / 2))
        for b, weight in weights.items():
            odds[a][b] = weight / sum(weights.values())
    return odds


def test_distance_weighted_draws_against_the_density_of_distances():
    d = pairwise_euclidean(features_of(1))
    expected = naive_odds(d.tolist(), LABELS, 8)
    odds = negative_odds(d, torch.tensor(LABELS), 8)
    assert np.allclose(odds.numpy(), expected, atol=1e-9)
    rng, draws, counts = torch.Generator().manual_seed(0), 3000, Counter()
    for _ in range(draws):
        mined = distance_weighted(d, torch.tensor(LABELS), rng, dim=8)
        assert mined.anchors.tolist() == [0, 0, 1, 1, 2, 2, 3, 4, 6, 6, 7, 7, 8, 8]
        counts[round(mined.d_an[0].item(), 9)] += 1
    for b, share in enumerate(expected[0]):
        assert counts[round(d[0, b].item(), 9)] / draws == pytest.approx(share, abs=4 * math.sqrt(0.25 / draws))
    with pytest.raises(ValueError, match="generator"):
        distance_weighted(d, torch.tensor(LABELS))


def test_offline_takes_one_semi_hard_triplet_for_every_picture_that_can_have_one():
    vectors = features_of(2).numpy().astype(np.float32)
    labels, cameras = np.array(LABELS), np.array([0, 0, 1, 0, 0, 0, 1, 1, 0])
    d = np.sqrt(((vectors[:, None].astype(float) - vectors[None]) ** 2).sum(-1))
    seen = set()
    for seed in range(30):
        mined = mine_offline(vectors, labels, np.random.default_rng(seed), margin=0.8, cameras=cameras)
        assert mined[:, 0].tolist() == [0, 1, 2, 3, 4, 6, 7, 8]
        for a, p, n in mined:
            seen.add((a, p, n))
            assert labels[a] == labels[p]
            assert a != p
            assert labels[n] != labels[a]
            others = [i for i in range(9) if labels[i] == labels[a] and cameras[i] != cameras[a]]
            assert not others or p in others
            negatives = np.flatnonzero(labels != labels[a])
            band = [i for i in negatives if d[a, p] < d[a, i] < d[a, p] + 0.8]
            beyond = [i for i in negatives if d[a, i] > d[a, p]]
            nearest = [min(beyond, key=lambda i, a=a: d[a, i])] if beyond else []
            assert n in (band or nearest or [max(negatives, key=lambda i, a=a: d[a, i])])
    assert len(seen) > 8
    with pytest.raises(DataError, match="no picture has both"):
        mine_offline(vectors, np.arange(9), np.random.default_rng(0))
    with pytest.raises(ValueError, match="margin"):
        mine_offline(vectors, labels, np.random.default_rng(0), margin=0.0)


def look_alike_vectors(seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    vehicles = np.repeat(np.arange(12), 6)
    vectors = rng.normal(size=(12, 16))[vehicles] + rng.normal(scale=0.35, size=(72, 16))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), vehicles


def test_groups_are_those_of_dbscan_and_mostly_right():
    for seed in range(3):
        vectors, vehicles = look_alike_vectors(seed)
        for radius in (0.1, 0.2):
            ours = group_look_alikes(vectors, Grouping(radius=radius, neighbours=4), np.random.default_rng(0))
            distances = np.clip(1 - vectors @ vectors.T, 0, None)
            theirs = DBSCAN(eps=radius, min_samples=4, metric="precomputed").fit(distances)
            core = theirs.core_sample_indices_
            assert np.array_equal(ours == NOISE, theirs.labels_ == NOISE)
            assert (pairs_of(ours[core]) == pairs_of(theirs.labels_[core])).all()
        precision, recall = pair_quality(ours, vehicles)
        assert precision > 0.9
        assert recall > 0.5


def test_a_picture_at_the_border_joins_the_group_of_its_nearest_core():
    degrees = np.radians([0, 2, 4, 6, 15, 23, 25, 27, 29])
    vectors = np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)
    radius = 1 - np.cos(np.radians(9.5))
    for order in (np.arange(9), np.arange(9)[::-1]):
        found = group_look_alikes(vectors[order], Grouping(radius=radius, neighbours=4), np.random.default_rng(0))
        groups = found[np.argsort(order)]
        assert len(set(groups[:4])) == len(set(groups[5:])) == 1
        assert groups[4] == groups[5] != groups[3]


def pairs_of(groups):
    return groups[:, None] == groups[None, :]


def test_the_radius_is_the_mean_of_the_closest_pairs_and_too_few_groups_are_refused():
    vectors, _ = look_alike_vectors(0)
    share = 12 * 15 / (72 * 71 / 2)
    chosen = group_look_alikes(vectors, Grouping(closest_share=share, neighbours=3), np.random.default_rng(0))
    i, j = np.triu_indices(72, 1)
    closest = np.sort((1 - vectors @ vectors.T)[i, j])[:180]
    told = group_look_alikes(vectors, Grouping(radius=float(closest.mean()), neighbours=3), np.random.default_rng(0))
    assert np.array_equal(chosen, told)
    with pytest.raises(DataError, match="too few"):
        group_look_alikes(vectors, Grouping(radius=1.9), np.random.default_rng(0))
    with pytest.raises(ValueError, match="radius"):
        Grouping(radius=0.0)


def test_pair_quality_counts_pairs():
    assert pair_quality(np.array([0, 0, 0, 1, 1, -1]), np.array([0, 0, 1, 2, 2, 2])) == (2 / 4, 2 / 4)
    assert pair_quality(np.array([-1, -1]), np.array([0, 1])) == (0.0, 0.0)
