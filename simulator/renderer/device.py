"""What lies on the graphics device: the context, programs, meshes, textures. Draws nothing itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.errors import RendererMissing
from simulator.meshes import MeshLibrary
from simulator.renderer.decal_store import DecalStore
from simulator.renderer.gpu_mesh import GpuMesh, Sides, outline_layers, reach_of, sorted_by_sides, surface_layers
from simulator.renderer.loads import build_load
from simulator.renderer.optics import Matrix
from simulator.renderer.program import compile_program
from simulator.renderer.sides import detail_m, seen_sides
from simulator.renderer.surface import Mesh
from simulator.renderer.vehicle_mesh import build_vehicle_mesh
from simulator.vehicles.livery import LAYERS
from simulator.vehicles.shapes import body_of

SAMPLES = 4
SHADOW_PX = 2048
TEXTURE_UNITS = {
    "mesh_texture": 0,
    "decals": 1,
    "still_shadow": 2,
    "moving_shadow": 3,
    "ground": 4,
    "mirror": 5,
}


class Programs:
    """All shader programs, compiled once."""

    def __init__(self, gl: Any) -> None:
        #: In sunlight with shadows, and (True) in light without, where lamps may be on: each pays for its own only.
        self.vehicle = {
            False: compile_program(gl, "surface.vert", "surface.frag", "VEHICLE NO_LAMPS"),
            True: compile_program(gl, "surface.vert", "surface.frag", "VEHICLE NO_SHADOWS"),
        }
        self.scenery = compile_program(gl, "surface.vert", "surface.frag", "SCENERY")
        self.depth = compile_program(gl, "depth.vert", "depth.frag")
        self.sides = compile_program(gl, "depth.vert", "sides.frag")
        self.still = compile_program(gl, "surface.vert", "still.frag")
        self.catcher = compile_program(gl, "catcher.vert", "catcher.frag")
        self.beam = compile_program(gl, "catcher.vert", "beam.frag")
        self.sky = compile_program(gl, "screen.vert", "sky.frag")
        self.wet = compile_program(gl, "screen.vert", "wet.frag")
        self.sprite = compile_program(gl, "sprite.vert", "sprite.frag")
        for program in (*self.vehicle.values(), self.scenery, self.catcher, self.beam, self.wet):
            put(program, TEXTURE_UNITS)


class Device:
    """Owns the OpenGL context and everything that outlives one camera."""

    def __init__(self, library: MeshLibrary) -> None:
        """Opens an off-screen OpenGL 3.3 context.

        Raises:
            RendererMissing: There is none to be had.
        """
        self._library = library
        self.gl = open_context()
        self.programs = Programs(self.gl)
        self._white = self.gl.texture((1, 1), 3, b"\xff" * 3, alignment=1)
        self.no_decals = self.gl.texture_array((1, 1, len(LAYERS)), 4, bytes(4 * len(LAYERS)))
        self._bodies: dict[str, GpuMesh] = {}
        self.decals = DecalStore(self.gl)
        corners = np.array([(-1, -1), (3, -1), (-1, 3)], np.float32)
        self._screen = self.gl.buffer(corners.tobytes())
        self.gl.enable(self.gl.DEPTH_TEST)
        self.gl.depth_func = "<="

    def body(self, model: str) -> GpuMesh:
        """A vehicle's body."""
        if model not in self._bodies:
            self._bodies[model] = self.upload(build_vehicle_mesh(self._library, body_of(model)))
        return self._bodies[model]

    def load(self, model: str, load: str) -> GpuMesh:
        """What a vehicle carries on its roof."""
        key = f"{model}+{load}"
        if key not in self._bodies:
            self._bodies[key] = self.upload(build_load(load, body_of(model), self.body(model).mesh))
        return self._bodies[key]

    def upload(self, mesh: Mesh) -> GpuMesh:
        """Puts a vehicle's mesh on the device, sorted by the sides that can be seen of it."""
        seen = seen_sides(self.gl, self.programs.sides, mesh)
        parts = sorted_by_sides(mesh, seen)
        textures = [self._texture(part.texture) for part in mesh.parts]
        surface = surface_layers(self.gl, self.programs.vehicle, mesh, textures, parts)
        outline = outline_layers(self.gl, self.programs.depth, mesh, parts)
        return GpuMesh(mesh, reach_of(mesh), surface, outline, detail_m(mesh))

    def upload_still(self, mesh: Mesh) -> GpuMesh:
        """Puts scenery on the device, for its own programs, which need all of its vertices."""
        parts = [{Sides.BOTH: part.indices} for part in mesh.parts]
        textures = [self._texture(part.texture) for part in mesh.parts]
        surface = surface_layers(self.gl, {False: self.programs.scenery}, mesh, textures, parts)
        outline = surface_layers(self.gl, {False: self.programs.still}, mesh, textures, parts)[False]
        return GpuMesh(mesh, reach_of(mesh), surface, outline)

    def _texture(self, image: NDArray[np.uint8] | None) -> Any:
        if image is None:
            return self._white
        height, width = image.shape[:2]
        texture = self.gl.texture((width, height), 3, image.tobytes(), alignment=1)
        texture.build_mipmaps()
        return texture

    def screen(self, program: Any) -> Any:
        """One triangle over the whole picture."""
        return self.gl.vertex_array(program, [(self._screen, "2f", "in_position")])

    def shadow_map(self) -> tuple[Any, Any]:
        """A depth texture and the framebuffer that fills it."""
        texture = self.gl.depth_texture((SHADOW_PX, SHADOW_PX))
        texture.compare_func = "<="
        texture.repeat_x = texture.repeat_y = False
        return texture, self.gl.framebuffer(depth_attachment=texture)

    def canvas(self, size: tuple[int, int]) -> Any:
        """A framebuffer with several samples per pixel."""
        return self.gl.framebuffer(
            [self.gl.renderbuffer(size, 4, samples=SAMPLES)], self.gl.depth_renderbuffer(size, samples=SAMPLES)
        )

    def target(self, size: tuple[int, int]) -> tuple[Any, Any]:
        """A texture with alpha and the framebuffer, with depth, that fills it."""
        texture = self.gl.texture(size, 4)
        texture.repeat_x = texture.repeat_y = False
        return texture, self.gl.framebuffer([texture], self.gl.depth_renderbuffer(size))


def open_context() -> Any:
    """An off-screen context without a display.

    Raises:
        RendererMissing: There is none to be had.
    """
    os.environ.setdefault("EGL_PLATFORM", "surfaceless")
    try:
        import moderngl

        options: dict[str, Any] = {"standalone": True, "backend": "egl"}
        gl = moderngl.create_context(require=330, **options)
        gl.gc_mode = "auto"  # what nobody holds any more is freed: buffers and attachments go with what they belong to
        return gl
    except ImportError as exc:
        raise RendererMissing("rendering needs moderngl: pip install 'vreid[render]'") from exc
    except Exception as exc:  # moderngl and glcontext raise bare Exception
        raise RendererMissing(
            "no OpenGL 3.3 to render with: install Mesa's EGL with 'apt-get install libegl1 libgl1-mesa-dri'"
        ) from exc


def put_matrix(program: Any, name: str, matrix: Matrix) -> None:
    """Hands a matrix to a program."""
    program[name].write(np.ascontiguousarray(matrix.T, np.float32).tobytes())


def put(program: Any, values: Mapping[str, Any]) -> None:
    """Hands values to a program; what it does not use, the compiler has removed."""
    for name, value in values.items():
        if name in program:
            program[name] = value


def put_lamps(program: Any, lamps: NDArray[np.float32]) -> None:
    """Hands lamps (N, 4) to a surface program; no more than it has room for."""
    if "lamps" not in program:
        return
    room = program["lamps"].array_length
    rows = np.zeros((room, 4), np.float32)
    count = min(room, len(lamps))
    rows[:count] = lamps[:count]
    program["lamps"].write(rows.tobytes())
    program["lamp_count"] = count


def read_depth(target: Any, region: tuple[int, int, int, int]) -> NDArray[np.float32]:
    """Depths (h, w), first row on top, of a part of a framebuffer: left, bottom, width, height."""
    raw = target.read(viewport=region, attachment=-1, components=1, dtype="f4", alignment=1)
    return np.ascontiguousarray(np.frombuffer(raw, np.float32).reshape(region[3], region[2])[::-1])
