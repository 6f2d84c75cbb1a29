"""What moving vehicles do to the cached ground: cast shadows, contact dimness, light of their headlamps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.renderer.device import Device, put, put_matrix
from simulator.renderer.headlamps import LampPlaces
from simulator.renderer.optics import Matrix
from simulator.renderer.stage import HALF_WIDTH_OF_SUN_M, Stage

_HEIGHT_M = 0.03
_TILE_M = 2.0
_BEAM_M = 26.0
_BEAM_HALF_WIDTH_M = 8.0


class GroundPasses:
    """Draws thin sheets over the ground of the framebuffer in use."""

    def __init__(self, device: Device, size: tuple[int, int]) -> None:
        self._device, self._size = device, size
        self._sheets: dict[tuple[float, float, float, float, bool], Any] = {}
        self._tiles = device.gl.buffer(reserve=64 * 64 * 6 * 12)
        self._tile_array = device.gl.vertex_array(device.programs.catcher, [(self._tiles, "3f", "in_position")])

    def cast_shadows(self, stage: Stage, boxes: list[NDArray[np.float64]]) -> None:
        """Darkens the ground where the moving shadow map hides the sun.

        Args:
            stage: The camera.
            boxes: (8, 4) world corners of every body; only tiles of ground that their shadows reach are drawn.
        """
        triangles = shadow_tiles(boxes, stage.view.light.sun_direction, stage.view.sun_centre)
        if not len(triangles):
            return
        catcher = self._begin(stage, self._device.programs.catcher)
        put(catcher, {"contact": False, "shade": stage.view.light.shadow_shade})
        put_matrix(catcher, "model", np.eye(4))
        self._tiles.write(triangles.tobytes())
        self._tile_array.render(vertices=len(triangles))
        self._end()

    def contact(self, stage: Stage, bodies: list[tuple[tuple[float, float, float], Matrix]]) -> None:
        """Dims the ground beneath bodies of a size (width, height, length)."""
        catcher = self._begin(stage, self._device.programs.catcher)
        catcher["contact"] = True
        for (width, _, length), matrix in bodies:
            catcher["half_size_m"] = (width / 2 - 0.25, length / 2 - 0.35)
            put_matrix(catcher, "model", matrix)
            x, z = width / 2 + 0.5, length / 2 + 0.5
            self._sheet((-x, x, -z, z), beam=False).render()
        self._end()

    def beams(self, stage: Stage, bodies: list[tuple[LampPlaces, Matrix]], strength: float) -> None:
        """Lights the ground ahead of vehicles."""
        beam = self._begin(stage, self._device.programs.beam)
        gl = self._device.gl
        gl.blend_func = gl.ONE, gl.ONE_MINUS_SRC_COLOR
        put(beam, {"picture_px": self._size, "beam": strength})
        for places, matrix in bodies:
            half, _, ahead = places.front
            beam["lamp_at"] = (half, ahead)
            put_matrix(beam, "model", matrix)
            start = round(ahead, 1)
            extent = (-_BEAM_HALF_WIDTH_M, _BEAM_HALF_WIDTH_M, start, start + _BEAM_M)
            self._sheet(extent, beam=True).render()
        self._end()

    def _begin(self, stage: Stage, program: Any) -> Any:
        gl = self._device.gl
        gl.enable(gl.BLEND)
        gl.blend_func = gl.DST_COLOR, gl.ZERO
        gl.fbo.depth_mask = False
        put_matrix(program, "view_projection", stage.projection)
        if "sun_projection" in program:
            put_matrix(program, "sun_projection", stage.sun)
        return program

    def _end(self) -> None:
        self._device.gl.disable(self._device.gl.BLEND)
        self._device.gl.fbo.depth_mask = True

    def _sheet(self, extent: tuple[float, float, float, float], *, beam: bool) -> Any:
        """A flat rectangle just above the ground: least and most x, least and most z."""
        x0, x1, z0, z1 = (round(value, 2) for value in extent)
        key = (x0, x1, z0, z1, beam)
        if key not in self._sheets:
            corners = [(x0, z0), (x1, z0), (x1, z1), (x0, z0), (x1, z1), (x0, z1)]
            points = np.array([(x, _HEIGHT_M, z) for x, z in corners], np.float32)
            program = self._device.programs.beam if beam else self._device.programs.catcher
            buffer = self._device.gl.buffer(points.tobytes())
            self._sheets[key] = self._device.gl.vertex_array(program, [(buffer, "3f", "in_position")])
        return self._sheets[key]


def shadow_tiles(
    boxes: list[NDArray[np.float64]],
    sun_direction: tuple[float, float, float],
    centre: tuple[float, float, float],
) -> NDArray[np.float32]:
    """Ground tiles that shadows may touch, each once, so that no shadow is laid twice.

    Args:
        boxes: (8, 4) world corners of every body.
        sun_direction: Unit vector towards the sun.
        centre: Middle of the ground that gets shadows.

    Returns:
        (6 N, 3) corners of two triangles per tile.
    """
    count = int(2 * HALF_WIDTH_OF_SUN_M / _TILE_M)
    wanted = np.zeros((count, count), np.bool_)
    origin = np.array([centre[0], centre[2]]) - HALF_WIDTH_OF_SUN_M
    x, y, z = sun_direction
    for box in boxes:
        fallen = box[:, [0, 2]] - np.outer(box[:, 1] / max(y, 0.05), (x, z))
        reach = np.concatenate([box[:, [0, 2]], fallen])
        low = np.clip(np.floor((reach.min(axis=0) - 0.3 - origin) / _TILE_M), 0, count).astype(int)
        high = np.clip(np.ceil((reach.max(axis=0) + 0.3 - origin) / _TILE_M), 0, count).astype(int)
        wanted[low[0] : high[0], low[1] : high[1]] = True
    cells = np.argwhere(wanted)
    around = np.array([(0, 0), (1, 0), (1, 1), (0, 0), (1, 1), (0, 1)])
    flat = ((cells[:, None] + around) * _TILE_M + origin).reshape(-1, 2)
    return np.insert(flat, 1, _HEIGHT_M, axis=1).astype(np.float32)
