"""Rivers and basins behind railings."""

from __future__ import annotations

import numpy as np

from simulator.polyline import right_normals
from simulator.renderer.primitives import box_triangles, post_triangles, ribbon_triangles, turned, wall_triangles
from simulator.renderer.surface import Slot
from simulator.scenery.site import KERB_HEIGHT_M, Site
from simulator.vehicles.identity import Rgb

_IRON: Rgb = (0.26, 0.28, 0.29)
_WIDTH_M = 70.0


def fill_water(site: Site, rng: np.random.Generator) -> None:
    """Water on both sides of every road whose bank it is."""
    for road in site.place.roads.values():
        if road.spec.bank != "water":
            continue
        edge, line = site.outer_m(road), road.surface_line
        for side in (-1, 1):
            surface = ribbon_triangles(line, side * edge, side * (edge + _WIDTH_M), -0.02)
            site.builder.add(surface, (0, 0, 0), Slot.WATER)
            rail_line = line + right_normals(line) * side * (edge - 0.12)
            for height in (0.45, 0.78):
                rail = wall_triangles(rail_line, height, height + 0.04)
                site.builder.add(rail, _IRON, Slot.PLAIN)
            hand = ribbon_triangles(line, side * (edge - 0.16), side * (edge - 0.08), 1.12)
            site.builder.add(hand, _IRON, Slot.PLAIN)
            site.builder.add(wall_triangles(rail_line, 1.06, 1.12), _IRON, Slot.PLAIN)
            for along in np.arange(road.trim_m[0], road.length_m - road.trim_m[1], 2.0).tolist():
                spot = site.spot(road, along, side * (edge - 0.12))
                post = post_triangles((spot.x_m, KERB_HEIGHT_M, spot.z_m), 1.0, 0.04, sides=5)
                site.builder.add(post, _IRON, Slot.PLAIN)
                foot = turned(box_triangles((-0.1, 0.1, -0.1), (0.1, 0.2, 0.1)), spot.x_m, spot.z_m, spot.yaw_rad)
                site.builder.add(foot, (0.4, 0.39, 0.37), Slot.PLAIN)
