"""Siamese binary loss: are two pictures of one vehicle, yes or no, by a learned weighing of their differences."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reid.losses.metric import MetricTerm, balanced_mean, require_rows, spread_of

#: At the start features of two vehicles are about 4 apart, 50 in sum over 256 dimensions; logits then lie around 0.
_FIRST_WEIGHT, _FIRST_BIAS = -10.0, 2.0


def siamese_logits(features: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Evidence for "one vehicle" of every pair: Σ_j α_j |a_j − b_j| + β.

    Args:
        features: (B, D).
        weight: (D,) α.
        bias: () β.

    Returns:
        (B, B), symmetric.
    """
    difference = (features[:, None, :] - features[None, :, :]).abs()  # (B, B, D)
    return difference @ weight + bias


def siamese_binary_loss(features: Tensor, labels: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Binary cross entropy of same against different over all pairs of a batch, both kinds weighing alike.

    Args:
        features: (B, D).
        labels: (B,) vehicle of each row.
        weight: (D,) α.
        bias: () β.

    Returns:
        Scalar: mean over the kinds of pairs that the batch has of each kind's mean; 0 for fewer than two rows.

    Raises:
        ValueError: Shapes do not agree.

    Source:
        Koch, Zemel, Salakhutdinov 2015, "Siamese Neural Networks for One-shot Image Recognition", section 3.1 (weighted
        L1 distance into a sigmoid) and 3.2 (cross entropy). Departures: all pairs of the batch instead of drawn ones,
        weighed to equal shares; features are linear, not sigmoids; a bias, because they are not bounded.
    """
    return _cross_entropy(*_pairs(features, labels, weight, bias))


class SiameseBinary(nn.Module):  # type: ignore[misc]
    """`siamese_binary_loss` with its weights; they serve training only."""

    at_collapse: float | None = None
    scale: float = 1.0

    def __init__(self, dim: int) -> None:
        """Starts with all dimensions alike, nearness speaking for one vehicle; ``dim`` is D."""
        super().__init__()
        self.weight = nn.Parameter(torch.full((dim,), _FIRST_WEIGHT / dim))
        self.bias = nn.Parameter(torch.tensor(_FIRST_BIAS))

    def forward(
        self, features: Tensor, labels: Tensor, rng: torch.Generator, attributes: Tensor | None = None
    ) -> MetricTerm:
        """Judges (B, D) features of (B,) vehicles; ``active`` is the share of pairs told wrong."""
        logits, same = _pairs(features, labels, self.weight, self.bias)
        wrong = ((logits.detach() > 0) != same).double().sum() / max(1, len(same))
        return MetricTerm(_cross_entropy(logits, same), wrong, spread_of(features))


def _cross_entropy(logits: Tensor, same: Tensor) -> Tensor:
    return balanced_mean(F.softplus(torch.where(same, -logits, logits)), same)  # −log p(right)


def _pairs(features: Tensor, labels: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    require_rows(features, labels)
    i, j = torch.triu_indices(len(labels), len(labels), offset=1, device=labels.device)
    return siamese_logits(features, weight, bias)[i, j], labels[i] == labels[j]
