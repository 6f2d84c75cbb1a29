"""Triangles of simple solids, in metres: boxes, posts, blobs, cards, ribbons, rings; and turning them about."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.polyline import right_normals

Floats = NDArray[np.float32]
Point = tuple[float, float, float]


def quad_triangles(a: Point, b: Point, c: Point, d: Point) -> Floats:
    """Two triangles (2, 3, 3) of the corners in order around."""
    return np.array([[a, b, c], [a, c, d]], np.float32)


def box_triangles(low: Point, high: Point) -> Floats:
    """Twelve triangles (12, 3, 3) of an axis-aligned box, facing outwards."""
    (x0, y0, z0), (x1, y1, z1) = low, high
    faces = [
        quad_triangles((x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1)),
        quad_triangles((x1, y0, z0), (x0, y0, z0), (x0, y1, z0), (x1, y1, z0)),
        quad_triangles((x1, y0, z1), (x1, y0, z0), (x1, y1, z0), (x1, y1, z1)),
        quad_triangles((x0, y0, z0), (x0, y0, z1), (x0, y1, z1), (x0, y1, z0)),
        quad_triangles((x0, y1, z1), (x1, y1, z1), (x1, y1, z0), (x0, y1, z0)),
        quad_triangles((x0, y0, z0), (x1, y0, z0), (x1, y0, z1), (x0, y0, z1)),
    ]
    return np.concatenate(faces)


def post_triangles(foot: Point, height_m: float, radius_m: float, sides: int = 8) -> Floats:
    """The wall of an upright post (2 * sides, 3, 3), slightly tapered."""
    x, y, z = foot
    triangles = []
    for k in range(sides):
        a0, a1 = 2 * np.pi * k / sides, 2 * np.pi * (k + 1) / sides
        low = [(x + radius_m * np.cos(a), y, z + radius_m * np.sin(a)) for a in (a0, a1)]
        high = [(x + 0.7 * radius_m * np.cos(a), y + height_m, z + 0.7 * radius_m * np.sin(a)) for a in (a0, a1)]
        triangles.append(quad_triangles(low[1], low[0], high[0], high[1]))
    return np.concatenate(triangles)


def blob_triangles(centre: Point, radius_m: float, rng: np.random.Generator) -> Floats:
    """A lumpy ball (T, 3, 3): one clump of leaves."""
    rings, sectors = 6, 9
    theta = np.linspace(0, np.pi, rings + 1)
    phi = np.linspace(0, 2 * np.pi, sectors, endpoint=False)
    swell = 1 + rng.uniform(-0.22, 0.22, (rings + 1, sectors))
    swell[0], swell[-1] = swell[0, 0], swell[-1, 0]
    x = np.sin(theta)[:, None] * np.cos(phi)[None] * swell
    y = np.cos(theta)[:, None] * np.ones_like(phi)[None] * swell * 0.85
    z = np.sin(theta)[:, None] * np.sin(phi)[None] * swell
    points = np.stack([x, y, z], axis=-1) * radius_m + np.asarray(centre)
    triangles = []
    for i in range(rings):
        for j in range(sectors):
            k = (j + 1) % sectors
            triangles.append(points[[i, i, i + 1, i, i + 1, i + 1], [j, k, k, j, k, j]].reshape(2, 3, 3))
    return np.concatenate(triangles).astype(np.float32)


def card_triangles(centres: Floats, sizes_m: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Squares in every direction, as twigs of leaves.

    Args:
        centres: (N, 3).
        sizes_m: (N,) lengths of their sides.
        rng: Turns them.

    Returns:
        (2 N, 3, 3) corners and (2 N, 3, 2) uv from 0 to 1.
    """
    across = rng.normal(0, 1, (len(centres), 3))
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(across, rng.normal(0, 1, (len(centres), 3)))
    other /= np.linalg.norm(other, axis=1, keepdims=True)
    half = np.asarray(sizes_m)[:, None] / 2
    corners = [centres + half * (a * across + b * other) for a, b in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    quads = np.stack(corners, axis=1)[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3, 3)
    uv = np.array([(0, 0), (1, 0), (1, 1), (0, 0), (1, 1), (0, 1)], np.float32).reshape(2, 3, 2)
    return quads.astype(np.float32), np.tile(uv, (len(centres), 1, 1))


def turned(triangles: Floats, x_m: float, z_m: float, yaw_rad: float) -> Floats:
    """Triangles about the origin, moved to a spot and turned so that their +z points along the yaw."""
    cosine, sine = np.cos(yaw_rad), np.sin(yaw_rad)
    out = np.array(triangles, np.float32)
    x, z = triangles[..., 0], triangles[..., 2]
    out[..., 0] = cosine * x + sine * z + x_m
    out[..., 2] = -sine * x + cosine * z + z_m
    return out


def ring_triangles(
    centre: tuple[float, float], radii_m: tuple[float, float], angles_rad: tuple[float, float], height_m: float
) -> Floats:
    """A flat piece of a ring, facing up: inner and outer radius, from one angle to a larger one."""
    count = max(2, int((angles_rad[1] - angles_rad[0]) / 0.1) + 1)
    angles = np.linspace(*angles_rad, count)
    rim = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    inner, outer = (np.insert(np.asarray(centre) + rim * radius, 1, height_m, axis=1) for radius in radii_m)
    first = np.stack([inner[:-1], inner[1:], outer[1:]], axis=1)
    second = np.stack([inner[:-1], outer[1:], outer[:-1]], axis=1)
    return np.concatenate([first, second]).astype(np.float32)


def wall_triangles(points_xz: NDArray[np.float64], low_m: float, high_m: float) -> Floats:
    """An upright strip along a line of points (N, 2)."""
    low, high = (np.insert(points_xz, 1, height, axis=1) for height in (low_m, high_m))
    first = np.stack([low[:-1], low[1:], high[1:]], axis=1)
    second = np.stack([low[:-1], high[1:], high[:-1]], axis=1)
    return np.concatenate([first, second]).astype(np.float32)


def ribbon_triangles(line_xz: NDArray[np.float64], left_m: float, right_m: float, height_m: float) -> Floats:
    """A flat strip that follows a line.

    Args:
        line_xz: (N, 2) points on the ground.
        left_m: Offset of one edge to the right of the line (negative: left).
        right_m: Offset of the other edge.
        height_m: Above ground.

    Returns:
        (2 (N - 1), 3, 3), facing up.
    """
    normal = right_normals(line_xz)
    a, b = line_xz + normal * left_m, line_xz + normal * right_m
    points = [np.insert(edge, 1, height_m, axis=1) for edge in (a, b)]
    first = np.stack([points[0][:-1], points[1][:-1], points[1][1:]], axis=1)
    second = np.stack([points[0][:-1], points[1][1:], points[0][1:]], axis=1)
    triangles = np.concatenate([first, second]).astype(np.float32)
    up = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])[:, 1] > 0
    triangles[~up] = triangles[~up][:, ::-1]
    return triangles
