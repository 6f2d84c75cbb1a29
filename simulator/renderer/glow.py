"""Glowing lamps: squares that face the camera, added to the picture where nothing hides them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.renderer.device import Device, put_matrix
from simulator.renderer.optics import Matrix
from simulator.vehicles.identity import Rgb


@dataclass(frozen=True, slots=True)
class Glow:
    """One glow.

    Attributes:
        at: Where the lamp is, metres.
        radius_m: How far its halo reaches.
        rgb: Its colour and strength in the developed picture.
    """

    at: tuple[float, float, float]
    radius_m: float
    rgb: Rgb


class GlowPainter:
    """Draws glows into the framebuffer in use."""

    _MOST = 256

    def __init__(self, device: Device) -> None:
        self._gl, self._program = device.gl, device.programs.sprite
        corners = np.array([(-1, -1), (1, -1), (-1, 1), (1, 1)], np.float32)
        self._lamps = self._gl.buffer(reserve=self._MOST * 7 * 4)
        square = self._gl.buffer(corners.tobytes())
        self._array = self._gl.vertex_array(
            self._program, [(square, "2f", "in_position"), (self._lamps, "4f 3f/i", "in_lamp", "in_rgb")]
        )

    def paint(self, glows: list[Glow], projection: Matrix, per_metre: tuple[float, float]) -> None:
        """Adds glows; what is brighter than white stays white.

        Args:
            glows: At most 256; the rest is left out.
            projection: World to clip space.
            per_metre: Clip units per metre at distance 1, across and up.
        """
        gl = self._gl
        rows = np.array([(*glow.at, glow.radius_m, *glow.rgb) for glow in glows[: self._MOST]], np.float32)
        if not len(rows):
            return
        self._lamps.write(rows.tobytes())
        put_matrix(self._program, "view_projection", projection)
        self._program["per_metre"] = per_metre
        gl.enable(gl.BLEND)
        gl.blend_func = gl.ONE, gl.ONE_MINUS_SRC_COLOR
        gl.fbo.depth_mask = False
        self._array.render(gl.TRIANGLE_STRIP, instances=len(rows))
        gl.fbo.depth_mask = True
        gl.disable(gl.BLEND)
