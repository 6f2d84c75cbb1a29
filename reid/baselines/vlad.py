"""VLAD: what local features have left over to their nearest words, summed; here of the cells of a feature map."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reid.baselines.kmeans import Rows, kmeans, nearest_centre
from reid.baselines.maps import MapMaker
from reid.baselines.pooled import INPUT_HW
from reid.baselines.types import Vector, VectorBaseline, unit_rows
from reid.baselines.whitening import Whitening, fit_whitening
from reid.types import Image

_CELL_DIM, _WORDS, _DIM = 64, 32, 256
#: Rows that words and axes are learned from, at most.
_LEARNED_FROM = 20_000


def vlad(rows: Rows, centres: Rows) -> Vector:
    """Residuals to the nearest centre, summed by centre, each sum normalised, then all of them.

    Args:
        rows: (N, D) local features of one picture, N ≥ 0.
        centres: (K, D).

    Returns:
        float32 (K · D,) of L2 norm 1; zeros for no rows.

    Source:
        Jégou et al. 2010, "Aggregating Local Descriptors into a Compact Image Representation", section 3; normalisation
        by centre as in Arandjelović, Zisserman 2013, "All About VLAD", section 3.1.
    """
    codes = nearest_centre(rows, centres)
    sums = np.zeros((len(centres), centres.shape[1]), np.float64)
    np.add.at(sums, codes, rows - centres[codes])
    return unit_rows(unit_rows(sums).reshape(-1))


class VladWords:
    """A vocabulary for VLAD: principal axes of local features, words among them, axes of the vectors made."""

    def __init__(self, dim: int = _CELL_DIM, words: int = _WORDS, out: int = _DIM) -> None:
        """Sizes of local features, vocabulary and result."""
        self._sizes = (dim, words, out)
        self._local: Whitening | None = None
        self._centres: Rows | None = None
        self._whole: Whitening | None = None

    def learn(self, pictures: Sequence[NDArray[np.floating]], rng: np.random.Generator) -> None:
        """Learns from the (N, D) local features of pictures."""
        dim, words, out = self._sizes
        rows = np.concatenate(pictures)
        if len(rows) > _LEARNED_FROM:
            rows = rows[np.sort(rng.choice(len(rows), _LEARNED_FROM, replace=False))]
        self._local = fit_whitening(rows, dim)
        self._centres = kmeans(self._local.apply(rows), words, rng)
        self._whole = fit_whitening(np.stack([self._vlad(own) for own in pictures]), out)

    def describe(self, picture: NDArray[np.floating]) -> Vector:
        """(N, D) local features of one picture to a vector of L2 norm 1.

        Raises:
            ValueError: Nothing was learned before.
        """
        if self._whole is None:
            raise ValueError("words must be learned first")
        whole: Vector = self._whole.apply(self._vlad(picture)[None])[0]
        return whole

    def _vlad(self, picture: NDArray[np.floating]) -> Vector:
        if self._local is None or self._centres is None:
            raise ValueError("words must be learned first")
        return vlad(self._local.apply(picture), self._centres)


class ConvMapVlad(VectorBaseline):
    """VLAD over the cells of an ImageNet network's last map.

    Source:
        Ng, Yang, Davis 2015, "Exploiting Local Features from Deep Networks for Image Retrieval", section 3. Departures:
        MobileNetV2's last map instead of a middle one of VGG or GoogLeNet; cells are whitened to 64 dimensions first;
        32 words instead of 100, the sets being small.
    """

    def __init__(self, maps: MapMaker) -> None:
        self._maps = maps
        self._words = VladWords()

    def learn(self, pictures: Sequence[Image], rng: np.random.Generator) -> None:
        """Learns axes and words."""
        self._words.learn(self._cells(pictures), rng)

    def describe(self, pictures: Sequence[Image]) -> list[Vector]:
        """Vectors of L2 norm 1, 256 long where enough was learned from."""
        return [self._words.describe(own) for own in self._cells(pictures)]

    def _cells(self, pictures: Sequence[Image]) -> list[Vector]:
        maps = self._maps(pictures, INPUT_HW)  # (N, C, h, w)
        return [unit_rows(own.reshape(own.shape[0], -1).T) for own in maps]
