"""Colours: what cars are painted by real frequency, and what is stuck, wrapped or screwed onto them."""

from __future__ import annotations

import numpy as np

from simulator.vehicles.appearance import Rgb

#: Body colours, sRGB, with the share of new cars that are painted so in Europe (rounded industry figures).
COLOURS: dict[str, tuple[Rgb, float]] = {
    "white": ((0.90, 0.90, 0.88), 0.23),
    "grey": ((0.33, 0.34, 0.36), 0.20),
    "black": ((0.06, 0.06, 0.07), 0.18),
    "silver": ((0.66, 0.67, 0.69), 0.14),
    "blue": ((0.12, 0.21, 0.43), 0.10),
    "red": ((0.58, 0.08, 0.09), 0.07),
    "green": ((0.13, 0.29, 0.19), 0.025),
    "beige": ((0.72, 0.66, 0.53), 0.02),
    "brown": ((0.30, 0.21, 0.14), 0.015),
    "orange": ((0.80, 0.34, 0.09), 0.01),
    "yellow": ((0.86, 0.68, 0.10), 0.01),
}
#: What makers sell under one name: as factors on the colour above, each as likely as the others.
_TONES: dict[str, tuple[Rgb, ...]] = {
    "white": ((1.02, 1.02, 1.03), (0.97, 0.94, 0.86), (0.88, 0.91, 0.96)),
    "grey": ((0.60, 0.60, 0.60), (1.0, 1.0, 1.0), (1.38, 1.35, 1.26), (1.10, 0.98, 0.80), (0.80, 0.90, 1.05)),
    "black": ((0.9, 0.9, 0.9), (1.2, 1.3, 1.9), (1.8, 1.35, 1.1)),
    "silver": ((1.0, 1.0, 1.0), (1.14, 1.14, 1.13), (0.92, 0.95, 0.86), (1.04, 0.96, 0.82)),
    "blue": ((0.60, 0.55, 0.60), (1.0, 1.0, 1.1), (1.75, 1.75, 1.42), (3.0, 2.5, 1.60), (0.60, 1.45, 0.90)),
    "red": ((1.0, 0.8, 0.8), (0.62, 0.6, 0.9), (1.18, 2.0, 1.15), (0.85, 1.2, 1.8)),
    "green": ((0.65, 0.75, 0.75), (1.4, 1.25, 1.05), (2.6, 1.45, 1.35), (3.3, 2.1, 1.9)),
    "beige": ((1.0, 1.0, 1.0), (1.12, 1.1, 1.12), (0.86, 0.82, 0.74)),
    "brown": ((1.0, 1.0, 1.0), (0.62, 0.6, 0.65), (1.45, 1.3, 1.2)),
    "orange": ((1.0, 1.0, 1.0), (1.1, 1.35, 1.3), (0.88, 0.75, 0.9)),
    "yellow": ((1.0, 1.0, 1.0), (1.05, 1.12, 3.2), (0.95, 0.85, 0.8)),
}
#: Share of cars of a colour whose paint holds metal flakes.
_METALLIC = {"white": 0.1, "grey": 0.9, "black": 0.7, "silver": 1.0, "red": 0.3, "yellow": 0.1}
_METALLIC_OTHERWISE = 0.6
_ACCENTS: tuple[Rgb, ...] = (
    (0.70, 0.10, 0.10),
    (0.10, 0.22, 0.52),
    (0.90, 0.72, 0.12),
    (0.10, 0.42, 0.24),
    (0.92, 0.92, 0.92),
    (0.92, 0.92, 0.92),
    (0.06, 0.06, 0.07),
    (0.06, 0.06, 0.07),
    (0.86, 0.42, 0.08),
    (0.12, 0.48, 0.52),
    (0.36, 0.12, 0.36),
)
_UNPAINTED: Rgb = (0.12, 0.12, 0.13)
_BLACK: Rgb = (0.05, 0.05, 0.06)
_WHITE: Rgb = (0.90, 0.90, 0.90)
#: Least difference, summed over red, green and blue, between lettering and its ground.
_CONTRAST = 0.7


def draw_colour(rng: np.random.Generator) -> str:
    """A body colour by its real frequency."""
    names = list(COLOURS)
    shares = np.array([COLOURS[name][1] for name in names])
    return str(rng.choice(names, p=shares / shares.sum()))


def shade_of(colour: str, rng: np.random.Generator) -> Rgb:
    """One maker's shade of a named colour."""
    tones = _TONES[colour]
    tone = np.asarray(COLOURS[colour][0]) * np.asarray(tones[int(rng.integers(len(tones)))])
    return clipped(tone * (1 + rng.normal(0.0, 0.02, 3) + rng.normal(0.0, 0.06)))


def aged(paint: Rgb, rng: np.random.Generator) -> Rgb:
    """The same maker's paint on another car: of another batch, faded by other summers."""
    return clipped(np.asarray(paint) * (1 + rng.normal(0.0, 0.01, 3) + rng.normal(0.0, 0.02)))


def metallic_of(colour: str, rng: np.random.Generator) -> float:
    """Share of metal flakes: 0 for solid paint."""
    draw, share = rng.random(), float(rng.uniform(0.25, 0.5))
    return share if draw < _METALLIC.get(colour, _METALLIC_OTHERWISE) else 0.0


def accent(rng: np.random.Generator, unpainted_share: float = 0.0) -> Rgb:
    """A colour of foils and lettering, or bare dark plastic."""
    draw, index = rng.random(), int(rng.integers(len(_ACCENTS)))
    return _UNPAINTED if draw < unpainted_share else _ACCENTS[index]


def contrast(rng: np.random.Generator) -> Rgb:
    """Mostly black or white, as wraps and spare parts are."""
    return (_BLACK, _WHITE, accent(rng))[int(rng.choice(3, p=[0.65, 0.25, 0.1]))]


def spare_part(paint: Rgb, rng: np.random.Generator) -> Rgb:
    """A bumper or door that is not of the body's colour: bare plastic, primer, a shade off, rarely another colour."""
    grey = float(rng.uniform(0.28, 0.42))
    off = clipped(np.asarray(paint) * float(rng.choice([0.72, 1.3])))
    return (_UNPAINTED, (grey, grey, grey), off, accent(rng))[int(rng.choice(4, p=[0.5, 0.2, 0.25, 0.05]))]


def second_colour(rng: np.random.Generator) -> Rgb:
    """Colour of a container or of a rider's jacket."""
    white, colour = rng.random() < 0.5, clipped(np.asarray(accent(rng)) * float(rng.uniform(0.75, 1.0)))
    grey = float(rng.uniform(0.8, 0.92))
    return (grey, grey, grey) if white else colour


def standing_out(colour: Rgb, ground: Rgb) -> Rgb:
    """The colour, or black or white if it could not be read on its ground."""
    if abs(sum(colour) - sum(ground)) > _CONTRAST:
        return colour
    return _WHITE if sum(ground) < 1.3 else _BLACK


def clipped(rgb: np.ndarray) -> Rgb:
    """Within what paint can be."""
    r, g, b = np.clip(rgb, 0.02, 0.95).tolist()
    return (r, g, b)
