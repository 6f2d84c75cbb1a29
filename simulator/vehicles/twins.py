"""Twins: two vehicles of one model and colour, told apart from every side, or from every side but one.

A pair that is alike from a side shares everything but small decals on the other three, and those are put where a camera
that looks straight at the shared side cannot see them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.vehicles.appearance import SIDES, Appearance, Decal, Rgb, visible_cues
from simulator.vehicles.cues import draw_small_decal

#: How often each side is the one that pairs share: cameras see fronts and rears most.
_ALIKE_WEIGHTS = {"front": 0.35, "rear": 0.35, "left": 0.15, "right": 0.15}
#: Door zones, as shares of a flank from the nose: the rear one hardly faces forward, the front one hardly backward.
_BEHIND, _AHEAD = (0.50, 0.66), (0.34, 0.50)


def told_apart(first: Appearance, twin: Appearance, words: str) -> Appearance:
    """The twin, with one more cue on each side that would show the same as the first's.

    Args:
        first: The earlier vehicle.
        twin: One of its model and colour.
        words: As ``Split.words``.
    """
    rng = np.random.default_rng([twin.seed, 11])
    twin = replace(twin, twin_of=first.vehicle_id)
    for side in SIDES:
        if visible_cues(first, side) == visible_cues(twin, side):
            twin = replace(twin, decals=(*twin.decals, draw_small_decal(side, twin.paint, words, rng)))
    return twin


def alike_pair(
    first: Appearance, twin: Appearance, words: str, side: str | None = None
) -> tuple[Appearance, Appearance]:
    """Makes two vehicles the same but for small decals on three of four sides.

    Args:
        first: The earlier vehicle; what both share is taken from it.
        twin: One of its model and colour; gives its number and seed.
        words: As ``Split.words``.
        side: The side they share; drawn from the twin's seed if None.

    Returns:
        The earlier vehicle, its decals on the three sides replaced, and its twin.
    """
    rng = np.random.default_rng([twin.seed, 13])
    drawn = str(rng.choice(list(_ALIKE_WEIGHTS), p=list(_ALIKE_WEIGHTS.values())))
    side = side or drawn
    shown = {"front": ("front", "top"), "rear": ("rear", "rear_window", "top")}.get(side, (side, "top"))
    shared = tuple(decal for decal in _one_flank_each(first.decals) if decal.side in shown)
    wheels = replace(first.wheels, bare=(0, 0))
    base = replace(first, decals=shared, wheels=wheels, alike_side=side)
    first_decals, twin_decals = _differing(side, first.paint, words, rng)
    earlier = replace(base, decals=(*shared, *first_decals))
    later = replace(
        base,
        vehicle_id=twin.vehicle_id,
        seed=twin.seed,
        plate_seed=twin.plate_seed,
        decals=(*shared, *twin_decals),
        twin_of=first.vehicle_id,
        alike_from=(side,),
    )
    return earlier, later


def _one_flank_each(decals: tuple[Decal, ...]) -> tuple[Decal, ...]:
    """Decals of both flanks as one for each."""
    flanks = ("left", "right")
    split = ((replace(decal, side=side) for side in flanks) if decal.side == "flanks" else (decal,) for decal in decals)
    return tuple(decal for part in split for decal in part)


def _differing(side: str, ground: Rgb, words: str, rng: np.random.Generator) -> tuple[list[Decal], list[Decal]]:
    """Decals on the three other sides: the twin has one on each, the first on some."""
    first: list[Decal] = []
    twin: list[Decal] = []
    for other in SIDES:
        if other == side:
            continue
        reach = _reach(other, side)
        twin.append(draw_small_decal(other, ground, words, rng, reach))
        mark = draw_small_decal(other, ground, words, rng, reach)
        if rng.random() < 0.5:
            first.append(mark)
    return first, twin


def _reach(side: str, alike: str) -> tuple[float, float]:
    """The part of a side that is turned away from the one that pairs share; layers are seen from outside."""
    if side in ("left", "right"):
        if alike in ("front", "rear"):
            low, high = _BEHIND if alike == "front" else _AHEAD
            return (low, high) if side == "left" else (1 - high, 1 - low)
        return (0.0, 1.0)
    if alike in ("left", "right"):
        # Seen from outside, the left flank is at the right of the front and at the left of the rear.
        away_at_left = (alike == "left") == (side == "front")
        return (0.12, 0.4) if away_at_left else (0.6, 0.88)
    return (0.25, 0.75)
