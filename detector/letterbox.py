"""Fits a picture into the network's input and boxes back into the picture. Knows nothing of networks."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

PAD_VALUE = 114


@dataclass(frozen=True, slots=True)
class Letterbox:
    """How one picture was fitted: scaled by ``scale``, then moved by ``left_px`` and ``top_px``."""

    scale: float
    left_px: int
    top_px: int
    source_hw: tuple[int, int]

    def to_source(self, boxes_xyxy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Boxes (N, 4) in network pixels to source pixels, clipped to the picture."""
        height, width = self.source_hw
        boxes = boxes_xyxy - np.array([self.left_px, self.top_px, self.left_px, self.top_px], np.float32)
        boxes /= np.float32(self.scale)
        np.clip(boxes[:, 0::2], 0, width, out=boxes[:, 0::2])
        np.clip(boxes[:, 1::2], 0, height, out=boxes[:, 1::2])
        return boxes.astype(np.float32, copy=False)


def letterbox_into(image: NDArray[np.uint8], out: NDArray[np.uint8]) -> Letterbox:
    """Scales a picture to fit ``out`` without distortion, centres it and fills the rest with grey.

    Args:
        image: uint8 (H, W, 3).
        out: uint8 (h, w, 3), written completely.

    Returns:
        The way back to source pixels.

    Raises:
        ValueError: ``image`` is not uint8 (H, W, 3) or has no pixels.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ValueError(f"image must be uint8 (H, W, 3) with pixels, got {image.dtype} {image.shape}")
    source_h, source_w = image.shape[:2]
    height, width = out.shape[:2]
    scale = min(height / source_h, width / source_w)
    inner_h = max(1, min(height, round(source_h * scale)))
    inner_w = max(1, min(width, round(source_w * scale)))
    # The odd pixel of padding goes below and to the right, as ultralytics does it.
    top = round((height - inner_h) / 2 - 0.1)
    left = round((width - inner_w) / 2 - 0.1)
    if (inner_h, inner_w) != (height, width):
        out[:] = PAD_VALUE
    inner = out[top : top + inner_h, left : left + inner_w]
    if (inner_h, inner_w) == (source_h, source_w):
        inner[:] = image
    else:
        cv2.resize(image, (inner_w, inner_h), dst=inner, interpolation=cv2.INTER_LINEAR)
    return Letterbox(scale=scale, left_px=left, top_px=top, source_hw=(source_h, source_w))
