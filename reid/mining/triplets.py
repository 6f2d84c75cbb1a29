"""What every miner takes and gives: the pairs that a batch allows, the triplets chosen. Chooses none itself."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Triplets(NamedTuple):
    """What a miner chose.

    Attributes:
        d_ap: (T,) anchor to positive, or a weighted mean of such distances.
        d_an: (T,) anchor to negative, or a weighted mean of such distances.
        anchors: (T,) int64, row of each triplet's anchor in the batch, ascending.
    """

    d_ap: Tensor
    d_an: Tensor
    anchors: Tensor


class Miner(Protocol):
    """How all miners are called; those without chance ignore ``rng``."""

    def __call__(self, distances: Tensor, labels: Tensor, rng: torch.Generator | None = None) -> Triplets:
        """Chooses triplets of a batch from (B, B) distances and (B,) labels."""
        ...


def allowed_pairs(distances: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which rows may serve as positive and which as negative of each anchor; no row is its own positive.

    Args:
        distances: (B, B).
        labels: (B,) vehicle of each row.

    Returns:
        Two boolean (B, B), anchors in rows. An anchor that lacks one kind has neither: it is left out everywhere.

    Raises:
        ValueError: Shapes do not agree.
    """
    n = len(labels)
    if distances.shape != (n, n) or labels.ndim != 1:
        raise ValueError(f"distances must be ({n}, {n}) for {n} labels, got {tuple(distances.shape)}")
    same = labels[:, None] == labels[None, :]  # (B, B)
    positive = same & ~torch.eye(n, dtype=torch.bool, device=labels.device)  # (B, B)
    complete = (positive.any(dim=1) & (~same).any(dim=1))[:, None]  # (B, 1)
    return positive & complete, ~same & complete


def drawn_triplets(distances: Tensor, labels: Tensor, hardness: float, rng: torch.Generator | None) -> Triplets:
    """Draws one positive ~ softmax(+h d) and one negative ~ softmax(−h d) for every anchor that has both.

    Args:
        distances: (B, B).
        labels: (B,) vehicle of each row.
        hardness: h ≥ 0; 0 draws evenly.
        rng: Source of all chance. It lives on the CPU, so that a seed draws alike on every device.

    Returns:
        One triplet for each of the A ≤ B anchors that have both.

    Raises:
        ValueError: Shapes do not agree, or there is no ``rng``.

    Source:
        Maddison, Tarlow, Minka 2014, "A* Sampling": logits plus Gumbel noise, then the argmax.
    """
    if rng is None:
        raise ValueError("triplets drawn by chance need a generator, got None")
    positive, negative = allowed_pairs(distances, labels)  # (B, B) each
    anchors = torch.nonzero(positive.any(dim=1)).squeeze(1)  # (A,)
    if len(anchors) == 0:
        nothing = distances.flatten()[:0]
        return Triplets(nothing, nothing, anchors)
    rows = distances[anchors]  # (A, B)
    logits = hardness * rows.detach().double()  # (A, B)
    p = (logits + gumbel(logits, rng)).masked_fill(~positive[anchors], -torch.inf).argmax(dim=1)  # (A,)
    n = (-logits + gumbel(logits, rng)).masked_fill(~negative[anchors], -torch.inf).argmax(dim=1)  # (A,)
    return Triplets(rows.gather(1, p[:, None]).squeeze(1), rows.gather(1, n[:, None]).squeeze(1), anchors)


def gumbel(like: Tensor, rng: torch.Generator) -> Tensor:
    """Gumbel noise of the shape and on the device of ``like``."""
    uniform = torch.rand(like.shape, generator=rng, dtype=torch.float64).clamp_(1e-12, 1 - 1e-12)
    return -torch.log(-torch.log(uniform)).to(like.device)
