"""Bends a body into another of its kind: ends, wheelbase, waist, windows, rake. Wheels stay round."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.renderer.wheels import Wheel
from simulator.vehicles.catalogue import Shape

Floats = NDArray[np.float32]

#: Of a car's height: below lies the door, above the windows.
_WAIST = 0.58
_STEP_M = 1e-3


def reshaped(groups: dict[str, Floats], shape: Shape, wheels: tuple[Wheel, ...]) -> dict[str, Floats]:
    """Vertices of a whole body, bent.

    Args:
        groups: By name, float32 (V, >= 6), position and normal first, in the body's frame.
        shape: How to bend it.
        wheels: Its wheels; none: its length is changed evenly.

    Returns:
        Copies; standing on y = 0, centred in z.
    """
    everything = np.concatenate([rows[:, :3] for rows in groups.values()])
    bend = _Bend(everything, shape, wheels)
    return {name: _bent(rows, bend) for name, rows in groups.items()}


def _bent(rows: Floats, bend: _Bend) -> Floats:
    points = rows[:, :3].astype(np.float64)
    moved = bend(points)
    # Columns of the map's derivative; a normal follows its inverse transpose.
    steps = [(bend(points + _STEP_M * axis) - moved) / _STEP_M for axis in np.eye(3)]
    jacobian = np.stack(steps, axis=2)  # (V, 3, 3)
    normals = np.linalg.solve(jacobian.transpose(0, 2, 1), rows[:, 3:6].astype(np.float64)[:, :, None])[:, :, 0]
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
    bent = rows.copy()
    bent[:, :3], bent[:, 3:6] = moved, normals
    return bent


class _Bend:
    """The map of places on the made body to places on the other."""

    def __init__(self, points: NDArray[np.float64], shape: Shape, wheels: tuple[Wheel, ...]) -> None:
        self._shape = shape
        low, high = points.min(axis=0), points.max(axis=0)
        radius = max((wheel.radius_m for wheel in wheels), default=0.0)
        axles = [wheel.z_m for wheel in wheels] or [0.0]
        rear, front = min(axles) - radius, max(axles) + radius
        self._z = _knots(
            [low[2], rear, rear + 2 * radius, front - 2 * radius, front, high[2]],
            [shape.rear, 1.0, shape.wheelbase, 1.0, shape.front],
        )
        top = float(high[1])
        sill = min(2.05 * radius, 0.45 * top)
        waist = max(_WAIST * top, sill)
        self._y = _knots([0.0, sill, waist, top], [1.0, shape.waist, shape.windows])
        self._waist, self._top, self._sill = waist, top, sill
        self._middle = float(self._z[1][1] + self._z[1][-2]) / 2
        self._ends = (float(low[2]), float(rear), float(front), float(high[2]))

    def __call__(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        shape = self._shape
        x, y, z = points.T
        up = _ease((y - self._waist) / max(self._top - self._waist, 1e-6))
        above = np.clip((y - self._sill) / max(self._top - self._sill, 1e-6), 0, 1)
        low, rear, front, high = self._ends
        nose = _ease((z - front) / max(high - front, 1e-6)) * shape.slopes[0]
        tail = _ease((rear - z) / max(rear - low, 1e-6)) * shape.slopes[1]
        moved = np.empty_like(points)
        moved[:, 0] = x * shape.width * (1 - shape.taper * up)
        moved[:, 1] = np.interp(y, *self._y) + (nose + tail) * above * self._top
        moved[:, 2] = np.interp(z, *self._z) - self._middle + shape.rake * up * (high - low)
        return moved


def _knots(places: list[float], scales: list[float]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A monotone map, linear between places, with a slope in each interval; continued beyond its ends."""
    ordered = np.maximum.accumulate(np.asarray(places, np.float64))
    moved = np.concatenate([[ordered[0]], ordered[0] + np.cumsum(np.diff(ordered) * scales)])
    return (
        np.concatenate([[ordered[0] - 1], ordered, [ordered[-1] + 1]]),
        np.concatenate([[moved[0] - scales[0]], moved, [moved[-1] + scales[-1]]]),
    )


def _ease(share: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 below 0, 1 above 1, smooth between."""
    held = np.clip(share, 0, 1)
    eased: NDArray[np.float64] = held * held * (3 - 2 * held)
    return eased
