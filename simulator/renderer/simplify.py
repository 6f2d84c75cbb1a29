"""Fewer triangles for meshes that are far too fine, and no vertex where none was."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float32]

_SMALL_PART = 300
_CREASE_COSINE = 0.6
_TOLERANCE_SHARE = 0.004


def simplify_part(positions: Floats, target: int, scale_m: float) -> tuple[Floats, Floats]:
    """Decimates the triangles of one material.

    Quadric decimation places vertices freely on flat, open surfaces, which shows as spikes: a vertex that strays from
    all original ones is put back onto the nearest.

    Args:
        positions: (3T, 3) corners in metres.
        target: Wished number of triangles.
        scale_m: Length of the whole body, the measure of what a visible error is.

    Returns:
        Corner positions (3T', 3) and normals (3T', 3), creases kept sharp.
    """
    import fast_simplification

    keys = np.round(positions * 5000).astype(np.int32)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    points = positions[first]
    faces = inverse.reshape(-1, 3)
    distinct = (faces[:, 0] != faces[:, 1]) & (faces[:, 1] != faces[:, 2]) & (faces[:, 0] != faces[:, 2])
    faces = faces[distinct].astype(np.int32)
    if target < len(faces) and len(faces) > _SMALL_PART:
        out_points, out_faces = fast_simplification.simplify(points, faces, target_count=target)
        points, faces = _snapped(points, out_points, scale_m * _TOLERANCE_SHARE), out_faces
    return points[faces].reshape(-1, 3), _crease_normals(points, faces).reshape(-1, 3)


def _snapped(original: Floats, simplified: Floats, tolerance_m: float) -> Floats:
    """Moves vertices that strayed from every original vertex back to the nearest one."""
    distance, nearest = cKDTree(original).query(simplified)
    stray = np.asarray(distance) > tolerance_m
    out = simplified.astype(np.float32)
    out[stray] = original[np.asarray(nearest)[stray]]
    return out


def _crease_normals(points: Floats, faces: NDArray[np.int32]) -> Floats:
    """Area-weighted vertex normals (T, 3, 3), replaced by the face's own across sharp creases."""
    corners = points[faces]
    weighted = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    flat = weighted / (np.linalg.norm(weighted, axis=1, keepdims=True) + 1e-12)
    smooth = np.zeros_like(points)
    for corner in range(3):
        np.add.at(smooth, faces[:, corner], weighted)
    smooth /= np.linalg.norm(smooth, axis=1, keepdims=True) + 1e-12
    normals = smooth[faces]
    alike = (normals * flat[:, None, :]).sum(-1)
    return np.where((alike < _CREASE_COSINE)[..., None], flat[:, None, :], normals).astype(np.float32)
