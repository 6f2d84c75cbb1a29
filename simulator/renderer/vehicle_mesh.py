"""Turns a catalogue mesh into a drawable vehicle: scaled, standing on the road, every material in its slot."""

from __future__ import annotations

import re

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.catalogue import BodyModel
from simulator.meshes import MeshLibrary
from simulator.objfile import Material, Part, read_obj
from simulator.renderer.simplify import simplify_part
from simulator.renderer.surface import VERTEX_WIDTH, Mesh, Slot, TexturedMesh, weld

Floats = NDArray[np.float32]

TRIANGLE_BUDGET = 8000
_TEXTURE_MAX_PX = 512
_GLASS = re.compile(r"glass|cristal|window")
_NOT_GLASS = re.compile(r"head|turn|tail|red|white|focus|grey|mirror|black")
_RIM = re.compile(r"wheel|llanta|rim|aluminum")
_LAMP = re.compile(r"tail|red|rojo|head|faro|signal|light|reflector(?!trailer)")
_METAL = re.compile(r"chrome|metal|mirror")


def build_vehicle_mesh(library: MeshLibrary, model: BodyModel) -> Mesh:
    """Reads, scales, sorts and, where far too fine, simplifies one body.

    Args:
        library: Where meshes come from.
        model: Which body.

    Raises:
        MeshesMissing: The package does not hold it.
    """
    parts = [
        part
        for part in read_obj(library.model_path(model.archive, model.member))
        if not _named(part.material, model.hidden)
    ]
    everything = np.concatenate([part.positions for part in parts])
    low, high = everything.min(axis=0), everything.max(axis=0)
    scale = model.length_m / float(high[2] - low[2])
    origin = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2], np.float32)
    total = sum(len(part.positions) // 3 for part in parts)
    groups: dict[str, list[Floats]] = {}
    textures: dict[str, NDArray[np.uint8] | None] = {"": None}
    for part in parts:
        slot = _slot(model, part.material)
        repainted = slot in (Slot.GLASS, Slot.PAINT)
        texture = "" if part.material.texture is None or repainted else str(part.material.texture)
        if texture not in textures:
            textures[texture] = _read_texture(texture)
        simplify = total > TRIANGLE_BUDGET and not texture and not _named(part.material, model.keep)
        budget = max(60, round(len(part.positions) / 3 * TRIANGLE_BUDGET / total)) if simplify else None
        corners = _corners(part, slot, (origin, scale, model.length_m), budget)
        corners[:, 14] = float(bool(texture))
        groups.setdefault(texture, []).append(corners)
    size = (high - low) * scale
    meshes = tuple(weld(np.concatenate(rows), textures[name]) for name, rows in groups.items())
    return Mesh(meshes, (float(size[0]), float(size[1]), float(size[2])), _windscreen(meshes, float(size[1])))


def _named(material: Material, patterns: tuple[str, ...]) -> bool:
    return any(re.fullmatch(pattern, material.name) for pattern in patterns)


def _slot(model: BodyModel, material: Material) -> Slot:
    """Sorts a material by its name; the catalogue's own patterns come first."""
    if _named(material, model.paint):
        return Slot.PAINT
    if _named(material, model.panel):
        return Slot.PANEL
    lower = material.name.lower()
    if _GLASS.search(lower) and not _NOT_GLASS.search(lower):
        return Slot.GLASS
    if _RIM.search(lower) and "steer" not in lower and "esteering" not in lower and "rubber" not in lower:
        return Slot.RIM
    if _LAMP.search(lower):
        return Slot.LAMP
    return Slot.PLAIN


def _corners(part: Part, slot: Slot, frame: tuple[Floats, float, float], budget: int | None) -> Floats:
    """Vertex rows (3T, 15) of one part in the body's frame, simplified if there is a budget."""
    origin, scale, length_m = frame
    positions = ((part.positions - origin) * scale).astype(np.float32)
    normals = part.normals
    uvs = part.uvs
    if budget is not None:
        positions, normals = simplify_part(positions, budget, length_m)
        uvs = np.zeros((len(positions), 2), np.float32)
    metal = 0.9 if _METAL.search(part.material.name.lower()) else 0.0
    rows = np.zeros((len(positions), VERTEX_WIDTH), np.float32)
    rows[:, 0:3], rows[:, 3:6], rows[:, 6:8] = positions, normals, uvs
    rows[:, 8:11] = part.material.diffuse
    rows[:, 11:15] = (0.3 if metal else 0.7, metal, float(slot), 0.0)
    return rows


def _read_texture(path: str) -> NDArray[np.uint8] | None:
    """RGB, first row at the bottom as OBJ counts v, at most 512 px a side."""
    image = cv2.imread(path)
    if image is None:
        return None
    if max(image.shape) > _TEXTURE_MAX_PX:
        factor = _TEXTURE_MAX_PX / max(image.shape)
        image = cv2.resize(image, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    return np.ascontiguousarray(image[::-1, :, ::-1], dtype=np.uint8)


def _windscreen(meshes: tuple[TexturedMesh, ...], height_m: float) -> tuple[float, float]:
    """Vertical reach of the glass that looks forward, as shares of the height."""
    heights = []
    for mesh in meshes:
        v = mesh.vertices
        front = (v[:, 13] == Slot.GLASS) & (v[:, 5] > 0.35) & (v[:, 2] > 0) & (v[:, 1] > height_m / 2)
        heights.append(v[front, 1])
    found = np.concatenate(heights)
    if len(found) < 3:
        return (0.0, 0.0)
    return (float(found.min()) / height_m, float(found.max()) / height_m)
