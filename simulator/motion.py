"""Smears moving vehicles by what they move while the shutter is open. The truth stays that of mid-exposure."""

from __future__ import annotations

import math
from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.renderer.optics import Matrix

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_LEAST_PX = 0.8
_MOST_PX = 48.0
_HEIGHT_M = 0.7


def motion_px(
    projection: Matrix, size: tuple[int, int], pose: tuple[float, float, float], travel_m: float
) -> tuple[float, float]:
    """How far a vehicle moves in the picture while it travels.

    Args:
        projection: World to clip space.
        size: Width and height of the picture, px.
        pose: x, z in metres and yaw in radians, at mid-exposure.
        travel_m: Way driven during the exposure.

    Returns:
        Right and down in px; (0, 0) behind the camera.
    """
    x, z, yaw = pose
    ends = []
    for share in (-0.5, 0.5):
        along = share * travel_m
        point = np.array([x + math.sin(yaw) * along, _HEIGHT_M, z + math.cos(yaw) * along, 1.0])
        clip = projection @ point
        if clip[3] <= 0.5:
            return 0.0, 0.0
        ends.append((float(clip[0] / clip[3]) * size[0] / 2, -float(clip[1] / clip[3]) * size[1] / 2))
    return ends[1][0] - ends[0][0], ends[1][1] - ends[0][1]


def blur_motion(image: Image, identities: NDArray[np.uint32], motions_px: Mapping[int, tuple[float, float]]) -> Image:
    """Smears every vehicle along its own motion, over what lies beside it.

    Args:
        image: uint8 (H, W, 3) RGB.
        identities: uint32 (H, W), which vehicle a pixel shows.
        motions_px: Per vehicle id, right and down, px.

    Returns:
        uint8 (H, W, 3) RGB; pixels further from a vehicle than its motion are as they were.
    """
    out = image.copy()
    for vehicle_id, (right, down) in motions_px.items():
        length = math.hypot(right, down)
        if length < _LEAST_PX:
            continue
        cut = min(1.0, _MOST_PX / length)
        mask = identities == vehicle_id
        columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
        if not len(columns):
            continue
        pad = int(min(length, _MOST_PX)) + 2
        top, bottom = max(0, int(rows[0]) - pad), int(rows[-1]) + pad + 1
        left, right_edge = max(0, int(columns[0]) - pad), int(columns[-1]) + pad + 1
        part = np.s_[top:bottom, left:right_edge]
        kernel = _streak(right * cut, down * cut)
        within = mask[part].astype(np.float32)
        share = cv2.filter2D(within, -1, kernel, borderType=cv2.BORDER_REPLICATE)[:, :, None]
        pixels = out[part].astype(np.float32)
        moving = pixels * within[:, :, None]
        behind = _behind(pixels, within, 2 * pad + 1)
        smeared = cv2.filter2D(moving, -1, kernel, borderType=cv2.BORDER_REPLICATE)
        out[part] = np.clip(smeared + (1 - share) * behind, 0, 255).astype(np.uint8)
    return out


def _behind(pixels: Floats, within: Floats, reach_px: int) -> Floats:
    """What lies beside a vehicle, carried on beneath its rim."""
    beside = np.float32(1) - within
    size = (reach_px, reach_px)
    share = cv2.blur(beside, size)[:, :, None]
    around = cv2.blur(pixels * beside[:, :, None], size) / np.maximum(share, 1e-3)
    background: Floats = np.where(within[:, :, None] > 0, around, pixels)
    return background


def _streak(right_px: float, down_px: float) -> NDArray[np.float32]:
    """A line of a length and direction as a kernel with sum 1."""
    half = math.ceil(max(abs(right_px), abs(down_px)) / 2)
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    steps = max(2, 4 * half + 1)
    for share in np.linspace(-0.5, 0.5, steps).tolist():
        x, y = half + share * right_px, half + share * down_px
        x0, y0 = min(int(x), 2 * half), min(int(y), 2 * half)
        fx, fy = x - x0, y - y0
        for dx, dy, weight in (
            (0, 0, (1 - fx) * (1 - fy)),
            (1, 0, fx * (1 - fy)),
            (0, 1, (1 - fx) * fy),
            (1, 1, fx * fy),
        ):
            if weight > 0 and x0 + dx <= 2 * half and y0 + dy <= 2 * half:
                kernel[y0 + dy, x0 + dx] += weight
    kernel /= kernel.sum()
    return kernel
