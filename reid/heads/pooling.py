"""Owns the table of poolings that architectures name, and builds them. Holds no arithmetic.

A new one is a file beside this one, a module from (B, C, h, w) to (B, W), and a line in POOLINGS.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn

from reid.asking import asking
from reid.errors import ModelError
from reid.heads.average import GeM, GlobalAverage
from reid.heads.local_global import LocalGlobal
from reid.heads.mac import Mac, RegionalMac
from reid.heads.netvlad import NetVlad
from reid.heads.second_order import FirstAndSecondOrder
from reid.heads.spoc import Spoc

#: Every pooling by the name that `reid.metadata.Architecture` uses; each is told the map's channels.
POOLINGS: Mapping[str, Callable[[int], nn.Module]] = {
    "gem": lambda _: GeM(),
    "gap": lambda _: GlobalAverage(),
    "local-global": lambda _: LocalGlobal(),
    "mac": lambda _: Mac(),
    "netvlad": NetVlad,
    "r-mac": lambda _: RegionalMac(),
    "second-order": FirstAndSecondOrder,
    "spoc": lambda _: Spoc(),
}

_PROBE_HW = (6, 6)


def build_pooling(name: str, channels: int) -> nn.Module:
    """A pooling by name.

    Args:
        name: In POOLINGS.
        channels: Of the map that it will pool.

    Raises:
        ModelError: There is none of that name.
    """
    if name not in POOLINGS:
        raise ModelError(f"no pooling {name!r}; there are {', '.join(POOLINGS)}")
    return POOLINGS[name](channels)


def pooled_width(pooling: nn.Module, channels: int) -> int:
    """Length of the vectors that a pooling makes of maps with so many channels, by asking it."""
    with asking(pooling):
        return int(pooling(torch.ones(1, channels, *_PROBE_HW)).shape[1])
