"""Ground, carriageways, pavements, kerbs and lane markings along roads. Junctions are laid elsewhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.place import Road
from simulator.place.place import BAY_LENGTH_M, BAY_OFFSET_M, BAY_WIDTH_M
from simulator.polyline import right_normals
from simulator.renderer.primitives import Floats, quad_triangles, ribbon_triangles, turned, wall_triangles
from simulator.renderer.surface import Slot
from simulator.scenery.site import GUTTER_M, KERB_HEIGHT_M, Site
from simulator.vehicles.identity import Rgb

Line = NDArray[np.float64]

ASPHALT: Rgb = (0.3, 0.3, 0.3)
PAVING: Rgb = (0.47, 0.455, 0.43)
KERBSTONE: Rgb = (0.56, 0.55, 0.53)
WHITE: Rgb = (0.78, 0.78, 0.75)
YELLOW: Rgb = (0.72, 0.58, 0.2)
MARKING_M = 0.012
_MARGIN_M = 190.0
_YARD_M = 24.0


def lay_ground(site: Site, rng: np.random.Generator) -> None:
    """Grass everywhere, trodden yards behind the pavements of built-up roads."""
    nodes = np.asarray(list(site.place.spec.nodes.values()))
    (x0, z0), (x1, z1) = nodes.min(axis=0) - _MARGIN_M, nodes.max(axis=0) + _MARGIN_M
    corners = [(x0, -0.06, z0), (x0, -0.06, z1), (x1, -0.06, z1), (x1, -0.06, z0)]
    site.builder.add(quad_triangles(*corners), (0, 0, 0), Slot.GRASS)
    for road in site.place.roads.values():
        if road.spec.bank == "houses":
            outer = site.outer_m(road)
            for side in (-1, 1):
                yard = ribbon_triangles(road.middle, side * outer, side * (outer + _YARD_M), -0.035)
                site.builder.add(yard, (0, 0, 0), Slot.YARD)


def lay_streets(site: Site, rng: np.random.Generator) -> None:
    """Carriageways with everything painted and laid along them."""
    for road in site.place.roads.values():
        line, half = road.surface_line, road.half_width_m
        site.builder.add(ribbon_triangles(line, -half - GUTTER_M, half + GUTTER_M, 0.0), ASPHALT, Slot.ASPHALT)
        for side in (-1, 1):
            _pavement(site, road, side)
        _lane_lines(site, road)
        _manholes(site, road, rng)
    for bay in site.place.bays:
        _bay(site, bay.x_m, bay.z_m, bay.yaw_rad)


def _pavement(site: Site, road: Road, side: int) -> None:
    """Pavement, kerb and edge line, set back where vehicles park."""
    line, builder = road.surface_line, site.builder
    stations = np.linspace(road.trim_m[0], road.length_m - road.trim_m[1], len(line))
    kerbs = np.array([site.kerb_m(road, side, along) for along in stations.tolist()])
    outer = site.outer_m(road)
    start = 0
    while start < len(line) - 1:
        stop = start + 1
        while stop < len(line) - 1 and kerbs[stop] == kerbs[start]:
            stop += 1
        piece, kerb = line[start : stop + 1], float(kerbs[start])
        builder.add(ribbon_triangles(piece, side * kerb, side * outer, KERB_HEIGHT_M), PAVING, Slot.PAVEMENT)
        top = ribbon_triangles(piece, side * kerb, side * (kerb + 0.16), KERB_HEIGHT_M + 0.012)
        builder.add(top, KERBSTONE, Slot.MARKING)
        face = wall_triangles(piece + right_normals(piece) * side * kerb, 0.0, KERB_HEIGHT_M + 0.012)
        builder.add(face, (0.42, 0.41, 0.4), Slot.MARKING)
        half = road.half_width_m
        if kerb > half + GUTTER_M:
            apron = ribbon_triangles(piece, side * (half + GUTTER_M), side * kerb, 0.0)
            builder.add(apron, ASPHALT, Slot.ASPHALT)
        elif road.spec.lanes > 1 or road.spec.bank != "houses":
            edge = ribbon_triangles(piece, side * (half - 0.1), side * half, MARKING_M)
            builder.add(edge, WHITE, Slot.MARKING)
        start = stop
    back = wall_triangles(line + right_normals(line) * side * outer, -0.06, KERB_HEIGHT_M)
    builder.add(back, (0.45, 0.44, 0.42), Slot.MARKING)


def _lane_lines(site: Site, road: Road) -> None:
    line = road.surface_line
    if road.spec.lanes == 1:
        _dashes(site, line, 0.0)
        return
    for offset in (-0.16, 0.16):
        middle = ribbon_triangles(line, offset - 0.06, offset + 0.06, MARKING_M)
        site.builder.add(middle, YELLOW, Slot.MARKING)
    width = road.half_width_m / road.spec.lanes
    for lane in range(1, road.spec.lanes):
        for side in (-1, 1):
            _dashes(site, line, side * lane * width)


def _dashes(site: Site, line: Line, offset_m: float) -> None:
    for start in range(2, len(line) - 4, 9):
        dash = ribbon_triangles(line[start : start + 4], offset_m - 0.06, offset_m + 0.06, MARKING_M)
        site.builder.add(dash, WHITE, Slot.MARKING)


def _manholes(site: Site, road: Road, rng: np.random.Generator) -> None:
    """Covers in the lanes and gullies at the kerb."""
    for along in np.arange(road.trim_m[0] + 6, road.length_m - road.trim_m[1] - 4, 17.0).tolist():
        spot = site.spot(road, along + float(rng.uniform(-4, 4)), float(rng.uniform(-0.7, 0.7)) * road.half_width_m)
        disc = _disc(0.33, MARKING_M - 0.004)
        site.builder.add(turned(disc, spot.x_m, spot.z_m, 0.0), (0.21, 0.2, 0.19), Slot.MARKING)
        for side in (-1, 1):
            gully = site.spot(road, along, side * (site.kerb_m(road, side, along) - 0.22))
            grate = flat_box((-0.25, -0.16, 0.25, 0.16), MARKING_M - 0.004)
            site.builder.add(turned(grate, gully.x_m, gully.z_m, gully.yaw_rad), (0.14, 0.14, 0.14), Slot.MARKING)


def _disc(radius_m: float, height_m: float) -> Floats:
    angles = np.linspace(0, 2 * np.pi, 13)
    rim = [(radius_m * np.cos(a), height_m, radius_m * np.sin(a)) for a in angles]
    return np.array([[(0, height_m, 0), rim[k + 1], rim[k]] for k in range(12)], np.float32)


def flat_box(extent_m: tuple[float, float, float, float], height_m: float) -> Floats:
    """A painted rectangle: least x and z, greatest x and z."""
    x0, z0, x1, z1 = extent_m
    return quad_triangles((x0, height_m, z0), (x0, height_m, z1), (x1, height_m, z1), (x1, height_m, z0))


def _bay(site: Site, x: float, z: float, yaw: float) -> None:
    """Lines around one parking bay; its +z is the way the vehicle looks, the kerb lies to the right (-x)."""
    half_length, lane_side = BAY_LENGTH_M / 2, BAY_OFFSET_M - 0.12
    kerb_side = -BAY_WIDTH_M / 2
    for at in (-half_length, half_length):
        line = flat_box((kerb_side, at - 0.05, lane_side, at + 0.05), MARKING_M)
        site.builder.add(turned(line, x, z, yaw), WHITE, Slot.MARKING)
    for start in np.arange(-half_length, half_length, 1.4).tolist():
        dash = flat_box((lane_side - 0.1, start, lane_side, start + 0.7), MARKING_M)
        site.builder.add(turned(dash, x, z, yaw), WHITE, Slot.MARKING)
