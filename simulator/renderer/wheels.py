"""Finds the wheels of a body by its tyres and caps them with discs on which the shader draws rim designs.

The makers' rims differ from mesh to mesh and cannot be recoloured alike; a disc before each can. Disc vertices carry
the place on the wheel in their uv: the centre is (0, 0), the edge lies at radius 1.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.objfile import Part
from simulator.renderer.surface import VERTEX_WIDTH, Slot

Floats = NDArray[np.float32]

_TYRE = re.compile(r"tire|neumatico|rubber|tyre")
_CONTACT_M = 0.05
_SEPARATE_M = 0.5
_RIM_SHARE = 0.66
_SECTORS = 20
_PROUD_M = 0.006


@dataclass(frozen=True, slots=True)
class Wheel:
    """One wheel in the body's frame.

    Attributes:
        side: 1 on the left flank (x > 0), -1 on the right.
        face_x_m: Its outermost plane.
        radius_m: Of the tyre.
        z_m: Of its axle.
    """

    side: int
    face_x_m: float
    radius_m: float
    z_m: float


def find_wheels(parts: list[tuple[Part, Floats]]) -> tuple[Wheel, ...]:
    """Wheels of a body that stands on y = 0.

    Args:
        parts: Parts with their positions (3T, 3) in metres in the body's frame.

    Returns:
        By side, then from rear to front; empty if nothing named like a tyre touches the ground.
    """
    touching = {
        part.material.name.lower(): positions
        for part, positions in parts
        if _TYRE.search(part.material.name.lower()) and positions[:, 1].min() < _CONTACT_M
    }
    treads = [positions for name, positions in touching.items() if "tread" in name]
    if not touching:
        return ()
    points = np.concatenate(treads or list(touching.values()))
    wheels = []
    for side in (-1, 1):
        half = points[points[:, 0] * side > 0.2]
        for z in _clusters(half[half[:, 1] < _CONTACT_M, 2]):
            own = half[(np.abs(half[:, 2] - z) < 0.2) & (half[:, 1] < 1.2)]
            radius = float(own[:, 1].max()) / 2
            tyre_x = float(np.abs(own[:, 0]).max())
            wheels.append(Wheel(side, _face(parts, side, (tyre_x, radius, z)), radius, z))
    return tuple(wheels)


def wheel_discs(wheels: tuple[Wheel, ...]) -> Floats:
    """Discs before the wheels.

    Args:
        wheels: As found.

    Returns:
        float32 (3T, 15) vertex rows, facing outwards.
    """
    angles = np.linspace(0, 2 * np.pi, _SECTORS + 1)
    ring = np.stack([np.sin(angles), np.cos(angles)], axis=1)
    discs = []
    for wheel in wheels:
        reach = wheel.radius_m * _RIM_SHARE
        rows = np.zeros((_SECTORS, 3, VERTEX_WIDTH), np.float32)
        rows[:, 0, 0:3] = (wheel.side * (wheel.face_x_m + _PROUD_M), wheel.radius_m, wheel.z_m)
        for corner, edge in ((1, ring[:-1]), (2, ring[1:])):
            rows[:, corner, 0] = wheel.side * (wheel.face_x_m + _PROUD_M)
            rows[:, corner, 1] = wheel.radius_m + edge[:, 1] * reach
            rows[:, corner, 2] = wheel.z_m + edge[:, 0] * reach
            rows[:, corner, 6:8] = edge
        rows[:, :, 3] = wheel.side
        rows[:, :, 8:11] = 0.5
        rows[:, :, 11:15] = (0.35, 0.7, float(Slot.RIM), 0.0)
        discs.append(rows.reshape(-1, VERTEX_WIDTH))
    return np.concatenate(discs) if discs else np.zeros((0, VERTEX_WIDTH), np.float32)


def _clusters(values: Floats) -> list[float]:
    """Middles of groups of values that lie apart."""
    if not len(values):
        return []
    ordered = np.sort(values)
    starts = np.flatnonzero(np.diff(ordered) > _SEPARATE_M) + 1
    return [float((group[0] + group[-1]) / 2) for group in np.split(ordered, starts)]


def _face(parts: list[tuple[Part, Floats]], side: int, wheel: tuple[float, float, float]) -> float:
    """Outermost x of what lies within the rim: tyre wall, hub, cap."""
    tyre_x, radius, z = wheel
    furthest = 0.0
    for _, positions in parts:
        x = positions[:, 0] * side
        near = np.hypot(positions[:, 1] - radius, positions[:, 2] - z) < radius * _RIM_SHARE
        near &= (x > tyre_x - 0.12) & (x < tyre_x + 0.03)
        if near.any():
            furthest = max(furthest, float(x[near].max()))
    return furthest or tyre_x
