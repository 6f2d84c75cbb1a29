"""Draws one vehicle from a seed: model, paint, wheels, glass, lamps, damage and everything on it."""

from __future__ import annotations

import numpy as np

from simulator.splits import JUDGED, UNTRAINED_BODIES, Split
from simulator.vehicles.appearance import Appearance, Rgb, Wheels
from simulator.vehicles.catalogue import MODELS, BodyModel
from simulator.vehicles.cues import draw_decals, draw_load
from simulator.vehicles.paint import (
    accent,
    aged,
    clipped,
    contrast,
    draw_colour,
    metallic_of,
    second_colour,
    shade_of,
    spare_part,
)
from simulator.vehicles.shapes import body_of

#: Rim designs by how often streets show them.
_RIMS = {"five": 0.24, "six": 0.14, "seven": 0.12, "twin_five": 0.12, "ten": 0.12, "cap": 0.16, "steel": 0.10}
_CLEAR: Rgb = (1.0, 1.0, 1.0)
_FRONT_TINTS: tuple[Rgb, ...] = ((1.0, 0.86, 0.55), (0.72, 0.85, 1.0), (0.45, 0.45, 0.48))
_REAR_TINTS: tuple[Rgb, ...] = ((0.45, 0.36, 0.36), (1.0, 0.75, 0.55), (0.7, 0.95, 0.95))


def bodies_of(split: Split) -> tuple[str, ...]:
    """Names of the body models a split may show."""
    return tuple(name for name in MODELS if split.bodies == "all" or name not in UNTRAINED_BODIES)


def draw_model(rng: np.random.Generator, split: Split = JUDGED) -> str:
    """A body model of a split, by weight."""
    names = bodies_of(split)
    weights = np.array([MODELS[name].weight for name in names])
    return str(rng.choice(names, p=weights / weights.sum()))


def draw_appearance(
    vehicle_id: int,
    seed: int,
    *,
    model: str | None = None,
    colour: str | None = None,
    tone: Rgb | None = None,
    split: Split = JUDGED,
) -> Appearance:
    """Draws one vehicle.

    Args:
        vehicle_id: Its number.
        seed: Same seed and split, same vehicle.
        model: Body model, in a shape of its own or not; drawn by weight among the split's if None.
        colour: Body colour name; drawn by frequency if None.
        tone: Paint of a car of the same maker and colour; a shade of the colour is drawn if None.
        split: Says which bodies and words may be drawn.
    """
    rng = np.random.default_rng(seed)
    drawn_model, drawn_colour = draw_model(rng, split), draw_colour(rng)
    body = body_of(model or drawn_model)
    colour = colour or drawn_colour
    shade = shade_of(colour, rng)
    paint = shade if tone is None else aged(tone, rng)
    panel = _panel(body, paint, rng)
    glass = float(rng.choice([0.12, 0.18, 0.25]))
    return Appearance(
        vehicle_id=vehicle_id,
        seed=seed,
        model=body.name,
        colour=colour,
        paint=paint,
        metallic=metallic_of(colour, rng),
        panel=panel,
        wheels=_wheels(rng),
        glass=glass,
        rear_glass=0.06 if rng.random() < 0.22 else glass,
        dirt=float(rng.beta(1.1, 3.5)),
        dirt_seed=int(rng.integers(1000)),
        band=(accent(rng, 0.7), float(rng.uniform(0.2, 0.3))) if _is_car(body) & (rng.random() < 0.18) else None,
        roof=_roof(body, rng),
        bonnet=contrast(rng) if _is_car(body) & (rng.random() < 0.09) else None,
        front_bumper=spare_part(paint, rng) if _is_car(body) & (rng.random() < 0.22) else None,
        rear_bumper=spare_part(paint, rng) if _is_car(body) & (rng.random() < 0.22) else None,
        visor=(contrast(rng), float(rng.uniform(0.12, 0.22))) if _has_glass(body) & (rng.random() < 0.24) else None,
        front_lamp=_lamp(rng, _FRONT_TINTS),
        rear_lamp=_lamp(rng, _REAR_TINTS),
        decals=draw_decals(body, panel if body.panel else paint, split.words, rng),
        load=draw_load(body, rng),
        plate_seed=int(rng.integers(1 << 31)),
    )


def _is_car(body: BodyModel) -> bool:
    return body.kind == "car"


def _has_glass(body: BodyModel) -> bool:
    return body.kind != "motorcycle"


def _panel(body: BodyModel, paint: Rgb, rng: np.random.Generator) -> Rgb:
    """A panel van's walls are of its paint or dark glass; containers and jackets have a colour of their own."""
    own, plain = second_colour(rng), rng.random() < 0.75
    if body.panelled:
        return paint if plain else (0.10, 0.11, 0.12)
    return own


def _roof(body: BodyModel, rng: np.random.Generator) -> Rgb | None:
    draw, colour, helmet = rng.random(), contrast(rng), accent(rng)
    if body.kind == "motorcycle":
        return helmet
    return colour if body.kind == "car" and draw < 0.20 else None


def _wheels(rng: np.random.Generator) -> Wheels:
    grey = float(rng.choice([0.10, 0.32, 0.5, 0.62, 0.72], p=[0.2, 0.2, 0.2, 0.25, 0.15]))
    design = str(rng.choice(list(_RIMS), p=list(_RIMS.values())))
    lost = (int(rng.choice([-1, 1])), int(rng.choice([-1, 1]))) if rng.random() < 0.05 else (0, 0)
    return Wheels(clipped(grey * (1 + rng.normal(0, 0.03, 3))), design, lost)


def _lamp(rng: np.random.Generator, tints: tuple[Rgb, ...]) -> Rgb:
    draw, tint = rng.random(), tints[int(rng.integers(len(tints)))]
    return tint if draw < 0.25 else _CLEAR
