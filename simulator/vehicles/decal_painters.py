"""Paints single decals, each into the layer of one side. Pixels only, no OpenGL.

A layer shows its side from outside, upright, the ground at its lower edge. Sizes are in pixels of a layer, which spans
the body: about 2 cm each on a car's flank, 1 cm on its front.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.vehicles.appearance import Decal, Rgb

LAYER_HEIGHT_PX = 128
LAYER_WIDTH_PX = 256
Layer = NDArray[np.uint8]
_FONT = cv2.FONT_HERSHEY_DUPLEX
_PLASTIC: Rgb = (0.09, 0.09, 0.10)
_DUST: Rgb = (0.45, 0.41, 0.35)
_FLANKS = ("left", "right")


def rgba(colour: Rgb, alpha: float = 1.0) -> tuple[int, int, int, int]:
    """A colour as OpenCV takes it."""
    return (round(colour[0] * 255), round(colour[1] * 255), round(colour[2] * 255), round(alpha * 255))


def put_text(layer: Layer, text: str, box: tuple[int, int, int, int], colour: tuple[int, int, int, int]) -> None:
    """Writes one line as large as a box (left, top, width, height) allows, in its middle."""
    left, top, width, height = box
    (full, tall), _ = cv2.getTextSize(text, _FONT, 1.0, 2)
    scale = min(width / full, height / tall)
    thick = max(1, round(2.2 * scale))
    (wide, high), _ = cv2.getTextSize(text, _FONT, scale, thick)
    origin = (left + (width - wide) // 2, top + (height + high) // 2)
    cv2.putText(layer, text, origin, _FONT, scale, colour, thick, cv2.LINE_AA)


def paint_decal(layer: Layer, decal: Decal, side: str) -> None:
    """Paints one decal.

    Args:
        layer: uint8 (128, 256, 4) RGBA of that side, painted on in place.
        decal: What.
        side: Which side the layer is, where the decal's own says ``flanks``.
    """
    _PAINTERS[decal.kind](layer, decal, side)


def _opposite(colour: Rgb) -> Rgb:
    """White on dark, black on light."""
    return (0.95, 0.95, 0.95) if sum(colour) < 1.5 else (0.08, 0.08, 0.08)


def _from_nose(x_px: int, side: str) -> int:
    """Column at a distance from the nose: at the left of the left flank's layer, at the right of the right's."""
    return LAYER_WIDTH_PX - x_px if side == "right" else x_px


def _column(decal: Decal, rng: np.random.Generator, low: int, high: int, margin: int = 0) -> int:
    """A column between two, within the decal's reach."""
    first, last = (round(share * LAYER_WIDTH_PX) for share in decal.reach)
    low, high = max(low, first + margin), min(high, last - margin)
    return int(rng.integers(low, high)) if low < high else (first + last) // 2


def _columns(side: str) -> tuple[int, int]:
    """Where small things are put: between the wheels, or across an end."""
    return (78, 178) if side in _FLANKS else (44, 212)


def _bounded(decal: Decal, half_px: int) -> int:
    """A half width that fits into the decal's reach."""
    return max(2, min(half_px, round((decal.reach[1] - decal.reach[0]) * LAYER_WIDTH_PX / 2) - 2))


def _stripe(layer: Layer, decal: Decal, side: str) -> None:
    rng = np.random.default_rng(decal.seed)
    top, thick = int(rng.integers(64, 88)), int(rng.integers(3, 9))
    cv2.rectangle(layer, (6, top), (250, top + thick), rgba(decal.colour), -1)
    if rng.random() < 0.4:
        cv2.rectangle(layer, (6, top + thick + 3), (250, top + thick + 4), rgba(_opposite(decal.colour)), -1)


def _moulding(layer: Layer, decal: Decal, side: str) -> None:
    """A protective strip along the doors."""
    rng = np.random.default_rng(decal.seed)
    top, thick = int(rng.integers(80, 92)), int(rng.integers(2, 5))
    ends = sorted((_from_nose(70, side), _from_nose(190, side)))
    cv2.rectangle(layer, (ends[0], top), (ends[1], top + thick), rgba(_PLASTIC), -1)


def _lettering(layer: Layer, decal: Decal, side: str) -> None:
    """A firm's sign and name, upright and readable on either flank."""
    rng = np.random.default_rng(decal.seed)
    name, _, below = decal.text.partition("\n")
    rows = (28, 42) if decal.kind == "signwriting" else (52, 66) if side in _FLANKS else (66, 74)
    top = int(rng.integers(*rows))
    width, height = int(rng.integers(84, 120)), int(rng.integers(16, 24))
    nose = int(rng.integers(128, 150))
    centre = _from_nose(nose, side) if side in _FLANKS else LAYER_WIDTH_PX // 2
    if rng.random() < 0.5:
        _SHAPES[str(rng.choice(("disc", "diamond", "ring")))](
            layer, (centre - width // 2 - height, top + height // 2), height // 2, decal.colour
        )
    put_text(layer, name, (centre - width // 2, top, width, height), rgba(decal.colour))
    if below:
        put_text(layer, below, (centre - width // 3, top + height + 5, 2 * width // 3, height // 2), rgba(decal.colour))


def _phone(layer: Layer, decal: Decal, side: str) -> None:
    put_text(layer, decal.text, (70, 46, 116, 12), rgba((0.92, 0.92, 0.92)))


def _badge(layer: Layer, decal: Decal, side: str) -> None:
    """The maker's name of the model, in chrome, at one end of the boot lid."""
    rng = np.random.default_rng(decal.seed)
    left = int(rng.choice((52, 166)))
    put_text(layer, decal.text, (left, int(rng.integers(56, 64)), 38, 9), rgba((0.75, 0.75, 0.77)))


def _dent(layer: Layer, decal: Decal, side: str) -> None:
    """A dent: dark on its upper edge, light on its lower one."""
    rng = np.random.default_rng(decal.seed)
    half = _bounded(decal, int(rng.integers(9, 20)))
    centre = (_column(decal, rng, *_columns(side), half), int(rng.integers(66, 96)))
    axes, angle = (half, max(3, half // 2)), float(rng.uniform(-15, 15))
    cv2.ellipse(layer, centre, axes, angle, 0, 360, rgba((0.03, 0.03, 0.03), 0.45), -1, cv2.LINE_AA)
    lower = (centre[0], centre[1] + axes[1] // 2)
    inner = (max(2, axes[0] - 4), max(2, axes[1] // 2))
    cv2.ellipse(layer, lower, inner, angle, 0, 360, rgba((0.75, 0.75, 0.75), 0.35), -1, cv2.LINE_AA)


def _scratch(layer: Layer, decal: Decal, side: str) -> None:
    """Scrapes down to the primer."""
    rng = np.random.default_rng(decal.seed)
    half, grey = _bounded(decal, int(rng.integers(12, 30))), float(rng.uniform(0.35, 0.75))
    x, y = _column(decal, rng, *_columns(side), half), int(rng.integers(78, 102))
    for _ in range(int(rng.integers(3, 7))):
        start = (x - half + int(rng.integers(0, half)), y + int(rng.integers(-4, 5)))
        end = (x + half - int(rng.integers(0, half)), start[1] + int(rng.integers(-2, 3)))
        cv2.line(layer, start, end, rgba((grey, grey, grey * 0.97), 0.9), 1 + int(rng.integers(2)), cv2.LINE_AA)


def _door(layer: Layer, decal: Decal, side: str) -> None:
    """A replaced door in another colour."""
    front = int(np.random.default_rng(decal.seed).choice([92, 130]))
    x0, x1 = sorted((_from_nose(front, side), _from_nose(front + 36, side)))
    cv2.rectangle(layer, (x0, 50), (x1, 104), rgba(decal.colour), -1)


def _sticker(layer: Layer, decal: Decal, side: str) -> None:
    rng = np.random.default_rng(decal.seed)
    size = min(int(rng.integers(6, 12)), _bounded(decal, 12))
    rows = {"rear_window": (38, 54), "front": (80, 100), "rear": (64, 100)}.get(side, (66, 94))
    columns = (84, 172) if side == "rear_window" else _columns(side)
    centre = (_column(decal, rng, *columns, size), int(rng.integers(*rows)))
    _SHAPES[decal.shape](layer, centre, size, decal.colour)


def _permit(layer: Layer, decal: Decal, side: str) -> None:
    """Parking permits and toll badges at the edge of the windscreen."""
    rng = np.random.default_rng(decal.seed)
    for _ in range(int(rng.integers(1, 3))):
        x, y = int(rng.choice((70, 80, 170, 180))), int(rng.integers(30, 48))
        cv2.rectangle(layer, (x, y), (x + 8, y + 6), rgba(decal.colour), -1)


def _tape(layer: Layer, decal: Decal, side: str) -> None:
    """Tape across a cracked headlamp's lower edge."""
    rng = np.random.default_rng(decal.seed)
    x = int(rng.choice((30, 200)))
    for row in (62, 70):
        cv2.line(layer, (x, row), (x + 26, row + int(rng.integers(-5, 6))), rgba((0.8, 0.79, 0.74)), 3)


def _splashes(layer: Layer, decal: Decal, side: str) -> None:
    """Mud."""
    rng = np.random.default_rng(decal.seed)
    for _ in range(int(rng.integers(10, 24))):
        centre = (_column(decal, rng, 30, 226, 3), int(rng.integers(74, 118)))
        cv2.circle(layer, centre, int(rng.integers(1, 4)), rgba((0.28, 0.23, 0.18), 0.8), -1, cv2.LINE_AA)


def _hitch(layer: Layer, decal: Decal, side: str) -> None:
    """A ball hitch before the bumper."""
    cv2.rectangle(layer, (125, 100), (131, 112), rgba(_PLASTIC), -1)
    cv2.circle(layer, (128, 98), 5, rgba((0.55, 0.55, 0.56)), -1, cv2.LINE_AA)


def _wiped(layer: Layer, decal: Decal, side: str) -> None:
    """A dusty rear window with the arc that its wiper kept clear."""
    dust = np.zeros_like(layer)
    cv2.rectangle(dust, (20, 14), (236, 66), rgba(_DUST, 0.5), -1)
    cv2.ellipse(dust, (128, 66), (66, 40), 0, 180, 360, (0, 0, 0, 0), -1, cv2.LINE_AA)
    empty = layer[..., 3] == 0
    layer[empty] = dust[empty]


def _blind(layer: Layer, decal: Decal, side: str) -> None:
    """A sun blind behind one half of the window."""
    left = int(np.random.default_rng(decal.seed).choice((62, 134)))
    cv2.rectangle(layer, (left, 26), (left + 60, 60), rgba((0.30, 0.30, 0.31), 0.7), -1)


def _bonnet_stripes(layer: Layer, decal: Decal, side: str) -> None:
    """Two stripes from nose to tail, seen from above."""
    half_gap = int(np.random.default_rng(decal.seed).integers(6, 14))
    for sign in (-1, 1):
        centre = 128 + sign * (half_gap + 9)
        cv2.rectangle(layer, (centre - 9, 0), (centre + 9, 127), rgba(decal.colour), -1)


def _sunroof(layer: Layer, decal: Decal, side: str) -> None:
    length = int(np.random.default_rng(decal.seed).integers(10, 22))
    cv2.rectangle(layer, (76, 60), (180, 60 + length), (16, 18, 22, 255), -1)


def _disc(layer: Layer, centre: tuple[int, int], size: int, colour: Rgb) -> None:
    cv2.circle(layer, centre, size, rgba(colour), -1, cv2.LINE_AA)
    cv2.circle(layer, centre, size // 2, rgba(_opposite(colour)), -1, cv2.LINE_AA)


def _ring(layer: Layer, centre: tuple[int, int], size: int, colour: Rgb) -> None:
    cv2.circle(layer, centre, size, rgba(colour), max(2, size // 3), cv2.LINE_AA)


def _bar(layer: Layer, centre: tuple[int, int], size: int, colour: Rgb) -> None:
    low, high = (centre[0] - 2 * size, centre[1] - size // 2), (centre[0] + 2 * size, centre[1] + size // 2)
    cv2.rectangle(layer, low, high, rgba(colour), -1)
    cv2.line(layer, (low[0] + 3, centre[1]), (high[0] - 3, centre[1]), rgba(_opposite(colour)), 2)


def _outline(corners: tuple[tuple[float, float], ...]) -> Callable[[Layer, tuple[int, int], int, Rgb], None]:
    """A painter of a filled outline, given in sticker sizes."""

    def paint(layer: Layer, centre: tuple[int, int], size: int, colour: Rgb) -> None:
        points = np.round(np.asarray(corners) * size * 1.3 + np.asarray(centre)).astype(np.int32)
        cv2.fillPoly(layer, [points], rgba(colour), cv2.LINE_AA)

    return paint


def _star_corners() -> tuple[tuple[float, float], ...]:
    angles = np.pi / 5 * np.arange(10) - np.pi / 2
    radii = np.where(np.arange(10) % 2 == 0, 1.0, 0.45)
    return tuple(zip((radii * np.cos(angles)).tolist(), (radii * np.sin(angles)).tolist(), strict=True))


_CROSS = ((-0.35, -1), (0.35, -1), (0.35, -0.35), (1, -0.35), (1, 0.35), (0.35, 0.35), (0.35, 1), (-0.35, 1))
_SHAPES: dict[str, Callable[[Layer, tuple[int, int], int, Rgb], None]] = {
    "disc": _disc,
    "ring": _ring,
    "bar": _bar,
    "triangle": _outline(((-1.2, 0.8), (0.0, -1.0), (1.2, 0.8))),
    "star": _outline(_star_corners()),
    "diamond": _outline(((-1.2, 0.0), (0.0, -1.0), (1.2, 0.0), (0.0, 1.0))),
    "cross": _outline((*_CROSS, (-0.35, 0.35), (-1, 0.35), (-1, -0.35), (-0.35, -0.35))),
    "arrow": _outline(((-1.4, -0.3), (0.2, -0.3), (0.2, -0.9), (1.4, 0.0), (0.2, 0.9), (0.2, 0.3), (-1.4, 0.3))),
}
_PAINTERS: dict[str, Callable[[Layer, Decal, str], None]] = {
    "badge": _badge,
    "blind": _blind,
    "bonnet_stripes": _bonnet_stripes,
    "dent": _dent,
    "door": _door,
    "hitch": _hitch,
    "lettering": _lettering,
    "moulding": _moulding,
    "permit": _permit,
    "phone": _phone,
    "scratch": _scratch,
    "signwriting": _lettering,
    "splashes": _splashes,
    "sticker": _sticker,
    "stripe": _stripe,
    "sunroof": _sunroof,
    "tape": _tape,
    "wiped": _wiped,
}
