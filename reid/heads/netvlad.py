"""NetVLAD: residuals of a map's cells to learned centres, softly assigned."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def soft_vlad(cells: Tensor, logits: Tensor, centres: Tensor) -> Tensor:
    """Σ_i a_k(x_i) (x_i − c_k), each centre's part normalised, all of them at one length.

    Args:
        cells: (B, N, D) x.
        logits: (B, N, K); their softmax is the assignment a.
        centres: (K, D) c.

    Returns:
        (B, K · D), rows of L2 norm 1, or 0 where there are no residuals.

    Source:
        Arandjelović et al. 2016, "NetVLAD: CNN Architecture for Weakly Supervised Place Recognition", equation 4 and
        section 3.1 (intra-normalisation, flattening, L2).
    """
    shares = logits.softmax(dim=2)  # (B, N, K)
    sums = torch.einsum("bnk,bnd->bkd", shares, cells)  # (B, K, D)
    residuals = sums - shares.sum(dim=1)[:, :, None] * centres  # (B, K, D)
    return F.normalize(F.normalize(residuals, dim=2).flatten(1), dim=1)


class NetVlad(nn.Module):  # type: ignore[misc]
    """Cells of a map, with fewer channels, to a VLAD vector of learned centres and a learned assignment.

    Source:
        Arandjelović et al. 2016, section 3.1. Departures: a 1 × 1 convolution brings wide maps to 128 channels first,
        which keeps the linear embedding small (there PCA comes last); centres begin as random unit vectors instead
        of k-means'; the vector has length √(K · D) instead of 1, the scale of other poolings.
    """

    def __init__(self, channels: int, clusters: int = 16, reduced: int = 128, sharpness: float = 10.0) -> None:
        """Begins with an assignment that follows distance.

        Args:
            channels: C of the map.
            clusters: K.
            reduced: D ≤ C.
            sharpness: α of the first assignment, softmax_k(−α ‖x − c_k‖²).
        """
        super().__init__()
        width = min(channels, reduced)
        self.reduce = nn.Conv2d(channels, width, 1, bias=False) if width < channels else nn.Identity()
        centres = F.normalize(torch.randn(clusters, width), dim=1)
        self.centres = nn.Parameter(centres)
        self.assign = nn.Linear(width, clusters)
        with torch.no_grad():
            self.assign.weight.copy_(2 * sharpness * centres)
            self.assign.bias.copy_(-sharpness * centres.square().sum(dim=1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, K · D)."""
        cells = F.normalize(self.reduce(x).flatten(2).transpose(1, 2), dim=2)  # (B, h · w, D)
        vlad = soft_vlad(cells, self.assign(cells), self.centres)  # (B, K · D)
        return vlad * vlad.shape[1] ** 0.5
