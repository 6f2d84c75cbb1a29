"""Average precision of vehicle boxes, as COCO defines it, over arrays. Runs no network and reads no file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.types import Detections
from tracker.single_camera.assignment import iou_matrix

#: COCO's thresholds: 0.50, 0.55, … 0.95.
COCO_IOUS = tuple(round(0.5 + 0.05 * step, 2) for step in range(10))
#: Score from which a detector's boxes are the truth that another is held against on pictures without truth.
SURE = 0.25
_RECALL_POINTS = np.linspace(0, 1, 101)


@dataclass(frozen=True, slots=True)
class Judged:
    """What was found in one picture, and what is there.

    Attributes:
        boxes_xyxy: (N, 4) found boxes, px.
        scores: (N,) their scores, in [0, 1].
        truth_xyxy: (M, 4) boxes that are there, px.
        ignored: (M,) bool; a found box on such a one is neither right nor wrong, and it need not be found.
    """

    boxes_xyxy: NDArray[np.float64]
    scores: NDArray[np.float64]
    truth_xyxy: NDArray[np.float64]
    ignored: NDArray[np.bool_]


def average_precision(pictures: Sequence[Judged], min_iou: float) -> float:
    """Area under the interpolated precision-recall curve at one overlap.

    Boxes are taken best first; each takes the free truth box that it overlaps most. Interpolated at 101 recalls.

    Args:
        pictures: All pictures; one class, or all classes pooled.
        min_iou: Least overlap of a right box, in (0, 1].

    Returns:
        In [0, 1]; 0 when nothing was to be found.

    Source: COCO's ``cocoeval``, but that an ignored truth box may swallow any number of found ones.
    """
    wanted = sum(int((~picture.ignored).sum()) for picture in pictures)
    if wanted == 0:
        return 0.0
    outcomes = [_outcomes(picture, min_iou) for picture in pictures]
    scores = np.concatenate([scores for scores, _ in outcomes])
    right = np.concatenate([right for _, right in outcomes])[np.argsort(-scores, kind="stable")]
    if right.size == 0:
        return 0.0
    hits = np.cumsum(right)
    recall, precision = hits / wanted, hits / np.arange(1, len(right) + 1)
    # The best precision at this recall or beyond, so that the curve never rises.
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, _RECALL_POINTS, side="left")
    return float(np.where(at < len(envelope), envelope[np.minimum(at, len(envelope) - 1)], 0.0).mean())


def coco_ap(pictures: Sequence[Judged]) -> float:
    """Mean of the average precision over COCO's ten overlaps, in [0, 1]."""
    return float(np.mean([average_precision(pictures, min_iou) for min_iou in COCO_IOUS]))


def agreement(exact: Sequence[Detections], rounded: Sequence[Detections], ious: Sequence[float] = (0.5,)) -> float:
    """Average precision of one detector's boxes where another's sure ones are the truth, in [0, 1].

    Boxes of the other below ``SURE`` are ignored: whether those are found says nothing.

    Args:
        exact: What the one that is believed found, picture by picture.
        rounded: What the one that is judged found in the same pictures, in the same pixels.
        ious: Least overlaps of a right box; the mean over them is taken.

    Returns:
        1 where nothing was to be found.

    Raises:
        ValueError: They are not as many.
    """
    pictures = [
        Judged(
            b.boxes_xyxy.astype(np.float64),
            b.scores.astype(np.float64),
            a.boxes_xyxy.astype(np.float64),
            a.scores < SURE,
        )
        for a, b in zip(exact, rounded, strict=True)
    ]
    return float(np.mean([average_precision(pictures, iou) for iou in ious])) if sure_boxes(exact) else 1.0


def sure_boxes(found: Sequence[Detections]) -> int:
    """How many boxes another detector is held against."""
    return sum(int((picture.scores >= SURE).sum()) for picture in found)


def _outcomes(picture: Judged, min_iou: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Score of every found box that counts, and whether it is right."""
    overlaps = iou_matrix(picture.boxes_xyxy, picture.truth_xyxy)
    free = ~picture.ignored
    scores: list[float] = []
    right: list[bool] = []
    for row in np.argsort(-picture.scores, kind="stable"):
        reached = overlaps[row] >= min_iou
        mine = np.flatnonzero(reached & free)
        if mine.size:
            free[mine[overlaps[row, mine].argmax()]] = False
        elif (reached & picture.ignored).any():
            continue
        scores.append(float(picture.scores[row]))
        right.append(bool(mine.size))
    return np.array(scores, np.float64), np.array(right, np.bool_)
