"""The renderer: still scenery drawn once per camera, moving vehicles on top of it, and an exact id mask.

Owns the OpenGL context and everything on it. One instance per process and thread: a second
context, or torch in the same process, was seen to crash Mesa.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue import MODELS
from simulator.errors import RendererMissing
from simulator.identity import Appearance
from simulator.livery import LAYERS
from simulator.meshes import MeshLibrary
from simulator.renderer.decal_store import DecalStore
from simulator.renderer.loads import build_load
from simulator.renderer.looks import Light
from simulator.renderer.optics import Matrix, body_pose, look_at, orthographic, perspective
from simulator.renderer.program import compile_program
from simulator.renderer.surface import VERTEX_ATTRIBUTES, VERTEX_FORMAT, Mesh
from simulator.renderer.vehicle_look import CLEAN, Look, look_of
from simulator.renderer.vehicle_mesh import build_vehicle_mesh

_SHADOW_PX = 2048
_SAMPLES = 4
_TEXTURE_UNITS = {"mesh_texture": 0, "decals": 1, "still_shadow": 2, "moving_shadow": 3}
_HALF_WIDTH_OF_SUN_M = 42.0


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
    """

    image: NDArray[np.uint8]
    identities: NDArray[np.uint32]


@dataclass(slots=True)
class _GpuMesh:
    """A mesh on the device: arrays per program, texture per part."""

    mesh: Mesh
    surface: list[tuple[Any, Any]]
    depth: list[Any]
    identity: list[Any]


@dataclass(slots=True)
class _Stage:
    """One camera's cached still picture."""

    view: View
    projection: Matrix
    sun: Matrix
    picture: Any
    identities: Any
    shadow: Any


class Renderer:
    """Draws scenes of one picture size."""

    def __init__(self, width_px: int, height_px: int, library: MeshLibrary) -> None:
        """Opens an off-screen OpenGL 3.3 context.

        Raises:
            RendererMissing: There is none to be had.
        """
        self.width_px, self.height_px = width_px, height_px
        self._library = library
        self._gl = _open_context()
        gl = self._gl
        self._vehicle = compile_program(gl, "surface.vert", "surface.frag", "VEHICLE")
        self._scenery = compile_program(gl, "surface.vert", "surface.frag", "SCENERY")
        self._depth = compile_program(gl, "depth.vert", "depth.frag")
        self._identity = compile_program(gl, "depth.vert", "identity.frag")
        self._catcher = compile_program(gl, "catcher.vert", "catcher.frag")
        for program in (self._vehicle, self._scenery, self._catcher):
            for name, unit in _TEXTURE_UNITS.items():
                if name in program:
                    program[name] = unit
        size = (width_px, height_px)
        self._canvas = gl.framebuffer(
            [gl.renderbuffer(size, 4, samples=_SAMPLES)], gl.depth_renderbuffer(size, samples=_SAMPLES)
        )
        self._resolved = gl.framebuffer([gl.renderbuffer(size, 4)])
        self._mask = gl.framebuffer([gl.renderbuffer(size, 1, dtype="u4")], gl.depth_renderbuffer(size))
        self._moving_shadow, self._moving_shadow_target = self._shadow_map()
        self._white = gl.texture((1, 1), 3, b"\xff" * 3, alignment=1)
        self._no_decals = gl.texture_array((1, 1, len(LAYERS)), 4, bytes(4 * len(LAYERS)))
        self._bodies: dict[str, _GpuMesh] = {}
        self._decals = DecalStore(gl)
        self._sheets: dict[tuple[float, float], Any] = {}
        self._stage: _Stage | None = None
        gl.enable(gl.DEPTH_TEST)
        gl.depth_func = "<="

    # ---- scenes

    def set_stage(self, scenery: Mesh, view: View) -> None:
        """Points the camera at still scenery and draws that once; frames after this start from a copy."""
        gl = self._gl
        self._release_stage()
        aspect = self.width_px / self.height_px
        projection = perspective(view.fov_deg, aspect) @ look_at(view.eye, view.target)
        centre = np.asarray(view.sun_centre)
        towards_sun = tuple((centre + np.asarray(view.light.sun_direction) * 100).tolist())
        sun = orthographic(_HALF_WIDTH_OF_SUN_M, 1.0, 220.0) @ look_at(towards_sun, view.sun_centre)
        still = self._upload(scenery, self._scenery)
        shadow, shadow_target = self._shadow_map()
        self._draw_depth(shadow_target, sun, [(still, np.eye(4))])
        size = (self.width_px, self.height_px)
        picture = gl.framebuffer(
            [gl.renderbuffer(size, 4, samples=_SAMPLES)], gl.depth_renderbuffer(size, samples=_SAMPLES)
        )
        identities = gl.framebuffer([gl.renderbuffer(size, 1, dtype="u4")], gl.depth_renderbuffer(size))
        self._stage = _Stage(view, projection, sun, picture, identities, shadow)
        picture.use()
        picture.clear(*view.light.horizon_srgb, 1.0, depth=1.0)
        shadow.use(_TEXTURE_UNITS["still_shadow"])
        self._moving_shadow.use(_TEXTURE_UNITS["moving_shadow"])
        self._set_scene(self._scenery)
        _write(self._scenery, "model", np.eye(4))
        for array, _ in still.surface:
            array.render()
        identities.use()
        identities.clear(depth=1.0)
        self._draw_identity([(still, np.eye(4), 0)])
        _release(still)

    def frame(self, vehicles: list[Placed]) -> Picture:
        """Draws vehicles on the current stage.

        Raises:
            RuntimeError: No stage was set.
        """
        stage = self._current_stage()
        gl = self._gl
        bodies = [(body, matrix) for vehicle in vehicles for body, matrix in self._bodies_of(vehicle)]
        self._draw_depth(self._moving_shadow_target, stage.sun, bodies)
        gl.copy_framebuffer(self._canvas, stage.picture)
        self._canvas.use()
        stage.shadow.use(_TEXTURE_UNITS["still_shadow"])
        self._moving_shadow.use(_TEXTURE_UNITS["moving_shadow"])
        self._draw_shadows(vehicles)
        self._draw_depth(None, stage.projection, bodies)
        self._set_scene(self._vehicle)
        for vehicle in vehicles:
            look, decals = look_of(vehicle.appearance), self._decals.texture(vehicle.appearance)
            for index, (body, matrix) in enumerate(self._bodies_of(vehicle)):
                self._draw_body(body, matrix, look if index == 0 else CLEAN, decals if index == 0 else None)
        gl.copy_framebuffer(self._resolved, self._canvas)
        raw = self._resolved.read(components=3, alignment=1)
        image = np.frombuffer(raw, np.uint8).reshape(self.height_px, self.width_px, 3)[::-1]
        return Picture(np.ascontiguousarray(image), self._read_mask(vehicles, with_stage=True))

    def solo_mask(self, vehicle: Placed) -> NDArray[np.bool_]:
        """Pixels (H, W) that would show the vehicle if nothing stood before it."""
        return self._read_mask([vehicle], with_stage=False) > 0

    def body_size_m(self, model: str) -> tuple[float, float, float]:
        """Width, height and length of a body."""
        return self._body(model).mesh.size_m

    def forget_decals(self) -> None:
        """Frees the decal layers of vehicles drawn so far."""
        self._decals.forget()

    def close(self) -> None:
        """Frees the context."""
        self._gl.release()

    # ---- drawing

    def _draw_depth(self, target: Any | None, projection: Matrix, bodies: list[tuple[_GpuMesh, Matrix]]) -> None:
        """Depth alone: into a cleared shadow map, or (None) into the canvas, so that only what is seen gets shaded."""
        if target is not None:
            target.use()
            target.clear(depth=1.0)
        else:
            self._canvas.color_mask = (False, False, False, False)
        _write(self._depth, "view_projection", projection)
        for body, matrix in bodies:
            _write(self._depth, "model", matrix)
            for array in body.depth:
                array.render()
        self._canvas.color_mask = (True, True, True, True)

    def _draw_shadows(self, vehicles: list[Placed]) -> None:
        """Darkens the cached ground under moving things: their cast shadow, and the contact dimness beneath them."""
        stage = self._current_stage()
        gl, catcher = self._gl, self._catcher
        gl.enable(gl.BLEND)
        gl.blend_func = gl.DST_COLOR, gl.ZERO
        self._canvas.depth_mask = False
        _write(catcher, "view_projection", stage.projection)
        _write(catcher, "sun_projection", stage.sun)
        catcher["contact"] = False
        catcher["shade"] = stage.view.light.shadow_shade
        x, _, z = stage.view.sun_centre
        _write(catcher, "model", body_pose(x, z, 0.0))
        self._sheet(_HALF_WIDTH_OF_SUN_M, _HALF_WIDTH_OF_SUN_M).render()
        catcher["contact"] = True
        for vehicle in vehicles:
            width, _, length = self.body_size_m(vehicle.appearance.model)
            catcher["half_size_m"] = (width / 2 - 0.25, length / 2 - 0.35)
            _write(catcher, "model", body_pose(vehicle.x_m, vehicle.z_m, vehicle.yaw_rad))
            self._sheet(width / 2 + 0.5, length / 2 + 0.5).render()
        gl.disable(gl.BLEND)
        self._canvas.depth_mask = True

    def _set_scene(self, program: Any) -> None:
        """Hands camera and light to a surface program; what it does not use, the compiler has removed."""
        stage = self._current_stage()
        light = stage.view.light
        _write(program, "view_projection", stage.projection)
        _write(program, "sun_projection", stage.sun)
        values = {
            "eye": stage.view.eye,
            "sun_direction": light.sun_direction,
            "sun_rgb": light.sun_rgb,
            "sky_rgb": light.sky_rgb,
            "fog": light.fog,
            "wet": light.wet,
            "windows_lit": float(light.lamps_on),
            "lamps_on": float(light.lamps_on),
            "moving": program is self._vehicle,
        }
        for name, value in values.items():
            if name in program:
                program[name] = value

    def _draw_body(self, body: _GpuMesh, matrix: Matrix, look: Look, decals: Any | None) -> None:
        program = self._vehicle
        _write(program, "model", matrix)
        program["body_size"] = body.mesh.size_m
        program["windscreen"] = body.mesh.visor
        for name, value in look.uniforms():
            program[name] = value
        program["has_decals"] = decals is not None
        (decals or self._no_decals).use(_TEXTURE_UNITS["decals"])
        for array, texture in body.surface:
            texture.use(_TEXTURE_UNITS["mesh_texture"])
            array.render()

    def _draw_identity(self, bodies: list[tuple[_GpuMesh, Matrix, int]]) -> None:
        _write(self._identity, "view_projection", self._current_stage().projection)
        for body, matrix, identity in bodies:
            _write(self._identity, "model", matrix)
            self._identity["identity"] = identity
            for array in body.identity:
                array.render()

    def _read_mask(self, vehicles: list[Placed], *, with_stage: bool) -> NDArray[np.uint32]:
        if with_stage:
            self._gl.copy_framebuffer(self._mask, self._current_stage().identities)
            self._mask.use()
        else:
            self._mask.use()
            self._mask.clear(depth=1.0)
        self._draw_identity(
            [(body, matrix, v.appearance.vehicle_id) for v in vehicles for body, matrix in self._bodies_of(v)]
        )
        raw = self._mask.read(components=1, dtype="u4", alignment=1)
        return np.ascontiguousarray(np.frombuffer(raw, np.uint32).reshape(self.height_px, self.width_px)[::-1])

    # ---- what lies on the device

    def _current_stage(self) -> _Stage:
        if self._stage is None:
            raise RuntimeError("no stage: call set_stage first")
        return self._stage

    def _release_stage(self) -> None:
        if self._stage is not None:
            for thing in (self._stage.picture, self._stage.identities, self._stage.shadow):
                thing.release()
            self._stage = None

    def _bodies_of(self, vehicle: Placed) -> list[tuple[_GpuMesh, Matrix]]:
        """The body and, if any, its load; both in the same place."""
        matrix = body_pose(vehicle.x_m, vehicle.z_m, vehicle.yaw_rad)
        look = vehicle.appearance
        bodies = [(self._body(look.model), matrix)]
        if look.load is not None:
            bodies.append((self._load(look.model, look.load), matrix))
        return bodies

    def _body(self, model: str) -> _GpuMesh:
        if model not in self._bodies:
            self._bodies[model] = self._upload(build_vehicle_mesh(self._library, MODELS[model]))
        return self._bodies[model]

    def _load(self, model: str, load: str) -> _GpuMesh:
        key = f"{model}+{load}"
        if key not in self._bodies:
            self._bodies[key] = self._upload(build_load(load, MODELS[model], self._body(model).mesh))
        return self._bodies[key]

    def _upload(self, mesh: Mesh, program: Any | None = None) -> _GpuMesh:
        """Puts a mesh on the device, to be drawn by the vehicle program unless told otherwise."""
        program = program or self._vehicle
        gl = self._gl
        surface, depth, identity = [], [], []
        for part in mesh.parts:
            vertices = gl.buffer(np.ascontiguousarray(part.vertices, np.float32).tobytes())
            indices = gl.buffer(np.ascontiguousarray(part.indices, np.int32).tobytes())
            positions = gl.buffer(np.ascontiguousarray(part.vertices[:, :3], np.float32).tobytes())
            texture = self._white
            if part.texture is not None:
                height, width = part.texture.shape[:2]
                texture = gl.texture((width, height), 3, part.texture.tobytes(), alignment=1)
                texture.build_mipmaps()
            content = [(vertices, VERTEX_FORMAT, *VERTEX_ATTRIBUTES)]
            surface.append((gl.vertex_array(program, content, indices, skip_errors=True), texture))
            depth.append(gl.vertex_array(self._depth, [(positions, "3f", "in_position")], indices))
            identity.append(gl.vertex_array(self._identity, [(positions, "3f", "in_position")], indices))
        return _GpuMesh(mesh, surface, depth, identity)

    def _sheet(self, half_x_m: float, half_z_m: float) -> Any:
        """A flat rectangle just above the ground that catches shadows."""
        key = (round(half_x_m, 3), round(half_z_m, 3))
        if key not in self._sheets:
            x, z = key
            corners = [(-x, -z), (x, -z), (x, z), (-x, -z), (x, z), (-x, z)]
            points = np.array([(a, 0.03, b) for a, b in corners], np.float32)
            buffer = self._gl.buffer(points.tobytes())
            self._sheets[key] = self._gl.vertex_array(self._catcher, [(buffer, "3f", "in_position")])
        return self._sheets[key]

    def _shadow_map(self) -> tuple[Any, Any]:
        texture = self._gl.depth_texture((_SHADOW_PX, _SHADOW_PX))
        texture.compare_func = "<="
        texture.repeat_x = texture.repeat_y = False
        return texture, self._gl.framebuffer(depth_attachment=texture)


def _open_context() -> Any:
    """An off-screen context without a display."""
    os.environ.setdefault("EGL_PLATFORM", "surfaceless")
    try:
        import moderngl

        options: dict[str, Any] = {"standalone": True, "backend": "egl"}
        return moderngl.create_context(require=330, **options)
    except ImportError as exc:
        raise RendererMissing("rendering needs moderngl: pip install 'vreid[render]'") from exc
    except Exception as exc:  # moderngl and glcontext raise bare Exception
        raise RendererMissing(
            "no OpenGL 3.3 to render with: install Mesa's EGL with 'apt-get install libegl1 libgl1-mesa-dri'"
        ) from exc


def _write(program: Any, name: str, matrix: Matrix) -> None:
    program[name].write(np.ascontiguousarray(matrix.T, np.float32).tobytes())


def _release(mesh: _GpuMesh) -> None:
    for array, _ in mesh.surface:
        array.release()
    for array in (*mesh.depth, *mesh.identity):
        array.release()
