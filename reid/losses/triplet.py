"""Triplet loss over mined distances. Which triplets count is decided by a miner, never here."""

from __future__ import annotations

import math
from typing import Literal

import torch.nn.functional as F
from torch import Tensor

SOFT_MARGIN_AT_COLLAPSE = math.log(2.0)

Reduction = Literal["mean", "nonzero"]


def triplet_loss(d_ap: Tensor, d_an: Tensor, margin: float | None, reduction: Reduction = "mean") -> Tensor:
    """Mean over triplets of max(0, d_ap − d_an + m), or of the soft margin ln(1 + exp(d_ap − d_an)).

    The soft margin never stops pulling, so it needs no margin chosen by hand; its value when all features collapse into
    one point is ln 2 (the margin form's is m), which is how collapse shows.

    Args:
        d_ap: (T,) distance of each anchor to its positive.
        d_an: (T,) distance of each anchor to its negative.
        margin: m ≥ 0 in units of distance; None for the soft margin.
        reduction: "mean" over all triplets, or over those with a loss above 0 ("nonzero"; with the soft margin that is
            all of them).

    Returns:
        Scalar; 0 (still attached to the graph) when there is no triplet to average.

    Raises:
        ValueError: Shapes differ, the margin is negative, or there is no such reduction.

    Source:
        Hermans, Beyer, Leibe 2017, "In Defense of the Triplet Loss", section 2.
    """
    _check(d_ap, d_an, margin)
    if reduction not in ("mean", "nonzero"):
        raise ValueError(f'reduction must be "mean" or "nonzero", got {reduction!r}')
    if len(d_ap) == 0:
        return d_ap.sum()
    violation = d_ap - d_an  # (T,)
    per_triplet = F.softplus(violation) if margin is None else F.relu(violation + margin)  # (T,)
    if reduction == "nonzero":
        return per_triplet.sum() / (per_triplet > 0).sum().clamp(min=1)
    return per_triplet.mean()


def active_fraction(d_ap: Tensor, d_an: Tensor, margin: float | None) -> Tensor:
    """Share of triplets that still teach: d_ap − d_an + m > 0; with the soft margin those in wrong order (m = 0).

    Args:
        d_ap: (T,).
        d_an: (T,).
        margin: As for `triplet_loss`.

    Returns:
        Scalar in [0, 1]; 0 for no triplets.

    Raises:
        ValueError: Shapes differ, or the margin is negative.
    """
    _check(d_ap, d_an, margin)
    wrong = (d_ap.detach() - d_an.detach() + (margin or 0.0)) > 0  # (T,)
    return wrong.double().sum() / max(1, len(wrong))


def _check(d_ap: Tensor, d_an: Tensor, margin: float | None) -> None:
    if d_ap.shape != d_an.shape or d_ap.ndim != 1:
        raise ValueError(f"d_ap and d_an must both be (T,), got {tuple(d_ap.shape)} and {tuple(d_an.shape)}")
    if margin is not None and margin < 0:
        raise ValueError(f"margin must be >= 0, got {margin}")
