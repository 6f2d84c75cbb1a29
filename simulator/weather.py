"""Rain on a picture: falling streaks, drops on the lens. Arrays only; the wet road is the renderer's."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

_STREAKS_PER_MEGAPIXEL = 1400
_SLANT = 0.12
_SMALLEST_SIDE_PX = 40


def rain_streaks(image: Image, density: float, rng: np.random.Generator) -> Image:
    """Falling drops as short bright streaks, longer and fainter the nearer they are.

    Args:
        image: uint8 (H, W, 3) RGB.
        density: 0 to 1.
        rng: Every frame has its own drops.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    height, width = image.shape[:2]
    count = int(density * _STREAKS_PER_MEGAPIXEL * height * width / 1e6)
    veil = np.zeros((height, width), np.uint8)
    starts = rng.uniform((0, -0.05), (1, 1), (count, 2)) * (width, height)
    lengths = height * (0.012 + 0.05 * rng.random(count) ** 3)
    strengths = rng.uniform(25, 75, count)
    for (x, y), length, strength in zip(starts.tolist(), lengths.tolist(), strengths.tolist(), strict=True):
        end = (round(x + _SLANT * length), round(y + length))
        cv2.line(veil, (round(x), round(y)), end, strength, 1, cv2.LINE_AA)
    share = veil.astype(np.float32)[:, :, None] / 255
    bright = 0.35 * float(image.mean()) + 130
    return (image + (bright - image) * share).clip(0, 255).astype(np.uint8)


def lens_drops(image: Image, density: float, seed: int) -> Image:
    """Drops that sit on the lens: small discs that show the scene upside down and out of focus.

    Args:
        image: uint8 (H, W, 3) RGB.
        density: 0 to 1.
        seed: Settles where they sit: the same for all frames of a camera.

    Returns:
        uint8 (H, W, 3) RGB.
    """
    height, width = image.shape[:2]
    if min(height, width) < _SMALLEST_SIDE_PX:
        return image
    rng = np.random.default_rng(seed)
    out = image.copy()
    for _ in range(int(9 * density)):
        radius = int(height * rng.uniform(0.008, 0.028))
        x, y = int(rng.uniform(radius, width - radius)), int(rng.uniform(radius, height - radius))
        left, top = max(0, x - radius), max(0, y - radius)
        patch = out[top : y + radius, left : x + radius]
        if patch.size == 0:
            continue
        seen = cv2.GaussianBlur(patch[::-1, ::-1], (0, 0), max(1.0, radius / 3))
        grid_y, grid_x = np.mgrid[0 : patch.shape[0], 0 : patch.shape[1]]
        gap = np.hypot(grid_y + top - y, grid_x + left - x) / max(radius, 1)
        share = (np.clip(1 - gap, 0, 1) ** 0.4 * 0.75).astype(np.float32)[:, :, None]
        out[top : y + radius, left : x + radius] = patch + (seen.astype(np.float32) - patch) * share
    return out
