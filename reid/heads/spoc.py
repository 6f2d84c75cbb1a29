"""SPoC: sums over the map with a prior for its centre."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def centre_prior(height: int, width: int) -> Tensor:
    """Weights exp(−((y − h/2)² + (x − w/2)²) / 2σ²) of the cells of a map, σ a third of the way to the nearest edge.

    Args:
        height: h of the map, cells.
        width: w of the map, cells.

    Returns:
        float64 (h, w); y and x are centres of cells.

    Source:
        Babenko, Lempitsky 2015, "Aggregating Deep Convolutional Features for Image Retrieval", equation 3.
    """
    sigma = min(height, width) / 2 / 3
    y = torch.arange(height, dtype=torch.float64)[:, None] + 0.5 - height / 2  # (h, 1)
    x = torch.arange(width, dtype=torch.float64)[None, :] + 0.5 - width / 2  # (1, w)
    return torch.exp(-(y.square() + x.square()) / (2 * sigma * sigma))


class Spoc(nn.Module):  # type: ignore[misc]
    """Sum pooling with a centre prior.

    Source:
        Babenko, Lempitsky 2015, equations 2 to 5. Departures: the sum is divided by the weights' sum, so that its scale
        is that of average pooling whatever the map's size; the PCA whitening that follows in the paper is
        `reid.heads.whitening` where nothing is trained, and the embedding's own linear layer where something is.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C)."""
        prior = centre_prior(x.shape[2], x.shape[3])
        weights = (prior / prior.sum()).to(x)  # (h, w)
        return (x * weights).sum(dim=(2, 3))
