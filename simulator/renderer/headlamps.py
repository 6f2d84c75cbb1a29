"""Where a vehicle's lamps are and how they glow towards a camera."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.renderer.glow import Glow
from simulator.renderer.looks import Light
from simulator.renderer.optics import Matrix
from simulator.renderer.surface import Mesh, Slot

_FRONT_RGB = np.array([1.0, 0.94, 0.82])
_REAR_RGB = np.array([0.75, 0.05, 0.03])
_FEWEST_CORNERS = 6


@dataclass(frozen=True, slots=True)
class LampPlaces:
    """Lamps of a body, in its frame; the same on both sides.

    Attributes:
        front: Half the distance between the headlamps, their height, how far ahead of the middle.
        rear: The tail lamps.
    """

    front: tuple[float, float, float]
    rear: tuple[float, float, float]


def lamp_places(mesh: Mesh) -> LampPlaces:
    """Finds a body's lamps: the middle of its lamp surfaces, or where lamps usually are."""
    width, height, length = mesh.size_m
    corners = np.concatenate([part.vertices for part in mesh.parts])
    lamps = corners[corners[:, 13] == Slot.LAMP][:, :3]
    usual = min(0.75, 0.42 * height)
    front = _middle(lamps[lamps[:, 2] > 0.3 * length], (0.36 * width, usual, 0.49 * length))
    rear = _middle(lamps[lamps[:, 2] < -0.3 * length], (0.38 * width, usual + 0.1, -0.49 * length))
    return LampPlaces(front, rear)


def _middle(points: NDArray[np.float32], usual: tuple[float, float, float]) -> tuple[float, float, float]:
    points = points[(np.abs(points[:, 0]) > 0.2) & (points[:, 1] < 1.4)]
    if len(points) < _FEWEST_CORNERS:
        return usual
    x, y = float(np.abs(points[:, 0]).mean()), float(points[:, 1].mean())
    return x, y, float(np.sign(usual[2]) * np.abs(points[:, 2]).max())


def vehicle_glows(places: LampPlaces, pose: Matrix, eye: tuple[float, float, float], light: Light) -> list[Glow]:
    """Glows of one vehicle's lamps, stronger the more they point at the camera.

    Args:
        places: Its lamps.
        pose: Body to world.
        eye: The camera.
        light: Darkness makes lamps glare.
    """
    towards = np.asarray(eye) - pose[:3, 3]
    towards /= np.linalg.norm(towards)
    facing = float(pose[:3, 2] @ towards)
    dark = 1.0 - min(1.0, float(np.mean(light.sky_rgb)) / 0.8)
    glows = []
    for place, share, tint, radius in (
        (places.front, facing, _FRONT_RGB, 0.5 + 1.1 * dark),
        (places.rear, -facing, _REAR_RGB, 0.3 + 0.5 * dark),
    ):
        if share <= 0.05:
            continue
        strength = (0.35 + 0.65 * dark) * min(1.0, 0.25 + share)
        for side in (-1, 1):
            at = pose @ np.array([side * place[0], place[1], place[2] + 0.05 * np.sign(place[2]), 1.0])
            r, g, b = (tint * strength).tolist()
            glows.append(Glow((float(at[0]), float(at[1]), float(at[2])), radius * (0.6 + 0.4 * share), (r, g, b)))
    return glows
