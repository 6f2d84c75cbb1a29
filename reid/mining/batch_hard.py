"""Batch-hard mining: per anchor the furthest positive and the nearest negative of the batch."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class MinedPairs(NamedTuple):
    """What a miner found.

    Attributes:
        d_ap: (A,) anchor to positive.
        d_an: (A,) anchor to negative.
        anchors: (A,) int64, row of each anchor in the batch, ascending.
    """

    d_ap: Tensor
    d_an: Tensor
    anchors: Tensor


def batch_hard(distances: Tensor, labels: Tensor) -> MinedPairs:
    """Picks the hardest positive and the hardest negative of every anchor.

    An anchor is never its own positive. Anchors without a positive or without a negative in the batch are left out.
    Gradients flow through the two distances picked. With two distinct images per vehicle there is no choice among
    positives; K ≥ 4 is where the mining starts to matter.

    Args:
        distances: (B, B).
        labels: (B,) vehicle of each row.

    Returns:
        The A ≤ B anchors that have both.

    Raises:
        ValueError: Shapes do not agree.

    Source:
        Hermans, Beyer, Leibe 2017, equation 5.
    """
    n = len(labels)
    if distances.shape != (n, n) or labels.ndim != 1:
        raise ValueError(f"distances must be ({n}, {n}) for {n} labels, got {tuple(distances.shape)}")
    same = labels[:, None] == labels[None, :]  # (B, B)
    positive = same & ~torch.eye(n, dtype=torch.bool, device=labels.device)  # (B, B)
    negative = ~same
    anchors = torch.nonzero(positive.any(dim=1) & negative.any(dim=1)).squeeze(1)  # (A,)
    if len(anchors) == 0:
        nothing = distances.flatten()[:0]
        return MinedPairs(nothing, nothing, anchors)
    rows = distances[anchors]  # (A, B)
    furthest = rows.masked_fill(~positive[anchors], -torch.inf).amax(dim=1)
    nearest = rows.masked_fill(~negative[anchors], torch.inf).amin(dim=1)
    return MinedPairs(furthest, nearest, anchors)
