"""Multi-scale orderless pooling: a picture whole, and VLAD over its patches at two finer scales."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reid.baselines.maps import MapMaker
from reid.baselines.pooled import INPUT_HW
from reid.baselines.types import Vector, VectorBaseline, unit_rows
from reid.baselines.vlad import VladWords
from reid.baselines.whitening import Whitening, fit_whitening
from reid.preprocess import resize_crop
from reid.types import Image

#: Side of a patch, px of the 144 × 144 picture, and the step to the next, by scale: 3 × 3 and 5 × 5 patches.
PATCHES_PX = ((72, 36), (48, 24))
#: Patches go through the network at this size.
_PATCH_HW = (64, 64)
_LEVEL_DIM = 128


class MopCnn(VectorBaseline):
    """The whole picture's activations, joined with VLAD of patches' activations at two scales.

    Source:
        Gong et al. 2014, "Multi-scale Orderless Pooling of Deep Convolutional Activation Features", section 3.
        Departures: the averaged last map of MobileNetV2 stands for fc7; patches are sized to the crop of a vehicle and
        shown to the network at 64 × 64; 16 words and 128 dimensions per scale instead of 100 and 4096.
    """

    def __init__(self, maps: MapMaker) -> None:
        self._maps = maps
        self._whole: Whitening | None = None
        self._scales = [VladWords(dim=64, words=16, out=_LEVEL_DIM) for _ in PATCHES_PX]

    def learn(self, pictures: Sequence[Image], rng: np.random.Generator) -> None:
        """Learns axes of the whole, words and axes of each scale."""
        self._whole = fit_whitening(self._activations(pictures, INPUT_HW), _LEVEL_DIM)
        for words, (side, step) in zip(self._scales, PATCHES_PX, strict=True):
            words.learn([self._activations(patches(p, side, step), _PATCH_HW) for p in pictures], rng)

    def describe(self, pictures: Sequence[Image]) -> list[Vector]:
        """The three scales joined, each weighing alike, L2 norm 1.

        Raises:
            ValueError: Nothing was learned before.
        """
        if self._whole is None:
            raise ValueError("words must be learned first")
        levels = [self._whole.apply(self._activations(pictures, INPUT_HW))]
        for words, (side, step) in zip(self._scales, PATCHES_PX, strict=True):
            made = [words.describe(self._activations(patches(p, side, step), _PATCH_HW)) for p in pictures]
            levels.append(np.stack(made))
        return list(unit_rows(np.concatenate(levels, axis=1)))

    def _activations(self, pictures: Sequence[Image], input_hw: tuple[int, int]) -> Vector:
        """(N, C) averaged maps of L2 norm 1."""
        return unit_rows(self._maps(pictures, input_hw).mean(axis=(2, 3)))


def patches(picture: Image, side_px: int, step_px: int) -> list[Image]:
    """Squares of a picture that was brought to 144 × 144, row by row.

    >>> [patch.shape for patch in patches(np.zeros((10, 20, 3), np.uint8), 72, 72)]
    [(72, 72, 3), (72, 72, 3), (72, 72, 3), (72, 72, 3)]
    """
    whole = resize_crop(picture, INPUT_HW)
    tops = range(0, INPUT_HW[0] - side_px + 1, step_px)
    lefts = range(0, INPUT_HW[1] - side_px + 1, step_px)
    return [whole[top : top + side_px, left : left + side_px] for top in tops for left in lefts]
