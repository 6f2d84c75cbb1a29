"""Each loss against its paper's formula, written pair by pair in plain Python floats, and its gradient."""

import math

import pytest
import torch

from reid.losses.attributes import JointAttributes, attribute_loss, known_cross_entropy
from reid.losses.circle import CosineClassifier, circle_logits, circle_loss, circle_metric
from reid.losses.contrastive import contrastive_loss, contrastive_metric
from reid.losses.coupled_clusters import coupled_clusters, coupled_clusters_loss, coupled_clusters_metric
from reid.losses.distance import pairwise_euclidean
from reid.losses.mixed_difference import MixedDifference, mixed_difference_loss
from reid.losses.ranking import weak_ranking_loss, weak_ranking_metric
from reid.losses.siamese import SiameseBinary, siamese_binary_loss
from reid.objective import ObjectiveSettings

LABELS = {
    "pk": [0, 0, 0, 1, 1, 1, 2, 2, 2],
    "singletons": [0, 1, 1, 2, 3, 3, 3],
    "one-vehicle": [4, 4, 4, 4],
    "all-different": [0, 1, 2, 3],
}
each_batch = pytest.mark.parametrize("labels", LABELS.values(), ids=LABELS.keys())


def features_of(seed: int, n: int, dim: int = 5) -> torch.Tensor:
    return torch.randn(n, dim, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def squared(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))


def mean(values):
    return sum(values) / len(values) if values else 0.0


def pairs(labels):
    return [(i, j) for i in range(len(labels)) for j in range(i + 1, len(labels))]


def naive_contrastive(f, labels, m, balanced):
    same = [squared(f[i], f[j]) for i, j in pairs(labels) if labels[i] == labels[j]]
    different = [max(0.0, m - math.sqrt(squared(f[i], f[j]))) ** 2 for i, j in pairs(labels) if labels[i] != labels[j]]
    if not balanced:
        return mean(same + different)
    return mean([mean(kind) for kind in (same, different) if kind])


def naive_siamese(f, labels, weight, bias):
    kinds = {True: [], False: []}
    for i, j in pairs(labels):
        logit = sum(w * abs(a - b) for w, a, b in zip(weight, f[i], f[j], strict=True)) + bias
        p = 1 / (1 + math.exp(-logit))
        kinds[labels[i] == labels[j]].append(-math.log(p if labels[i] == labels[j] else 1 - p))
    return mean([mean(kind) for kind in kinds.values() if kind])


def naive_coupled_clusters(f, labels, alpha, groups=None):
    terms = []
    for vehicle in sorted(set(labels)):
        inside = [i for i in range(len(labels)) if labels[i] == vehicle]
        outside = [i for i in range(len(labels)) if labels[i] != vehicle]
        if groups is not None and groups[inside[0]] >= 0:
            alike = [i for i in outside if groups[i] == groups[inside[0]]]
            outside = alike or outside
        if len(inside) < 2 or not outside:
            continue
        centre = [mean([f[i][d] for i in inside]) for d in range(len(f[0]))]
        nearest = min(squared(f[i], centre) for i in outside)
        terms += [0.5 * max(0.0, squared(f[i], centre) + alpha - nearest) for i in inside]
    return mean(terms)


def cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True)) / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def naive_circle(f, labels, gamma, m):
    losses = []
    for a in range(len(labels)):
        s_p = [cosine(f[a], f[i]) for i in range(len(labels)) if labels[i] == labels[a] and i != a]
        s_n = [cosine(f[a], f[i]) for i in range(len(labels)) if labels[i] != labels[a]]
        if s_p and s_n:
            pulled = sum(math.exp(-gamma * max(0.0, 1 + m - s) * (s - (1 - m))) for s in s_p)
            pushed = sum(math.exp(gamma * max(0.0, s + m) * (s - m)) for s in s_n)
            losses.append(math.log(1 + pulled * pushed))
    return mean(losses)


def naive_weak_ranking(f, labels, m):
    terms = []
    for q in range(len(labels)):
        possible = [squared(f[q], f[i]) for i in range(len(labels)) if labels[i] == labels[q] and i != q]
        negatives = [squared(f[q], f[i]) for i in range(len(labels)) if labels[i] != labels[q]]
        if possible:
            terms += [max(0.0, min(possible) + m - negative) for negative in negatives]
    return mean(terms)


def naive_cross_entropy(logits, classes):
    known = [(row, c) for row, c in zip(logits, classes, strict=True) if c >= 0]
    return mean([math.log(sum(math.exp(x) for x in row)) - row[c] for row, c in known])


@each_batch
@pytest.mark.parametrize("margin", [0.5, 3.0])
def test_contrastive_coupled_clusters_and_weak_ranking_equal_their_formulas(labels, margin):
    for seed in range(4):
        features, tensor = features_of(seed, len(labels)), torch.tensor(labels)
        f = features.tolist()
        for balanced in (True, False):
            ours = contrastive_loss(features, tensor, margin, balanced=balanced).item()
            assert ours == pytest.approx(naive_contrastive(f, labels, margin, balanced), abs=1e-9)
        ours = coupled_clusters_loss(coupled_clusters(features, tensor), margin).item()
        assert ours == pytest.approx(naive_coupled_clusters(f, labels, margin), abs=1e-9)
        ours = weak_ranking_loss(pairwise_euclidean(features), tensor, margin).item()
        assert ours == pytest.approx(naive_weak_ranking(f, labels, margin), abs=1e-9)


@each_batch
def test_siamese_and_circle_equal_their_formulas(labels):
    for seed in range(4):
        features, tensor = features_of(seed, len(labels)), torch.tensor(labels)
        weight, bias = features_of(seed + 50, 1)[0], torch.tensor(0.7, dtype=torch.float64)
        ours = siamese_binary_loss(features, tensor, weight, bias).item()
        assert ours == pytest.approx(naive_siamese(features.tolist(), labels, weight.tolist(), 0.7), abs=1e-9)
        for scale, margin in ((64.0, 0.35), (8.0, 0.25)):
            ours = circle_loss(features, tensor, scale, margin).item()
            assert ours == pytest.approx(naive_circle(features.tolist(), labels, scale, margin), abs=1e-8)


def test_coupled_clusters_within_models_take_negatives_of_the_model_where_there_are_any():
    labels, models = [0, 0, 1, 1, 2, 2, 3, 3, 4, 4], [5, 5, 5, 5, 6, 6, -1, -1, -1, -1]
    for seed in range(4):
        features = features_of(seed, 10)
        ours = coupled_clusters_loss(coupled_clusters(features, torch.tensor(labels), torch.tensor(models)), 3.0)
        assert ours.item() == pytest.approx(naive_coupled_clusters(features.tolist(), labels, 3.0, models), abs=1e-9)
        assert ours.item() != pytest.approx(naive_coupled_clusters(features.tolist(), labels, 3.0))


def test_mixed_difference_is_the_sum_of_its_three_parts():
    labels, models = [0, 0, 1, 1, 2, 2], [0, 0, 0, 0, 1, -1]
    features, logits = features_of(1, 6), features_of(2, 6, 3)
    expected = (
        naive_coupled_clusters(features.tolist(), labels, 2.0)
        + naive_coupled_clusters(features.tolist(), labels, 2.0, models)
        + naive_cross_entropy(logits.tolist(), models)
    )
    ours = mixed_difference_loss(features, torch.tensor(labels), torch.tensor(models), logits, 2.0)
    assert ours.item() == pytest.approx(expected, abs=1e-9)


def test_circle_softmax_is_cross_entropy_of_the_formulas_logits():
    scale, margin, labels = 64.0, 0.35, [2, 0, 1, 2]
    classifier = CosineClassifier(5, 3).double()
    features = features_of(0, 4)
    cosines = classifier(features)
    logits = circle_logits(cosines, torch.tensor(labels), scale, margin)
    for b, label in enumerate(labels):
        for c in range(3):
            s = cosine(features[b].tolist(), classifier.weight[c].tolist())
            assert cosines[b, c].item() == pytest.approx(s)
            right = max(0.0, 1 + margin - s) * (s - 1 + margin)
            wrong = max(0.0, s + margin) * (s - margin)
            assert logits[b, c].item() == pytest.approx(scale * (right if c == label else wrong), abs=1e-9)
    constant = cosines.detach()

    def with_constant_weights(s):
        right = torch.relu(1 + margin - constant) * (s - 1 + margin)
        wrong = torch.relu(constant + margin) * (s - margin)
        chosen = torch.nn.functional.one_hot(torch.tensor(labels), 3).bool()
        return scale * torch.where(chosen, right, wrong)

    again = constant.clone().requires_grad_(True)
    other = constant.clone().requires_grad_(True)
    probe = features_of(9, 4, 3)
    (ours,) = torch.autograd.grad((probe * circle_logits(again, torch.tensor(labels), scale, margin)).sum(), again)
    (expected,) = torch.autograd.grad((probe * with_constant_weights(other)).sum(), other)
    assert torch.allclose(ours, expected)
    assert torch.autograd.gradcheck(with_constant_weights, (other,))


def test_circle_takes_its_weights_as_constants():
    labels, scale, margin = torch.tensor([0, 0, 1, 1]), 8.0, 0.25
    features = features_of(4, 4)
    unit = torch.nn.functional.normalize(features, dim=1)
    told = (unit @ unit.T).detach()

    def with_constant_weights(f):
        s = torch.nn.functional.normalize(f, dim=1)
        s = s @ s.T
        losses = []
        for a in range(4):
            p = [i for i in range(4) if labels[i] == labels[a] and i != a]
            n = [i for i in range(4) if labels[i] != labels[a]]
            pulled = torch.exp(-scale * torch.relu(1 + margin - told[a, p]) * (s[a, p] - 1 + margin)).sum()
            pushed = torch.exp(scale * torch.relu(told[a, n] + margin) * (s[a, n] - margin)).sum()
            losses.append(torch.log(1 + pulled * pushed))
        return torch.stack(losses).mean()

    ours, other = (features.clone().requires_grad_(True) for _ in range(2))
    circle_loss(ours, labels, scale, margin).backward()
    with_constant_weights(other).backward()
    assert torch.allclose(ours.grad, other.grad)
    assert torch.autograd.gradcheck(with_constant_weights, (other,), atol=1e-5)


def test_attributes_average_over_attributes_and_leave_out_what_is_not_known():
    logits = [features_of(1, 4, 3), features_of(2, 4, 2), features_of(3, 4, 2)]
    attributes = torch.tensor([[0, 1, -1], [2, -1, -1], [-1, 0, -1], [1, 1, -1]])
    expected = mean([naive_cross_entropy(x.tolist(), attributes[:, a].tolist()) for a, x in enumerate(logits)])
    assert attribute_loss(logits, attributes).item() == pytest.approx(expected, abs=1e-9)
    with pytest.raises(ValueError, match=r"\(B, 2\)"):
        attribute_loss(logits[:2], attributes)


def gradients():
    labels = torch.tensor([0, 0, 0, 1, 1, 2, 2])
    models = torch.tensor([0, 0, 0, 0, 0, 1, -1])
    attributes = torch.stack([models, torch.tensor([1, 0, -1, 2, 0, 1, 2])], dim=1)
    weight, bias = features_of(8, 1, 4)[0], torch.tensor(0.3, dtype=torch.float64)
    return {
        "contrastive": lambda f: contrastive_loss(f, labels, 2.0),
        "contrastive-plain": lambda f: contrastive_loss(f, labels, 2.0, balanced=False),
        "siamese": lambda f: siamese_binary_loss(f, labels, weight, bias),
        "siamese-weights": lambda f: siamese_binary_loss(features_of(3, 7, 4), labels, f[0], f[1, 0]),
        "coupled-clusters": lambda f: coupled_clusters_loss(coupled_clusters(f, labels), 2.0),
        "mixed-difference": lambda f: mixed_difference_loss(f, labels, models, f[:, :2] * 2, 2.0),
        "weak-ranking": lambda f: weak_ranking_loss(pairwise_euclidean(f), labels, 2.0),
        "attributes": lambda f: attribute_loss([f[:, :2], f[:, 1:]], attributes),
    }


@pytest.mark.parametrize("name", gradients())
def test_gradients_are_those_of_the_formula(name):
    features = features_of(3, 7, 4).requires_grad_(True)
    assert torch.autograd.gradcheck(gradients()[name], (features,), eps=1e-6, atol=1e-5)


@pytest.mark.parametrize(
    "metric", [contrastive_metric(None), coupled_clusters_metric(None), weak_ranking_metric(2.0)], ids=str
)
def test_values_at_collapse_are_told_and_gradients_finite_there(metric):
    point = torch.ones(6, 3, dtype=torch.float64, requires_grad=True)
    term = metric(point, torch.tensor([0, 0, 1, 1, 2, 2]), torch.Generator())
    assert term.loss.item() == pytest.approx(metric.at_collapse, abs=1e-5)
    assert metric.scale > 0
    term.loss.backward()
    assert torch.isfinite(point.grad).all()


@pytest.mark.parametrize("metric", ["contrastive", "coupled-clusters", "circle", "weak-ranking", "siamese"])
@each_batch
def test_any_batch_gives_a_loss_that_can_be_differentiated(metric, labels):
    from reid.objective import Vocabulary

    features = features_of(0, len(labels)).float().requires_grad_(True)
    term = ObjectiveSettings(metric=metric).build(Vocabulary(5))(features, torch.tensor(labels), torch.Generator())
    term.loss.backward()
    assert torch.isfinite(features.grad).all()
    assert 0 <= term.active.item() <= 1


def test_siamese_starts_by_taking_near_for_same_and_learns_its_weights():
    loss = SiameseBinary(8)
    labels = torch.tensor([0, 0, 1, 1])
    near = torch.tensor([[0.0] * 8, [0.1] * 8, [3.0] * 8, [3.1] * 8], requires_grad=True)
    term = loss(near, labels, torch.Generator())
    assert term.active.item() == 0
    term.loss.backward()
    assert loss.weight.grad.abs().sum() > 0


def test_branches_learn_and_need_their_attributes():
    attributes = torch.tensor([[0, 1], [0, 1], [1, 0], [1, -1]])
    features, labels = features_of(0, 4, 6).float(), torch.tensor([0, 0, 1, 1])
    mixed = MixedDifference(6, models=2, column=0)
    joint = JointAttributes(contrastive_metric(None), 6, [2, 2], 0.5)
    alone = contrastive_metric(None)(features, labels, torch.Generator())
    for loss in (mixed, joint):
        term = loss(features, labels, torch.Generator(), attributes)
        term.loss.backward()
        assert all(parameter.grad is not None for parameter in loss.parameters())
        with pytest.raises(ValueError, match=r"attributes|model"):
            loss(features, labels, torch.Generator())
    assert term.loss.item() > alone.loss.item()
    assert joint.at_collapse is None
    assert joint.scale == 4.0
    with pytest.raises(ValueError, match="models must be > 0"):
        MixedDifference(6, models=0, column=0)


def test_bad_arguments_are_named():
    features, labels = torch.zeros(2, 3), torch.tensor([0, 1])
    with pytest.raises(ValueError, match="margin must be > 0"):
        contrastive_loss(features, labels, 0.0)
    with pytest.raises(ValueError, match=r"\(B, D\)"):
        coupled_clusters(features, labels[:1])
    with pytest.raises(ValueError, match="scale must be > 0"):
        circle_loss(features, labels, 0.0)
    with pytest.raises(ValueError, match="circle's margin"):
        circle_metric(64.0, 1.0)
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        weak_ranking_loss(torch.zeros(2, 3), labels, 1.0)
    assert known_cross_entropy(torch.zeros(2, 3), torch.tensor([-1, -1])).item() == 0
