"""SPoC: sums over the map with a prior for its centre."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def centre_prior(height: int, width: int) -> NDArray[np.float64]:
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
    y = np.arange(height)[:, None] + 0.5 - height / 2  # (h, 1)
    x = np.arange(width)[None, :] + 0.5 - width / 2  # (1, w)
    prior: NDArray[np.float64] = np.exp(-(y**2 + x**2) / (2 * sigma * sigma))
    return prior


class Spoc(nn.Module):  # type: ignore[misc]
    """Sum pooling with a centre prior.

    Source:
        Babenko, Lempitsky 2015, equations 2 to 5. Departures: the sum is divided by the weights' sum, so that its scale
        is that of average pooling whatever the map's size; the PCA whitening that follows in the paper is
        `reid.baselines.whitening` where nothing is trained, and the embedding's own linear layer where something is.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C)."""
        prior = centre_prior(int(x.shape[2]), int(x.shape[3]))
        # Made outside torch, so that an exported graph holds the weights and not how they are made.
        weights = torch.as_tensor(prior / prior.sum(), dtype=x.dtype, device=x.device)  # (h, w)
        return (x * weights).sum(dim=(2, 3))
