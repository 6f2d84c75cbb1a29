"""Things carried on roofs, built from boxes: racks, boxes, ladders, signs. Their feet reach into the roof, so none floats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.catalogue import BodyModel
from simulator.renderer.primitives import box_triangles
from simulator.renderer.surface import Mesh, MeshBuilder, Slot

Floats = NDArray[np.float32]

_BLACK = (0.12, 0.12, 0.13)
_WHITE = (0.88, 0.88, 0.88)
_METAL = (0.6, 0.6, 0.62)
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

    def block(
        low: tuple[float, float, float], high: tuple[float, float, float], colour: tuple[float, float, float]
    ) -> None:
        builder.add(box_triangles(low, high), colour, Slot.PLAIN, roughness=0.5)

    if kind == "sign":
        middle = (rear + front) / 2 + 0.2
        block((-0.35, roof - _FOOT_DEPTH_M, middle - 0.1), (0.35, roof + 0.2, middle + 0.1), (0.95, 0.75, 0.1))
        return builder.build()
    for z in (rear + 0.15, front - 0.15):
        block((-half_width, base - 0.02, z - 0.03), (half_width, base + 0.03, z + 0.03), _BLACK)
        for x in (-half_width, half_width):
            block((x - 0.03, roof - _FOOT_DEPTH_M - 0.06, z - 0.03), (x + 0.03, base, z + 0.03), _BLACK)
    if kind.startswith("box"):
        colour = _WHITE if kind == "box_white" else _BLACK
        block((-0.38, base + 0.03, rear), (0.38, base + 0.36, min(front, rear + 1.7)), colour)
    elif kind == "ladder":
        for x in (0.1, 0.5):
            block((x - 0.03, base + 0.03, rear - 0.2), (x + 0.03, base + 0.1, front + 0.2), _METAL)
        for z in np.arange(rear, front, 0.35):
            block((0.1, base + 0.04, float(z)), (0.5, base + 0.08, float(z) + 0.05), _METAL)
    else:
        for x in (-half_width, half_width):
            block((x - 0.025, base + 0.02, rear), (x + 0.025, base + 0.06, front), _BLACK)
    return builder.build()


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
