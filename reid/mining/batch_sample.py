"""Batch-sample mining: per anchor one positive and one negative, drawn so that hard ones come up more often."""

from __future__ import annotations

import torch
from torch import Tensor

from reid.mining.triplets import Triplets, drawn_triplets


def batch_sample(distances: Tensor, labels: Tensor, rng: torch.Generator | None = None) -> Triplets:
    """Draws a positive with probability softmax(+d) and a negative with probability softmax(−d).

    In the mean over draws this is batch-weighted mining inside the loss's non-linearity; unlike batch hard it is not
    ruled by one wrong label. Gradients flow through the two distances drawn, not through the probabilities.

    Args:
        distances: (B, B).
        labels: (B,) vehicle of each row.
        rng: Source of all chance.

    Returns:
        One triplet for each of the A ≤ B anchors that have a positive and a negative.

    Raises:
        ValueError: Shapes do not agree, or there is no ``rng``.

    Source:
        Kumar et al. 2019, "Vehicle Re-Identification: an Efficient Baseline Using Triplet Embedding", table I.
    """
    return drawn_triplets(distances, labels, 1.0, rng)
