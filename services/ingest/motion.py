"""Tells whether anything moved in a camera since it was last looked at. Arithmetic on small grey pictures."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

#: Pictures are compared at about this width; a vehicle 32 px wide in 640 is then 8 px wide.
COMPARED_WIDTH_PX = 160
#: A pixel has changed when it differs by more than this and than three times what half of all pixels differ by.
LEAST_STEP = 10.0
NOISE_FACTOR = 3.0
#: Changed pixels that lie together, as opening with a 2 x 2 square leaves them, from which something moved.
LEAST_PIXELS = 4

Grey = NDArray[np.uint8]


class MotionGate:
    """Compares each picture of one camera with the last one that was looked at, so that slow movement adds up."""

    def __init__(self) -> None:
        self._seen: Grey | None = None
        self._seen_ns = 0

    def notices(self, image: NDArray[np.uint8], at_ns: int, longest_ns: int) -> bool:
        """Whether a picture is worth a look; if so, later ones are compared with it.

        Args:
            image: uint8 (H, W, 3) BGR.
            at_ns: Its capture time.
            longest_ns: A picture so much later than the last one looked at is always worth it.

        Returns:
            True too for the first picture and one of another size.
        """
        seen, grey = self._seen, small_grey(image)
        in_time = 0 <= at_ns - self._seen_ns < longest_ns
        if seen is not None and in_time and grey.shape == seen.shape and changed_pixels(grey, seen) < LEAST_PIXELS:
            return False
        self._seen, self._seen_ns = grey, at_ns
        return True

    def forget(self) -> None:
        """The next picture is worth a look."""
        self._seen = None


def small_grey(image: NDArray[np.uint8]) -> Grey:
    """The green channel at about ``COMPARED_WIDTH_PX``, by whole pixels averaged: (h, w) uint8."""
    height, width = image.shape[:2]
    factor = max(1, width // COMPARED_WIDTH_PX)
    size = (max(1, width // factor), max(1, height // factor))
    return np.asarray(cv2.extractChannel(cv2.resize(image, size, interpolation=cv2.INTER_AREA), 1), np.uint8)


def changed_pixels(a: Grey, b: Grey) -> int:
    """How many pixels differ between two pictures of one size by more than their noise, single ones left out."""
    difference = cv2.absdiff(a, b)
    limit = max(LEAST_STEP, NOISE_FACTOR * float(np.median(difference)))
    changed = (difference > limit).astype(np.uint8)
    return int(cv2.countNonZero(cv2.morphologyEx(changed, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))))
