"""Things carried on roofs and seats: racks, boxes, ladders, signs, aerials. Feet reach into the roof: none floats."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.renderer.primitives import Point, box_triangles
from simulator.renderer.surface import Mesh, MeshBuilder, Slot
from simulator.vehicles.appearance import Rgb
from simulator.vehicles.catalogue import BodyModel

Floats = NDArray[np.float32]

_BLACK = (0.10, 0.10, 0.11)
_WHITE = (0.86, 0.86, 0.86)
_GREY = (0.42, 0.43, 0.45)
_RED = (0.55, 0.08, 0.08)
_METAL = (0.6, 0.6, 0.62)
_YELLOW = (0.93, 0.72, 0.1)
_BLUE = (0.10, 0.25, 0.62)
_AMBER = (0.95, 0.50, 0.05)
_COLOURS: dict[str, Rgb] = {"black": _BLACK, "white": _WHITE, "grey": _GREY, "red": _RED}
_FOOT_DEPTH_M = 0.14
_CLEARANCE_M = 0.05
#: What only riders are made of.
_RIDER = (Slot.HELMET, Slot.PANEL, Slot.GLASS)


@dataclass(frozen=True, slots=True)
class _Roof:
    """The part of a roof that carries something, metres in the body's frame.

    Attributes:
        rear_m: z of its rear end.
        front_m: z of its front end.
        height_m: Of its highest point near the middle line.
        half_width_m: Reach of crossbars.
        height_at: Height of the surface near the middle line around a z.
    """

    rear_m: float
    front_m: float
    height_m: float
    half_width_m: float
    height_at: Callable[[float], float]


def build_load(kind: str, body: BodyModel, body_mesh: Mesh) -> Mesh:
    """A load in the body's frame.

    Args:
        kind: One of the body's ``loads``.
        body: What carries it; must have a roof anchor.
        body_mesh: Its mesh, which says how high the roof is there.

    Raises:
        ValueError: The body has no roof anchor, or nobody knows how to build that load.
    """
    if body.roof is None:
        raise ValueError(f"{body.name} has no roof anchor")
    name, _, colour = kind.partition("_")
    if name not in _BUILDERS:
        raise ValueError(f"load must be one of {sorted(_BUILDERS)}, not {kind}")
    length = body_mesh.size_m[2]
    rear, front = (share * length - length / 2 for share in (body.roof.rear, body.roof.front))
    everything = body.kind == "motorcycle"

    def height_at(z_m: float) -> float:
        return _roof_height(body_mesh, z_m - 0.15, z_m + 0.15, everything=everything)

    height = _roof_height(body_mesh, rear, front, everything=everything)
    roof = _Roof(rear, front, height, min(0.62, 0.32 * body_mesh.size_m[0]), height_at)
    builder = MeshBuilder()
    _BUILDERS[name](builder, roof, _COLOURS.get(colour, _BLACK))
    return builder.build()


def _block(builder: MeshBuilder, low: Point, high: Point, colour: Rgb) -> None:
    builder.add(box_triangles(low, high), colour, Slot.PLAIN, own=(0.5, 0.0))


def _crossbars(builder: MeshBuilder, roof: _Roof) -> None:
    base = roof.height_m + _CLEARANCE_M
    width = roof.half_width_m
    for z in (roof.rear_m + 0.15, roof.front_m - 0.15):
        foot = min(roof.height_m, roof.height_at(z)) - _FOOT_DEPTH_M - 0.06
        _block(builder, (-width, base - 0.02, z - 0.03), (width, base + 0.03, z + 0.03), _BLACK)
        for x in (-width, width):
            _block(builder, (x - 0.03, foot, z - 0.03), (x + 0.03, base, z + 0.03), _BLACK)


def _rack(builder: MeshBuilder, roof: _Roof, colour: Rgb) -> None:
    _crossbars(builder, roof)
    base, width = roof.height_m + _CLEARANCE_M, roof.half_width_m
    for x in (-width, width):
        _block(builder, (x - 0.025, base + 0.02, roof.rear_m), (x + 0.025, base + 0.06, roof.front_m), _BLACK)


def _box(builder: MeshBuilder, roof: _Roof, colour: Rgb) -> None:
    """A roof box: tapered towards both ends."""
    _crossbars(builder, roof)
    low, high = roof.height_m + _CLEARANCE_M + 0.02, roof.height_m + _CLEARANCE_M + 0.34
    rear, front = roof.rear_m, min(roof.front_m, roof.rear_m + 1.7)
    triangles = box_triangles((-0.38, low, rear), (0.38, high, front))
    top = triangles[..., 1] > (low + high) / 2
    nose = triangles[..., 2] > (rear + front) / 2
    triangles[..., 2] = np.where(top & nose, front - 0.35, np.where(top, rear + 0.08, triangles[..., 2]))
    triangles[..., 0] = np.where(top, triangles[..., 0] * 0.9, triangles[..., 0])
    builder.add(triangles, colour, Slot.PLAIN, own=(0.4, 0.0))


def _ladder(builder: MeshBuilder, roof: _Roof, colour: Rgb) -> None:
    _crossbars(builder, roof)
    base, rear, front = roof.height_m + _CLEARANCE_M, roof.rear_m, roof.front_m
    for x in (0.1, 0.5):
        _block(builder, (x - 0.03, base + 0.03, rear - 0.2), (x + 0.03, base + 0.1, front + 0.2), _METAL)
    for z in np.arange(rear, front, 0.35).tolist():
        _block(builder, (0.1, base + 0.04, z), (0.5, base + 0.08, z + 0.05), _METAL)


def _sign(builder: MeshBuilder, roof: _Roof, colour: Rgb, half_m: float = 0.3, tall_m: float = 0.17) -> None:
    z = (roof.rear_m + roof.front_m) / 2
    height = roof.height_at(z)
    low, high = (-half_m, height - _FOOT_DEPTH_M, z - 0.08), (half_m, height + tall_m, z + 0.08)
    _block(builder, low, high, colour)
    _block(builder, (-half_m - 0.01, height - 0.02, z - 0.09), (half_m + 0.01, height + 0.03, z + 0.09), _BLACK)


def _taxi(builder: MeshBuilder, roof: _Roof, colour: Rgb) -> None:
    _sign(builder, roof, _YELLOW)


def _school(builder: MeshBuilder, roof: _Roof, colour: Rgb) -> None:
    """A driving school's sign: taller, white with a blue foot."""
    _sign(builder, roof, _WHITE, 0.34, 0.24)
    z = (roof.rear_m + roof.front_m) / 2
    height = roof.height_at(z)
    _block(builder, (-0.345, height + 0.03, z - 0.085), (0.345, height + 0.09, z + 0.085), _BLUE)


def _beacon(builder: MeshBuilder, roof: _Roof, colour: Rgb) -> None:
    z = roof.front_m - 0.2
    height = roof.height_at(z)
    _block(builder, (-0.5, height - _FOOT_DEPTH_M, z - 0.1), (0.5, height + 0.05, z + 0.1), _BLACK)
    for x in (-0.38, 0.38):
        _block(builder, (x - 0.12, height + 0.05, z - 0.09), (x + 0.12, height + 0.16, z + 0.09), _AMBER)


def _antenna(builder: MeshBuilder, roof: _Roof, colour: Rgb) -> None:
    """A whip aerial, leaning back."""
    z = roof.rear_m + 0.2
    height = roof.height_at(z)
    rod = box_triangles((-0.012, height - 0.1, z - 0.012), (0.012, height + 0.42, z + 0.012))
    rod[..., 2] -= (rod[..., 1] - height) * 0.7
    builder.add(rod, _BLACK, Slot.PLAIN, own=(0.6, 0.0))
    _block(builder, (-0.04, height - 0.08, z - 0.06), (0.04, height + 0.035, z + 0.06), _BLACK)


def _case(builder: MeshBuilder, roof: _Roof, colour: Rgb) -> None:
    """A motorcycle's top case on its carrier."""
    middle = (roof.rear_m + roof.front_m) / 2
    _block(builder, (-0.08, roof.height_m - 0.25, middle - 0.1), (0.08, roof.height_m + 0.03, middle + 0.12), _BLACK)
    low, high = roof.height_m + 0.02, roof.height_m + 0.32
    triangles = box_triangles((-0.23, low, middle - 0.2), (0.23, high, middle + 0.2))
    top = triangles[..., 1] > (low + high) / 2
    triangles[..., 0] = np.where(top, triangles[..., 0] * 0.85, triangles[..., 0])
    builder.add(triangles, colour, Slot.PLAIN, own=(0.4, 0.0))


_BUILDERS: dict[str, Callable[[MeshBuilder, _Roof, Rgb], None]] = {
    "antenna": _antenna,
    "beacon": _beacon,
    "box": _box,
    "case": _case,
    "ladder": _ladder,
    "rack": _rack,
    "school": _school,
    "taxi": _taxi,
}


def _roof_height(mesh: Mesh, rear_m: float, front_m: float, *, everything: bool) -> float:
    """Highest body surface near the middle line between two stations; aerials are neither paint nor glass."""
    heights = []
    for part in mesh.parts:
        faces = part.vertices[part.indices]
        centres = faces[:, :, :3].mean(axis=1)
        low, high = faces[:, :, 2].min(axis=1), faces[:, :, 2].max(axis=1)
        slot = faces[:, 0, 13]
        body = ~np.isin(slot, _RIDER) if everything else np.isin(slot, (Slot.PAINT, Slot.GLASS, Slot.PANEL))
        inside = body & (np.abs(centres[:, 0]) < 0.4) & (high > rear_m) & (low < front_m)
        inside &= (centres[:, 2] > rear_m - 0.3) & (centres[:, 2] < front_m + 0.3)
        heights.append(faces[inside][:, :, 1].max(axis=1))
    found = np.concatenate(heights)
    return float(found.max()) if len(found) else mesh.size_m[1]
