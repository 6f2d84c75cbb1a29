"""Places as networks: what is refused in one line, what cameras share, what is generated."""

import numpy as np
import pytest

from simulator.errors import PlaceError
from simulator.place import PLACES, Place, overlaps
from simulator.splits import JUDGED, TEST
from simulator.traffic import Network

CROSS = """
name: cross
scenery_seed: 1
nodes: {a: [0, 0], m: [100, 0], b: [200, 0], c: [100, 90]}
junctions: {m: {kind: priority, main: [left, right]}}
roads:
  - {name: left, start: a, end: m}
  - {name: right, start: m, end: b}
  - {name: side, start: c, end: m}
cameras: [{name: gate, road: left, at_m: 20, side_m: 6, height_m: 6, look_m: 50}]
"""


def load(tmp_path, text):
    path = tmp_path / "cross.yaml"
    path.write_text(text)
    return Place.load(str(path))


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("road: left, at_m", "road: lane, at_m", "camera gate names unknown road lane"),
        ("at_m: 20, ", "", "camera gate lacks at_m"),
        ("kind: priority", "kind: magic", "junctions.m.kind"),
        ("main: [left, right]", "main: [left, up]", "junction m names road up"),
        ("{kind: priority, main: [left, right]}", "{kind: lights, groups: [[left]]}", "groups must name each of"),
        ("junctions:", "turns: {m: {a: {z: 1}}}\njunctions:", "turns at m: no road leads to z"),
        ("junctions:", "turns: {m: {a: {a: 1}}}\njunctions:", "lead elsewhere"),
        ("junctions:", "entries: {m: 1}\njunctions:", "m is not an edge"),
        ("junctions:", "beyond: [{leave: a, enter: q}]\njunctions:", "q is not an edge"),
        ("junctions:", "parking: [{road: up, from_m: 0, to_m: 20}]\njunctions:", "unknown road up"),
        ("junctions:", "parking: [{road: left, from_m: 60, to_m: 99}]\njunctions:", "reaches into a junction"),
        ("name: right, start", "name: left, start", "two roads are named left"),
        ("end: b", "end: m", "begins and ends at m"),
        ("b: [200, 0]", "b: [115, 0]", "road right is too short"),
        ("c: [100, 90]}", "c: [100, 90], d: [0, 50]}", "node d has no road"),
        ("scenery_seed", "scenry_seed", "scenry_seed"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path, old, new, says):
    assert old in CROSS

    with pytest.raises(PlaceError, match=says) as caught:
        load(tmp_path, CROSS.replace(old, new, 1))

    assert "\n" not in str(caught.value)


def test_a_camera_that_nobody_ever_passes_is_refused(tmp_path):
    island = (
        "  - {name: far, start: x, end: y}\ncameras: [{name: lonely, road: far, at_m: 20, side_m: 6, look_m: 50}, {"
    )
    text = CROSS.replace("cameras: [{", island).replace("c: [100, 90]}", "c: [100, 90], x: [500, 0], y: [600, 0]}")
    text += "entries: {a: 1, b: 1, c: 1}\n"

    with pytest.raises(PlaceError, match="no vehicle ever comes to road far, which camera lonely watches"):
        load(tmp_path, text)


def test_arms_of_a_roundabout_must_stand_apart(tmp_path):
    text = CROSS.replace("kind: priority, main: [left, right]", "kind: roundabout").replace(
        "c: [100, 90]", "c: [20, 40]"
    )

    with pytest.raises(PlaceError, match="arms of roundabout m to a and c"):
        load(tmp_path, text)


def test_turns_that_lead_nowhere_are_refused(tmp_path):
    text = CROSS.replace("c: [100, 90]}", "c: [100, 90], d: [190, 90], e: [190, 180], f: [100, 180]}")
    loop = "  - {name: l1, start: c, end: d}\n  - {name: l2, start: d, end: e}\n  - {name: l3, start: e, end: f}\n"
    loop += "  - {name: l4, start: f, end: c}\ncameras:"
    text = text.replace("cameras:", loop)
    text += "turns: {m: {a: {c: 1}, b: {c: 1}}, c: {d: {f: 1}, f: {d: 1}}}\n"

    with pytest.raises(PlaceError, match="who enters at a never comes to an edge"):
        load(tmp_path, text)


def test_a_camera_may_stand_anywhere(tmp_path):
    relative = "road: left, at_m: 20, side_m: 6, height_m: 6, look_m: 50"
    place = load(tmp_path, CROSS.replace(relative, "eye_m: [1, 7, 2], target_m: [90, 0.8, 3]"))

    assert place.camera_points(place.spec.cameras[0]) == ((1, 7, 2), (90, 0.8, 3), (90, 0.0, 3))


def test_cameras_over_one_junction_overlap_and_far_ones_do_not():
    found = {frozenset(overlap.cameras): overlap.share for overlap in overlaps(Place.load("junction"))}
    corners = ("corner_se", "corner_ne", "corner_nw", "corner_sw")

    assert all(found[frozenset((a, b))] > 0.2 for a in corners for b in corners if a < b)
    assert frozenset(("upstream", "downstream")) not in found
    assert overlaps(Place.load("riverside")) == []


def test_shapes_and_cameras_are_those_promised():
    places = {name: Place.load(name) for name in (*JUDGED.places, *TEST.places)}

    lights = [camera.light for name in TEST.places for camera in places[name].spec.cameras]
    assert len(lights) == 8
    assert set(lights) == {"afternoon", "low_sun", "noon", "overcast", "rainy"}  # the others come in turn
    assert len(places["corridor"].spec.cameras) >= 4
    assert len(places["grid"].spec.cameras) == 6
    assert list(places["roundabout"].rings) == ["circle"]
    assert len(places["junction"].spec.cameras) == 6


def test_no_pole_stands_on_a_lane_or_in_a_bay():
    for path in PLACES.glob("*.yaml"):
        place = Place.load(path.stem)
        for camera in place.spec.cameras:
            eye = np.array(place.camera_points(camera)[0])[[0, 2]]
            for road in place.roads.values():
                gap = np.linalg.norm(road.middle - eye, axis=1).min()
                assert gap > road.half_width_m + 0.8, (place.name, camera.name, road.spec.name)
            for bay in place.bays:
                assert np.hypot(bay.x_m - eye[0], bay.z_m - eye[1]) > 2.5, (place.name, camera.name)


def test_a_generated_grid_has_its_crossings_and_at_most_a_hundred_cameras():
    small, wide = Place.load("grid:2x3"), Place.load("grid:3x20")

    assert len(small.spec.nodes) == 6 + 2 * 2 + 2 * 3
    assert len(small.spec.cameras) == 7
    assert len(wide.spec.cameras) <= 100
    assert (Network(small).signals.cycle_s > 0).any()


def test_bays_lie_beside_their_lane_heading_along_it():
    place = Place.load("corridor")
    road = place.roads["road_3"]

    for bay in place.bays:
        assert abs(np.linalg.norm(road.middle - (bay.x_m, bay.z_m), axis=1).min() - road.half_width_m - 1.35) < 0.6
        assert not bay.forward
        assert np.sin(bay.yaw_rad) < -0.9
