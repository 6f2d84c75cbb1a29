"""One camera's still picture: sky, scenery, its mirror image on wet ground, glowing lamps. Drawn once, then copied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.renderer.device import TEXTURE_UNITS, Device, put, put_lamps, put_matrix, read_depth
from simulator.renderer.glow import Glow, GlowPainter
from simulator.renderer.gpu_mesh import GpuMesh, draw_all
from simulator.renderer.looks import Light
from simulator.renderer.optics import Matrix, look_at, orthographic, perspective
from simulator.renderer.surface import Mesh, Slot

HALF_WIDTH_OF_SUN_M = 48.0
_LAMPS_REACH_M = 90.0
_CUT_NOTHING_M = -100.0
_CUT_GROUND_M = 0.15
#: Scene as a mirror on the ground shows it.
MIRROR: Matrix = np.diag([1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, slots=True)
class View:
    """A camera as the renderer needs it.

    Attributes:
        eye: Position in metres, y up.
        target: Point it looks at.
        fov_deg: Horizontal field of view.
        sun_centre: Middle of the ground that gets shadows.
        light: What lights the scene.
    """

    eye: tuple[float, float, float]
    target: tuple[float, float, float]
    fov_deg: float
    sun_centre: tuple[float, float, float]
    light: Light


@dataclass(slots=True)
class Stage:
    """What is kept of one camera.

    Attributes:
        view: The camera.
        projection: World to clip space.
        sun: World to the shadow maps.
        lamps: float32 (N, 4) lamps that are on: position and strength, nearest to the camera first.
        picture: Framebuffer, colour and depth of the still scene.
        depth: float32 (H, W), how far the still scene is, 0 to 1.
        shadow: Depth texture seen from the sun.
        ground: Texture, what the ground reflects (rgb) and mirrors (alpha).
    """

    view: View
    projection: Matrix
    sun: Matrix
    lamps: NDArray[np.float32]
    picture: Any
    depth: NDArray[np.float32]
    shadow: Any
    ground: Any

    def release(self) -> None:
        """Frees everything."""
        for thing in (self.picture, self.shadow, self.ground):
            thing.release()

    def lamps_near(self, x_m: float, z_m: float, count: int) -> NDArray[np.float32]:
        """The lamps nearest to a spot on the ground, (<= count, 4)."""
        gap = np.hypot(self.lamps[:, 0] - x_m, self.lamps[:, 2] - z_m)
        return self.lamps[np.argsort(gap, kind="stable")[:count]]


def surface_uniforms(view: View) -> dict[str, Any]:
    """Camera and light as the surface programs name them."""
    light = view.light
    return {
        "eye": view.eye,
        "sun_direction": light.sun_direction,
        "sun_rgb": light.sun_rgb,
        "sky_rgb": light.sky_rgb,
        "haze_rgb": light.haze_rgb,
        "zenith_rgb": light.zenith_rgb,
        "clouds": light.clouds,
        "lamp_rgb": light.lamp_rgb,
        "fog": light.fog,
        "wet": light.wet,
        "windows_lit": float(light.lamps_on),
        "lamps_on": float(light.lamps_on),
    }


def per_metre(view: View, size: tuple[int, int]) -> tuple[float, float]:
    """Clip units per metre at distance 1, across and up."""
    matrix = perspective(view.fov_deg, size[0] / size[1])
    return float(matrix[0, 0]), float(matrix[1, 1])


class StagePainter:
    """Draws stages of one picture size."""

    def __init__(self, device: Device, size: tuple[int, int], glow: GlowPainter) -> None:
        self._device, self._size, self._glow = device, size, glow

    def paint(self, scenery: Mesh, view: View) -> Stage:
        """Draws the still scene of a camera."""
        device, gl = self._device, self._device.gl
        still = device.upload_still(scenery)
        projection = perspective(view.fov_deg, self._size[0] / self._size[1]) @ look_at(view.eye, view.target)
        centre = np.asarray(view.sun_centre)
        towards_sun = tuple((centre + np.asarray(view.light.sun_direction) * 100).tolist())
        sun = orthographic(HALF_WIDTH_OF_SUN_M, 1.0, 260.0) @ look_at(towards_sun, view.sun_centre)
        shadow, shadow_target = device.shadow_map()
        ground, ground_target = device.target(self._size)
        shadow_target.use()
        shadow_target.clear(depth=1.0)
        self._outline(still, sun)
        outline = gl.framebuffer([gl.renderbuffer(self._size, 1, dtype="u4")], gl.depth_renderbuffer(self._size))
        outline.use()
        outline.clear(depth=1.0)
        self._outline(still, projection)
        depth = read_depth(outline, (0, 0, *self._size))
        outline.release()
        picture = device.canvas(self._size)
        stage = Stage(view, projection, sun, _lamps_of(scenery, view), picture, depth, shadow, ground)
        shadow.use(TEXTURE_UNITS["still_shadow"])
        self._paint_ground(stage, still, ground_target)
        self._paint_picture(stage, still)
        still.release()
        shadow_target.release()
        ground_target.release()
        return stage

    def _depth_first(
        self, target: Any, still: GpuMesh, projection: Matrix, cut_below_m: float = _CUT_NOTHING_M
    ) -> None:
        """Fills in the depth, so that only what is seen gets shaded."""
        target.color_mask = (False, False, False, False)
        self._outline(still, projection, cut_below_m)
        target.color_mask = (True, True, True, True)

    def _outline(self, still: GpuMesh, projection: Matrix, cut_below_m: float = _CUT_NOTHING_M) -> None:
        program = self._device.programs.still
        program["cut_below_m"] = cut_below_m
        put_matrix(program, "view_projection", projection)
        put_matrix(program, "model", np.eye(4))
        draw_all(still.outline)

    def _surface(self, stage: Stage, still: GpuMesh, projection: Matrix, **more: Any) -> None:
        """The scenery with everything that lights it."""
        program = self._device.programs.scenery
        put_matrix(program, "view_projection", projection)
        put_matrix(program, "sun_projection", stage.sun)
        put_matrix(program, "model", np.eye(4))
        settings = {"moving": False, "only_ground": False, "cut_below_m": _CUT_NOTHING_M, "body_size": (1.0, 1.0, 1.0)}
        put(program, surface_uniforms(stage.view) | settings | more)
        put_lamps(program, stage.lamps)
        draw_all(still.surface[False])

    def _paint_ground(self, stage: Stage, still: GpuMesh, target: Any) -> None:
        target.use()
        target.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        light = stage.view.light
        if light.lamps_on or light.wet > 0 or _has_water(still.mesh):
            self._depth_first(target, still, stage.projection)
            self._surface(stage, still, stage.projection, only_ground=True)

    def _paint_picture(self, stage: Stage, still: GpuMesh) -> None:
        gl, device = self._device.gl, self._device
        stage.picture.use()
        stage.picture.clear(0.0, 0.0, 0.0, 1.0, depth=1.0)
        gl.disable(gl.DEPTH_TEST)
        sky = device.programs.sky
        put_matrix(sky, "backwards", np.linalg.inv(stage.projection).astype(np.float64))
        put(sky, surface_uniforms(stage.view))
        device.screen(sky).render()
        gl.enable(gl.DEPTH_TEST)
        self._depth_first(stage.picture, still, stage.projection)
        self._surface(stage, still, stage.projection)
        glows = _lamp_glows(stage)
        if stage.view.light.wet > 0 or _has_water(still.mesh):
            mirror, mirror_target = device.target(self._size)
            mirror_target.use()
            mirror_target.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
            mirrored = stage.projection @ MIRROR
            self._depth_first(mirror_target, still, mirrored, cut_below_m=_CUT_GROUND_M)
            self._surface(stage, still, mirrored, cut_below_m=_CUT_GROUND_M)
            self._glow.paint(glows, mirrored, per_metre(stage.view, self._size))
            stage.picture.use()
            self.lay_mirror(stage, mirror, 0.75)
            mirror.release()
            mirror_target.release()
        self._glow.paint(glows, stage.projection, per_metre(stage.view, self._size))

    def lay_mirror(self, stage: Stage, mirror: Any, strength: float) -> None:
        """Lays a mirror image over the framebuffer in use, where the ground is wet."""
        gl, wet = self._device.gl, self._device.programs.wet
        gl.disable(gl.DEPTH_TEST)
        gl.enable(gl.BLEND)
        gl.blend_func = gl.SRC_ALPHA, gl.ONE_MINUS_SRC_ALPHA
        mirror.use(TEXTURE_UNITS["mirror"])
        stage.ground.use(TEXTURE_UNITS["ground"])
        put(wet, {"strength": strength})
        self._device.screen(wet).render()
        gl.disable(gl.BLEND)
        gl.enable(gl.DEPTH_TEST)


def _lamps_of(scenery: Mesh, view: View) -> NDArray[np.float32]:
    """Lamps that are on and near enough to matter, nearest to the middle of the scene first."""
    rows = np.asarray(scenery.lamps, np.float32).reshape(-1, 4)
    if not view.light.lamps_on or not len(rows):
        return np.zeros((0, 4), np.float32)
    gap = np.hypot(rows[:, 0] - view.sun_centre[0], rows[:, 2] - view.sun_centre[2])
    order = np.argsort(gap, kind="stable")
    near: NDArray[np.float32] = rows[order][gap[order] < _LAMPS_REACH_M]
    return near


def _lamp_glows(stage: Stage) -> list[Glow]:
    """Halos of street lamps; larger in mist."""
    light = stage.view.light
    spread = 1.2 + min(3.0, 90 * light.fog)
    strength = min(1.0, float(np.mean(light.lamp_rgb)) / 14.0)
    tint = np.asarray(light.lamp_rgb) / max(1e-6, *light.lamp_rgb)
    return [
        Glow((float(x), float(y), float(z)), spread, tuple((tint * strength * 0.9).tolist()))
        for x, y, z, share in stage.lamps
        if share > 0.6
    ]


def _has_water(mesh: Mesh) -> bool:
    return any(bool((part.vertices[:, 13] == Slot.WATER).any()) for part in mesh.parts)
