"""Baselines of colour alone: the mean pixel, and a histogram of hue, saturation and value."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.baselines.types import Search, Vector, VectorBaseline
from reid.preprocess import resize_crop
from reid.types import Image

_SIZE_HW = (64, 64)
_BINS = (16, 4, 4)


class MeanPixel:
    """The mean colour of a picture in CIELAB, compared by Euclidean distance: what anything must beat."""

    def learn(self, pictures: Sequence[Image], rng: np.random.Generator) -> None:
        """Learns nothing."""

    def describe(self, pictures: Sequence[Image]) -> list[Vector]:
        """(3,) lightness, green to red, blue to yellow, of each picture."""
        return [mean_lab(picture) for picture in pictures]

    def search(self, query: Sequence[Vector], gallery: Sequence[Vector]) -> Search:
        """Distances in CIELAB, turned round."""
        asked, searched = np.stack(query), np.stack(gallery)

        def scores(start: int, stop: int) -> NDArray[np.float32]:
            apart: NDArray[np.float32] = np.linalg.norm(asked[start:stop, None] - searched[None], axis=2)
            return -apart

        return Search(scores)


def mean_lab(picture: Image) -> Vector:
    """(3,) mean of a uint8 (H, W, 3) BGR picture in CIELAB, L in [0, 100]."""
    lab = cv2.cvtColor(picture.astype(np.float32) / 255, cv2.COLOR_BGR2Lab)
    mean: Vector = lab.reshape(-1, 3).mean(axis=0).astype(np.float32)
    return mean


class HsvHistogram(VectorBaseline):
    """A joint histogram of hue, saturation and value (16 × 4 × 4 bins).

    Source:
        Swain, Ballard 1991, "Color Indexing", section 3. Departures: HSV instead of opponent colours, and histograms
        are compared by the Bhattacharyya coefficient instead of intersection, so that they are unit vectors.
    """

    def describe(self, pictures: Sequence[Image]) -> list[Vector]:
        """(256,) roots of the shares of pixels, of each picture."""
        return [hsv_histogram(picture) for picture in pictures]


def hsv_histogram(picture: Image) -> Vector:
    """(256,) roots of the shares of pixels in each bin, L2 norm 1, of a uint8 (H, W, 3) BGR picture."""
    hsv = cv2.cvtColor(resize_crop(picture, _SIZE_HW), cv2.COLOR_BGR2HSV).reshape(-1, 3).astype(np.int64)
    ranges = (180, 256, 256)  # OpenCV's hue takes half degrees.
    h, s, v = (hsv[:, c] * _BINS[c] // ranges[c] for c in range(3))
    counts = np.bincount((h * _BINS[1] + s) * _BINS[2] + v, minlength=int(np.prod(_BINS)))
    roots: Vector = np.sqrt(counts / counts.sum()).astype(np.float32)
    return roots
