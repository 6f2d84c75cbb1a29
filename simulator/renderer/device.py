"""What lies on the graphics device: the context, programs, meshes, textures. Draws nothing itself."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue import MODELS
from simulator.errors import RendererMissing
from simulator.livery import LAYERS
from simulator.meshes import MeshLibrary
from simulator.renderer.decal_store import DecalStore
from simulator.renderer.loads import build_load
from simulator.renderer.optics import Matrix
from simulator.renderer.program import compile_program
from simulator.renderer.surface import VERTEX_ATTRIBUTES, VERTEX_FORMAT, Mesh, TexturedMesh
from simulator.renderer.vehicle_mesh import build_vehicle_mesh

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


@dataclass(slots=True)
class GpuMesh:
    """A mesh on the device: arrays per program, texture per part.

    Attributes:
        mesh: What it was made from.
        reach: Lowest and highest x, y, z of its vertices.
        surface: Array and texture of each part, for the picture: per kind of light, see ``Programs.vehicle``; of
            scenery, False only.
        outline: Array of each part, for depths.
    """

    mesh: Mesh
    reach: tuple[tuple[float, float, float], tuple[float, float, float]]
    surface: dict[bool, list[tuple[Any, Any]]]
    outline: list[Any]

    def release(self) -> None:
        """Frees the arrays."""
        for pairs in self.surface.values():
            for array, _ in pairs:
                array.release()
        for array in self.outline:
            array.release()


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
            self._bodies[model] = self.upload(build_vehicle_mesh(self._library, MODELS[model]))
        return self._bodies[model]

    def load(self, model: str, load: str) -> GpuMesh:
        """What a vehicle carries on its roof."""
        key = f"{model}+{load}"
        if key not in self._bodies:
            self._bodies[key] = self.upload(build_load(load, MODELS[model], self.body(model).mesh))
        return self._bodies[key]

    def upload(self, mesh: Mesh, *, still: bool = False) -> GpuMesh:
        """Puts a mesh on the device, for the vehicle's programs or for those of still scenery."""
        gl, programs = self.gl, self.programs
        kinds = {False: programs.scenery} if still else programs.vehicle
        surface: dict[bool, list[tuple[Any, Any]]] = {kind: [] for kind in kinds}
        outline = []
        for part in mesh.parts:
            vertices = gl.buffer(np.ascontiguousarray(part.vertices, np.float32).tobytes())
            indices = gl.buffer(np.ascontiguousarray(part.indices, np.int32).tobytes())
            texture = self._white
            if part.texture is not None:
                height, width = part.texture.shape[:2]
                texture = gl.texture((width, height), 3, part.texture.tobytes(), alignment=1)
                texture.build_mipmaps()
            content = [(vertices, VERTEX_FORMAT, *VERTEX_ATTRIBUTES)]
            for kind, program in kinds.items():
                surface[kind].append((gl.vertex_array(program, content, indices, skip_errors=True), texture))
            if still:
                outline.append(gl.vertex_array(programs.still, content, indices, skip_errors=True))
            else:
                outline.append(self._bare_array(part))
        return GpuMesh(mesh, _reach_of(mesh), surface, outline)

    def _bare_array(self, part: TexturedMesh) -> Any:
        """Positions alone, every one once: most of the work of shadow maps and masks is moving corners."""
        positions, order = np.unique(part.vertices[:, :3], axis=0, return_inverse=True)
        corners = self.gl.buffer(np.ascontiguousarray(positions, np.float32).tobytes())
        indices = self.gl.buffer(order.reshape(-1)[part.indices].astype(np.int32).tobytes())
        return self.gl.vertex_array(self.programs.depth, [(corners, "3f", "in_position")], indices)

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
        return moderngl.create_context(require=330, **options)
    except ImportError as exc:
        raise RendererMissing("rendering needs moderngl: pip install 'vreid[render]'") from exc
    except Exception as exc:  # moderngl and glcontext raise bare Exception
        raise RendererMissing(
            "no OpenGL 3.3 to render with: install Mesa's EGL with 'apt-get install libegl1 libgl1-mesa-dri'"
        ) from exc


def _reach_of(mesh: Mesh) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    points = np.concatenate([part.vertices[:, :3] for part in mesh.parts])
    low, high = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


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
