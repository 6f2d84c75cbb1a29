"""Houses along built-up roads: where they stand and of which kind. Their shapes are in ``fronts``."""

from __future__ import annotations

import numpy as np

from simulator.place import Road
from simulator.renderer.primitives import box_triangles, turned
from simulator.renderer.surface import Slot
from simulator.scenery.fronts import HouseShape, house
from simulator.scenery.plants import hedge
from simulator.scenery.site import KERB_HEIGHT_M, Site, Spot
from simulator.vehicles.identity import Rgb

_BRICK: tuple[Rgb, ...] = (
    (0.45, 0.27, 0.21),
    (0.50, 0.36, 0.28),
    (0.39, 0.25, 0.22),
    (0.55, 0.48, 0.38),
    (0.36, 0.33, 0.32),
)
_PLASTER: tuple[Rgb, ...] = (
    (0.66, 0.63, 0.57),
    (0.60, 0.56, 0.47),
    (0.55, 0.54, 0.52),
    (0.62, 0.55, 0.46),
    (0.50, 0.47, 0.43),
    (0.68, 0.66, 0.63),
    (0.58, 0.50, 0.44),
)
_CONCRETE: tuple[Rgb, ...] = ((0.46, 0.45, 0.43), (0.52, 0.51, 0.50), (0.40, 0.40, 0.41))
_KINDS = (Slot.FACADE, Slot.TOWNHOUSE, Slot.OFFICE, Slot.INDUSTRY)
_SHARES = (0.42, 0.38, 0.12, 0.08)
_CLEAR_M = 3.6
_SECOND_ROW_M = (23.0, 34.0)


def build_houses(site: Site, rng: np.random.Generator) -> None:
    """A closed front with gaps along the pavement, and a second row behind it."""
    for road in site.place.roads.values():
        if road.spec.bank == "houses":
            for side in (-1, 1):
                _row(site, road, side, rng)
                _second_row(site, road, side, rng)
        else:
            for side in (-1, 1):
                _far_blocks(site, road, side, rng)


def draw_shape(rng: np.random.Generator) -> HouseShape:
    """A house at random."""
    kind = _KINDS[int(rng.choice(len(_KINDS), p=_SHARES))]
    palette = {Slot.FACADE: _BRICK + _PLASTER[:2], Slot.TOWNHOUSE: _PLASTER, Slot.OFFICE: _CONCRETE}.get(
        kind, _CONCRETE
    )
    wall = palette[int(rng.integers(len(palette)))]
    shade = float(rng.uniform(0.85, 1.08))
    width = float(rng.uniform(*{Slot.TOWNHOUSE: (7, 12), Slot.OFFICE: (14, 24)}.get(kind, (10, 20))))
    floors = int(rng.integers(*{Slot.TOWNHOUSE: (2, 4), Slot.OFFICE: (3, 7), Slot.INDUSTRY: (1, 2)}.get(kind, (3, 6))))
    shop = kind in (Slot.FACADE, Slot.TOWNHOUSE) and rng.random() < 0.45
    return HouseShape(
        kind=kind,
        wall=(wall[0] * shade, wall[1] * shade, wall[2] * shade),
        own=float(rng.uniform(0, 1)),
        width_m=width,
        depth_m=float(rng.uniform(9, 13)),
        floors=floors,
        shop_m=3.7 if shop else 0.0,
        balconies=kind == Slot.FACADE and rng.random() < 0.55,
    )


def _row(site: Site, road: Road, side: int, rng: np.random.Generator) -> None:
    along = -22.0
    while along < road.length_m + 22:
        shape = draw_shape(rng)
        garden = shape.shop_m == 0 and shape.kind == Slot.TOWNHOUSE and rng.random() < 0.5
        setback = site.outer_m(road) + (float(rng.uniform(3, 5)) if garden else float(rng.choice([0.1, 0.1, 0.8])))
        spot = site.spot(road, along + shape.width_m / 2, side * setback)
        if _fits(site, shape, spot):
            house(site, shape, spot, rng, detail=site.in_detail(spot.x_m, spot.z_m))
            if garden:
                _front_garden(site, shape, spot, setback - site.outer_m(road), rng)
        gap = float(rng.choice([0.0, 0.0, 0.0, 3.0, 8.0]))
        if gap > 2 and site.in_detail(spot.x_m, spot.z_m):
            _garden_wall(site, road, side, (along + shape.width_m, gap), rng)
        along += shape.width_m + gap


def _second_row(site: Site, road: Road, side: int, rng: np.random.Generator) -> None:
    along = -30.0
    while along < road.length_m + 30:
        shape = draw_shape(rng)
        spot = site.spot(road, along, side * (site.outer_m(road) + float(rng.uniform(*_SECOND_ROW_M))))
        if _fits(site, shape, spot) and rng.random() < 0.75:
            house(site, shape, spot, rng, detail=False)
        along += shape.width_m + float(rng.uniform(0, 8))


def _far_blocks(site: Site, road: Road, side: int, rng: np.random.Generator) -> None:
    """What looks over the trees of a park or from the other bank."""
    along = 0.0
    while along < road.length_m:
        shape = draw_shape(rng)
        far = 82.0 if road.spec.bank == "water" else float(rng.uniform(42, 60))
        spot = site.spot(road, along, side * (site.outer_m(road) + far))
        if _fits(site, shape, spot) and rng.random() < 0.6:
            house(site, shape, spot, rng, detail=False)
        along += shape.width_m + float(rng.uniform(2, 14))


def _fits(site: Site, shape: HouseShape, spot: Spot) -> bool:
    """Whether a house keeps clear of roads and sight lines with its corners, sides and middle."""
    if not site.in_sight(spot.x_m, spot.z_m):
        return False
    half, depth = shape.width_m / 2, shape.depth_m
    local = [(x, z) for x in (-half, -half / 2, 0.0, half / 2, half) for z in (0.0, -depth / 2, -depth)]
    cosine, sine = np.cos(spot.yaw_rad), np.sin(spot.yaw_rad)
    return all(
        site.free(spot.x_m + cosine * x + sine * z, spot.z_m - sine * x + cosine * z, _CLEAR_M) for x, z in local
    )


def _front_garden(site: Site, shape: HouseShape, spot: Spot, depth_m: float, rng: np.random.Generator) -> None:
    """A hedge or a low wall at the pavement, with a gap for the path."""
    half, gate = shape.width_m / 2, float(rng.uniform(-1, 1))
    walled = rng.random() < 0.5
    for x0, x1 in ((-half, gate - 0.6), (gate + 0.6, half)):
        if x1 - x0 < 1:
            continue
        if walled:
            wall = box_triangles((x0, 0, depth_m - 0.35), (x1, 0.9, depth_m - 0.1))
            site.builder.add(turned(wall, spot.x_m, spot.z_m, spot.yaw_rad), shape.wall, Slot.PLAIN)
            coping = box_triangles((x0, 0.9, depth_m - 0.4), (x1, 0.97, depth_m - 0.05))
            site.builder.add(turned(coping, spot.x_m, spot.z_m, spot.yaw_rad), (0.5, 0.49, 0.47), Slot.PLAIN)
        else:
            hedge(site, spot, (x0, x1), depth_m - 0.5, rng)


def _garden_wall(site: Site, road: Road, side: int, extent: tuple[float, float], rng: np.random.Generator) -> None:
    """Closes a gap between houses: a wall, a fence of boards or a hedge."""
    along, length = extent
    spot = site.spot(road, along + length / 2, side * (site.outer_m(road) + 0.4))
    if not site.off_road(spot.x_m, spot.z_m, _CLEAR_M) or not site.clear_of_lenses(spot.x_m, spot.z_m, 6.0):
        return
    kind = rng.random()
    half = length / 2
    if kind < 0.4:
        wall = box_triangles((-half, 0, -0.25), (half, 2.0, 0.0))
        site.builder.add(turned(wall, spot.x_m, spot.z_m, spot.yaw_rad), (0.45, 0.36, 0.3), Slot.PLAIN)
    elif kind < 0.7:
        for x in np.arange(-half, half, 0.16).tolist():
            board = box_triangles((x, KERB_HEIGHT_M, -0.05), (x + 0.13, 1.7, 0.0))
            site.builder.add(turned(board, spot.x_m, spot.z_m, spot.yaw_rad), (0.3, 0.24, 0.18), Slot.PLAIN)
    else:
        hedge(site, spot, (-half, half), -0.4, rng)
