"""Batch-weighted mining: all positives and negatives of an anchor, the hard ones with most of the weight."""

from __future__ import annotations

import torch
from torch import Tensor

from reid.mining.triplets import Triplets, allowed_pairs


def batch_weighted(
    distances: Tensor, labels: Tensor, rng: torch.Generator | None = None, *, through_weights: bool = False
) -> Triplets:
    """Averages each anchor's positives with weights softmax(+d) and its negatives with weights softmax(−d).

    By default the weights are constants to the gradient. Letting it through (``through_weights``) gives the formula's
    own derivative, w_i (1 + d_i − Σ w_j d_j) for positive i: it turns negative for positives more than 1 nearer than
    the mean, so that training would push good positives away. Values are the same either way.

    Args:
        distances: (B, B).
        labels: (B,) vehicle of each row.
        rng: Not used; all miners are called alike.
        through_weights: Let gradients flow through the weights as well.

    Returns:
        One triplet for each of the A ≤ B anchors that have a positive and a negative.

    Raises:
        ValueError: Shapes do not agree.

    Source:
        Ristani, Tomasi 2018, "Features for Multi-Target Multi-Camera Tracking and Re-Identification", equation 3;
        Kumar et al. 2019, "Vehicle Re-Identification: an Efficient Baseline Using Triplet Embedding", table I.
    """
    positive, negative = allowed_pairs(distances, labels)  # (B, B) each
    anchors = torch.nonzero(positive.any(dim=1)).squeeze(1)  # (A,)
    rows = distances[anchors]  # (A, B)
    told = rows if through_weights else rows.detach()
    w_p = torch.softmax(told.masked_fill(~positive[anchors], -torch.inf), dim=1)  # (A, B)
    w_n = torch.softmax((-told).masked_fill(~negative[anchors], -torch.inf), dim=1)  # (A, B)
    return Triplets((w_p * rows).sum(dim=1), (w_n * rows).sum(dim=1), anchors)
