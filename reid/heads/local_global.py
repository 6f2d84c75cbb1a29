"""Local and global features joined: horizontal stripes of the map beside the whole of it."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reid.heads.average import GeM


class LocalGlobal(nn.Module):  # type: ignore[misc]
    """GeM of the whole map, then the average of each of P horizontal stripes: roof, windows, bumper of a vehicle.

    Source:
        Sun et al. 2018, "Beyond Part Models: Person Retrieval with Refined Part Pooling", section 3.1 (stripes); Wang
        et al. 2018, "Learning Discriminative Features with Multiple Granularities", section 3.1 (joined with a global
        branch). Departure: one embedding and one loss over the joined vector instead of one per part.
    """

    def __init__(self, parts: int = 3) -> None:
        super().__init__()
        self.whole = GeM()
        self.parts = parts

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, h, w) to (B, (1 + P) C); stripes of height h / P, by whole cells, may share a row of them."""
        rows = [stripe(x.shape[2], part, self.parts) for part in range(self.parts)]
        local = [x[:, :, top:bottom].mean(dim=(2, 3)) for top, bottom in rows]  # P of (B, C)
        return torch.cat([self.whole(x), *local], dim=1)


def stripe(height: int, part: int, parts: int) -> tuple[int, int]:
    """First row of a stripe, and the one after its last.

    >>> [stripe(7, part, 3) for part in range(3)]
    [(0, 3), (2, 5), (4, 7)]
    """
    return part * height // parts, -(-(part + 1) * height // parts)
