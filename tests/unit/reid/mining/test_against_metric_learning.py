"""Against pytorch-metric-learning, where it means the same: distances not normalised, plain means asked for."""

import pytest
import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner
from pytorch_metric_learning.reducers import AvgNonZeroReducer, MeanReducer

from reid.losses.cross_entropy import smoothed_cross_entropy
from reid.losses.distance import pairwise_euclidean
from reid.losses.triplet import triplet_loss
from reid.mining.batch_all import batch_all
from reid.mining.batch_hard import batch_hard


@pytest.fixture(params=range(3))
def batch(request):
    generator = torch.Generator().manual_seed(request.param)
    features = torch.randn(16, 6, generator=generator, dtype=torch.float64)
    return features.requires_grad_(True), torch.arange(4).repeat_interleave(4)


def theirs(margin, reducer, *, smooth=False):
    return TripletMarginLoss(
        margin=margin,
        smooth_loss=smooth,
        triplets_per_anchor="all",
        distance=LpDistance(normalize_embeddings=False),
        reducer=reducer,
    )


def check(features, ours, other):
    assert ours.item() == pytest.approx(other.item(), abs=1e-5)
    gradients = [torch.autograd.grad(loss, features, retain_graph=True)[0] for loss in (ours, other)]
    assert torch.allclose(*gradients, atol=1e-5)


@pytest.mark.parametrize("margin", [0.3, 1.0])
def test_batch_all(batch, margin):
    features, labels = batch
    mined = batch_all(pairwise_euclidean(features), labels)
    check(features, triplet_loss(mined.d_ap, mined.d_an, margin), theirs(margin, MeanReducer())(features, labels))
    check(
        features,
        triplet_loss(mined.d_ap, mined.d_an, margin, "nonzero"),
        theirs(margin, AvgNonZeroReducer())(features, labels),
    )


def test_batch_all_with_soft_margin(batch):
    features, labels = batch
    mined = batch_all(pairwise_euclidean(features), labels)
    other = theirs(0.0, MeanReducer(), smooth=True)(features, labels)
    check(features, triplet_loss(mined.d_ap, mined.d_an, None), other)


@pytest.mark.parametrize("margin", [None, 0.5])
def test_batch_hard(batch, margin):
    features, labels = batch
    mined = batch_hard(pairwise_euclidean(features), labels)
    triplets = BatchHardMiner(distance=LpDistance(normalize_embeddings=False))(features, labels)
    other = theirs(margin or 0.0, MeanReducer(), smooth=margin is None)(features, labels, triplets)
    check(features, triplet_loss(mined.d_ap, mined.d_an, margin), other)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_is_torchs(batch, smoothing):
    logits, labels = batch
    other = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing)
    check(logits, smoothed_cross_entropy(logits, labels, smoothing), other)
