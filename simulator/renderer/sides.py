"""Which sides of a body's triangles can be seen from outside, so that no other need be drawn. Looks, never cuts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.renderer.optics import look_at, orthographic
from simulator.renderer.surface import Mesh

_PICTURE_PX = 256
#: Cameras hang above what they watch; from a low one, a lorry's flank is still seen from a little below.
_ELEVATIONS_DEG = {-8.0: 8, 4.0: 16, 18.0: 16, 40.0: 12, 65.0: 8, 89.0: 1}


def seen_sides(gl: Any, program: Any, mesh: Mesh) -> NDArray[np.int64]:
    """Looks at a body from all around and above.

    Args:
        gl: The context; its framebuffer in use changes.
        program: Of depth.vert and sides.frag.
        mesh: The body.

    Returns:
        (T, 2), in how many pixels the back and the front of every triangle were seen, parts in their order. What is
        smaller than a pixel, 2 cm of a car, may have been missed.
    """
    corners = np.concatenate([part.vertices[part.indices.reshape(-1), :3] for part in mesh.parts])
    corners = np.ascontiguousarray(corners, np.float32)
    middle, reach = _ball(corners)
    buffer = gl.buffer(corners.tobytes())
    array = gl.vertex_array(program, [(buffer, "3f", "in_position")])
    size = (_PICTURE_PX, _PICTURE_PX)
    target = gl.framebuffer([gl.renderbuffer(size, 1, dtype="u4")], gl.depth_renderbuffer(size))
    target.use()
    program["model"].write(np.eye(4, dtype=np.float32).tobytes())
    counts = np.zeros(2 * len(corners) // 3 + 1, np.int64)
    box = orthographic(reach, 0.5 * reach, 3.5 * reach)
    for direction in _directions():
        eye = middle + 2 * reach * direction
        target.clear(depth=1.0)
        view = box @ look_at(tuple(eye.tolist()), tuple(middle.tolist()))
        program["view_projection"].write(np.ascontiguousarray(view.T, np.float32).tobytes())
        array.render()
        seen = np.frombuffer(target.read(components=1, dtype="u4", alignment=1), np.uint32)
        counts += np.bincount(seen, minlength=len(counts))
    for thing in (target, array, buffer):
        thing.release()
    return counts[1:].reshape(-1, 2)


def detail_m(mesh: Mesh) -> float:
    """Size of a pixel of the pictures that ``seen_sides`` looks at."""
    return 2 * _ball(np.concatenate([part.vertices[:, :3] for part in mesh.parts]))[1] / _PICTURE_PX


def _ball(points: NDArray[np.float32]) -> tuple[NDArray[np.float32], float]:
    """Middle and radius of a ball that holds all points (N, 3)."""
    low, high = points.min(axis=0), points.max(axis=0)
    return (low + high) / 2, float(np.linalg.norm(high - low)) / 2 + 0.01


def _directions() -> NDArray[np.float64]:
    """Unit vectors (N, 3) from a body towards those who look at it."""
    rows = []
    for elevation_deg, count in _ELEVATIONS_DEG.items():
        up, level = math.sin(math.radians(elevation_deg)), math.cos(math.radians(elevation_deg))
        for index in range(count):
            bearing = 2 * math.pi * (index + 0.25) / count
            rows.append((level * math.sin(bearing), up, level * math.cos(bearing)))
    return np.asarray(rows)
