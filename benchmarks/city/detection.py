"""Whether a published detector finds the city's vehicles: matching of its boxes with the truth, as counts. No network.

Rules. A truth box is *asked for* when its vehicle moves, it is at least 32 px wide and at least 70 % of it is visible.
A found box at least 32 px wide is *right* when it overlaps some truth box of any kind with IoU >= 0.5; those smaller
are not judged. Vehicle classes are pooled; agreement of classes is counted apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from simulator.truth import TruthBox
from tracker.single_camera.assignment import iou_matrix

MIN_WIDTH_PX = 32
MIN_VISIBLE = 0.70
MIN_IOU = 0.5
#: A vehicle whose box moves less than this between two looked-at frames stands.
MOVES_PX = 1.5


@dataclass(slots=True)
class DetectionCount:
    """What was asked for, found and made up.

    Attributes:
        asked: Truth boxes that must be found.
        found: Of them, found.
        claimed: Detections that are judged.
        right: Of them, those on a vehicle.
        classes: (true class, given class) of the found ones.
    """

    asked: int = 0
    found: int = 0
    claimed: int = 0
    right: int = 0
    classes: Counter[tuple[str, str]] = field(default_factory=Counter)

    def add(self, other: DetectionCount) -> None:
        """Counts the other's counts too."""
        self.asked += other.asked
        self.found += other.found
        self.claimed += other.claimed
        self.right += other.right
        self.classes.update(other.classes)

    def document(self) -> dict[str, float | int | None]:
        """JSON form; a share of nothing is None."""
        agreeing = sum(n for (true, given), n in self.classes.items() if true == given)
        return {
            "asked": self.asked,
            "recall": _share(self.found, self.asked),
            "precision": _share(self.right, self.claimed),
            "class_agreement": _share(agreeing, self.found),
        }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def moving(boxes: Iterable[TruthBox]) -> set[tuple[int, int, int]]:
    """Keys (camera, vehicle, frame) of boxes that are elsewhere in the frame looked at before or after.

    Args:
        boxes: Of all cameras, in any order.
    """
    tracks: dict[tuple[int, int], list[TruthBox]] = {}
    for box in boxes:
        tracks.setdefault((box.camera, box.vehicle_id), []).append(box)
    keys: set[tuple[int, int, int]] = set()
    for (camera, vehicle), track in tracks.items():
        track.sort(key=lambda box: box.frame)
        for before, after in pairwise(track):
            if after.frame == before.frame + 1 and _shift_px(before, after) >= MOVES_PX:
                keys |= {(camera, vehicle, before.frame), (camera, vehicle, after.frame)}
    return keys


def _shift_px(a: TruthBox, b: TruthBox) -> float:
    return float(max(abs(a.left - b.left), abs(a.top - b.top), abs(a.left + a.width - b.left - b.width)))


def count_frame(
    truth: list[TruthBox],
    moves: set[tuple[int, int, int]],
    kinds: dict[int, str],
    found_xyxy: NDArray[np.float32],
    found_kinds: list[str],
) -> DetectionCount:
    """Judges one frame.

    Args:
        truth: All its truth boxes.
        moves: As ``moving`` returns.
        kinds: Class by vehicle.
        found_xyxy: (N, 4) detections, px.
        found_kinds: Class of each.

    Returns:
        Its counts; detections and truth boxes are matched one to one by the largest summed IoU.
    """
    count = DetectionCount(claimed=int(sum(x2 - x1 >= MIN_WIDTH_PX for x1, _, x2, _ in found_xyxy)))
    asked = [_asked_for(box, moves) for box in truth]
    count.asked = sum(asked)
    if not truth or not len(found_xyxy):
        return count
    corners = np.array([[b.left, b.top, b.left + b.width, b.top + b.height] for b in truth], np.float64)
    overlaps = iou_matrix(corners, found_xyxy.astype(np.float64))
    wide = (found_xyxy[:, 2] - found_xyxy[:, 0]) >= MIN_WIDTH_PX
    count.right = int((wide & (overlaps.max(axis=0) >= MIN_IOU)).sum())
    rows, columns = linear_sum_assignment(np.where(overlaps >= MIN_IOU, -overlaps, 0.0))
    for row, column in zip(rows, columns, strict=True):
        if asked[row] and overlaps[row, column] >= MIN_IOU:
            count.found += 1
            count.classes[kinds[truth[row].vehicle_id], found_kinds[column]] += 1
    return count


def _asked_for(box: TruthBox, moves: set[tuple[int, int, int]]) -> bool:
    large = box.width >= MIN_WIDTH_PX and box.visible >= MIN_VISIBLE
    return large and (box.camera, box.vehicle_id, box.frame) in moves
