"""Owns the cost of joining boxes and the best joint choice under a limit. Never holds a track."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Array = NDArray[np.float64]
Index = NDArray[np.int64]

#: What stands for the union of boxes without area, px².
_NO_AREA = np.finfo(np.float64).tiny


def iou_matrix(a_xyxy: Array, b_xyxy: Array) -> Array:
    """Intersection over union of every box of ``a_xyxy`` (N, 4) with every box of ``b_xyxy`` (M, 4).

    Returns:
        (N, M), in [0, 1]; 0 where a box has no area.

    >>> iou_matrix(np.array([[0.0, 0, 10, 10]]), np.array([[0.0, 0, 10, 5], [20, 0, 30, 10]])).tolist()
    [[0.5, 0.0]]
    """
    intersection = intersections(a_xyxy, b_xyxy)
    union = areas(a_xyxy)[:, None] + areas(b_xyxy) - intersection
    result: Array = intersection / np.maximum(union, _NO_AREA)
    return result


def paired_iou(a_xyxy: Array, b_xyxy: Array) -> Array:
    """Intersection over union of row k of ``a_xyxy`` (N, 4) with row k of ``b_xyxy`` (N, 4): (N,), in [0, 1]."""
    side = np.minimum(a_xyxy[:, 2:], b_xyxy[:, 2:]) - np.maximum(a_xyxy[:, :2], b_xyxy[:, :2])
    intersection = np.maximum(side, 0.0).prod(axis=1)
    union = areas(a_xyxy) + areas(b_xyxy) - intersection
    result: Array = intersection / np.maximum(union, _NO_AREA)
    return result


def intersections(a_xyxy: Array, b_xyxy: Array) -> Array:
    """Area in px² common to every box of ``a_xyxy`` (N, 4) and every box of ``b_xyxy`` (M, 4): (N, M)."""
    low = np.maximum(a_xyxy[:, None, :2], b_xyxy[:, :2])
    high = np.minimum(a_xyxy[:, None, 2:], b_xyxy[:, 2:])
    side = np.maximum(high - low, 0.0)
    result: Array = side[..., 0] * side[..., 1]
    return result


def areas(boxes_xyxy: Array) -> Array:
    """Areas in px² of boxes (N, 4): (N,)."""
    result: Array = (boxes_xyxy[:, 2] - boxes_xyxy[:, 0]) * (boxes_xyxy[:, 3] - boxes_xyxy[:, 1])
    return result


def usable(boxes_xyxy: Array) -> NDArray[np.bool_]:
    """Which of (N, 4) are boxes at all, bool (N,): of finite values and with an area."""
    x1, y1, x2, y2 = boxes_xyxy.T
    fit: NDArray[np.bool_] = np.isfinite(boxes_xyxy).all(axis=1) & (x2 > x1) & (y2 > y1)
    return fit


def enlarged(boxes_xyxy: Array, margin: float) -> Array:
    """Boxes (N, 4) grown on every side by ``margin`` times their width or height; the same for margin 0.

    Source: Yang et al. 2023, "Hard to Track Objects with Irregular Motions and Similar Appearances? Make It Easier by
    Buffering the Matching Space" (C-BIoU).

    >>> enlarged(np.array([[0.0, 0.0, 10.0, 20.0]]), 0.1).tolist()
    [[-1.0, -2.0, 11.0, 22.0]]
    """
    if not margin:
        return boxes_xyxy
    grown = margin * (boxes_xyxy[:, 2:] - boxes_xyxy[:, :2])
    return np.concatenate([boxes_xyxy[:, :2] - grown, boxes_xyxy[:, 2:] + grown], axis=1)


def assign(cost: Array, limit: float) -> tuple[Index, Index]:
    """Joins rows and columns one to one so that the summed ``cost - limit`` of the joined is smallest.

    A pair is never joined at a cost of ``limit`` or more, and leaving two apart costs what ``limit`` does, so a cheap
    pair is not broken up for two dear ones.

    Args:
        cost: (N, M), finite.
        limit: Cost from which a pair is out of the question.

    Returns:
        Rows and columns of the joined pairs, int64 (K,) each, rows ascending; empty when nothing fits.

    Source: the optimum that the Jonker-Volgenant solver reaches with a cost limit in ByteTrack's implementation.

    >>> rows, columns = assign(np.array([[0.1, 0.9], [0.2, 0.9]]), limit=0.8)
    >>> rows.tolist(), columns.tolist()
    ([0], [0])
    """
    if not cost.size:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    gain = np.minimum(cost - limit, 0.0)
    rows, columns = linear_sum_assignment(gain)
    joined = gain[rows, columns] < 0
    return rows[joined].astype(np.int64), columns[joined].astype(np.int64)
