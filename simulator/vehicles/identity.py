"""The fleet of a city or set: who drives in it, and which of them are twins.

The names other packages need of a vehicle's look are gathered here.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.splits import JUDGED, Split
from simulator.vehicles.appearance import SIDES, Appearance, Decal, Rgb, Wheels, visible_cues, with_plate, without_plate
from simulator.vehicles.individual import bodies_of, draw_appearance, draw_model
from simulator.vehicles.paint import COLOURS, draw_colour
from simulator.vehicles.shapes import shaped
from simulator.vehicles.twins import alike_pair, told_apart

__all__ = [
    "COLOURS",
    "SIDES",
    "Appearance",
    "Decal",
    "Rgb",
    "Wheels",
    "bodies_of",
    "draw_appearance",
    "draw_colour",
    "draw_fleet",
    "draw_model",
    "visible_cues",
    "with_plate",
    "without_plate",
]

#: Share of twins that cannot be told from the other from one side.
ALIKE_SHARE = 0.3
#: A twin's other is drawn among so many vehicles before it, so that both are on the road at a time.
_TWIN_REACH = 24


def draw_fleet(
    first_seed: int,
    count: int,
    *,
    split: Split = JUDGED,
    twins_share: float = 0.25,
    first_id: int = 1,
    alike_share: float = ALIKE_SHARE,
) -> list[Appearance]:
    """Draws a fleet in which some vehicles are twins: of the model and colour of one earlier vehicle.

    Of the twins, ``alike_share`` share all that is seen of them from one side (``alike_from``); the others differ
    somewhere on each side. No vehicle has two twins.

    Args:
        first_seed: Vehicle i is drawn from ``first_seed + i``.
        count: How many.
        split: Says which bodies and words may be drawn.
        twins_share: Share of vehicles that are the twin of an earlier one, 0 to 0.5.
        first_id: Number of the first.
        alike_share: Share of twins that cannot be told from the other from one side, 0 to 1.

    Raises:
        ValueError: ``twins_share`` lies outside [0, 0.5].
    """
    if not 0.0 <= twins_share <= 0.5:
        raise ValueError(f"twins_share must lie in [0, 0.5], not {twins_share}")
    rng = np.random.default_rng([first_seed, 7])
    fleet: list[Appearance] = []
    single: list[int] = []
    twins_due, alike_due = 0.0, float(rng.uniform())
    for index in range(count):
        vehicle_id, seed = first_id + index, first_seed + index
        twins_due += twins_share
        if twins_due < 1.0 or not single:
            single.append(index)
            model = _shaped_model(seed, split) if split.bodies == "shaped" else None
            fleet.append(draw_appearance(vehicle_id, seed, model=model, split=split))
            continue
        twins_due -= 1.0
        alike_due += alike_share
        near = single[-_TWIN_REACH:]
        other = near[int(rng.integers(len(near)))]
        single.remove(other)
        first = fleet[other]
        twin = draw_appearance(vehicle_id, seed, model=first.model, colour=first.colour, tone=first.paint, split=split)
        twin = replace(twin, metallic=first.metallic)
        if alike_due >= 1.0 and first.kind != "motorcycle":
            alike_due -= 1.0
            fleet[other], twin = alike_pair(first, twin, split.words)
        else:
            twin = told_apart(first, twin, split.words)
        fleet.append(twin)
    return fleet


def _shaped_model(seed: int, split: Split) -> str:
    """The body that a vehicle of this seed is drawn with anyway, in one of its shapes."""
    return shaped(draw_model(np.random.default_rng(seed), split), np.random.default_rng([seed, 17]))
