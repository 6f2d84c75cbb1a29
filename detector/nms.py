"""Non-maximum suppression: of boxes that say the same thing, the best stays. Pure arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def overlaps(a_xyxy: NDArray[np.float32], b_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    """Intersection over union of boxes (..., 4), broadcast against each other: in [0, 1], 0 where both are empty.

    >>> overlaps(np.float32([0, 0, 2, 2]), np.float32([[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6]])).round(3)
    array([1.   , 0.333, 0.   ], dtype=float32)
    """
    sides = np.maximum(np.minimum(a_xyxy[..., 2:], b_xyxy[..., 2:]) - np.maximum(a_xyxy[..., :2], b_xyxy[..., :2]), 0)
    intersection = sides[..., 0] * sides[..., 1]
    union = _areas(b_xyxy) + _areas(a_xyxy) - intersection
    out: NDArray[np.float32] = np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)
    return out


def suppress(
    boxes_xyxy: NDArray[np.float32],
    scores: NDArray[np.float32],
    class_ids: NDArray[np.int64],
    *,
    iou: float,
    cross_class_iou: float,
) -> NDArray[np.int64]:
    """Greedy suppression, best score first: within a class above ``iou``, across classes above ``cross_class_iou``.

    Args:
        boxes_xyxy: float32 (N, 4).
        scores: float32 (N,).
        class_ids: int64 (N,).
        iou: A weaker box of the same class overlapping a kept one by more than this goes.
        cross_class_iou: The same for boxes of another class; 1 switches it off.

    Returns:
        int64 indices of what stays, best first; equal scores keep their order.
    """
    order = np.argsort(-scores, kind="stable")
    if len(order) < 2:
        return order
    boxes, classes = boxes_xyxy[order], class_ids[order]
    limit = np.where(classes[:, None] == classes, iou, cross_class_iou)
    covers = overlaps(boxes[:, None], boxes) > limit
    stays = np.ones(len(order), bool)
    for row in np.flatnonzero(covers.any(axis=1)).tolist():
        if stays[row]:
            stays[row + 1 :] &= ~covers[row, row + 1 :]
    return order[stays]


def _areas(boxes_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
    areas: NDArray[np.float32] = (boxes_xyxy[..., 2] - boxes_xyxy[..., 0]) * (boxes_xyxy[..., 3] - boxes_xyxy[..., 1])
    return areas
