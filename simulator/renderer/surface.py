"""What a triangle is made of: the slots that shaders tell apart, and the vertex layout that carries them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

#: position 3, normal 3, uv 2, colour 3, surface 4 (roughness, metalness, slot, textured)
VERTEX_WIDTH = 15
VERTEX_FORMAT = "3f 3f 2f 3f 4f"
VERTEX_ATTRIBUTES = ("in_position", "in_normal", "in_uv", "in_colour", "in_surface")


class Slot(IntEnum):
    """How the shader treats a surface. Below ``ASPHALT``: parts of vehicles; from there on: scenery."""

    PLAIN = 0
    PAINT = 1
    RIM = 2
    GLASS = 3
    LAMP = 4
    PANEL = 5
    PLATE = 6
    HELMET = 7
    ASPHALT = 10
    PAVEMENT = 11
    GRASS = 12
    MARKING = 13
    FACADE = 14
    FOLIAGE = 15
    WATER = 16
    STREET_LAMP = 17
    TOWNHOUSE = 18
    OFFICE = 19
    INDUSTRY = 20
    TILES = 21
    ROOFING = 22
    YARD = 23
    LEAVES = 24
    SIGN = 25
    SIGNAL = 26


@dataclass(frozen=True, slots=True)
class TexturedMesh:
    """Triangles that share one texture.

    Attributes:
        vertices: float32 (V, 15), see VERTEX_FORMAT.
        indices: int32 (T, 3).
        texture: uint8 (H, W, 3) RGB, first row at v = 0; None for plain colour.
    """

    vertices: Floats
    indices: NDArray[np.int32]
    texture: NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class Mesh:
    """A drawable body.

    Attributes:
        parts: One per texture.
        size_m: Width (x), height (y), length (z); centred in x and z, standing on y = 0.
        visor: Lower and upper end of the windscreen as shares of the height; (0, 0) if there is none.
        lamps: What sheds light on its surroundings when lamps are on: x, y, z in metres and strength relative to a
            street lamp.
    """

    parts: tuple[TexturedMesh, ...]
    size_m: tuple[float, float, float]
    visor: tuple[float, float] = (0.0, 0.0)
    lamps: tuple[tuple[float, float, float, float], ...] = ()

    @property
    def triangles(self) -> int:
        """How many triangles it has."""
        return sum(len(part.indices) for part in self.parts)


@dataclass(slots=True)
class MeshBuilder:
    """Collects triangles of plain colour into one mesh."""

    rows: list[Floats] = field(default_factory=list)
    lamps: list[tuple[float, float, float, float]] = field(default_factory=list)

    def add(
        self,
        triangles: Floats,
        colour: tuple[float, float, float],
        slot: Slot,
        *,
        uvs: Floats | None = None,
        normals: Floats | None = None,
        roughness: float = 0.9,
    ) -> None:
        """Adds triangles.

        Args:
            triangles: (T, 3, 3) corner positions in metres.
            colour: sRGB in [0, 1].
            slot: Surface kind.
            uvs: (T, 3, 2); zeros if None.
            normals: (T, 3, 3); face normals if None.
            roughness: In [0, 1].
        """
        triangles = np.asarray(triangles, np.float32)
        count = len(triangles)
        if normals is None:
            flat = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
            flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-12
            normals = np.repeat(flat[:, None, :], 3, axis=1)
        block = np.zeros((count * 3, VERTEX_WIDTH), np.float32)
        block[:, 0:3] = triangles.reshape(-1, 3)
        block[:, 3:6] = np.asarray(normals, np.float32).reshape(-1, 3)
        if uvs is not None:
            block[:, 6:8] = np.asarray(uvs, np.float32).reshape(-1, 2)
        block[:, 8:11] = colour
        block[:, 11:15] = (roughness, 0.0, float(slot), 0.0)
        self.rows.append(block)

    def build(self) -> Mesh:
        """The mesh of everything added; unit size, because scenery has no body frame.

        Corners are not merged: scenery is drawn once per camera, and merging takes longer than that.
        """
        rows = np.concatenate(self.rows) if self.rows else np.zeros((0, VERTEX_WIDTH), np.float32)
        indices = np.arange(len(rows), dtype=np.int32).reshape(-1, 3)
        return Mesh((TexturedMesh(rows, indices),), (1.0, 1.0, 1.0), lamps=tuple(self.lamps))


#: Rounding per vertex column when equal corners are merged.
_WELD_STEPS = np.array([1e4] * 3 + [50] * 3 + [2000] * 2 + [1000] * 3 + [1000] * 4)


def weld(corners: Floats, texture: NDArray[np.uint8] | None = None) -> TexturedMesh:
    """Merges equal corners into an indexed mesh.

    Args:
        corners: float32 (3T, 15), three rows per triangle.
        texture: Passed through.
    """
    keys = np.round(corners * _WELD_STEPS).astype(np.int32)
    _, first, inverse = np.unique(keys, axis=0, return_index=True, return_inverse=True)
    return TexturedMesh(corners[first], inverse.reshape(-1, 3).astype(np.int32), texture)
