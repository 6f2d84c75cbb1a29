"""Matrices of views and projections. Column vectors, OpenGL clip space."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Point = tuple[float, float, float]


def look_at(eye: Point, target: Point) -> Matrix:
    """World to camera (4, 4); y is up, the camera looks along its own -z."""
    position = np.asarray(eye, np.float64)
    forward = np.asarray(target, np.float64) - position
    forward /= np.linalg.norm(forward)
    side = np.cross(forward, (0.0, 1.0, 0.0))
    side /= np.linalg.norm(side)
    up = np.cross(side, forward)
    view = np.eye(4)
    view[0, :3], view[1, :3], view[2, :3] = side, up, -forward
    view[:3, 3] = -view[:3, :3] @ position
    return view


def perspective(fov_deg: float, aspect: float, near_m: float = 0.3, far_m: float = 500.0) -> Matrix:
    """Camera to clip space (4, 4).

    Args:
        fov_deg: Horizontal field of view.
        aspect: Width over height.
        near_m: Nearest distance drawn.
        far_m: Furthest distance drawn.
    """
    focal = 1 / math.tan(math.radians(fov_deg) / 2)
    matrix = np.zeros((4, 4))
    matrix[0, 0], matrix[1, 1] = focal, focal * aspect
    matrix[2, 2] = (far_m + near_m) / (near_m - far_m)
    matrix[2, 3] = 2 * far_m * near_m / (near_m - far_m)
    matrix[3, 2] = -1
    return matrix


def orthographic(half_width_m: float, near_m: float, far_m: float) -> Matrix:
    """Parallel projection (4, 4) of a square, for the sun's shadow map."""
    matrix = np.eye(4)
    matrix[0, 0] = matrix[1, 1] = 1 / half_width_m
    matrix[2, 2] = -2 / (far_m - near_m)
    matrix[2, 3] = -(far_m + near_m) / (far_m - near_m)
    return matrix


def body_pose(x_m: float, z_m: float, yaw_rad: float) -> Matrix:
    """Body to world (4, 4); at yaw 0 the body looks along +z, and yaw turns it towards +x."""
    cosine, sine = math.cos(yaw_rad), math.sin(yaw_rad)
    matrix = np.eye(4)
    matrix[0, 0], matrix[0, 2], matrix[2, 0], matrix[2, 2] = cosine, sine, -sine, cosine
    matrix[0, 3], matrix[2, 3] = x_m, z_m
    return matrix
