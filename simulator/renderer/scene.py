"""The renderer: still scenery drawn once per camera, moving vehicles on top of it, and an exact id mask.

Owns the order of the passes. One instance per process and thread: a second context, or torch in the same process,
was seen to crash Mesa.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.meshes import MeshLibrary
from simulator.renderer.device import TEXTURE_UNITS, Device, put, put_lamps, put_matrix
from simulator.renderer.glow import Glow, GlowPainter
from simulator.renderer.gpu_mesh import GpuMesh, draw, draw_all
from simulator.renderer.ground_passes import GroundPasses
from simulator.renderer.headlamps import LampPlaces, lamp_places, vehicle_glows
from simulator.renderer.masks import Bodies, MaskPainter, Silhouette, box_corners, shows_detail
from simulator.renderer.optics import Matrix, body_pose
from simulator.renderer.stage import MIRROR, Stage, StagePainter, View, per_metre, surface_uniforms
from simulator.renderer.surface import Mesh
from simulator.renderer.vehicle_look import CLEAN, look_of
from simulator.vehicles.identity import Appearance

__all__ = ["Picture", "Placed", "Renderer", "Silhouette", "View"]

#: Wetness from which vehicles are seen in the road.
_MIRRORS_FROM = 0.2
_MIRROR_SHARE = 3
_NEAR_LAMPS = 4
_BEAM_STRENGTH = 1.5


@dataclass(frozen=True, slots=True)
class Placed:
    """A vehicle somewhere on the ground."""

    appearance: Appearance
    x_m: float
    z_m: float
    yaw_rad: float


@dataclass(frozen=True, slots=True)
class Picture:
    """One rendered frame.

    Attributes:
        image: uint8 (H, W, 3) RGB.
        identities: uint32 (H, W), vehicle_id of the vehicle a pixel shows, 0 for none.
        silhouettes: By vehicle_id, where each would be seen if nothing stood before it.
    """

    image: NDArray[np.uint8]
    identities: NDArray[np.uint32]
    silhouettes: dict[int, Silhouette]


class Renderer:
    """Draws scenes of one picture size."""

    def __init__(self, width_px: int, height_px: int, library: MeshLibrary) -> None:
        """Opens an off-screen OpenGL 3.3 context.

        Raises:
            RendererMissing: There is none to be had.
        """
        self.width_px, self.height_px = width_px, height_px
        size = (width_px, height_px)
        self._device = device = Device(library)
        self._glow = GlowPainter(device)
        self._stages = StagePainter(device, size, self._glow)
        self._ground = GroundPasses(device, size)
        self._masks = MaskPainter(device, size)
        self._canvas = device.canvas(size)
        self._resolved = device.gl.framebuffer([device.gl.renderbuffer(size, 4)])
        small = (max(1, width_px // _MIRROR_SHARE), max(1, height_px // _MIRROR_SHARE))
        self._mirror, self._mirror_target = device.target(small)
        self._moving_shadow, self._moving_shadow_target = device.shadow_map()
        self._lamps: dict[str, LampPlaces] = {}
        self._stage: Stage | None = None

    def set_stage(self, scenery: Mesh, view: View) -> None:
        """Points the camera at still scenery and draws that once; frames after this start from a copy."""
        if self._stage is not None:
            self._stage.release()
        self._moving_shadow.use(TEXTURE_UNITS["moving_shadow"])
        self._stage = self._stages.paint(scenery, view)
        self._clear_shadow()

    def frame(self, vehicles: list[Placed]) -> Picture:
        """Draws vehicles on the current stage.

        Raises:
            RuntimeError: No stage was set.
        """
        image = self.photograph(vehicles)
        cuts = [(vehicle.appearance.vehicle_id, self.silhouette(vehicle)) for vehicle in vehicles]
        return Picture(image, self._masks.identities(self._current_stage(), cuts), dict(cuts))

    def photograph(self, vehicles: list[Placed]) -> NDArray[np.uint8]:
        """The picture (H, W, 3) RGB alone, for those who need no truth.

        Raises:
            RuntimeError: No stage was set.
        """
        stage, gl = self._current_stage(), self._device.gl
        light = stage.view.light
        bodies = [pair for vehicle in vehicles for pair in self._bodies_of(vehicle)]
        if light.casts_shadows:
            self._clear_shadow()
            self._draw_depth(stage.sun, bodies)
        glows = self._glows_of(vehicles) if light.lamps_on else []
        stage.shadow.use(TEXTURE_UNITS["still_shadow"])
        self._moving_shadow.use(TEXTURE_UNITS["moving_shadow"])
        stage.ground.use(TEXTURE_UNITS["ground"])
        program = self._device.programs.vehicle[not light.casts_shadows]
        put(program, surface_uniforms(stage.view) | {"moving": light.casts_shadows})
        if "sun_projection" in program:
            put_matrix(program, "sun_projection", stage.sun)
        if light.wet > _MIRRORS_FROM:
            self._draw_mirror(stage, vehicles, glows)
        gl.copy_framebuffer(self._canvas, stage.picture)
        self._canvas.use()
        self._draw_on_ground(stage, vehicles, bodies)
        self._draw_vehicles(stage, stage.projection, vehicles)
        self._glow.paint(glows, stage.projection, per_metre(stage.view, (self.width_px, self.height_px)))
        gl.copy_framebuffer(self._resolved, self._canvas)
        raw = self._resolved.read(components=3, alignment=1)
        image = np.frombuffer(raw, np.uint8).reshape(self.height_px, self.width_px, 3)[::-1]
        return np.ascontiguousarray(image)

    def silhouette(self, vehicle: Placed) -> Silhouette:
        """Pixels that would show the vehicle if nothing stood before it, cut out around it."""
        return self._masks.silhouette(self._current_stage(), self._bodies_of(vehicle))

    def solo_mask(self, vehicle: Placed) -> NDArray[np.bool_]:
        """Pixels (H, W) that would show the vehicle if nothing stood before it."""
        cut = self.silhouette(vehicle)
        whole = np.zeros((self.height_px, self.width_px), np.bool_)
        whole[cut.part] = cut.mask
        return whole

    def body_size_m(self, model: str) -> tuple[float, float, float]:
        """Width, height and length of a body."""
        return self._device.body(model).mesh.size_m

    def forget_decals(self) -> None:
        """Frees the decal layers of vehicles drawn so far."""
        self._device.decals.forget()

    def close(self) -> None:
        """Frees the context, and with it all that was made in it."""
        self._device.gl.gc_mode = None
        self._device.gl.release()

    # ---- passes

    def _clear_shadow(self) -> None:
        self._moving_shadow_target.use()
        self._moving_shadow_target.clear(depth=1.0)

    def _draw_depth(self, projection: Matrix, bodies: Bodies) -> None:
        """Depth alone, into the framebuffer in use."""
        depth = self._device.programs.depth
        put_matrix(depth, "view_projection", projection)
        for body, matrix in bodies:
            put_matrix(depth, "model", matrix)
            draw(self._device.gl, body.outline, fine=False)

    def _draw_on_ground(self, stage: Stage, vehicles: list[Placed], bodies: Bodies) -> None:
        light = stage.view.light
        if light.wet > _MIRRORS_FROM:
            self._stages.lay_mirror(stage, self._mirror, 0.8)
        if light.casts_shadows:
            self._ground.cast_shadows(stage, [box_corners(body, matrix) for body, matrix in bodies])
        poses = [(vehicle, body_pose(vehicle.x_m, vehicle.z_m, vehicle.yaw_rad)) for vehicle in vehicles]
        self._ground.contact(stage, [(self.body_size_m(v.appearance.model), pose) for v, pose in poses])
        if light.lamps_on:
            dark = max(0.0, 1.0 - float(np.mean(light.sky_rgb)) / 0.3)
            if dark > 0:
                lit = [(self._lamps_of(v.appearance.model), pose) for v, pose in poses]
                self._ground.beams(stage, lit, _BEAM_STRENGTH * dark)

    def _draw_mirror(self, stage: Stage, vehicles: list[Placed], glows: list[Glow]) -> None:
        """Vehicles and their lamps as the wet road shows them, small: ripples blur them anyway."""
        target = self._mirror_target
        target.use()
        target.clear(0.0, 0.0, 0.0, 0.0, depth=1.0)
        mirrored = stage.projection @ MIRROR
        self._draw_vehicles(stage, mirrored, vehicles)
        self._glow.paint(glows, mirrored, per_metre(stage.view, (self.width_px, self.height_px)))

    def _draw_vehicles(self, stage: Stage, projection: Matrix, vehicles: list[Placed]) -> None:
        lamplit = not stage.view.light.casts_shadows
        program = self._device.programs.vehicle[lamplit]
        put_matrix(program, "view_projection", projection)
        x_m, _, z_m = stage.view.eye
        # Nearest first: what they hide of the others is not shaded. Depths first, as for scenery, cost more here.
        for vehicle in sorted(vehicles, key=lambda one: math.hypot(one.x_m - x_m, one.z_m - z_m)):
            put_lamps(program, stage.lamps_near(vehicle.x_m, vehicle.z_m, _NEAR_LAMPS))
            look, decals = look_of(vehicle.appearance), self._device.decals.texture(vehicle.appearance)
            for index, (body, matrix) in enumerate(self._bodies_of(vehicle)):
                own = index == 0
                put_matrix(program, "model", matrix)
                put(program, {"body_size": body.mesh.size_m, "windscreen": body.mesh.visor})
                put(program, dict((look if own else CLEAN).uniforms()))
                put(program, {"has_decals": own and decals is not None})
                (decals if own and decals else self._device.no_decals).use(TEXTURE_UNITS["decals"])
                self._draw_surface(stage, projection, body, matrix)

    def _draw_surface(self, stage: Stage, projection: Matrix, body: GpuMesh, matrix: Matrix) -> None:
        """One body, with all that its program needs to know."""
        unit = TEXTURE_UNITS["mesh_texture"]
        layers = body.surface[not stage.view.light.casts_shadows]
        if projection is stage.projection:
            draw(self._device.gl, layers, unit, fine=shows_detail(projection, body, matrix, self.width_px))
        else:
            draw_all(layers, unit)

    # ---- what is drawn

    def _current_stage(self) -> Stage:
        if self._stage is None:
            raise RuntimeError("no stage: call set_stage first")
        return self._stage

    def _glows_of(self, vehicles: list[Placed]) -> list[Glow]:
        view = self._current_stage().view
        glows: list[Glow] = []
        for vehicle in vehicles:
            pose = body_pose(vehicle.x_m, vehicle.z_m, vehicle.yaw_rad)
            glows += vehicle_glows(self._lamps_of(vehicle.appearance.model), pose, view.eye, view.light)
        return glows

    def _lamps_of(self, model: str) -> LampPlaces:
        if model not in self._lamps:
            self._lamps[model] = lamp_places(self._device.body(model).mesh)
        return self._lamps[model]

    def _bodies_of(self, vehicle: Placed) -> Bodies:
        """The body and, if any, its load; both in the same place."""
        matrix = body_pose(vehicle.x_m, vehicle.z_m, vehicle.yaw_rad)
        look = vehicle.appearance
        bodies = [(self._device.body(look.model), matrix)]
        if look.load is not None:
            bodies.append((self._device.load(look.model, look.load), matrix))
        return bodies
