"""Each miner with the loss, against the papers' formulas written anchor by anchor in plain Python floats."""

import math
from collections import Counter
from functools import partial

import pytest
import torch

from reid.losses.distance import pairwise_euclidean
from reid.losses.triplet import triplet_loss
from reid.mining.batch_all import batch_all
from reid.mining.batch_hard import batch_hard
from reid.mining.batch_sample import batch_sample
from reid.mining.batch_weighted import batch_weighted
from reid.mining.uniform import uniform
from reid.objective import MINERS


def distance(a, b):
    return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) + 1e-12)


def distances_of(features):
    return [[distance(a, b) for b in features] for a in features]


def partners(labels, anchor):
    """Rows that may be positives and negatives of an anchor."""
    positives = [i for i in range(len(labels)) if labels[i] == labels[anchor] and i != anchor]
    negatives = [i for i in range(len(labels)) if labels[i] != labels[anchor]]
    return positives, negatives


def one(x, margin):
    return math.log1p(math.exp(x)) if margin is None else max(0.0, x + margin)


def mean(values):
    return sum(values) / len(values) if values else 0.0


def weights(distances, sign):
    shares = [math.exp(sign * d) for d in distances]
    return [share / sum(shares) for share in shares]


def naive_batch_hard(features, labels, margin):
    d = distances_of(features)
    losses = []
    for a in range(len(labels)):
        positives, negatives = partners(labels, a)
        if positives and negatives:
            losses.append(one(max(d[a][p] for p in positives) - min(d[a][n] for n in negatives), margin))
    return mean(losses)


def naive_batch_all_terms(features, labels, margin):
    d = distances_of(features)
    terms = []
    for a in range(len(labels)):
        positives, negatives = partners(labels, a)
        terms += [one(d[a][p] - d[a][n], margin) for p in positives for n in negatives]
    return terms


def naive_batch_all(features, labels, margin):
    return mean(naive_batch_all_terms(features, labels, margin))


def naive_batch_all_nonzero(features, labels, margin):
    return mean([term for term in naive_batch_all_terms(features, labels, margin) if term > 0])


def naive_batch_weighted(features, labels, margin):
    d = distances_of(features)
    losses = []
    for a in range(len(labels)):
        positives, negatives = partners(labels, a)
        if positives and negatives:
            d_p, d_n = [d[a][p] for p in positives], [d[a][n] for n in negatives]
            far = sum(w * x for w, x in zip(weights(d_p, +1), d_p, strict=True))
            near = sum(w * x for w, x in zip(weights(d_n, -1), d_n, strict=True))
            losses.append(one(far - near, margin))
    return mean(losses)


LABELS = {
    "pk": [0, 0, 0, 1, 1, 1, 2, 2, 2],
    "anchors-without-positive": [0, 1, 1, 2, 3, 3, 3],
    "no-negative-anywhere": [4, 4, 4, 4],
    "no-positive-anywhere": [0, 1, 2, 3],
}
FORMULAS = {
    "batch-hard": (batch_hard, "mean", naive_batch_hard),
    "batch-all": (batch_all, "mean", naive_batch_all),
    "batch-all-nonzero": (batch_all, "nonzero", naive_batch_all_nonzero),
    "batch-weighted": (batch_weighted, "mean", naive_batch_weighted),
    "batch-weighted-through": (partial(batch_weighted, through_weights=True), "mean", naive_batch_weighted),
}


def features_of(seed: int, n: int, dim: int = 5) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("margin", [None, 0.0, 0.3, 2.0])
@pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())
@pytest.mark.parametrize("name", FORMULAS)
def test_equals_the_papers_formula_written_as_a_loop(name, labels, margin):
    miner, reduction, formula = FORMULAS[name]
    for seed in range(4):
        features = features_of(seed, len(labels))
        mined = miner(pairwise_euclidean(features), torch.tensor(labels))
        ours = triplet_loss(mined.d_ap, mined.d_an, margin, reduction).item()
        assert ours == pytest.approx(formula(features.tolist(), labels, margin), abs=1e-9)


@pytest.mark.parametrize("margin", [None, 0.3])
@pytest.mark.parametrize("name", ["batch-hard", "batch-all", "batch-all-nonzero", "batch-weighted-through"])
def test_gradients_are_those_of_the_formula(name, margin):
    miner, reduction, _ = FORMULAS[name]
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2])

    def loss(features):
        mined = miner(pairwise_euclidean(features), labels)
        return triplet_loss(mined.d_ap, mined.d_an, margin, reduction)

    assert torch.autograd.gradcheck(loss, (features_of(3, 7, 4).requires_grad_(True),), eps=1e-6, atol=1e-5)


def test_batch_weighted_takes_its_weights_as_constants():
    labels = torch.tensor([0, 0, 0, 1, 1])
    features = features_of(1, 5)
    weights = batch_weighted_weights(features, labels)

    def with_constant_weights(f):
        d = pairwise_euclidean(f)
        return ((weights[0] - weights[1]) * d).sum(dim=1)

    mined = batch_weighted(pairwise_euclidean(features.requires_grad_(True)), labels)
    (ours,) = torch.autograd.grad((mined.d_ap - mined.d_an).sum(), features)
    again = features.detach().requires_grad_(True)
    (expected,) = torch.autograd.grad(with_constant_weights(again).sum(), again)
    assert torch.allclose(ours, expected)
    through = batch_weighted(pairwise_euclidean(again), labels, through_weights=True)
    (other,) = torch.autograd.grad((through.d_ap - through.d_an).sum(), again)
    assert not torch.allclose(ours, other)


def batch_weighted_weights(features, labels):
    d = distances_of(features.tolist())
    w_p, w_n = torch.zeros(len(d), len(d), dtype=torch.float64), torch.zeros(len(d), len(d), dtype=torch.float64)
    for a in range(len(d)):
        positives, negatives = partners(labels.tolist(), a)
        w_p[a, positives] = torch.tensor(weights([d[a][p] for p in positives], +1), dtype=torch.float64)
        w_n[a, negatives] = torch.tensor(weights([d[a][n] for n in negatives], -1), dtype=torch.float64)
    return w_p, w_n


@pytest.mark.parametrize(("miner", "hardness"), [(batch_sample, 1.0), (uniform, 0.0)])
def test_draws_follow_the_softmax_of_distances(miner, hardness):
    labels = [0, 0, 0, 0, 1, 2, 3]
    distances = torch.tensor([[0.0, 0.5, 1.0, 2.5, 0.7, 1.5, 3.0]] * 7, dtype=torch.float64)
    rng = torch.Generator().manual_seed(0)
    draws = 4000
    found = [miner(distances, torch.tensor(labels), rng) for _ in range(draws)]
    positives = Counter(round(mined.d_ap[0].item(), 3) for mined in found)
    negatives = Counter(round(mined.d_an[0].item(), 3) for mined in found)
    for counts, values, sign in ((positives, [0.5, 1.0, 2.5], +1), (negatives, [0.7, 1.5, 3.0], -1)):
        total = sum(math.exp(sign * hardness * v) for v in values)
        for value in values:
            expected = math.exp(sign * hardness * value) / total
            assert counts[value] / draws == pytest.approx(expected, abs=4 * math.sqrt(0.25 / draws))


@pytest.mark.parametrize("miner", [batch_sample, uniform])
@pytest.mark.parametrize("margin", [None, 0.3])
def test_drawn_triplets_are_allowed_ones_and_repeat_with_the_seed(miner, margin):
    labels = LABELS["anchors-without-positive"]
    features = features_of(5, len(labels)).requires_grad_(True)
    d = distances_of(features.tolist())
    mined = miner(pairwise_euclidean(features), torch.tensor(labels), torch.Generator().manual_seed(9))
    assert mined.anchors.tolist() == [1, 2, 4, 5, 6]
    terms = []
    for a, d_ap, d_an in zip(mined.anchors.tolist(), mined.d_ap.tolist(), mined.d_an.tolist(), strict=True):
        positives, negatives = partners(labels, a)
        assert any(abs(d[a][p] - d_ap) < 1e-9 for p in positives)
        assert any(abs(d[a][n] - d_an) < 1e-9 for n in negatives)
        terms.append(one(d_ap - d_an, margin))
    loss = triplet_loss(mined.d_ap, mined.d_an, margin)
    assert loss.item() == pytest.approx(mean(terms), abs=1e-9)
    again = miner(pairwise_euclidean(features), torch.tensor(labels), torch.Generator().manual_seed(9))
    assert torch.equal(mined.d_ap, again.d_ap)
    loss.backward()
    assert torch.isfinite(features.grad).all()
    assert features.grad.abs().sum() > 0

    def seeded(f):
        drawn = miner(pairwise_euclidean(f), torch.tensor(labels), torch.Generator().manual_seed(9))
        return triplet_loss(drawn.d_ap, drawn.d_an, margin)

    assert torch.autograd.gradcheck(seeded, (features.detach().requires_grad_(True),), eps=1e-6, atol=1e-5)


def test_miners_that_draw_refuse_to_do_so_without_a_generator():
    for miner in (batch_sample, uniform):
        with pytest.raises(ValueError, match="generator"):
            miner(torch.zeros(2, 2), torch.tensor([0, 0]))


@pytest.mark.parametrize("name", MINERS)
def test_every_miner_is_called_alike_and_can_do_without_anchors(name):
    distances = torch.rand(3, 3, requires_grad=True)
    mined = MINERS[name](distances, torch.tensor([0, 1, 2]), torch.Generator())
    assert len(mined.anchors) == len(mined.d_ap) == len(mined.d_an) == 0
    loss = triplet_loss(mined.d_ap, mined.d_an, None)
    loss.backward()
    assert loss.item() == 0
    with pytest.raises(ValueError, match=r"\(3, 3\)"):
        MINERS[name](torch.zeros(2, 3), torch.zeros(3), torch.Generator())


@pytest.mark.parametrize("name", MINERS)
def test_features_in_one_point_give_finite_gradients(name):
    features = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    mined = MINERS[name](pairwise_euclidean(features), torch.tensor([0, 0, 1, 1]), torch.Generator())
    loss = triplet_loss(mined.d_ap, mined.d_an, None)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(2))
    assert torch.isfinite(features.grad).all()
