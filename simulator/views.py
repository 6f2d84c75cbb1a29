"""From which side a camera sees a vehicle. Geometry of the ground plane only (x, z in metres, yaw 0 is +z)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: The eight orientations that VeRi's viewpoint labels distinguish, 45 degrees each, by aspect from 0 upwards.
VIEWS = ("front", "front_right", "right", "rear_right", "rear", "rear_left", "left", "front_left")
#: The three that re-ID tables distinguish: front and rear reach 45 degrees to both sides.
FACES = ("front", "side", "rear")


def aspect_deg(eye_xz: ArrayLike, position_xz: ArrayLike, yaw_rad: ArrayLike) -> NDArray[np.float64]:
    """Angle from a vehicle's heading to the camera, as seen from above.

    Args:
        eye_xz: Lens, (..., 2).
        position_xz: Middle of the vehicle, (..., 2).
        yaw_rad: Heading, (...).

    Returns:
        Degrees in [-180, 180): 0 shows the nose, -180 the tail, 90 the right flank, -90 the left. Shape (...).

    >>> aspect_deg((0.0, 10.0), (0.0, 0.0), 0.0).item()
    0.0
    >>> round(aspect_deg((-10.0, 0.0), (0.0, 0.0), 0.0).item())
    90
    """
    towards = np.asarray(eye_xz, np.float64) - np.asarray(position_xz, np.float64)
    bearing = np.arctan2(towards[..., 0], towards[..., 1])
    turned = np.degrees(np.asarray(yaw_rad, np.float64) - bearing)
    wrapped: NDArray[np.float64] = (turned + 180.0) % 360.0 - 180.0
    return wrapped


def view_index(aspect: ArrayLike) -> NDArray[np.int64]:
    """Index into ``VIEWS`` of an aspect in degrees.

    >>> [VIEWS[i] for i in view_index([0, 44, 90, 179, -90, -22])]
    ['front', 'front_right', 'right', 'rear', 'left', 'front']
    """
    return (np.floor((np.asarray(aspect, np.float64) + 22.5) / 45.0).astype(np.int64)) % len(VIEWS)


def face_index(aspect: ArrayLike) -> NDArray[np.int64]:
    """Index into ``FACES`` of an aspect in degrees.

    >>> [FACES[i] for i in face_index([0, 44, 90, 179, -90, -140])]
    ['front', 'front', 'side', 'rear', 'side', 'rear']
    """
    turned = np.abs(np.asarray(aspect, np.float64))
    return np.where(turned < 45.0, 0, np.where(turned > 135.0, 2, 1))
