"""Boxes: of masks, of the detector, and how a picture is cut along them. Arrays only."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Box = tuple[float, float, float, float]
#: Finds the vehicles of a picture, uint8 (H, W, 3) BGR; returns boxes (N, 4) as x1, y1, x2, y2.
Detect = Callable[[Image], NDArray[np.float32]]
#: Makes a Detect in the process that uses it; must be picklable.
OpenDetect = Callable[[], Detect]

#: What serving adds to each side of a box, as a share of it.
PADDING = 0.02
MATCHING_IOU = 0.5


def mask_box(mask: NDArray[np.bool_]) -> Box | None:
    """x1, y1, x2, y2 of a mask's pixels; None if it has none.

    >>> mask_box(np.eye(3, dtype=bool))
    (0.0, 0.0, 3.0, 3.0)
    """
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    if not len(columns):
        return None
    return float(columns[0]), float(rows[0]), float(columns[-1]) + 1, float(rows[-1]) + 1


def overlaps(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of each of (N, 4) with each of (M, 4), shape (N, M).

    >>> overlaps(np.array([[0, 0, 2, 2.0]]), np.array([[1, 0, 3, 2.0], [5, 5, 6, 6]])).round(3).tolist()
    [[0.333, 0.0]]
    """
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    both = np.prod(np.clip(high - low, 0, None), axis=-1)
    areas = [np.prod(some[:, 2:] - some[:, :2], axis=-1) for some in (boxes, others)]
    union = areas[0][:, None] + areas[1][None, :] - both
    return np.where(union > 0, both / np.maximum(union, 1e-12), 0.0)


def match_detections(truth: NDArray[np.float64], found: NDArray[np.float64]) -> list[int | None]:
    """Which detection shows which vehicle: one each, best overlap first, none below one half.

    Args:
        truth: (N, 4) boxes of what is visible of each vehicle.
        found: (M, 4) the detector's boxes.

    Returns:
        Row of ``found`` per row of ``truth``, or None.

    >>> match_detections(np.array([[0, 0, 4, 4.0], [9, 9, 12, 12]]), np.array([[0, 0, 4, 3.0], [0, 0, 4, 4]]))
    [1, None]
    """
    matches: list[int | None] = [None] * len(truth)
    if not len(truth) or not len(found):
        return matches
    iou = overlaps(truth, found)
    for flat in np.argsort(-iou, axis=None, kind="stable"):
        row, column = divmod(int(flat), iou.shape[1])
        if iou[row, column] < MATCHING_IOU:
            break
        if matches[row] is None and column not in matches:
            matches[row] = column
    return matches


def jitter(box: Box, draws: NDArray[np.float64]) -> Box:
    """A box as a careless detector would draw it: each side moved outwards (or a little inwards).

    Args:
        box: x1, y1, x2, y2.
        draws: (4,) from [0, 1).

    >>> jitter((0, 0, 100, 100), np.full(4, 0.3))
    (0.0, 0.0, 100.0, 100.0)
    """
    x1, y1, x2, y2 = box
    out = (draws - 0.3) * 0.1 * np.array([x2 - x1, y2 - y1, x2 - x1, y2 - y1])
    return float(x1 - out[0]), float(y1 - out[1]), float(x2 + out[2]), float(y2 + out[3])


def cut(image: Image, box: Box) -> Image:
    """The part of a picture inside a box padded as serving pads it; a view, without pixels if the box lies outside."""
    height, width = image.shape[:2]
    x1, y1, x2, y2 = box
    dx, dy = PADDING * (x2 - x1), PADDING * (y2 - y1)
    left, top = max(0, math.floor(x1 - dx)), max(0, math.floor(y1 - dy))
    right, bottom = min(width, math.ceil(x2 + dx)), min(height, math.ceil(y2 + dy))
    return image[top : max(top, bottom), left : max(left, right)]
