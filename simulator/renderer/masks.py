"""Where a vehicle would be seen if nothing stood before it, and which vehicle every pixel shows. Exact; no colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.renderer.device import Device, put_matrix, read_depth
from simulator.renderer.gpu_mesh import GpuMesh, draw_all
from simulator.renderer.optics import Matrix
from simulator.renderer.stage import Stage

Bodies = list[tuple[GpuMesh, Matrix]]


@dataclass(frozen=True, slots=True)
class Silhouette:
    """A vehicle as if nothing stood before it.

    Attributes:
        left: Left edge of the cut-out in the picture, px.
        top: Its upper edge.
        mask: bool (h, w), pixels of the vehicle in the cut-out; (0, 0) if it is out of the picture.
        depth: float32 (h, w), how far its pixels are, 0 to 1; 1 elsewhere.
    """

    left: int
    top: int
    mask: NDArray[np.bool_]
    depth: NDArray[np.float32]

    @property
    def part(self) -> tuple[slice, slice]:
        """Where the cut-out lies in a picture."""
        height, width = self.mask.shape
        return slice(self.top, self.top + height), slice(self.left, self.left + width)


_NOWHERE = Silhouette(0, 0, np.zeros((0, 0), np.bool_), np.zeros((0, 0), np.float32))


class MaskPainter:
    """Draws outlines of one picture size. Depths decide what hides what, exactly as one common drawing would."""

    def __init__(self, device: Device, size: tuple[int, int]) -> None:
        gl = device.gl
        self._device, self._size = device, size
        self._target = gl.framebuffer([gl.renderbuffer(size, 1, dtype="u4")], gl.depth_renderbuffer(size))

    def identities(self, stage: Stage, silhouettes: list[tuple[int, Silhouette]]) -> NDArray[np.uint32]:
        """The vehicle (H, W) that every pixel shows, from where each is and how far; 0: none."""
        nearest = stage.depth.copy()
        found = np.zeros(nearest.shape, np.uint32)
        for identity, cut in silhouettes:
            part = cut.part
            seen = cut.mask & (cut.depth <= nearest[part])
            found[part][seen] = identity
            nearest[part][seen] = cut.depth[seen]
        return found

    def silhouette(self, stage: Stage, bodies: Bodies) -> Silhouette:
        """Where a vehicle's bodies lie in the picture; only what they can reach of it is drawn and read."""
        left, bottom, width, height = region = _reach(stage.projection, bodies, self._size)
        if width <= 0 or height <= 0:
            return _NOWHERE
        target, program = self._target, self._device.programs.depth
        target.use()
        target.scissor = region
        target.clear(depth=1.0, viewport=region)
        put_matrix(program, "view_projection", stage.projection)
        for body, matrix in bodies:
            put_matrix(program, "model", matrix)
            draw_all(body.outline)
        target.scissor = None
        depth = read_depth(target, region)
        return Silhouette(left, self._size[1] - bottom - height, depth < 1.0, depth)


def shows_detail(projection: Matrix, body: GpuMesh, matrix: Matrix, width_px: int) -> bool:
    """Whether a pixel is small enough, somewhere on a body, to show what could hardly be seen from all around it."""
    nearest = float((box_corners(body, matrix) @ projection[3]).min())
    return nearest < body.detail_m * width_px * float(np.linalg.norm(projection[0, :3])) / 2


def _reach(projection: Matrix, bodies: Bodies, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, bottom, width and height in px that hold the bodies' boxes; the whole picture if one is near the lens."""
    width, height = size
    corners = np.concatenate([box_corners(body, matrix) for body, matrix in bodies])
    clip = corners @ projection.T
    if (clip[:, 3] < 0.4).any():
        return (0, 0, width, height) if (clip[:, 3] > 0).any() else (0, 0, 0, 0)
    at = (clip[:, :2] / clip[:, 3:4] * 0.5 + 0.5) * size
    low = np.clip(np.floor(at.min(axis=0)) - 1, 0, size).astype(int)
    high = np.clip(np.ceil(at.max(axis=0)) + 1, 0, size).astype(int)
    return int(low[0]), int(low[1]), int(high[0] - low[0]), int(high[1] - low[1])


def box_corners(body: GpuMesh, matrix: Matrix) -> NDArray[np.float64]:
    """The eight corners (8, 4) of a body's box in the world; taken from its vertices, as loads have no size."""
    low, high = body.reach
    choices = [(x, y, z, 1.0) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    return np.asarray(choices) @ matrix.T
