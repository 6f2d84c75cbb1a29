"""The BNNeck: batch normalisation between the features of the metric loss and those of classification."""

from __future__ import annotations

from torch import nn


class BNNeck(nn.BatchNorm1d):  # type: ignore[misc]
    """(B, D) to (B, D), normalised over the batch, with a learned scale and without a shift.

    The metric loss sees features before it, classification and retrieval those after it: the two losses pull at
    differently shaped spaces, and this keeps them from pulling at one.

    Source:
        Luo et al. 2019, "Bag of Tricks and a Strong Baseline for Deep Person Re-identification", section 3.6.
    """

    def __init__(self, dim: int) -> None:
        super().__init__(dim)
        self.bias.requires_grad_(False)  # A shift would move features off the origin that cosine measures from.
