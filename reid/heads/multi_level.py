"""Multi-level fusion: earlier maps of the backbone pooled beside the last one."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class MultiLevelFusion(nn.Module):  # type: ignore[misc]
    """Averages of earlier maps, each normalised over the batch, joined with the pooled last map.

    Source:
        Yu et al. 2017, "The Devil is in the Middle: Exploiting Mid-level Representations for Cross-Domain Instance
        Matching", section 3.2 (pooled middle layers joined with the last). Departures: one linear embedding of all
        that is joined instead of layers of its own for the middle; batch normalisation brings levels to one scale.
    """

    def __init__(self, last: nn.Module, channels: Sequence[int]) -> None:
        """Puts it together.

        Args:
            last: Pooling of the last map.
            channels: Of each earlier map, in order.
        """
        super().__init__()
        self.last = last
        self.norms = nn.ModuleList(nn.BatchNorm1d(count) for count in channels)

    def forward(self, maps: Sequence[Tensor]) -> Tensor:
        """Maps (B, C_l, h_l, w_l), the last one last, to (B, W + Σ C_l): the last level in front."""
        earlier = [norm(level.mean(dim=(2, 3))) for norm, level in zip(self.norms, maps[:-1], strict=True)]
        return torch.cat([self.last(maps[-1]), *earlier], dim=1)
