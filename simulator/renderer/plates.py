"""Screws number plates onto a body: finds the outermost surface at the height the catalogue names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from simulator.objfile import Part
from simulator.renderer.surface import VERTEX_WIDTH, Slot
from simulator.vehicles.catalogue import BodyModel

Floats = NDArray[np.float32]

#: Width and height, metres: European long plates; motorcycles carry small ones.
_LONG_M = (0.52, 0.115)
_SMALL_M = (0.24, 0.13)
_PROUD_M = 0.012
#: Least and most extent (x, y, z) of a triangle of a plate that is part of a mesh.
_PRINTED_M = ((0.45, 0.095, -1.0), (0.62, 0.15, 0.1))
_SAMPLES = np.array([(a, b) for a in np.linspace(0, 1, 9) for b in np.linspace(0, 1, 9) if a + b <= 1.0001])


def plate_quads(body: BodyModel, triangles: Floats) -> Floats:
    """Plates at the ends that have one.

    Args:
        body: Says how high they sit.
        triangles: (T, 3, 3) of the whole body in its frame, metres.

    Returns:
        float32 (3T', 15) vertex rows in the slot ``PLATE``; uv runs over the plate as seen from outside, v downwards.
    """
    size = _SMALL_M if body.kind == "motorcycle" else _LONG_M
    quads = [
        _quad(sign, height, _surface(triangles, sign, height, size), size)
        for sign, height in zip((1, -1), body.plates_m, strict=True)
        if height is not None
    ]
    return np.concatenate(quads) if quads else np.zeros((0, VERTEX_WIDTH), np.float32)


def without_printed_plates(part: Part, positions: Floats) -> tuple[Part, Floats]:
    """Drops the plates that a mesh brings along: flat textured triangles of a long plate's size.

    Args:
        part: Any part.
        positions: Its corners (3T, 3) in metres in the body's frame.
    """
    if part.material.texture is None:
        return part, positions
    extent = np.ptp(positions.reshape(-1, 3, 3), axis=1)
    low, high = _PRINTED_M
    printed = ((extent > low) & (extent < high)).all(axis=1)
    kept = np.repeat(~printed, 3)
    return replace(part, positions=part.positions[kept], normals=part.normals[kept], uvs=part.uvs[kept]), positions[
        kept
    ]


def _surface(triangles: Floats, sign: int, height_m: float, size_m: tuple[float, float]) -> float:
    """How far the body reaches towards one end within a plate's outline."""
    half_x, half_y = size_m[0] / 2, size_m[1] / 2 + 0.02
    low, high = triangles.min(axis=1), triangles.max(axis=1)
    near = (low[:, 0] < half_x) & (high[:, 0] > -half_x)
    near &= (low[:, 1] < height_m + half_y) & (high[:, 1] > height_m - half_y)
    chosen = triangles[near]
    if not len(chosen):
        return float(np.abs(triangles[:, :, 2] * sign).max())
    a, b = _SAMPLES[:, 0], _SAMPLES[:, 1]
    weights = np.stack([1 - a - b, a, b], axis=1)
    points = np.einsum("sc,tcd->tsd", weights, chosen).reshape(-1, 3)
    within = (np.abs(points[:, 0]) < half_x) & (np.abs(points[:, 1] - height_m) < half_y)
    found = points[within] if within.any() else points
    return float((found[:, 2] * sign).max())


def _quad(sign: int, height_m: float, reach_m: float, size_m: tuple[float, float]) -> Floats:
    half_x, half_y = size_m[0] / 2, size_m[1] / 2
    z = sign * (reach_m + _PROUD_M)
    corners = [(-1, -1, 0, 1), (1, -1, 1, 1), (1, 1, 1, 0), (-1, -1, 0, 1), (1, 1, 1, 0), (-1, 1, 0, 0)]
    rows = np.zeros((6, VERTEX_WIDTH), np.float32)
    for row, (x, y, u, v) in zip(rows, corners, strict=True):
        row[0:3] = (sign * x * half_x, height_m + y * half_y, z)
        row[6:8] = (u, v)
    rows[:, 5] = sign
    rows[:, 8:11] = 0.9
    rows[:, 11:15] = (0.6, 0.0, float(Slot.PLATE), 0.0)
    return rows
