"""Contrastive loss: pictures of one vehicle to one point, those of two at least a margin apart. No mining."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from reid.losses.distance import pairwise_euclidean
from reid.losses.metric import PlainMetric, balanced_mean, require_positive, require_rows, share_above_zero

#: In un-normalised distance, which starts near 4.
MARGIN = 4.0


def contrastive_loss(features: Tensor, labels: Tensor, margin: float, *, balanced: bool = True) -> Tensor:
    """Mean over pairs of y d² + (1 − y) max(0, m − d)², y = 1 for one vehicle.

    Args:
        features: (B, D).
        labels: (B,) vehicle of each row.
        margin: m > 0 in units of distance.
        balanced: Same and different pairs weigh alike however many there are of each; else every pair weighs alike.

    Returns:
        Scalar; 0, attached to the graph, for fewer than two rows.

    Raises:
        ValueError: Shapes do not agree, or the margin is not positive.

    Source:
        Hadsell, Chopra, LeCun 2006, "Dimensionality Reduction by Learning an Invariant Mapping", equation 4 (there y is
        turned round and both terms carry ½). The paper sums over pairs that were chosen; here all pairs of the batch
        count, and with P vehicles × K pictures only (K − 1) / (PK − 1) of them are same: hence ``balanced``.
    """
    terms, same = _terms(features, labels, margin)
    if not balanced:
        return terms.sum() / max(1, len(terms))
    return balanced_mean(terms, same)


def contrastive_metric(margin: float | None) -> PlainMetric:
    """The balanced loss as training calls it."""
    m = MARGIN if margin is None else margin
    require_positive(margin=m)

    def judgement(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        terms, same = _terms(features, labels, m)
        return balanced_mean(terms, same), share_above_zero(terms)

    return PlainMetric(judgement, at_collapse=m * m / 2, scale=m)


def _terms(features: Tensor, labels: Tensor, margin: float) -> tuple[Tensor, Tensor]:
    """The term of every pair once, (B (B − 1) / 2,), and which pairs show one vehicle."""
    require_positive(margin=margin)
    require_rows(features, labels)
    i, j = torch.triu_indices(len(labels), len(labels), offset=1, device=labels.device)
    d = pairwise_euclidean(features)[i, j]  # (pairs,)
    same = labels[i] == labels[j]  # (pairs,)
    return torch.where(same, d.square(), F.relu(margin - d).square()), same
