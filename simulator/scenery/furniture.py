"""Street furniture: lamps at regular distances; signs, bins, benches, shelters that hide part of a vehicle."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np

from simulator.place import Road
from simulator.renderer.primitives import Floats, Point, box_triangles, post_triangles, turned
from simulator.renderer.surface import Slot
from simulator.scenery.site import KERB_HEIGHT_M, Site, Spot
from simulator.vehicles.identity import Rgb

_STEEL: Rgb = (0.4, 0.41, 0.42)
_PAINTED: Rgb = (0.2, 0.22, 0.22)
_WOOD: Rgb = (0.36, 0.27, 0.19)
_GLASS: Rgb = (0.3, 0.34, 0.35)
_SIGNS: tuple[Rgb, ...] = ((0.1, 0.22, 0.5), (0.55, 0.1, 0.1), (0.72, 0.72, 0.7), (0.65, 0.55, 0.1))
_LAMP_EVERY_M = 27.0
_LAMP_HEIGHT_M = 7.4
_TALL_LAMP_HEIGHT_M = 9.0
#: A sharper corner between two roads has no room for a lamp.
_LEAST_CORNER_RAD = 0.7


def furnish(site: Site, rng: np.random.Generator) -> None:
    """Both pavements of every road, and lamps around every junction."""
    for road in site.place.roads.values():
        for side in (-1, 1):
            _road_lamps(site, road, side)
            _things(site, road, side, rng)
    for node in site.place.spec.nodes:
        _junction_lamps(site, node)


def _road_lamps(site: Site, road: Road, side: int) -> None:
    first = road.trim_m[0] + 3 + _LAMP_EVERY_M / 2 * (side > 0)
    for along in np.arange(first, road.length_m - road.trim_m[1], _LAMP_EVERY_M).tolist():
        spot = site.spot(road, along, side * (site.kerb_m(road, side, along) + 0.55))
        if _may_carry_lamp(site, spot):
            _lamp_post(Thing(site, spot), _LAMP_HEIGHT_M, 1.0)


def _junction_lamps(site: Site, node: str) -> None:
    """One on every corner between two roads, and a mast in the middle of a roundabout."""
    radius, centre = site.hub_radius_m(node), site.place.spec.nodes[node]
    if radius == 0:
        return
    bearings = []
    for spec in site.place.spec.roads_at(node):
        road, trim = site.place.roads[spec.name], site.place.trim_m(node)
        x, z = road.point(trim if spec.start == node else road.length_m - trim)
        bearings.append(math.atan2(z - centre[1], x - centre[0]))
    bearings.sort()
    for low, high in pairwise([*bearings, bearings[0] + 2 * math.pi]):
        middle, out = (low + high) / 2, radius + 0.7
        spot = Spot(
            centre[0] + out * math.cos(middle),
            centre[1] + out * math.sin(middle),
            math.atan2(-math.cos(middle), -math.sin(middle)),
        )
        if high - low > _LEAST_CORNER_RAD and _may_carry_lamp(site, spot):
            _lamp_post(Thing(site, spot), _TALL_LAMP_HEIGHT_M, 1.7)
    if site.place.junction(node).kind == "roundabout":
        for quarter in range(4):
            mast = Thing(site, Spot(centre[0], centre[1], quarter * math.pi / 2 + 0.6))
            _lamp_post(mast, _TALL_LAMP_HEIGHT_M, 1.3)


def _may_carry_lamp(site: Site, spot: Spot) -> bool:
    if not site.in_sight(spot.x_m, spot.z_m) or not site.clear_of_lenses(spot.x_m, spot.z_m, 6.5):
        return False
    return site.clear_of_sight(spot.x_m, spot.z_m, 0.7)


def _lamp_post(thing: Thing, height_m: float, strength: float) -> None:
    """A post whose arm reaches over the road."""
    thing.post(height_m, 0.085, _PAINTED)
    thing.post(1.1, 0.12, _PAINTED)
    for k in range(5):
        z0, z1 = 0.42 * k - 0.05, 0.42 * k + 0.40
        y = height_m - 0.1 + 0.045 * k
        thing.box((-0.04, y, z0), (0.04, y + 0.09, z1), _PAINTED)
    thing.box((-0.14, height_m + 0.08, 1.75), (0.14, height_m + 0.2, 2.5), (0.33, 0.34, 0.35))
    thing.box((-0.11, height_m + 0.03, 1.85), (0.11, height_m + 0.08, 2.42), (0.8, 0.8, 0.76), Slot.STREET_LAMP)
    thing.lamp((0.0, height_m, 2.1), strength)


class Thing:
    """Something in its own frame on the pavement: +z towards the road."""

    def __init__(self, site: Site, spot: Spot) -> None:
        self._site, self._spot = site, spot

    def add(
        self, triangles: Floats, colour: Rgb, slot: Slot = Slot.PLAIN, *, own: float = 0.9, extra: float = 0.0
    ) -> None:
        """Triangles in the thing's frame."""
        placed = turned(triangles, self._spot.x_m, self._spot.z_m, self._spot.yaw_rad)
        self._site.builder.add(placed, colour, slot, own=(own, extra))

    def box(self, low: Point, high: Point, colour: Rgb, slot: Slot = Slot.PLAIN) -> None:
        """A box."""
        self.add(box_triangles(low, high), colour, slot)

    def post(self, height_m: float, radius_m: float, colour: Rgb, at: tuple[float, float] = (0.0, 0.0)) -> None:
        """An upright post."""
        self.add(post_triangles((at[0], KERB_HEIGHT_M - 0.02, at[1]), height_m, radius_m), colour)

    def lamp(self, at: Point, strength: float) -> None:
        """Something that sheds light at night."""
        x, y, z = turned(np.asarray(at, np.float32), self._spot.x_m, self._spot.z_m, self._spot.yaw_rad).tolist()
        self._site.builder.lamps.append((x, y, z, strength))


def _things(site: Site, road: Road, side: int, rng: np.random.Generator) -> None:
    shelter_at = float(rng.uniform(0.25, 0.75)) * road.length_m if rng.random() < 0.35 else -1e3
    along = road.trim_m[0] + float(rng.uniform(3, 9))
    while along < road.length_m - road.trim_m[1] - 3:
        makers = (_sign, _bin, _box, _bench, _bollards, _column, _planter, _sign)
        make = makers[int(rng.choice(len(makers), p=(0.2, 0.16, 0.1, 0.14, 0.14, 0.06, 0.12, 0.08)))]
        out = float(rng.uniform(0.4, 0.9)) if make in (_sign, _bollards, _bin) else float(rng.uniform(0.8, 2.6))
        if abs(along - shelter_at) < 7:
            make, out, shelter_at = _shelter, 1.3, -1e3
        spot = site.spot(road, along, side * (site.kerb_m(road, side, along) + out))
        tint = float(rng.uniform(0.0, 1.0))
        seen = site.in_detail(spot.x_m, spot.z_m) and site.clear_of_lenses(spot.x_m, spot.z_m, 8.0)
        if seen and site.clear_of_sight(spot.x_m, spot.z_m, 0.5):
            make(Thing(site, spot), tint)
        along += float(rng.uniform(8, 20))


def _sign(thing: Thing, tint: float) -> None:
    """A traffic sign; its face looks along the road."""
    thing.post(2.7, 0.035, _STEEL)
    colour = _SIGNS[int(tint * len(_SIGNS))]
    thing.box((-0.03, 2.1, -0.3), (0.0, 2.7, 0.3), colour)
    thing.box((0.0, 2.1, -0.3), (0.02, 2.7, 0.3), (0.45, 0.46, 0.47))
    thing.box((-0.035, 2.28, -0.2), (-0.03, 2.52, 0.2), (0.75, 0.75, 0.73))


def _bin(thing: Thing, tint: float) -> None:
    thing.post(0.95, 0.24, (0.18, 0.2, 0.19) if tint < 0.6 else (0.4, 0.2, 0.1))
    thing.box((-0.25, 1.0, -0.25), (0.25, 1.1, 0.25), (0.14, 0.15, 0.15))


def _box(thing: Thing, tint: float) -> None:
    thing.box((-0.55, 0.1, -0.25), (0.55, 1.15 + 0.3 * tint, 0.2), (0.42, 0.43, 0.41))
    thing.box((-0.6, 1.15 + 0.3 * tint, -0.3), (0.6, 1.2 + 0.3 * tint, 0.25), (0.36, 0.37, 0.36))


def _bench(thing: Thing, tint: float) -> None:
    for x in (-0.75, 0.7):
        thing.box((x, 0.1, -0.25), (x + 0.06, 0.55, 0.25), _PAINTED)
    for k in range(4):
        thing.box((-0.9, 0.52, -0.25 + 0.13 * k), (0.9, 0.56, -0.15 + 0.13 * k), _WOOD)
    for k in range(3):
        thing.box((-0.9, 0.68 + 0.13 * k, -0.3), (0.9, 0.78 + 0.13 * k, -0.26), _WOOD)


def _bollards(thing: Thing, tint: float) -> None:
    for k in range(2 + int(3 * tint)):
        thing.post(0.95, 0.06, _PAINTED, at=(1.4 * k, 0.0))
        thing.box((1.4 * k - 0.055, 0.82, -0.055), (1.4 * k + 0.055, 0.9, 0.055), (0.7, 0.7, 0.68))


def _column(thing: Thing, tint: float) -> None:
    """A column with posters."""
    thing.post(2.9, 0.55, (0.35, 0.36, 0.34))
    for k in range(5):
        angle = 1.257 * k
        x, z = 0.5 * np.sin(angle), 0.5 * np.cos(angle)
        poster = turned(box_triangles((-0.25, 0.9, -0.01), (0.25, 2.3, 0.02)), float(x), float(z), angle)
        shade = 0.3 + 0.4 * ((tint * 7.3 + 0.31 * k) % 1)
        thing.add(poster, (shade, shade * 0.85, shade * 0.7), Slot.SIGN, own=tint + k)
    thing.box((-0.62, 2.95, -0.62), (0.62, 3.1, 0.62), (0.2, 0.26, 0.22))


def _planter(thing: Thing, tint: float) -> None:
    thing.box((-0.7, 0.1, -0.35), (0.7, 0.6, 0.35), (0.44, 0.42, 0.39))
    thing.box((-0.6, 0.6, -0.28), (0.6, 0.8 + 0.3 * tint, 0.28), (0.17, 0.23, 0.12), Slot.FOLIAGE)


def _shelter(thing: Thing, tint: float) -> None:
    """A bus shelter: roof, glazed back and side, bench, lit poster."""
    for x in (-1.9, 1.86):
        for z in (-0.6, 0.45):
            thing.box((x, 0.1, z), (x + 0.07, 2.4, z + 0.07), _PAINTED)
    thing.box((-2.1, 2.4, -0.75), (2.1, 2.52, 0.75), (0.28, 0.3, 0.3))
    for k in range(3):
        x = -1.85 + 1.25 * k
        thing.box((x, 2.0, -0.6), (x + 1.2, 2.38, -0.57), _GLASS)
        thing.box((x, 0.35, -0.6), (x + 1.2, 0.42, -0.57), _PAINTED)
    thing.box((-1.2, 0.5, -0.5), (0.6, 0.56, -0.15), _WOOD)
    thing.add(box_triangles((1.88, 0.5, -0.55), (1.98, 2.2, 0.4)), (0.5, 0.48, 0.42), Slot.SIGN, own=tint, extra=1.2)
    thing.lamp((0.0, 2.35, 0.0), 0.07)
