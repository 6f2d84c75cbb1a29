"""Which vehicle every pixel shows, and where a vehicle would be seen if nothing stood before it. Exact; no colours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.renderer.device import Device, GpuMesh, put_matrix
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
    """

    left: int
    top: int
    mask: NDArray[np.bool_]


class MaskPainter:
    """Draws id masks of one picture size."""

    def __init__(self, device: Device, size: tuple[int, int]) -> None:
        gl = device.gl
        self._device, self._size = device, size
        self._target = gl.framebuffer([gl.renderbuffer(size, 1, dtype="u4")], gl.depth_renderbuffer(size))

    def identities(self, stage: Stage, bodies: list[tuple[int, Bodies]]) -> NDArray[np.uint32]:
        """The vehicle (H, W) that every pixel shows; 0: none."""
        self._device.gl.copy_framebuffer(self._target, stage.identities)
        self._target.use()
        self._draw(stage, bodies)
        width, height = self._size
        return self._read((0, 0, width, height))

    def silhouette(self, stage: Stage, bodies: Bodies) -> Silhouette:
        """Where a vehicle's bodies lie in the picture; only the part of the picture they can reach is drawn and read."""
        left, bottom, width, height = region = _reach(stage.projection, bodies, self._size)
        if width <= 0 or height <= 0:
            return Silhouette(0, 0, np.zeros((0, 0), np.bool_))
        target = self._target
        target.use()
        target.scissor = region
        target.clear(depth=1.0, viewport=region)
        self._draw(stage, [(1, bodies)])
        target.scissor = None
        return Silhouette(left, self._size[1] - bottom - height, self._read(region) > 0)

    def _draw(self, stage: Stage, bodies: list[tuple[int, Bodies]]) -> None:
        program = self._device.programs.identity
        put_matrix(program, "view_projection", stage.projection)
        for identity, parts in bodies:
            program["identity"] = identity
            for body, matrix in parts:
                put_matrix(program, "model", matrix)
                for array in body.identity:
                    array.render()

    def _read(self, region: tuple[int, int, int, int]) -> NDArray[np.uint32]:
        raw: Any = self._target.read(viewport=region, components=1, dtype="u4", alignment=1)
        return np.ascontiguousarray(np.frombuffer(raw, np.uint32).reshape(region[3], region[2])[::-1])


def _reach(projection: Matrix, bodies: Bodies, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, bottom, width and height in px that hold the bodies' boxes; the whole picture where one is near the lens."""
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
