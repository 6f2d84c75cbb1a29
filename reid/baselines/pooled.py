"""Pooled maps of an ImageNet network: SPoC, MAC, R-MAC and GeM, with PCA whitening where their papers have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from reid.baselines.maps import MapMaker, Maps
from reid.baselines.types import Vector, VectorBaseline, unit_rows
from reid.baselines.whitening import Whitening, fit_whitening
from reid.types import Image

INPUT_HW = (144, 144)
_DIM = 256

#: (N, C, h, w) maps to (N, C) vectors.
Pool = Callable[[Maps], NDArray[np.floating]]


class PooledMaps(VectorBaseline):
    """Maps pooled by one of `reid.heads`, untrained."""

    def __init__(self, maps: MapMaker, pooling: str, *, whiten: bool) -> None:
        """Chooses a pooling.

        Args:
            maps: Makes the maps.
            pooling: Name in `reid.heads.pooling.POOLINGS`, of a pooling without weights or whose weights need no
                training.
            whiten: Learn a PCA whitening to 256 dimensions.
        """
        self._maps = maps
        self._pooling = pooling
        self._whiten = whiten
        self._whitening: Whitening | None = None

    def learn(self, pictures: Sequence[Image], rng: np.random.Generator) -> None:
        """Learns the whitening, if there is to be one."""
        if self._whiten:
            self._whitening = fit_whitening(self._pooled(pictures), _DIM)

    def describe(self, pictures: Sequence[Image]) -> list[Vector]:
        """(256,) where whitened, else (1280,), L2 norm 1.

        Raises:
            ValueError: The whitening was not learned before.
        """
        pooled = self._pooled(pictures)
        if not self._whiten:
            return list(pooled)
        if self._whitening is None:
            raise ValueError("the whitening must be learned first")
        return list(self._whitening.apply(pooled))

    def _pooled(self, pictures: Sequence[Image]) -> Vector:
        import torch

        from reid.heads.pooling import build_pooling

        maps = torch.from_numpy(self._maps(pictures, INPUT_HW))
        with torch.no_grad():
            return unit_rows(build_pooling(self._pooling, maps.shape[1])(maps).numpy())
