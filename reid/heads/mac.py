"""MAC and R-MAC: maxima over the whole map, and over regions of it at several scales."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

#: Neighbouring regions of the largest scale share this much of a side, as nearly as whole numbers allow.
_OVERLAP = 0.4
_MOST_EXTRA = 6


class Mac(nn.Module):  # type: ignore[misc]
    """Maximum activations of convolutions.

    Source:
        Tolias, Sicre, Jégou 2016, "Particular Object Retrieval with Integral Max-pooling of CNN Activations",
        equation 1.
    """

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C)."""
        return x.amax(dim=(2, 3))


class RegionalMac(nn.Module):  # type: ignore[misc]
    """Mean of the normalised maxima over square regions of a map at several scales.

    Source:
        Tolias, Sicre, Jégou 2016, section 3.2 and equation 5. Departures: the mean of regions times √C instead of their
        sum, so that the scale is that of other poolings; regions are not whitened one by one, as there is nothing to
        learn a whitening from before training. Retrieval normalises in either case.
    """

    def __init__(self, scales: int = 3) -> None:
        super().__init__()
        self.scales = scales

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, C)."""
        height, width, channels = x.shape[2], x.shape[3], x.shape[1]
        maxima = [
            F.normalize(x[:, :, top : top + side, left : left + side].amax(dim=(2, 3)), dim=1)
            for top, left, side in regions(height, width, self.scales)
        ]  # R of (B, C)
        return torch.stack(maxima).mean(dim=0) * channels**0.5


def regions(height: int, width: int, scales: int) -> list[tuple[int, int, int]]:
    """Squares that cover a map evenly: at scale l about l × l of them, more along its longer side.

    Args:
        height: Of the map, cells.
        width: Of the map, cells.
        scales: L ≥ 1; at scale l a square's side is 2 min(h, w) / (l + 1), rounded down, at least 1.

    Returns:
        (top, left, side) by scale, then row, then column.

    Source:
        Tolias, Sicre, Jégou 2016, section 3.2.

    >>> regions(4, 4, 2)
    [(0, 0, 4), (0, 0, 2), (0, 2, 2), (2, 0, 2), (2, 2, 2)]
    """
    extra = _extra(max(height, width), min(height, width))
    down, across = (extra, 0) if height > width else (0, extra)
    found = []
    for scale in range(1, scales + 1):
        side = max(1, 2 * min(height, width) // (scale + 1))
        tops, lefts = _starts(height, side, scale + down), _starts(width, side, scale + across)
        found += [(top, left, side) for top in tops for left in lefts]
    return found


def _extra(longer: int, shorter: int) -> int:
    """Regions beyond one along the longer side at the largest scale, so that neighbours overlap by about 40 %."""
    if longer == shorter:
        return 0
    return min(range(1, _MOST_EXTRA + 1), key=lambda n: abs(1 - (longer - shorter) / n / shorter - _OVERLAP))


def _starts(length: int, side: int, count: int) -> list[int]:
    if count == 1:
        return [(length - side) // 2]
    return [int(n * (length - side) / (count - 1)) for n in range(count)]
