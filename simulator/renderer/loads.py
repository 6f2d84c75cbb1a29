"""Things carried on roofs: racks, boxes, ladders, signs. Their feet reach into the roof, so that none floats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue import BodyModel
from simulator.identity import Rgb
from simulator.renderer.primitives import Point, box_triangles
from simulator.renderer.surface import Mesh, MeshBuilder, Slot

Floats = NDArray[np.float32]

_BLACK = (0.12, 0.12, 0.13)
_WHITE = (0.88, 0.88, 0.88)
_METAL = (0.6, 0.6, 0.62)
_YELLOW = (0.95, 0.75, 0.1)
_FOOT_DEPTH_M = 0.14
_CLEARANCE_M = 0.05


def build_load(kind: str, body: BodyModel, body_mesh: Mesh) -> Mesh:
    """A load in the body's frame.

    Args:
        kind: As in ``Appearance.load``.
        body: What carries it; must have a roof anchor.
        body_mesh: Its mesh, which says how high the roof is there.
    """
    if body.roof is None:
        raise ValueError(f"{body.name} has no roof anchor")
    length = body_mesh.size_m[2]
    rear, front = (share * length - length / 2 for share in (body.roof.rear, body.roof.front))
    roof = _roof_height(body_mesh, rear, front)
    half_width = min(0.62, 0.32 * body_mesh.size_m[0])
    base = roof + _CLEARANCE_M
    builder = MeshBuilder()
    if kind == "sign":
        middle = (rear + front) / 2 + 0.2
        _block(builder, (-0.35, roof - _FOOT_DEPTH_M, middle - 0.1), (0.35, roof + 0.2, middle + 0.1), _YELLOW)
        return builder.build()
    _crossbars(builder, roof, half_width, (rear + 0.15, front - 0.15))
    if kind.startswith("box"):
        colour = _WHITE if kind == "box_white" else _BLACK
        _block(builder, (-0.38, base + 0.03, rear), (0.38, base + 0.36, min(front, rear + 1.7)), colour)
    elif kind == "ladder":
        _ladder(builder, base, rear, front)
    else:
        for x in (-half_width, half_width):
            _block(builder, (x - 0.025, base + 0.02, rear), (x + 0.025, base + 0.06, front), _BLACK)
    return builder.build()


def _block(builder: MeshBuilder, low: Point, high: Point, colour: Rgb) -> None:
    builder.add(box_triangles(low, high), colour, Slot.PLAIN, own=(0.5, 0.0))


def _crossbars(builder: MeshBuilder, roof_m: float, half_width_m: float, stations_m: tuple[float, float]) -> None:
    base = roof_m + _CLEARANCE_M
    for z in stations_m:
        _block(builder, (-half_width_m, base - 0.02, z - 0.03), (half_width_m, base + 0.03, z + 0.03), _BLACK)
        for x in (-half_width_m, half_width_m):
            _block(builder, (x - 0.03, roof_m - _FOOT_DEPTH_M - 0.06, z - 0.03), (x + 0.03, base, z + 0.03), _BLACK)


def _ladder(builder: MeshBuilder, base_m: float, rear_m: float, front_m: float) -> None:
    for x in (0.1, 0.5):
        _block(builder, (x - 0.03, base_m + 0.03, rear_m - 0.2), (x + 0.03, base_m + 0.1, front_m + 0.2), _METAL)
    for z in np.arange(rear_m, front_m, 0.35).tolist():
        _block(builder, (0.1, base_m + 0.04, z), (0.5, base_m + 0.08, z + 0.05), _METAL)


def _roof_height(mesh: Mesh, rear_m: float, front_m: float) -> float:
    """Highest body surface near the middle line between two stations; aerials are neither paint nor glass."""
    heights = []
    for part in mesh.parts:
        faces = part.vertices[part.indices]
        centres = faces[:, :, :3].mean(axis=1)
        slot = faces[:, 0, 13]
        body = np.isin(slot, (Slot.PAINT, Slot.GLASS, Slot.PANEL))
        inside = body & (np.abs(centres[:, 0]) < 0.4) & (centres[:, 2] > rear_m) & (centres[:, 2] < front_m)
        heights.append(faces[inside][:, :, 1].max(axis=1))
    found = np.concatenate(heights)
    return float(found.max()) if len(found) else mesh.size_m[1]
