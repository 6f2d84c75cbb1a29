"""Where a camera is looked at: areas painted over before anything sees them, and zones that vehicles must stand in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.types import Detections, Frame
from services.ingest.cameras import CameraSettings, Polygon

#: What a mask is painted with, BGR: the grey that pads network inputs.
MASK_BGR = (114, 114, 114)


def hidden(frames: Iterator[Frame], settings: CameraSettings) -> Iterator[Frame]:
    """Frames with the camera's masks painted over, in place: what they cover is never seen, kept or shown."""
    if not settings.mask:
        yield from frames
        return
    for frame in frames:
        height, width = frame.image.shape[:2]
        # The very first and last pixels count as well: a mask to the border leaves no line.
        cv2.fillPoly(frame.image, [_pixels(each, width, height) for each in settings.mask], MASK_BGR)
        yield frame


class Zones:
    """The include and exclude zones of one camera. A vehicle stands where the bottom of its box has its middle."""

    def __init__(self, include: Sequence[Polygon], exclude: Sequence[Polygon]) -> None:
        """Polygons in shares of the picture's width and height; without include zones the whole picture is one."""
        self._include = [np.array(polygon, np.float32) for polygon in include]
        self._exclude = [np.array(polygon, np.float32) for polygon in exclude]

    def __bool__(self) -> bool:
        return bool(self._include or self._exclude)

    def keep(self, detections: Detections, width: int, height: int) -> Detections:
        """The detections that stand in some include zone and in no exclude zone, in order.

        Args:
            detections: Of a frame.
            width: Of the frame, px.
            height: Of the frame, px.
        """
        if not self or len(detections) == 0:
            return detections
        boxes = detections.boxes_xyxy
        feet = np.stack([(boxes[:, 0] + boxes[:, 2]) / 2 / width, boxes[:, 3] / height], axis=1).astype(np.float32)
        kept = _inside(feet, self._include) if self._include else np.ones(len(feet), bool)
        kept &= ~_inside(feet, self._exclude)
        return Detections(boxes[kept], detections.scores[kept], detections.class_ids[kept])


def _inside(points: NDArray[np.float32], polygons: Sequence[NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Which points (N, 2) lie in or on any of the polygons, each of corners (M, 2): bool (N,)."""
    found = np.zeros(len(points), bool)
    for corners in polygons:
        inside = [cv2.pointPolygonTest(corners, (float(x), float(y)), measureDist=False) >= 0 for x, y in points]
        found |= np.array(inside, bool)
    return found


def _pixels(polygon: Polygon, width: int, height: int) -> NDArray[np.int32]:
    return np.round(np.array(polygon) * [width, height]).astype(np.int32)
