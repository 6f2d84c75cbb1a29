"""Puts vehicles on the lanes before a camera: who stands where in one picture. Draws nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulator.dataset.standpoints import LARGE, Extent, Lane, Size, Standpoint
from simulator.renderer.scene import Placed
from simulator.vehicles.identity import Appearance

_GAP_M = 2.0
_APART_M = 1.5
_TRIES = 16
_LONG_M = 9.0
#: Shares of the box within the picture: usually, now and then, and of bodies that rarely fit whole.
_WHOLE, _CUT, _LONG_CUT = 0.97, 0.7, 0.6
_CUT_CHANCE = 0.1
_SWAY_M = 0.25
_DRIFT_RAD, _TURN_RAD, _TURN_CHANCE = 0.03, 0.16, 0.15

SizeOf = Callable[[str], Size]


@dataclass(slots=True)
class Passage:
    """One vehicle passing one camera once: a tracklet to be.

    Attributes:
        vehicle: Who.
        forward: Which way along the road.
        lane: Which lane, taken modulo the road's.
        left: Pictures still wanted.
        stood_m: Where along the lane it was photographed already.
    """

    vehicle: Appearance
    forward: bool
    lane: int
    left: int
    stood_m: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Stand:
    """A passage's vehicle in one picture.

    Attributes:
        passage: Whose.
        placed: Where, for the renderer.
        along_m: Where, along its lane.
    """

    passage: Passage
    placed: Placed
    along_m: float


def arrange(
    standpoint: Standpoint,
    passages: Sequence[Passage],
    size_of: SizeOf,
    rng: np.random.Generator,
    least_px: Extent = LARGE,
) -> list[Stand]:
    """Finds room for vehicles, first come first served; those that find none are left out.

    Args:
        standpoint: The camera.
        passages: In order of importance.
        size_of: Width, height, length of a body by model name.
        rng: Source of chance; takes the same draws whatever the plates look like.
        least_px: Least longer and shorter side of the box of a vehicle that is worth its place.

    Returns:
        Stands with gaps kept between vehicles of one lane.
    """
    stands: list[Stand] = []
    taken: dict[tuple[bool, int], list[tuple[float, float]]] = {}
    for passage in passages:
        lane = _lane_of(standpoint, passage)
        size = size_of(passage.vehicle.model)
        usual = _CUT if rng.random() < _CUT_CHANCE else _WHOLE
        inside = _LONG_CUT if size[2] > _LONG_M else usual
        places, chances = standpoint.good_places(lane, size, inside, least_px)
        if not len(places):
            continue
        tries = rng.choice(places, size=_TRIES, p=chances) + rng.uniform(-0.25, 0.25, _TRIES)
        along = _find_room(tries, size[2], taken.setdefault((lane.forward, lane.index), []), passage.stood_m)
        if along is not None:
            stands.append(Stand(passage, _place(lane, along, passage.vehicle, rng), along))
    return stands


def _lane_of(standpoint: Standpoint, passage: Passage) -> Lane:
    same = [lane for lane in standpoint.lanes if lane.forward == passage.forward]
    return same[passage.lane % len(same)]


def _find_room(
    tries: NDArray[np.float64], length_m: float, taken: list[tuple[float, float]], stood_m: Sequence[float]
) -> float | None:
    """The first of some distances along a lane that is free and was not stood on before; books it."""
    for along in tries.tolist():
        rear, front = along - length_m / 2, along + length_m / 2
        free = all(front + _GAP_M < other_rear or other_front + _GAP_M < rear for other_rear, other_front in taken)
        if free and all(abs(along - other) >= _APART_M for other in stood_m):
            taken.append((rear, front))
            return float(along)
    return None


def _place(lane: Lane, along_m: float, vehicle: Appearance, rng: np.random.Generator) -> Placed:
    (x, z), (dx, dz) = lane.path.at(along_m)
    turn = rng.normal(0, _TURN_RAD if rng.random() < _TURN_CHANCE else _DRIFT_RAD)
    sway = float(rng.normal(0, _SWAY_M))
    return Placed(vehicle, x - dz * sway, z + dx * sway, float(np.arctan2(dx, dz) + turn))
