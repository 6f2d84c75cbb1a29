"""Triplet loss over mined distances. Which triplets count is decided by a miner, never here."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor

SOFT_MARGIN_AT_COLLAPSE = math.log(2.0)


def triplet_loss(d_ap: Tensor, d_an: Tensor, margin: float | None) -> Tensor:
    """Mean over anchors of max(0, d_ap − d_an + m), or of the soft margin ln(1 + exp(d_ap − d_an)).

    The soft margin never stops pulling, so it needs no margin chosen by hand; its value when all features collapse into
    one point is ln 2 (the margin form's is m), which is how collapse shows.

    Args:
        d_ap: (A,) distance of each anchor to its positive.
        d_an: (A,) distance of each anchor to its negative.
        margin: m ≥ 0 in units of distance; None for the soft margin.

    Returns:
        Scalar; 0 (still attached to the graph) when there is no anchor.

    Raises:
        ValueError: Shapes differ, or the margin is negative.

    Source:
        Hermans, Beyer, Leibe 2017, "In Defense of the Triplet Loss", section 2.
    """
    if d_ap.shape != d_an.shape or d_ap.ndim != 1:
        raise ValueError(f"d_ap and d_an must both be (A,), got {tuple(d_ap.shape)} and {tuple(d_an.shape)}")
    if margin is not None and margin < 0:
        raise ValueError(f"margin must be >= 0, got {margin}")
    if len(d_ap) == 0:
        return d_ap.sum()
    violation = d_ap - d_an  # (A,)
    per_anchor = F.softplus(violation) if margin is None else F.relu(violation + margin)
    return per_anchor.mean()
