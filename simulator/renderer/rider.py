"""A motorcycle's rider, built from rounded limbs: helmet, jacket, trousers, gloves, boots. Our own geometry."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.renderer.surface import MeshBuilder, Slot
from simulator.vehicles.appearance import Rgb
from simulator.vehicles.catalogue import Seat

Floats = NDArray[np.float32]
Vector = NDArray[np.float64]

_TROUSERS: Rgb = (0.13, 0.14, 0.18)
_LEATHER: Rgb = (0.06, 0.06, 0.06)
_VISOR: Rgb = (0.03, 0.035, 0.04)
_SECTORS, _RINGS = 10, 8
_TORSO_M = 0.48
_HEAD_M = 0.135


def rider_rows(seat: Seat) -> Floats:
    """Vertex rows (3T, 15) of a seated rider who holds the grips.

    Args:
        seat: Where hips, hands and feet are.
    """
    builder = MeshBuilder()
    hip = np.array([0.0, *seat.hip])
    hand_y, hand_z = seat.hand
    lean = np.array([0.0, 1.0, 0.35 if hand_y > seat.hip[0] + 0.1 else 0.6])
    neck = hip + lean / np.linalg.norm(lean) * _TORSO_M
    _limb(builder, hip + _offset(0, 0.02, 0), neck, (0.165, 0.175), Slot.PANEL, _TROUSERS)
    head = neck + np.array([0.0, 0.19, 0.07])
    _ball(builder, head, (_HEAD_M, _HEAD_M * 1.08, _HEAD_M * 1.12), Slot.HELMET, _LEATHER)
    _ball(builder, head + _offset(0, 0.015, 0.05), (0.115, 0.06, 0.112), Slot.GLASS, _VISOR)
    for side in (-1.0, 1.0):
        shoulder = neck + np.array([side * 0.19, -0.03, 0.0])
        grip = np.array([side * seat.grip_m, hand_y, hand_z])
        elbow = (shoulder + grip) / 2 + np.array([side * 0.09, -0.08, -0.04])
        _limb(builder, shoulder, elbow, (0.075, 0.06), Slot.PANEL, _TROUSERS)
        _limb(builder, elbow, grip, (0.06, 0.045), Slot.PANEL, _TROUSERS)
        _ball(builder, grip, (0.055, 0.05, 0.06), Slot.PLAIN, _LEATHER)
        foot = np.array([side * 0.17, *seat.foot])
        socket = hip + np.array([side * 0.11, 0.0, 0.02])
        knee = (socket + foot) / 2 + np.array([side * 0.1, 0.13, 0.22])
        _limb(builder, socket, knee, (0.105, 0.075), Slot.PLAIN, _TROUSERS)
        _limb(builder, knee, foot + _offset(0, 0.06, -0.03), (0.075, 0.05), Slot.PLAIN, _TROUSERS)
        _limb(builder, foot + _offset(0, 0.03, -0.06), foot + _offset(0, 0, 0.12), (0.055, 0.045), Slot.PLAIN, _LEATHER)
    return np.concatenate(builder.rows)


def _offset(x_m: float, y_m: float, z_m: float) -> Vector:
    return np.array([x_m, y_m, z_m], np.float64)


def _limb(
    builder: MeshBuilder, start: Vector, end: Vector, radii_m: tuple[float, float], slot: Slot, colour: Rgb
) -> None:
    """A tapered tube with round ends."""
    axis = end - start
    length = float(np.linalg.norm(axis))
    axis = axis / length
    across = np.cross(axis, (0.0, 0.0, 1.0) if abs(axis[2]) < 0.9 else (0.0, 1.0, 0.0))
    across /= np.linalg.norm(across)
    frame = np.stack([across, np.cross(axis, across), axis])
    polar = np.linspace(-np.pi / 2, np.pi / 2, _RINGS)
    radius = np.where(polar < 0, *radii_m)
    along = np.sin(polar) * radius + np.where(polar < 0, 0.0, length)
    profile = np.stack([np.cos(polar) * radius, along, np.cos(polar), np.sin(polar)], axis=1)
    points, normals = _lathe(profile)
    _add(builder, points @ frame + start, normals @ frame, slot, colour)


def _ball(builder: MeshBuilder, centre: Vector, radii_m: tuple[float, float, float], slot: Slot, colour: Rgb) -> None:
    """An ellipsoid."""
    polar = np.linspace(-np.pi / 2, np.pi / 2, _RINGS)
    profile = np.stack([np.cos(polar), np.sin(polar), np.cos(polar), np.sin(polar)], axis=1)
    points, normals = _lathe(profile)
    scale = np.asarray(radii_m)[[0, 2, 1]]
    turn = np.array([[1.0, 0, 0], [0, 0, 1.0], [0, 1.0, 0]])
    normals = normals / scale
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    _add(builder, (points * scale) @ turn + centre, normals @ turn, slot, colour)


def _lathe(profile: Vector) -> tuple[Vector, Vector]:
    """Turns a profile (radius, along, normal out, normal along) about the third axis into triangles (T, 3, 3)."""
    angles = np.linspace(0, 2 * np.pi, _SECTORS + 1)
    cosine, sine = np.cos(angles), np.sin(angles)
    points = np.stack([profile[:, :1] * cosine, profile[:, :1] * sine, profile[:, 1:2] * np.ones_like(cosine)], axis=2)
    normals = np.stack(
        [profile[:, 2:3] * cosine, profile[:, 2:3] * sine, profile[:, 3:4] * np.ones_like(cosine)], axis=2
    )
    return _quads(points), _quads(normals)


def _quads(grid: Vector) -> Vector:
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, 1:], grid[1:, :-1]
    return np.concatenate([np.stack([a, b, c], axis=2), np.stack([a, c, d], axis=2)]).reshape(-1, 3, 3)


def _add(builder: MeshBuilder, triangles: Vector, normals: Vector, slot: Slot, colour: Rgb) -> None:
    builder.add(triangles.astype(np.float32), colour, slot, normals=normals.astype(np.float32), own=(0.7, 0.0))
