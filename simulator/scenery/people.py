"""People on pavements: still figures, standing or in mid-step, muted clothes. Never on the road."""

from __future__ import annotations

import math

import numpy as np

from simulator.renderer.primitives import Floats, blob_triangles, box_triangles, turned
from simulator.renderer.surface import Slot
from simulator.scenery.site import KERB_HEIGHT_M, Site, Spot
from simulator.vehicles.identity import Rgb

_SKIN: tuple[Rgb, ...] = ((0.75, 0.58, 0.48), (0.55, 0.4, 0.3), (0.35, 0.25, 0.19))
_HAIR: tuple[Rgb, ...] = ((0.15, 0.11, 0.09), (0.3, 0.22, 0.15), (0.45, 0.42, 0.4))
_TOPS: tuple[Rgb, ...] = (
    (0.16, 0.18, 0.24),
    (0.3, 0.3, 0.3),
    (0.36, 0.18, 0.17),
    (0.22, 0.28, 0.24),
    (0.5, 0.46, 0.4),
    (0.12, 0.12, 0.13),
)
_TROUSERS: tuple[Rgb, ...] = ((0.16, 0.19, 0.27), (0.13, 0.13, 0.14), (0.3, 0.27, 0.23))
_EVERY_M = 22.0


def populate(site: Site, rng: np.random.Generator) -> None:
    """A few on every pavement near a camera."""
    for road in site.place.roads.values():
        for side in (-1, 1):
            along = road.trim_m[0] + float(rng.uniform(2, _EVERY_M))
            while along < road.length_m - road.trim_m[1] - 2:
                out = float(rng.uniform(1.1, 3.6))
                kerb = site.kerb_m(road, side, along)
                spot = site.spot(road, along, side * min(kerb + out, site.outer_m(road) - 0.4))
                turn = float(rng.choice([math.pi / 2, -math.pi / 2])) + float(rng.normal(0, 0.3))
                if site.in_detail(spot.x_m, spot.z_m) and site.clear_of_lenses(spot.x_m, spot.z_m, 7.0):
                    person(site, Spot(spot.x_m, spot.z_m, spot.yaw_rad + turn), rng)
                along += float(rng.exponential(_EVERY_M)) + 0.8


def person(site: Site, spot: Spot, rng: np.random.Generator) -> None:
    """One figure on the pavement, looking along its yaw."""
    size = float(rng.uniform(0.9, 1.06))
    stride = float(rng.choice([0.0, 0.3, 0.42], p=[0.35, 0.35, 0.3]))
    top = _TOPS[int(rng.integers(len(_TOPS)))]
    trousers = _TROUSERS[int(rng.integers(len(_TROUSERS)))]
    skin, hair = _SKIN[int(rng.integers(3))], _HAIR[int(rng.integers(3))]
    coat = rng.random() < 0.3
    parts: list[tuple[Floats, Rgb]] = []
    for way in (-1, 1):
        parts.append((_limb((0.1 * way, 0.88, 0.0), 0.88, 0.075, way * stride), trousers))
        parts.append((_limb((0.24 * way, 1.42, 0.0), 0.62, 0.05, -way * stride * 0.8), top))
        foot = 0.88 * math.sin(way * stride)
        parts.append((box_triangles((0.1 * way - 0.05, 0.0, foot - 0.08), (0.1 * way + 0.05, 0.08, foot + 0.18)), hair))
    low = 0.55 if coat else 0.85
    parts.append((box_triangles((-0.2, low, -0.12), (0.2, 1.2, 0.12)), top))
    parts.append((box_triangles((-0.22, 1.2, -0.13), (0.22, 1.46, 0.13)), top))
    parts.append((blob_triangles((0.0, 1.62, 0.02), 0.125, rng), skin))
    parts.append((blob_triangles((0.0, 1.68, -0.02), 0.13, rng), hair))
    if rng.random() < 0.35:
        parts.append((box_triangles((-0.16, 1.0, -0.3), (0.16, 1.42, -0.12)), _TOPS[int(rng.integers(len(_TOPS)))]))
    for triangles, colour in parts:
        sized = triangles * np.float32(size)
        sized[..., 1] += KERB_HEIGHT_M
        site.builder.add(turned(sized, spot.x_m, spot.z_m, spot.yaw_rad), colour, Slot.PLAIN)


def _limb(joint: tuple[float, float, float], length_m: float, radius_m: float, swing_rad: float) -> Floats:
    """A box that hangs from a joint, swung forward."""
    box = box_triangles((-radius_m, -length_m, -radius_m), (radius_m, 0.0, radius_m))
    cosine, sine = math.cos(swing_rad), math.sin(swing_rad)
    out = box.copy()
    out[..., 1] = cosine * box[..., 1] + joint[1]
    out[..., 2] = -sine * box[..., 1] + cosine * box[..., 2] + joint[2]
    out[..., 0] += joint[0]
    return out
