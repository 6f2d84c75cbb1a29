import math

import pytest
import torch

from reid.losses.cross_entropy import smoothed_cross_entropy
from reid.losses.distance import pairwise_euclidean
from reid.losses.triplet import SOFT_MARGIN_AT_COLLAPSE, triplet_loss
from reid.mining.batch_hard import batch_hard


def naive_batch_hard(features: list[list[float]], labels: list[int], margin: float | None) -> float:
    """The formula, anchor by anchor."""

    def distance(a, b):
        return math.sqrt(sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) + 1e-12)

    losses = []
    for a, anchor in enumerate(features):
        positives = [distance(anchor, f) for i, f in enumerate(features) if labels[i] == labels[a] and i != a]
        negatives = [distance(anchor, f) for i, f in enumerate(features) if labels[i] != labels[a]]
        if positives and negatives:
            x = max(positives) - min(negatives)
            losses.append(math.log1p(math.exp(x)) if margin is None else max(0.0, x + margin))
    return sum(losses) / len(losses) if losses else 0.0


def batch(seed: int, labels: list[int], dim: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(len(labels), dim, generator=generator, dtype=torch.float64), torch.tensor(labels)


def loss_of(features, labels, margin):
    mined = batch_hard(pairwise_euclidean(features), labels)
    return triplet_loss(mined.d_ap, mined.d_an, margin)


@pytest.mark.parametrize("margin", [None, 0.0, 0.3, 2.0])
@pytest.mark.parametrize(
    "labels",
    [
        pytest.param([0, 0, 1, 1, 2, 2, 2], id="pk"),
        pytest.param([0, 1, 1, 2, 3, 3, 3], id="anchors-without-positive"),
        pytest.param([4, 4, 4, 4], id="no-negative-anywhere"),
        pytest.param([0, 1, 2, 3], id="no-positive-anywhere"),
    ],
)
def test_equals_the_naive_loop(labels, margin):
    for seed in range(5):
        features, tensor = batch(seed, labels)
        expected = naive_batch_hard(features.tolist(), labels, margin)
        assert loss_of(features, tensor, margin).item() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("margin", [None, 0.3])
def test_gradient_is_that_of_the_formula(margin):
    features, labels = batch(3, [0, 0, 0, 1, 1, 2, 2], dim=4)
    features.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda f: loss_of(f, labels, margin), (features,), eps=1e-6, atol=1e-5)


def test_gradient_is_finite_where_features_coincide():
    features = torch.ones(4, 3, dtype=torch.float64, requires_grad=True)
    loss = loss_of(features, torch.tensor([0, 0, 1, 1]), None)
    loss.backward()
    assert loss.item() == pytest.approx(SOFT_MARGIN_AT_COLLAPSE)
    assert torch.isfinite(features.grad).all()


def test_collapse_value_of_the_margin_form_is_the_margin():
    features = torch.ones(4, 3, dtype=torch.float64)
    assert loss_of(features, torch.tensor([0, 0, 1, 1]), 0.7).item() == pytest.approx(0.7)


def test_no_anchor_gives_zero_that_can_be_differentiated():
    features = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    loss = loss_of(features, torch.tensor([0, 1, 2]), None)
    loss.backward()
    assert loss.item() == 0.0
    assert features.grad.abs().sum() == 0


def test_distance_is_unsquared_with_epsilon_inside_the_root():
    distances = pairwise_euclidean(torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64))
    assert distances[0, 1].item() == pytest.approx(5.0)
    assert distances[0, 0].item() == pytest.approx(1e-6)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="margin"):
        triplet_loss(torch.zeros(1), torch.zeros(1), -1.0)
    with pytest.raises(ValueError, match="d_ap and d_an"):
        triplet_loss(torch.zeros(2), torch.zeros(1), None)
    with pytest.raises(ValueError, match=r"\(B, D\)"):
        pairwise_euclidean(torch.zeros(3))
    with pytest.raises(ValueError, match="smoothing"):
        smoothed_cross_entropy(torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64), 1.0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_equals_its_formula(smoothing):
    logits, _ = batch(0, [0, 0, 0, 0], dim=3)
    labels = torch.tensor([0, 2, 1, 1])
    expected = 0.0
    for row, label in zip(logits.tolist(), labels.tolist(), strict=True):
        total = sum(math.exp(x) for x in row)
        for c, x in enumerate(row):
            target = (1 - smoothing) * (c == label) + smoothing / 3
            expected -= target * math.log(math.exp(x) / total) / 4
    assert smoothed_cross_entropy(logits, labels, smoothing).item() == pytest.approx(expected, abs=1e-5)
    logits.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda x: smoothed_cross_entropy(x, labels, smoothing), (logits,))
