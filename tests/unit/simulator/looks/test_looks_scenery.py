"""Scenery: deterministic, off the road, with lamps; shadows of moving things are laid once."""

import numpy as np
import pytest

from simulator.place import Place
from simulator.renderer.ground_passes import shadow_tiles
from simulator.renderer.looks import LIGHTS
from simulator.renderer.surface import Slot
from simulator.scenery import build_scenery

SOLID = (Slot.PLAIN, Slot.FACADE, Slot.TOWNHOUSE, Slot.OFFICE, Slot.INDUSTRY, Slot.FOLIAGE)
NAMES = ("noon", "afternoon", "low_sun", "overcast", "rainy", "dusk", "night", "fog")


@pytest.fixture(scope="module")
def riverside():
    place = Place.load("riverside")
    return place, build_scenery(place)


def test_lights_are_those_that_places_may_name():
    assert tuple(sorted(LIGHTS)) == tuple(sorted(NAMES))
    for light in LIGHTS.values():
        assert np.linalg.norm(light.sun_direction) == pytest.approx(1)
        assert light.lamps_on == (max(light.lamp_rgb) > 0)


def test_same_place_same_scenery(riverside):
    place, mesh = riverside

    again = build_scenery(place)

    assert (again.parts[0].vertices == mesh.parts[0].vertices).all()
    assert again.lamps == mesh.lamps


def test_nothing_solid_stands_on_the_lanes(riverside):
    place, mesh = riverside
    rows = mesh.parts[0].vertices
    solid = rows[np.isin(rows[:, 13], SOLID) & (rows[:, 1] > 0.2) & (rows[:, 1] < 2.5)]

    for road in place.roads.values():
        line = road.surface_line
        near = np.hypot(*(solid[:, None, [0, 2]][::3] - line[None, ::2]).transpose(2, 0, 1)).min(axis=1)
        assert near.min() > road.half_width_m, road.spec.name


def test_every_road_has_street_lamps(riverside):
    place, mesh = riverside
    lamps = np.array([lamp for lamp in mesh.lamps if lamp[3] == 1.0])

    for road in place.roads.values():
        gaps = np.hypot(*(lamps[:, None, [0, 2]] - road.surface_line[None]).transpose(2, 0, 1)).min(axis=1)
        assert (gaps < road.half_width_m + 1).sum() >= 2, road.spec.name


@pytest.mark.parametrize("name", ["junction", "roundabout", "crossroads", "grid:2x2"])
def test_other_places_grow_too(name):
    mesh = build_scenery(Place.load(name))

    assert 10_000 < mesh.triangles < 500_000
    assert np.isfinite(mesh.parts[0].vertices).all()


def test_signals_stand_where_lights_rule():
    rows = build_scenery(Place.load("crossroads")).parts[0].vertices

    assert (rows[:, 13] == Slot.SIGNAL).any()


def test_shadow_tiles_cover_the_shadow_and_none_twice():
    low, high = (-1.0, 0.0, 3.0), (1.0, 1.5, 7.0)
    box = np.array([(x, y, z, 1) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])])
    other = box + np.array([0.5, 0, 0.5, 0])
    sun = LIGHTS["low_sun"].sun_direction

    tiles = shadow_tiles([box, other], sun, (0.0, 0.0, 0.0))

    corners = {tuple(corner) for corner in tiles.reshape(-1, 6, 3)[:, 0, [0, 2]].tolist()}
    assert len(corners) == len(tiles) // 6
    tip = np.array([-1.0 - 1.5 * sun[0] / sun[1], 3.0 - 1.5 * sun[2] / sun[1]])
    assert any((tip >= corner).all() and (tip <= np.add(corner, 2.0)).all() for corner in corners)
    assert shadow_tiles([], sun, (0.0, 0.0, 0.0)).shape == (0, 3)
