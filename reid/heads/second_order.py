"""Second-order pooling: how channels vary together over a map, its matrix square root, beside the first order."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reid.heads.average import GeM

_EPS = 1e-12


def covariance(x: Tensor) -> Tensor:
    """Covariance of channels over the cells of a map.

    Args:
        x: (B, C, h, w).

    Returns:
        (B, C, C), divided by h · w.

    Source:
        Li et al. 2018, "Towards Faster Training of Global Covariance Pooling Networks by Iterative Matrix Square Root
        Normalization", equation 1.
    """
    cells = x.flatten(2)  # (B, C, N)
    centred = cells - cells.mean(dim=2, keepdim=True)
    return centred @ centred.transpose(1, 2) / cells.shape[2]


def newton_schulz_root(matrices: Tensor, iterations: int = 5) -> Tensor:
    """Square roots of covariances by coupled Newton–Schulz iteration: products alone, no decomposition.

    Args:
        matrices: (B, C, C), positive semi-definite.
        iterations: Five leave a few per cent on small eigenvalues, which is the published setting.

    Returns:
        (B, C, C).

    Source:
        Li et al. 2018, equations 2 (division by the trace, without which it diverges), 3 (Y and Z) and 4 (its root put
        back).
    """
    eye = torch.eye(matrices.shape[1], dtype=matrices.dtype, device=matrices.device)
    # OpenVINO converts no `diagonal`.
    trace = (matrices * eye).sum(dim=(1, 2))[:, None, None] + _EPS  # (B, 1, 1)
    y, z = matrices / trace, eye.expand_as(matrices)
    for _ in range(iterations):
        step = 0.5 * (3.0 * eye - z @ y)  # (B, C, C)
        y, z = y @ step, step @ z
    return y * trace.sqrt()


class FirstAndSecondOrder(nn.Module):  # type: ignore[misc]
    """GeM of the whole map, joined with the root of the covariance of fewer channels.

    Source:
        Li et al. 2018, section 3.1 (second order: 1 × 1 convolution, covariance, root, upper triangle). Departures: 48
        channels instead of 256, as the map is small; joined with the first order, each times a learned factor that
        begins at 1.
    """

    def __init__(self, channels: int, reduced: int = 48) -> None:
        """Builds it; ``channels`` is C of the map, ``reduced`` R ≤ C of the covariance."""
        super().__init__()
        width = min(channels, reduced)
        self.first = GeM()
        self.reduce = nn.Conv2d(channels, width, 1, bias=False) if width < channels else nn.Identity()
        self.balance = nn.Parameter(torch.ones(2))
        upper = torch.triu_indices(width, width)
        self.register_buffer("upper", upper[0] * width + upper[1], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C + R (R + 1) / 2), first order in front."""
        root = newton_schulz_root(covariance(self.reduce(x)))  # (B, R, R)
        second = root.flatten(1)[:, self.upper]  # (B, R (R + 1) / 2)
        return torch.cat([self.balance[0] * self.first(x), self.balance[1] * second], dim=1)
