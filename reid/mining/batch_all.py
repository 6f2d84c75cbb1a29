"""Batch-all mining: every triplet that a batch holds."""

from __future__ import annotations

import torch
from torch import Tensor

from reid.mining.triplets import Triplets, allowed_pairs


def batch_all(distances: Tensor, labels: Tensor, rng: torch.Generator | None = None) -> Triplets:
    """Takes all (anchor, positive, negative); P vehicles × K pictures hold PK (K − 1) (PK − K) of them.

    Most are easy after a while, so their mean fades; the loss averaged over non-zero terms does not
    (``reduction="nonzero"`` of `reid.losses.triplet.triplet_loss`), and the active fraction says how many are left.

    Args:
        distances: (B, B).
        labels: (B,) vehicle of each row.
        rng: Not used; all miners are called alike.

    Returns:
        T triplets by anchor, positive, negative.

    Raises:
        ValueError: Shapes do not agree.

    Source:
        Hermans, Beyer, Leibe 2017, "In Defense of the Triplet Loss", equation 6.
    """
    positive, negative = allowed_pairs(distances, labels)  # (B, B) each
    a, p, n = torch.nonzero(positive[:, :, None] & negative[:, None, :], as_tuple=True)  # (T,) each
    return Triplets(distances[a, p], distances[a, n], a)
