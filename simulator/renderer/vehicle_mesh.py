"""Turns a catalogue mesh into a drawable vehicle: scaled, standing on the road, every material in its slot."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.meshes import MeshLibrary
from simulator.objfile import Material, Part, read_obj
from simulator.renderer.plates import plate_quads, without_printed_plates
from simulator.renderer.reshape import reshaped
from simulator.renderer.rider import rider_rows
from simulator.renderer.simplify import simplify_part
from simulator.renderer.surface import VERTEX_WIDTH, Mesh, Slot, TexturedMesh, weld
from simulator.renderer.wheels import find_wheels, wheel_discs
from simulator.vehicles.catalogue import BodyModel

Floats = NDArray[np.float32]

TRIANGLE_BUDGET = 8000
_TEXTURE_MAX_PX = 512
_GLASS = re.compile(r"glass|cristal|window")
_NOT_GLASS = re.compile(r"head|turn|tail|red|white|focus|grey|mirror|black")
_RIM = re.compile(r"wheel|llanta|rim|aluminum")
_LAMP = re.compile(r"tail|(?<!textu)red|rojo|head|faro|signal|light|reflector(?!trailer)")
_METAL = re.compile(r"chrome|metal|mirror")
#: Rear turn signals of whole lamp size would read as no tail lamps at all: they are drawn red.
_TAIL_RED = (0.72, 0.05, 0.05)


@dataclass(frozen=True, slots=True)
class _Frame:
    """How a mesh file's coordinates become the body's: metres, standing on y = 0, centred in x and z."""

    origin: Floats
    scale: float
    size_m: Floats

    def place(self, positions: Floats) -> Floats:
        """Positions in the body's frame."""
        placed: Floats = ((positions - self.origin) * self.scale).astype(np.float32)
        return placed


def build_vehicle_mesh(library: MeshLibrary, model: BodyModel) -> Mesh:
    """Reads, scales, sorts and, where far too fine, simplifies one body; caps its wheels, adds plates and a rider.

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
    frame = _frame(parts, model.length_m)
    placed = [without_printed_plates(part, frame.place(part.positions)) for part in parts]
    if model.backwards:
        placed = [_turned(part, positions) for part, positions in placed]
    total = sum(len(part.positions) // 3 for part in parts)
    groups: dict[str, list[Floats]] = {"": _extras(model, placed)}
    textures: dict[str, NDArray[np.uint8] | None] = {"": None}
    for part, positions in placed:
        slot = _slot(model, part.material)
        repainted = slot in (Slot.GLASS, Slot.PAINT, Slot.RIM)
        texture = "" if part.material.texture is None or repainted else str(part.material.texture)
        if texture not in textures:
            textures[texture] = _read_texture(texture)
        budget = None if texture else _budget(model, part, total)
        corners = _corners(part, slot, (positions, model.length_m), budget)
        image = textures[texture]
        if image is not None:
            corners[:, 14] = 1.0
            if slot == Slot.PLAIN:
                _find_lamps(corners, image, frame.size_m)
        groups.setdefault(texture, []).append(corners)
    whole = {name: np.concatenate(rows) for name, rows in groups.items() if rows}
    across_m, along_m = float(frame.size_m[0]), float(frame.size_m[2])
    if model.shape is not None:
        whole = reshaped(whole, model.shape, find_wheels(placed))
        across_m, along_m = across_m * model.shape.width, _length_m(whole)
    meshes = tuple(weld(rows, textures[name]) for name, rows in whole.items())
    height = max(float(mesh.vertices[:, 1].max()) for mesh in meshes)
    size = (across_m, height, along_m)
    return Mesh(meshes, size, _windscreen(meshes, height) if model.seat is None else (0.0, 0.0))


def _length_m(groups: dict[str, Floats]) -> float:
    ends = [(float(rows[:, 2].min()), float(rows[:, 2].max())) for rows in groups.values()]
    return max(high for _, high in ends) - min(low for low, _ in ends)


def _frame(parts: list[Part], length_m: float) -> _Frame:
    everything = np.concatenate([part.positions for part in parts])
    low, high = everything.min(axis=0), everything.max(axis=0)
    scale = length_m / float(high[2] - low[2])
    origin = np.array([(low[0] + high[0]) / 2, low[1], (low[2] + high[2]) / 2], np.float32)
    return _Frame(origin, scale, (high - low) * scale)


def _budget(model: BodyModel, part: Part, total: int) -> int | None:
    """How many triangles a part may keep; None: it stays as it is."""
    count = len(part.positions) // 3
    if _named(part.material, model.smooth):
        return count
    if total <= TRIANGLE_BUDGET or _named(part.material, model.keep):
        return None
    return max(60, round(count * TRIANGLE_BUDGET / total))


def _turned(part: Part, positions: Floats) -> tuple[Part, Floats]:
    """A part turned half around the upright axis."""
    half_turn = np.array([-1.0, 1.0, -1.0], np.float32)
    return replace(part, normals=part.normals * half_turn), positions * half_turn


def _extras(model: BodyModel, placed: list[tuple[Part, Floats]]) -> list[Floats]:
    """What is added to every mesh of a body: wheel caps, plates, a rider."""
    rows = [plate_quads(model, np.concatenate([positions for _, positions in placed]).reshape(-1, 3, 3))]
    if model.kind == "car" or model.panelled:
        rows.append(wheel_discs(find_wheels(placed)))
    if model.seat is not None:
        rows.append(rider_rows(model.seat))
    return [block for block in rows if len(block)]


def _named(material: Material, patterns: tuple[str, ...]) -> bool:
    return any(re.fullmatch(pattern, material.name) for pattern in patterns)


def _slot(model: BodyModel, material: Material) -> Slot:
    """Sorts a material by its name; the catalogue's own patterns come first."""
    for patterns, slot in ((model.paint, Slot.PAINT), (model.panel, Slot.PANEL), (model.lamps, Slot.LAMP)):
        if _named(material, patterns):
            return slot
    lower = material.name.lower()
    if _GLASS.search(lower) and not _NOT_GLASS.search(lower):
        return Slot.GLASS
    if _RIM.search(lower) and "steer" not in lower and "esteering" not in lower and "rubber" not in lower:
        return Slot.RIM
    return Slot.LAMP if _LAMP.search(lower) else Slot.PLAIN


def _corners(part: Part, slot: Slot, placed: tuple[Floats, float], budget: int | None) -> Floats:
    """Vertex rows (3T, 15) of one part in the body's frame, simplified if there is a budget."""
    positions, length_m = placed
    normals, uvs = part.normals, part.uvs
    if budget is not None:
        positions, normals = simplify_part(positions, budget, length_m)
        uvs = np.zeros((len(positions), 2), np.float32)
    if slot == Slot.RIM:
        uvs = np.zeros_like(uvs)
    metal = 0.9 if _METAL.search(part.material.name.lower()) else 0.0
    rows = np.zeros((len(positions), VERTEX_WIDTH), np.float32)
    rows[:, 0:3], rows[:, 3:6], rows[:, 6:8] = positions, normals, uvs
    rows[:, 8:11] = part.material.diffuse
    rows[:, 11:15] = (0.3 if metal else 0.7, metal, float(slot), 0.0)
    if slot == Slot.LAMP:
        rows[_amber(part.material) & (positions[:, 2] < 0), 8:11] = _TAIL_RED
    return rows


def _amber(material: Material) -> bool:
    red, green, blue = material.diffuse
    return red > 0.6 and 0.2 < green < 0.9 and blue < 0.2


def _find_lamps(rows: Floats, texture: NDArray[np.uint8], size_m: Floats) -> None:
    """Marks as lamps the triangles of an atlas that show one: red at the rear end, bright at a front corner."""
    width, height, length = (float(value) for value in size_m)
    faces = rows.reshape(-1, 3, VERTEX_WIDTH)
    centre, uv = faces[:, :, :3].mean(axis=1), faces[:, :, 6:8].mean(axis=1) % 1.0
    across, up = texture.shape[1], texture.shape[0]
    columns, lines = (uv[:, 0] * across).astype(int) % across, (uv[:, 1] * up).astype(int) % up
    red, green, blue = (texture[lines, columns].astype(np.float32) / 255).T
    above = (centre[:, 1] > 0.2 * height) & (np.abs(centre[:, 0]) > 0.2 * width)
    tail = above & (centre[:, 2] < -0.25 * length) & (red > 0.3) & (red > 1.7 * np.maximum(green, blue))
    head = above & (centre[:, 2] > 0.3 * length) & (np.minimum(np.minimum(red, green), blue) > 0.55)
    faces[tail | head, :, 13] = float(Slot.LAMP)


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
