"""Batch-hard mining: per anchor the furthest positive and the nearest negative of the batch."""

from __future__ import annotations

import torch
from torch import Tensor

from reid.mining.triplets import Triplets, allowed_pairs


def batch_hard(distances: Tensor, labels: Tensor, rng: torch.Generator | None = None) -> Triplets:
    """Picks the hardest positive and the hardest negative of every anchor.

    An anchor is never its own positive. Anchors without a positive or without a negative in the batch are left out.
    Gradients flow through the two distances picked. With two distinct images per vehicle there is no choice among
    positives; K ≥ 4 is where the mining starts to matter.

    Args:
        distances: (B, B).
        labels: (B,) vehicle of each row.
        rng: Not used; all miners are called alike.

    Returns:
        One triplet for each of the A ≤ B anchors that have both.

    Raises:
        ValueError: Shapes do not agree.

    Source:
        Hermans, Beyer, Leibe 2017, "In Defense of the Triplet Loss", equation 5.
    """
    positive, negative = allowed_pairs(distances, labels)  # (B, B) each
    anchors = torch.nonzero(positive.any(dim=1)).squeeze(1)  # (A,)
    if len(anchors) == 0:
        nothing = distances.flatten()[:0]
        return Triplets(nothing, nothing, anchors)
    rows = distances[anchors]  # (A, B)
    furthest = rows.masked_fill(~positive[anchors], -torch.inf).amax(dim=1)
    nearest = rows.masked_fill(~negative[anchors], torch.inf).amin(dim=1)
    return Triplets(furthest, nearest, anchors)
