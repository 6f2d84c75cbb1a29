"""Uniform triplets: the baseline that any mining has to beat."""

from __future__ import annotations

import torch
from torch import Tensor

from reid.mining.triplets import Triplets, drawn_triplets


def uniform(distances: Tensor, labels: Tensor, rng: torch.Generator | None = None) -> Triplets:
    """Draws a positive and a negative of every anchor, all alike likely, whatever their distances.

    Args:
        distances: (B, B).
        labels: (B,) vehicle of each row.
        rng: Source of all chance.

    Returns:
        One triplet for each of the A ≤ B anchors that have a positive and a negative.

    Raises:
        ValueError: Shapes do not agree, or there is no ``rng``.
    """
    return drawn_triplets(distances, labels, 0.0, rng)
