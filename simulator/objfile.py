"""Reads Wavefront OBJ and MTL into flat triangle arrays. Knows nothing about vehicles."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(slots=True)
class Material:
    """One MTL material.

    Attributes:
        name: As the file names it.
        diffuse: Kd, sRGB-like, each in [0, 1].
        texture: Diffuse map, if the file exists.
    """

    name: str
    diffuse: tuple[float, float, float] = (0.7, 0.7, 0.7)
    texture: Path | None = None


@dataclass(frozen=True, slots=True)
class Part:
    """All triangles of one material.

    Attributes:
        material: What they are made of.
        positions: float32 (3T, 3), three rows per triangle.
        normals: float32 (3T, 3), unit.
        uvs: float32 (3T, 2).
    """

    material: Material
    positions: Floats
    normals: Floats
    uvs: Floats


@dataclass(slots=True)
class _Tables:
    """What the lines of an OBJ file accumulate into."""

    positions: list[list[float]] = field(default_factory=list)
    uvs: list[list[float]] = field(default_factory=list)
    normals: list[list[float]] = field(default_factory=list)
    corners: dict[str, list[tuple[int, int, int]]] = field(default_factory=dict)
    materials: dict[str, Material] = field(default_factory=dict)


def read_mtl(path: Path) -> dict[str, Material]:
    """Materials by name; empty if the file is missing."""
    materials: dict[str, Material] = {}
    if not path.exists():
        return materials
    current: Material | None = None
    for line in path.read_text(encoding="latin1").splitlines():
        key, _, rest = line.strip().partition(" ")
        rest = rest.strip()
        if key == "newmtl":
            current = materials.setdefault(rest, Material(rest))
        elif current is None:
            continue
        elif key == "Kd":
            r, g, b = (float(x) for x in rest.split()[:3])
            current.diffuse = (r, g, b)
        elif key == "map_Kd" and (path.parent / rest).exists():
            current.texture = path.parent / rest
    return materials


def read_obj(path: Path) -> list[Part]:
    """Reads a mesh.

    Args:
        path: OBJ file; faces may have any number of corners, indices may be negative.

    Returns:
        One part per material that has faces, in order of first use. Corners without a normal get their face's.
    """
    tables = _Tables()
    material = "default"
    for line in path.read_text(encoding="latin1").splitlines():
        key, _, rest = line.partition(" ")
        if key == "v":
            tables.positions.append([float(x) for x in rest.split()[:3]])
        elif key == "vt":
            tables.uvs.append([float(x) for x in rest.split()[:2]])
        elif key == "vn":
            tables.normals.append([float(x) for x in rest.split()[:3]])
        elif key == "f":
            _add_face(tables, material, rest)
        elif key == "usemtl":
            material = rest.strip()
        elif key == "mtllib":
            tables.materials.update(read_mtl(path.parent / rest.strip()))
    return [_to_part(tables, name, corners) for name, corners in tables.corners.items()]


def _add_face(tables: _Tables, material: str, rest: str) -> None:
    """Fans one polygon into triangles of (position, uv, normal) indices, -1 where absent."""

    def resolve(text: str, count: int) -> int:
        if not text:
            return -1
        index = int(text)
        return index - 1 if index > 0 else count + index

    corners = []
    for word in rest.split():
        p, t, n = [*word.split("/"), "", ""][:3]
        corners.append(
            (
                resolve(p, len(tables.positions)),
                resolve(t, len(tables.uvs)),
                resolve(n, len(tables.normals)),
            )
        )
    out = tables.corners.setdefault(material, [])
    for k in range(1, len(corners) - 1):
        out += [corners[0], corners[k], corners[k + 1]]


def _to_part(tables: _Tables, name: str, corners: list[tuple[int, int, int]]) -> Part:
    """Resolves indices into arrays, mending missing or degenerate normals with face normals."""
    index = np.asarray(corners, np.int64)
    positions = np.asarray(tables.positions, np.float32)[index[:, 0]]
    uvs = np.zeros((len(index), 2), np.float32)
    if tables.uvs and (index[:, 1] >= 0).any():
        uvs = np.asarray(tables.uvs, np.float32)[index[:, 1]]
    faces = positions.reshape(-1, 3, 3)
    flat = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    flat /= np.linalg.norm(flat, axis=1, keepdims=True) + 1e-12
    normals = np.repeat(flat, 3, axis=0)
    if tables.normals:
        given = np.asarray(tables.normals, np.float32)[index[:, 2]]
        usable = (index[:, 2] >= 0) & (np.linalg.norm(given, axis=1) > 0.1)
        normals[usable] = given[usable]
    return Part(tables.materials.get(name, Material(name)), positions, normals.astype(np.float32), uvs)
