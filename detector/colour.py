"""Names the paint of a vehicle from its crop, by rule. Knows nothing of tracks or identities."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.types import COLOURS

__all__ = ["COLOURS", "colour_probabilities"]

Floats = NDArray[np.floating[Any]]

_SAMPLE_PX = 32
#: Lightness (0..100) at which each achromatic name is most itself.
_GREYS = (("white", 92.0), ("silver", 70.0), ("grey", 44.0), ("black", 12.0))
_GREY_WIDTH = 13.0
#: Hue angle in the a-b plane, degrees, and its spread.
_HUES = (
    ("red", 28.0, 18.0),
    ("orange", 62.0, 13.0),
    ("yellow", 95.0, 14.0),
    ("green", 147.0, 28.0),
    ("blue", 270.0, 40.0),
)
#: Chroma above which a pixel counts as coloured.
_CHROMA_THRESHOLD = 16.0
#: Glass, tyres and road are colourless on every vehicle, so colourless pixels weigh less.
_COLOURLESS_WEIGHT = 0.3


def colour_probabilities(crop: NDArray[np.uint8]) -> dict[str, float]:
    """How likely each colour name is for the vehicle in a crop.

    Looks at the middle of the crop, where the vehicle covers the ground behind it, and lets every pixel vote softly: by
    lightness where it is colourless, by hue where it is coloured, dark orange being brown and pale yellow beige.

    Args:
        crop: uint8 (H, W, 3) BGR with pixels.

    Returns:
        One probability per name of ``COLOURS``; they sum to 1.

    Raises:
        ValueError: The crop is not uint8 (H, W, 3) or has no pixels.
    """
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8 or crop.size == 0:
        raise ValueError(f"crop must be uint8 (H, W, 3) with pixels, got {crop.dtype} {crop.shape}")
    votes = _pixel_votes(_lab_of_middle(crop))
    total = sum(votes.values())
    return {name: votes[name] / total for name in COLOURS}


def _lab_of_middle(crop: NDArray[np.uint8]) -> NDArray[np.float32]:
    """float32 (S, S, 3): L in 0..100, a and b around 0, of the crop's middle."""
    height, width = crop.shape[:2]
    top, bottom = int(height * 0.2), max(int(height * 0.85), int(height * 0.2) + 1)
    left, right = int(width * 0.15), max(int(width * 0.85), int(width * 0.15) + 1)
    middle = cv2.resize(crop[top:bottom, left:right], (_SAMPLE_PX, _SAMPLE_PX), interpolation=cv2.INTER_AREA)
    lab: NDArray[np.float32] = cv2.cvtColor(middle.astype(np.float32) / 255.0, cv2.COLOR_BGR2LAB)
    return lab


def _pixel_votes(lab: NDArray[np.float32]) -> dict[str, float]:
    """Weight by colour name, summed over the pixels."""
    lightness, a, b = lab[..., 0], lab[..., 1], lab[..., 2]
    chroma = np.hypot(a, b)
    hue = np.degrees(np.arctan2(b, a)) % 360.0
    coloured = _rises(chroma - _CHROMA_THRESHOLD, 4.0)
    ramp = np.linspace(-1.0, 1.0, _SAMPLE_PX, dtype=np.float32)
    centred = np.exp(-(ramp[:, None] ** 2 + ramp[None, :] ** 2))
    # Pure colours say more about paint than washed-out ones.
    weight_coloured = centred * coloured * np.clip(chroma / 40.0, 0.4, 1.5)
    weight_colourless = centred * (1.0 - coloured) * _COLOURLESS_WEIGHT

    greys = {name: np.exp(-0.5 * ((lightness - at) / _GREY_WIDTH) ** 2) for name, at in _GREYS}
    hues = {name: np.exp(-0.5 * (((hue - at + 180.0) % 360.0 - 180.0) / width) ** 2) for name, at, width in _HUES}
    warm = hues["orange"] + hues["yellow"] + 0.3 * hues["red"]
    hues["brown"] = 6.0 * warm * _rises(40.0 - lightness, 5.0) * _rises(48.0 - chroma, 5.0)
    hues["beige"] = 6.0 * warm * _rises(lightness - 60.0, 5.0) * _rises(38.0 - chroma, 5.0)
    votes: dict[str, float] = {}
    for members, weight in ((greys, weight_colourless), (hues, weight_coloured)):
        total = np.sum(list(members.values()), axis=0) + 1e-9
        for name, value in members.items():
            votes[name] = float(np.sum(weight * value / total)) + 1e-6
    return votes


def _rises(x: Floats, width: float) -> Floats:
    """Smooth step from 0 to 1 around x = 0."""
    out: Floats = 1.0 / (1.0 + np.exp(-x / width))
    return out
