"""Shows a picture with boxes as another camera might have taken it, fitted to a network's input. Knows no network."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.adapt.labelled import Boxes, Image, Labelled
from detector.letterbox import PAD_VALUE

#: How large a picture is shown, of the size at which all of it fits.
_SCALES = (0.55, 1.7)
#: A box of which less is left after cutting, or that is smaller, is ignored.
_LEAST_LEFT, _LEAST_PX = 0.5, 5.0


def staged(picture: Labelled, size_hw: tuple[int, int], rng: np.random.Generator) -> Labelled:
    """A picture scaled, moved, mirrored, lit and compressed by lot.

    Args:
        picture: As it was taken.
        size_hw: Height and width of the result.
        rng: Draws.
    """
    image, boxes, ignored = picture.image, picture.boxes.copy(), picture.ignored.copy()
    height, width = image.shape[:2]
    if rng.random() < 0.5:
        image = image[:, ::-1]
        for some in (boxes, ignored):
            some[:, [0, 2]] = width - some[:, [2, 0]]
    fit = min(size_hw[0] / height, size_hw[1] / width)
    scale = fit * float(np.exp(rng.uniform(*np.log(_SCALES))))
    room_x, room_y = size_hw[1] - width * scale, size_hw[0] - height * scale
    left, top = rng.random() * room_x, rng.random() * room_y
    matrix = np.array([[scale, 0.0, left], [0.0, scale, top]])
    # As `cv2.INTER_AREA` does it where a picture shrinks.
    if scale < 0.9:
        image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        matrix = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
    canvas = cv2.warpAffine(
        np.ascontiguousarray(image), matrix, (size_hw[1], size_hw[0]),
        flags=cv2.INTER_LINEAR, borderValue=(PAD_VALUE,) * 3,
    )  # fmt: skip
    shown, kept = _moved(boxes, scale, (left, top), size_hw)
    gone, _ = _moved(ignored, scale, (left, top), size_hw)
    return Labelled(
        _filmed(np.asarray(canvas, np.uint8), rng),
        shown[kept],
        picture.classes[kept],
        np.concatenate([shown[~kept], gone]),
    )


def _moved(
    boxes: Boxes, scale: float, offset: tuple[float, float], size_hw: tuple[int, int]
) -> tuple[Boxes, NDArray[np.bool_]]:
    """Boxes within the canvas, and which of them still show enough."""
    moved = boxes * scale + np.array([*offset, *offset], np.float32)
    area = np.prod(moved[:, 2:] - moved[:, :2], axis=1)
    limits = np.array([size_hw[1], size_hw[0], size_hw[1], size_hw[0]], np.float32)
    inside = np.clip(moved, 0.0, limits)
    sides = inside[:, 2:] - inside[:, :2]
    kept = (np.prod(sides, axis=1) >= _LEAST_LEFT * np.maximum(area, 1e-6)) & (
        sides.min(axis=1, initial=np.inf) >= _LEAST_PX
    )
    return inside.astype(np.float32), kept


def _filmed(image: Image, rng: np.random.Generator) -> Image:
    """With another exposure, white balance, sharpness, noise and compression."""
    light = 2.0 ** rng.uniform(-0.7, 0.7)
    tint = 1.0 + rng.uniform(-0.12, 0.12, 3)
    gamma = float(np.exp(rng.uniform(-0.25, 0.25)))
    levels = np.arange(256)[:, None] / 255.0
    table = np.clip((levels * light * tint) ** gamma, 0.0, 1.0) * 255.0
    shown = cv2.LUT(image, table[None].round().astype(np.uint8))
    if rng.random() < 0.3:
        shown = cv2.cvtColor(shown, cv2.COLOR_BGR2HSV)
        shown[..., 1] = np.clip(shown[..., 1] * rng.uniform(0.2, 1.4), 0, 255).astype(np.uint8)
        shown = cv2.cvtColor(shown, cv2.COLOR_HSV2BGR)
    if rng.random() < 0.3:
        shown = cv2.GaussianBlur(shown, (0, 0), rng.uniform(0.4, 1.4))
    if rng.random() < 0.3:
        noise = rng.normal(0.0, rng.uniform(2.0, 9.0), shown.shape[:2])[..., None]
        shown = np.clip(shown + noise, 0, 255).astype(np.uint8)
    if rng.random() < 0.6:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 90))]
        shown = cv2.imdecode(cv2.imencode(".jpg", shown, quality)[1], cv2.IMREAD_COLOR)
    return np.asarray(shown, np.uint8)
