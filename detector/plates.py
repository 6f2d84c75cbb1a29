"""Finds number plates with a YOLO network that the user brings, and makes them unreadable. Reads none."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.letterbox import Letterbox, letterbox_into
from detector.nms import suppress
from detector.settings import DetectorSettings
from detector.yolo import OpenVinoDetector

Image = NDArray[np.uint8]
Boxes = NDArray[np.float32]

_IOU = 0.7
#: What is left of a plate: so many patches of one colour across and down.
_PATCHES_WH = (4, 2)


class PlateDetector:
    """A converted YOLO model whose every class counts as a plate. Safe for threads.

    Args:
        model_xml: As written by ``detector.convert``.
        input_hw: Network input height and width, px.
        confidence: Weaker boxes are left out, in (0, 1).
        threads: Inference threads.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: The model has another input size.
    """

    def __init__(self, model_xml: Path, input_hw: tuple[int, int], confidence: float, threads: int = 1) -> None:
        height, width = input_hw
        settings = DetectorSettings(input_width_px=width, input_height_px=height, max_batch=4)
        self._net = OpenVinoDetector(model_xml, settings, threads)
        self._input_hw = input_hw
        self._most = settings.max_batch
        self._confidence = confidence
        self._lock = threading.Lock()

    def find(self, pictures: Sequence[Image]) -> list[Boxes]:
        """The plates of each picture.

        Args:
            pictures: uint8 (H, W, 3) BGR, sizes may differ.

        Returns:
            Per picture float32 (N, 4), x1, y1, x2, y2 in its pixels, best first.

        Raises:
            ValueError: A picture is not uint8 (H, W, 3) or has no pixels.
        """
        found: list[Boxes] = []
        for start in range(0, len(pictures), self._most):
            some = pictures[start : start + self._most]
            inputs = [np.empty((*self._input_hw, 3), np.uint8) for _ in some]
            fits = [letterbox_into(picture, into) for picture, into in zip(some, inputs, strict=True)]
            with self._lock:
                raw = self._net.infer(inputs)
            found += [self._decode(one, fit) for one, fit in zip(raw, fits, strict=True)]
        return found

    def _decode(self, raw: NDArray[np.float32], fit: Letterbox) -> Boxes:
        """One picture's (4 + classes, anchors) to boxes in its pixels."""
        scores = raw[4:].max(axis=0)
        sure = np.flatnonzero(scores >= self._confidence)
        centre, half, scores = raw[:2, sure], raw[2:4, sure] / 2, scores[sure]
        boxes = np.concatenate([centre - half, centre + half]).T.astype(np.float32)
        kept = suppress(boxes, scores, np.zeros(len(boxes), np.int64), iou=_IOU, cross_class_iou=_IOU)
        boxes = fit.to_source(boxes[kept])
        solid: Boxes = boxes[(boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])]
        return solid


def blurred(picture: Image, boxes_xyxy: Boxes, margin: float) -> Image:
    """A copy of a picture with boxes made unreadable: a few patches of mean colour are left of each.

    Means of large patches cannot be undone, as a soft blur can.

    Args:
        picture: uint8 (H, W, 3) BGR; not changed.
        boxes_xyxy: float32 (N, 4), px of the picture.
        margin: Added on every side, as a share of the box's side.

    Returns:
        uint8 (H, W, 3); the picture itself where there is no box.
    """
    if not len(boxes_xyxy):
        return picture
    out = picture.copy()
    height, width = picture.shape[:2]
    for x1, y1, x2, y2 in boxes_xyxy.tolist():
        dx, dy = margin * (x2 - x1), margin * (y2 - y1)
        left, top = max(0, int(np.floor(x1 - dx))), max(0, int(np.floor(y1 - dy)))
        right, bottom = min(width, int(np.ceil(x2 + dx))), min(height, int(np.ceil(y2 + dy)))
        if right > left and bottom > top:
            size = (min(_PATCHES_WH[0], right - left), min(_PATCHES_WH[1], bottom - top))
            patches = cv2.resize(out[top:bottom, left:right], size, interpolation=cv2.INTER_AREA)
            out[top:bottom, left:right] = cv2.resize(
                patches, (right - left, bottom - top), interpolation=cv2.INTER_NEAREST
            )
    return out
