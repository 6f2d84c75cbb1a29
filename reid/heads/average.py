"""Poolings by a mean over the map: average and generalised mean."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class GeM(nn.Module):  # type: ignore[misc]
    """Generalised-mean pooling with a learned exponent: between average (p = 1) and maximum (p → ∞).

    Source:
        Radenović, Tolias, Chum 2018, "Fine-tuning CNN Image Retrieval with No Human Annotation", equation 3. One
        exponent for all channels; what is below 1e-6 counts as 1e-6, so that the power has a gradient.
    """

    def __init__(self, p: float = 3.0, eps: float = 1e-6) -> None:
        super().__init__()
        self.p = nn.Parameter(torch.tensor(p))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C)."""
        # As exp(p log x): exported, the power of a map took a sixth of the whole network's time.
        powers = (x.clamp(min=self.eps).log() * self.p).exp()
        return powers.mean(dim=(2, 3)).pow(1.0 / self.p)


class GlobalAverage(nn.Module):  # type: ignore[misc]
    """Average pooling over the whole map (GAP)."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C)."""
        return x.mean(dim=(2, 3))
