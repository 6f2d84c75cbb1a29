"""Places: the shipped ones are sound, bad ones are refused in one line."""

from itertools import pairwise

import numpy as np
import pytest

from simulator.errors import PlaceError
from simulator.place import PLACES, Place
from simulator.polyline import Polyline
from simulator.renderer.looks import LIGHTS

SHIPPED = sorted(path.stem for path in PLACES.glob("*.yaml"))

MINIMAL = """
name: tiny
scenery_seed: 1
nodes: {a: [0, 0], b: [0, 100]}
roads: [{name: r, start: a, end: b}]
cameras: [{name: c, road: r, at_m: 20, side_m: 6, height_m: 6, look_m: 50}]
routes: [{through: [a, b]}]
"""


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_places_load_and_every_route_is_drivable(name):
    place = Place.load(name)

    assert {camera.light for camera in place.spec.cameras} <= {*LIGHTS, "night", "fog"}
    for route in place.spec.routes:
        segments = place.lanes_of(route, (0, 1, 2, 3, 4))
        for before, after in pairwise(segments):
            np.testing.assert_allclose(before.line[-1], after.line[0], atol=1e-6)


def test_traffic_keeps_to_the_right():
    road = Place.load("riverside").roads["hill_road"]
    forward, back = road.lane(0, forward=True), road.lane(0, forward=False)
    travel = forward.line[-1] - forward.line[0]
    right = np.array([-travel[1], travel[0]])

    assert np.dot(forward.line[0] - back.line[-1], right) > 0


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("through: [a, b]", "through: [a, z]", "no road joins"),
        ("road: r,", "road: q,", "unknown road q"),
        ("end: b", "end: z", "unknown node z"),
        ("height_m: 6", "height_m: -6", "height_m"),
        ("scenery_seed: 1", "scenery: 1", "scenery"),
        ("nodes: {", "nodes: [", "tiny.yaml"),
    ],
)
def test_bad_places_are_named_in_one_line(tmp_path, old, new, names):
    path = tmp_path / "tiny.yaml"
    path.write_text(MINIMAL.replace(old, new))

    with pytest.raises(PlaceError, match=names) as caught:
        Place.load(str(path))

    assert "\n" not in str(caught.value)


def test_unknown_places_list_the_known_ones():
    with pytest.raises(PlaceError, match="riverside"):
        Place.load("atlantis")


def test_a_polyline_goes_straight_on_beyond_its_ends():
    line = Polyline(np.array([[0.0, 0.0], [0.0, 10.0], [10.0, 10.0]]))

    assert line.length_m == 20
    assert line.at(-5)[0] == (0.0, -5.0)
    assert line.at(15)[0] == (5.0, 10.0)
    assert line.at(25) == ((15.0, 10.0), (1.0, 0.0))
