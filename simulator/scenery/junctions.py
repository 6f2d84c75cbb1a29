"""Where roads meet: paved discs with kerbed corners, crossings, stop and yield lines, arrows, signals, roundabouts."""

from __future__ import annotations

import math

import numpy as np

from simulator.place import Road
from simulator.renderer.primitives import Floats, box_triangles, post_triangles, ring_triangles, turned, wall_triangles
from simulator.renderer.surface import Slot
from simulator.scenery.plants import bush
from simulator.scenery.site import GUTTER_M, KERB_HEIGHT_M, PAVEMENT_M, Site, Spot
from simulator.scenery.streets import ASPHALT, KERBSTONE, MARKING_M, PAVING, WHITE, flat_box

_RING_HALF_WIDTH_M = 3.3
_STEP_RAD = math.radians(3)
_DARK = (0.1, 0.11, 0.1)


def lay_junctions(site: Site, rng: np.random.Generator) -> None:
    """Every node where two roads or more end."""
    for node, centre in site.place.spec.nodes.items():
        radius = site.hub_radius_m(node)
        if radius == 0:
            continue
        kind = site.place.junction(node).kind
        disc = ring_triangles(centre, (0.0, radius), (0, 2 * math.pi), -0.012)
        site.builder.add(disc, ASPHALT, Slot.ASPHALT)
        inner = radius
        if kind == "roundabout":
            ring = site.place.junction(node).radius_m
            inner = ring + _RING_HALF_WIDTH_M
            _island(site, centre, ring - _RING_HALF_WIDTH_M, rng)
        _corners(site, node, inner, radius)
        for spec in site.place.spec.roads_at(node):
            approach = _Approach(site, site.place.roads[spec.name], at_start=spec.start == node)
            if kind == "roundabout":
                approach.yield_line()
            elif len(site.place.spec.roads_at(node)) > 2 or kind == "lights":
                approach.stop_line()
                approach.crossing()
                approach.arrows()
            if kind == "lights":
                groups = site.place.junction(node).groups
                approach.signal(green=not groups or spec.name in groups[0])


def _corners(site: Site, node: str, inner_m: float, outer_m: float) -> None:
    """Pavement with a kerb around the disc, where no road leads out of it."""
    place, centre = site.place, site.place.spec.nodes[node]
    openings = []
    for spec in place.spec.roads_at(node):
        road, trim = place.roads[spec.name], place.trim_m(node)
        x, z = road.point(trim if spec.start == node else road.length_m - trim)
        widest = road.half_width_m + GUTTER_M + (4.0 if inner_m < outer_m else 0.2)
        openings.append((math.atan2(z - centre[1], x - centre[0]), math.asin(min(0.95, widest / outer_m))))
    for step in range(round(2 * math.pi / _STEP_RAD)):
        low, high = step * _STEP_RAD, (step + 1) * _STEP_RAD
        middle = (low + high) / 2
        if any(abs(math.remainder(middle - bearing, 2 * math.pi)) < half for bearing, half in openings):
            continue
        builder, span = site.builder, (low, high)
        paving = ring_triangles(centre, (inner_m, outer_m + PAVEMENT_M - 1.0), span, KERB_HEIGHT_M - 0.004)
        builder.add(paving, PAVING, Slot.PAVEMENT)
        kerb = ring_triangles(centre, (inner_m, inner_m + 0.16), span, KERB_HEIGHT_M + 0.008)
        builder.add(kerb, KERBSTONE, Slot.MARKING)
        builder.add(_rim(centre, inner_m, span), (0.42, 0.41, 0.4), Slot.MARKING)


def _rim(centre: tuple[float, float], radius_m: float, span: tuple[float, float]) -> Floats:
    angles = np.array(span)
    points = np.asarray(centre) + radius_m * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    return wall_triangles(points, -0.02, KERB_HEIGHT_M + 0.008)


def _island(site: Site, centre: tuple[float, float], radius_m: float, rng: np.random.Generator) -> None:
    """A kerbed middle with an apron of setts, grass and shrubs."""
    builder, turn = site.builder, (0.0, 2 * math.pi)
    builder.add(ring_triangles(centre, (radius_m - 0.25, radius_m), turn, KERB_HEIGHT_M), KERBSTONE, Slot.MARKING)
    for start in np.arange(0, 2 * math.pi, 0.15).tolist():
        builder.add(_rim(centre, radius_m, (start, start + 0.15)), (0.42, 0.41, 0.4), Slot.MARKING)
    builder.add(ring_triangles(centre, (radius_m - 2.0, radius_m - 0.25), turn, 0.11), (0.4, 0.33, 0.3), Slot.PAVEMENT)
    builder.add(ring_triangles(centre, (0.0, radius_m - 2.0), turn, 0.2), (0, 0, 0), Slot.GRASS)
    for angle in np.arange(0, 2 * math.pi, 0.5).tolist():
        out = float(rng.uniform(0.1, 0.55)) * radius_m
        at = (centre[0] + out * math.cos(angle), 0.2, centre[1] + out * math.sin(angle))
        bush(site, at, float(rng.uniform(0.45, 0.8)), rng)
    for angle in (0.0, 1.57, 3.14, 4.71):
        x, z = (centre[i] + (radius_m - 1.0) * f(angle) for i, f in enumerate((math.cos, math.sin)))
        board = turned(box_triangles((-0.5, 0.5, -0.03), (0.5, 0.95, 0.03)), x, z, math.pi / 2 - angle)
        builder.add(board, (0.12, 0.22, 0.5), Slot.SIGN, own=(angle, 0.0))


class _Approach:
    """One road's end at a junction; works in its own frame: +z leads into the junction, -x is the driver's right."""

    def __init__(self, site: Site, road: Road, *, at_start: bool) -> None:
        self._site, self._road, self._at_start = site, road, at_start
        self._end_m = road.trim_m[0] if at_start else road.length_m - road.trim_m[1]
        (x, z), (dx, dz) = road.path.at(self._end_m)
        way = -1 if at_start else 1
        self._spot = Spot(x, z, math.atan2(way * dx, way * dz))

    def _paint(self, extent: tuple[float, float, float, float]) -> None:
        shape = turned(flat_box(extent, MARKING_M), self._spot.x_m, self._spot.z_m, self._spot.yaw_rad)
        self._site.builder.add(shape, WHITE, Slot.MARKING)

    def stop_line(self) -> None:
        """Across the lanes that lead into the junction."""
        self._paint((-self._road.half_width_m + 0.1, -0.7, -0.15, -0.3))

    def yield_line(self) -> None:
        """Teeth across the lanes that lead into a roundabout."""
        for start in np.arange(0.2, self._road.half_width_m - 0.3, 0.75).tolist():
            self._paint((-start - 0.5, -0.45, -start, 0.1))

    def crossing(self) -> None:
        """Zebra bars."""
        half = self._road.half_width_m
        for start in np.arange(-half + 0.2, half - 0.3, 0.95).tolist():
            self._paint((start, 0.5, start + 0.48, 3.2))

    def arrows(self) -> None:
        """One in every lane that leads into the junction."""
        width = self._road.half_width_m / self._road.spec.lanes
        if self._road.length_m - sum(self._road.trim_m) < 25:
            return
        for lane in range(self._road.spec.lanes):
            x = -(lane + 0.5) * width
            self._paint((x - 0.08, -12.0, x + 0.08, -9.4))
            head = np.array(
                [[(x - 0.35, MARKING_M, -9.4), (x, MARKING_M, -8.0), (x + 0.35, MARKING_M, -9.4)]], np.float32
            )
            shape = turned(head, self._spot.x_m, self._spot.z_m, self._spot.yaw_rad)
            self._site.builder.add(shape, WHITE, Slot.MARKING)

    def signal(self, *, green: bool) -> None:
        """A post on the driver's right, its lamps towards the driver."""
        side = -1 if self._at_start else 1
        kerb = self._site.kerb_m(self._road, side, self._end_m)
        parts: list[tuple[Floats, tuple[float, float, float], Slot]] = [
            (post_triangles((0, 0, 0), 3.4, 0.07), (0.3, 0.31, 0.32), Slot.PLAIN),
            (box_triangles((-0.16, 2.35, -0.14), (0.16, 3.35, 0.12)), _DARK, Slot.PLAIN),
        ]
        lamps = (
            (3.1, (0.95, 0.06, 0.04), not green),
            (2.83, (0.9, 0.55, 0.05), False),
            (2.56, (0.05, 0.85, 0.4), green),
        )
        for height, rgb, lit in lamps:
            lens = box_triangles((-0.1, height - 0.1, -0.17), (0.1, height + 0.1, -0.14))
            dim = (rgb[0] * 0.3, rgb[1] * 0.3, rgb[2] * 0.3)
            parts.append((lens, rgb if lit else dim, Slot.SIGNAL if lit else Slot.PLAIN))
        spot = self._spot
        right_x, right_z = -math.cos(spot.yaw_rad), math.sin(spot.yaw_rad)
        x, z = spot.x_m + right_x * (kerb + 0.5), spot.z_m + right_z * (kerb + 0.5)
        if not self._site.clear_of_lenses(x, z, 4.0):
            return
        for triangles, rgb, slot in parts:
            self._site.builder.add(turned(triangles, x, z, spot.yaw_rad), rgb, slot)
