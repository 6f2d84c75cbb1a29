"""A mesh on the graphics device, and how its triangles are drawn: each from the sides that can be seen of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.renderer.surface import VERTEX_ATTRIBUTES, VERTEX_FORMAT, Mesh

Reach = tuple[tuple[float, float, float], tuple[float, float, float]]


class Sides(Enum):
    """From where triangles can be seen."""

    OUTSIDE = 0
    BOTH = 1
    #: From nowhere, or they are so small that looking all around did not show them.
    HARDLY = 2


@dataclass(frozen=True, slots=True)
class Layer:
    """Triangles that are drawn at once.

    Attributes:
        array: What to render.
        texture: On unit ``mesh_texture``; None where only depths are drawn.
        sides: From where they can be seen.
    """

    array: Any
    texture: Any
    sides: Sides


@dataclass(slots=True)
class GpuMesh:
    """A mesh on the device.

    Attributes:
        mesh: What it was made from.
        reach: Lowest and highest x, y, z of its vertices.
        surface: For the picture, per kind of light, see ``Programs.vehicle``; of scenery, False only.
        outline: For depths.
        detail_m: Size of what ``Sides.HARDLY`` may hide.
    """

    mesh: Mesh
    reach: Reach
    surface: dict[bool, list[Layer]]
    outline: list[Layer]
    detail_m: float = 0.0

    def release(self) -> None:
        """Frees the arrays."""
        for layer in (*self.outline, *(one for layers in self.surface.values() for one in layers)):
            layer.array.release()


def draw(gl: Any, layers: Sequence[Layer], unit: int | None = None, *, fine: bool = True) -> None:
    """Renders layers into the framebuffer in use, seen from outside and not from far below.

    Args:
        gl: The context.
        layers: Of one mesh, in their order.
        unit: Texture unit for their textures; None: they need none.
        fine: Whether what can hardly be seen is drawn too.
    """
    for layer in layers:
        if layer.sides is Sides.HARDLY:
            if not fine:
                continue
            # Of sheets that lie in each other, the one that was seen stays in front.
            gl.depth_func = "<"
        elif layer.sides is Sides.OUTSIDE:
            gl.enable(gl.CULL_FACE)
        if unit is not None:
            layer.texture.use(unit)
        layer.array.render()
        gl.depth_func = "<="
        gl.disable(gl.CULL_FACE)


def draw_all(layers: Sequence[Layer], unit: int | None = None) -> None:
    """Renders layers from both sides, for views that may be from below."""
    for layer in layers:
        if unit is not None:
            layer.texture.use(unit)
        layer.array.render()


def sorted_by_sides(mesh: Mesh, seen: NDArray[np.int64]) -> list[dict[Sides, NDArray[np.int32]]]:
    """Triangles of every part, by the sides that can be seen; those seen from their back alone are turned round.

    Args:
        mesh: With T triangles.
        seen: (T, 2), how often the back and the front of each were seen.

    Returns:
        Per part, corners (N, 3) of the kinds that it has, in the part's own order.
    """
    back, front = (seen > 0).T
    kind = np.where(back & front, Sides.BOTH.value, np.where(back | front, Sides.OUTSIDE.value, Sides.HARDLY.value))
    parts, start = [], 0
    for part in mesh.parts:
        own = slice(start, start + len(part.indices))
        start = own.stop
        turned = (back & ~front)[own, None]
        indices = np.where(turned, part.indices[:, ::-1], part.indices).astype(np.int32)
        found = {sides: indices[kind[own] == sides.value] for sides in Sides}
        parts.append({sides: triangles for sides, triangles in found.items() if len(triangles)})
    return parts


def surface_layers(
    gl: Any,
    programs: dict[bool, Any],
    mesh: Mesh,
    textures: Sequence[Any],
    parts: Sequence[dict[Sides, NDArray[np.int32]]],
) -> dict[bool, list[Layer]]:
    """Layers for the picture, one list per program; programs share the buffers."""
    layers: dict[bool, list[Layer]] = {kind: [] for kind in programs}
    for part, texture, sorted_triangles in zip(mesh.parts, textures, parts, strict=True):
        vertices = gl.buffer(np.ascontiguousarray(part.vertices, np.float32).tobytes())
        content = [(vertices, VERTEX_FORMAT, *VERTEX_ATTRIBUTES)]
        for sides, triangles in sorted_triangles.items():
            indices = gl.buffer(np.ascontiguousarray(triangles).tobytes())
            for kind, program in programs.items():
                array = gl.vertex_array(program, content, indices, skip_errors=True)
                layers[kind].append(Layer(array, texture, sides))
    return layers


def outline_layers(gl: Any, program: Any, mesh: Mesh, parts: Sequence[dict[Sides, NDArray[np.int32]]]) -> list[Layer]:
    """Layers for depths: positions alone, every one once, as most of that work is moving corners."""
    points = np.concatenate([part.vertices[:, :3] for part in mesh.parts])
    positions, order = np.unique(points, axis=0, return_inverse=True)
    order = order.reshape(-1)
    corners = gl.buffer(np.ascontiguousarray(positions, np.float32).tobytes())
    starts = np.cumsum([0, *(len(part.vertices) for part in mesh.parts)])
    layers = []
    for sides in Sides:
        found = [order[start + one[sides]] for start, one in zip(starts, parts, strict=False) if sides in one]
        if found:
            indices = gl.buffer(np.concatenate(found).astype(np.int32).tobytes())
            layers.append(Layer(gl.vertex_array(program, [(corners, "3f", "in_position")], indices), None, sides))
    return layers


def reach_of(mesh: Mesh) -> Reach:
    """Lowest and highest x, y, z of a mesh's vertices."""
    points = np.concatenate([part.vertices[:, :3] for part in mesh.parts])
    low, high = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])
