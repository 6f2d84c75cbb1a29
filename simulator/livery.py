"""Paints a vehicle's decals into the six layers that the shader lays over its sides. Pixels only, no OpenGL."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.identity import Appearance, Decal, Rgb

#: Layers in the order the shader counts them. Each is seen from outside, upright, so lettering reads on both flanks.
LAYERS = ("left", "right", "front", "rear", "top", "rear_window")
LAYER_HEIGHT_PX = 128
LAYER_WIDTH_PX = 256

_WORDS = ("PIZZA", "EXPRESS", "FLORA", "TECHNIK", "CARGO", "ELEKTRO", "BAU", "FRESH", "TAXI", "RENT", "KURIER", "AQUA")
Layer = NDArray[np.uint8]


def paint_layers(appearance: Appearance) -> NDArray[np.uint8] | None:
    """All decals of a vehicle.

    Returns:
        uint8 (6, 128, 256, 4) RGBA, or None if there is nothing to lay over.
    """
    if not appearance.decals:
        return None
    layers = np.zeros((len(LAYERS), LAYER_HEIGHT_PX, LAYER_WIDTH_PX, 4), np.uint8)
    for decal in appearance.decals:
        sides = ("left", "right") if decal.side == "flanks" else (decal.side,)
        for side in sides:
            _PAINTERS[decal.kind](layers[LAYERS.index(side)], decal, side)
    return layers


def _rgba(colour: Rgb) -> tuple[int, int, int, int]:
    return (round(colour[0] * 255), round(colour[1] * 255), round(colour[2] * 255), 255)


def _opposite(colour: Rgb) -> Rgb:
    """White on dark, black on light."""
    return (0.95, 0.95, 0.95) if sum(colour) < 1.5 else (0.08, 0.08, 0.08)


def _mirror_x(x: int, side: str) -> int:
    """Front stays front: on the right flank the body's front is at the layer's right, on the left at its left."""
    return LAYER_WIDTH_PX - x if side == "right" else x


def _stripe(layer: Layer, decal: Decal, side: str) -> None:
    rng = np.random.default_rng(decal.seed)
    top, thick = int(rng.integers(56, 88)), int(rng.integers(5, 14))
    cv2.rectangle(layer, (6, top), (250, top + thick), _rgba(decal.colour), -1)
    if rng.random() < 0.4:
        cv2.rectangle(layer, (6, top + thick + 4), (250, top + thick + 7), _rgba(_opposite(decal.colour)), -1)


def _lettering(layer: Layer, decal: Decal, side: str) -> None:
    rng = np.random.default_rng(decal.seed)
    word = str(rng.choice(_WORDS))
    centre = _mirror_x(int(rng.integers(120, 170)), side) if side in ("left", "right") else 128
    line = int(rng.integers(58, 84)) if side in ("left", "right") else int(rng.integers(52, 80))
    scale = float(rng.uniform(0.9, 1.3))
    if rng.random() < 0.5:
        cv2.circle(layer, (centre, line - 26), 18, _rgba(decal.colour), -1)
    (width, _), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_DUPLEX, scale, 3)
    origin = (centre - width // 2, line + 14)
    cv2.putText(layer, word, origin, cv2.FONT_HERSHEY_DUPLEX, scale, _rgba(decal.colour), 3, cv2.LINE_AA)


def _patch(layer: Layer, decal: Decal, side: str) -> None:
    """Primer, scrapes, filler."""
    rng = np.random.default_rng(decal.seed)
    for _ in range(int(rng.integers(1, 4))):
        centre = (int(rng.integers(40, 216)), int(rng.integers(56, 104)))
        axes = (int(rng.integers(8, 28)), int(rng.integers(5, 16)))
        grey = float(rng.uniform(0.2, 0.75))
        colour = _rgba((grey, grey * 0.96, grey * 0.92))
        cv2.ellipse(layer, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1)


def _door(layer: Layer, decal: Decal, side: str) -> None:
    """A replaced door or wing in another colour."""
    rng = np.random.default_rng(decal.seed)
    front = int(rng.choice([96, 132]))
    x0, x1 = sorted((_mirror_x(front, side), _mirror_x(front + 36, side)))
    cv2.rectangle(layer, (x0, 44), (x1, 106), _rgba(decal.colour), -1)


def _sticker(layer: Layer, decal: Decal, side: str) -> None:
    rng = np.random.default_rng(decal.seed)
    size = int(rng.integers(9, 20))
    top, bottom = (36, 62) if side == "rear_window" else (64, 104)
    centre = (int(rng.integers(64, 192)), int(rng.integers(top, bottom)))
    shape = int(rng.integers(3))
    colour = _rgba(decal.colour)
    wide = int(size * 1.8)
    if shape == 0:
        cv2.circle(layer, centre, size, colour, -1)
        cv2.circle(layer, centre, size // 2, _rgba(_opposite(decal.colour)), -1)
    elif shape == 1:
        low, high = (centre[0] - wide, centre[1] - size // 2), (centre[0] + wide, centre[1] + size // 2)
        cv2.rectangle(layer, low, high, colour, -1)
    else:
        x, y = centre
        corners = np.array([[x - wide, y], [x, y - size], [x + wide, y]])
        cv2.fillPoly(layer, [corners.astype(np.int32)], colour)


def _bonnet_stripes(layer: Layer, decal: Decal, side: str) -> None:
    """Two stripes from nose to tail, seen from above."""
    half_gap = int(np.random.default_rng(decal.seed).integers(8, 16))
    for sign in (-1, 1):
        centre = 128 + sign * (half_gap + 9)
        cv2.rectangle(layer, (centre - 9, 0), (centre + 9, 127), _rgba(decal.colour), -1)


def _sunroof(layer: Layer, decal: Decal, side: str) -> None:
    length = int(np.random.default_rng(decal.seed).integers(12, 30))
    cv2.rectangle(layer, (72, 56), (184, 56 + length), (16, 18, 22, 255), -1)


_PAINTERS = {
    "stripe": _stripe,
    "lettering": _lettering,
    "patch": _patch,
    "door": _door,
    "sticker": _sticker,
    "bonnet_stripes": _bonnet_stripes,
    "sunroof": _sunroof,
}
