"""Recordings without pictures: passages, clocks, topology, boxes."""

import numpy as np
import pytest

from simulator.clock import CameraClock
from simulator.errors import CityError
from simulator.recording import TrafficRequest, record_traffic, write_boxes
from simulator.views import FACES
from tracker.evaluation.truth import SceneClock, tracklets_of
from tracker.metrics.cityflow import parse_cityflow


@pytest.fixture(scope="module")
def corridor():
    return record_traffic(TrafficRequest("corridor", 3, 0.25, 200)).recording


def test_a_vehicle_passes_the_cameras_in_the_order_of_the_road(corridor):
    t, names = corridor.tracklets, [camera.id for camera in corridor.cameras]
    through = [vehicle.id for vehicle in corridor.vehicles if vehicle.kind == "through"]
    orders = [[names[camera] for camera in t.camera[t.vehicle == vehicle]] for vehicle in through]

    assert ["first", "second", "third", "fourth", "fifth"] in orders
    assert ["fifth", "fourth", "third", "second", "first"] in orders


def test_passages_are_short_and_their_boxes_lie_in_the_picture(corridor):
    t = corridor.tracklets
    parked = np.isin(t.vehicle, [vehicle.id for vehicle in corridor.vehicles if vehicle.kind == "parked"])

    assert len(t) > 300
    assert 1.0 < np.median((t.end_s - t.start_s)[~parked]) < 8.0
    assert ((t.entry_xy >= 0) & (t.entry_xy <= 1) & (t.exit_xy >= 0) & (t.exit_xy <= 1)).all()
    assert t.width_px.min() >= 32
    assert (np.diff(t.start_s) >= 0).all()


def test_numbers_count_each_cameras_passages(corridor):
    t = corridor.tracklets

    for camera in range(len(corridor.cameras)):
        numbers = np.sort(t.number[t.camera == camera])
        assert numbers.tolist() == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("place", ["hillside", "crossroads", "corridor", "grid", "roundabout", "junction", "riverside"])
def test_at_least_a_third_of_passages_show_only_one_end(place):
    faces = record_traffic(TrafficRequest(place, 4, 0.1, 90)).recording.tracklets.faces

    only_one_end = (faces[:, 0] == faces[:, 1]) & (faces[:, 0] != FACES.index("side"))
    assert len(faces) > 30
    assert only_one_end.mean() > 1 / 3


def test_links_tell_what_happened(corridor):
    links = {(link.source, link.target): link for link in corridor.links}
    onward = links["first", "second"]

    assert onward.transitions > 15
    assert onward.share > 0.7
    assert 4 < onward.travel_s[2] < 20
    assert list(onward.travel_s) == sorted(onward.travel_s)
    assert sum(link.share for link in corridor.links if link.source == "first") == pytest.approx(1, abs=0.001)


def test_cameras_over_one_junction_see_vehicles_at_once():
    recording = record_traffic(TrafficRequest("junction", 3, 0.1, 90)).recording
    overlaps = {(link.source, link.target): link.overlap for link in recording.links if link.transitions > 8}

    assert max(share for pair, share in overlaps.items() if all(name.startswith("corner") for name in pair)) > 0.5
    assert all(share == 0 for pair, share in overlaps.items() if pair == ("upstream", "downstream"))


def test_wrong_clocks_shift_what_their_camera_shows_and_nothing_else(corridor):
    clocks = {"first": CameraClock(5.0), "second": CameraClock(0.0, 1000.0), "third": CameraClock(0, 0, ((450, -2),))}
    shifted = record_traffic(TrafficRequest("corridor", 3, 0.25, 200, clocks=clocks)).recording

    for index, error in enumerate(
        (lambda s: 5.0 + 0 * s, lambda s: s / 1000, lambda s: -2.0 * (s >= 450), lambda s: 0 * s)
    ):
        true, shown = corridor.tracklets, shifted.tracklets
        by_number = [np.argsort(t.number[t.camera == index]) for t in (true, shown)]
        was = true.start_s[true.camera == index][by_number[0]]
        is_now = shown.start_s[shown.camera == index][by_number[1]]
        np.testing.assert_allclose(is_now - was, error(was), atol=1e-9)
    assert shifted.links == corridor.links
    assert shifted.cameras[0].clock == clocks["first"]


def test_boxes_are_read_by_who_reads_cityflow(tmp_path):
    outcome = record_traffic(TrafficRequest("crossroads", 3, 0.05, 40, fps=5.0), with_boxes=True)
    assert outcome.boxes is not None

    write_boxes(outcome.boxes, 5.0, tmp_path / "truth.txt")

    lines = (tmp_path / "truth.txt").read_text().splitlines()
    assert all(len(line.split()) == 9 and line.endswith(" -1 -1") for line in lines)
    boxes = parse_cityflow((tmp_path / "truth.txt").read_text())
    read = tracklets_of(boxes, SceneClock(fps=dict.fromkeys(range(1, 5), 5.0)))
    recorded = outcome.recording.tracklets
    seen = {
        (f"c{camera + 1:03d}", vehicle)
        for camera, vehicle in zip(recorded.camera.tolist(), recorded.vehicle.tolist(), strict=True)
    }
    assert {(tracklet.camera_id, tracklet.vehicle_id) for tracklet in read} <= seen
    assert len(read) >= 0.8 * len(seen)


def test_the_same_seed_gives_the_same_recording(corridor):
    again = record_traffic(TrafficRequest("corridor", 3, 0.25, 200)).recording

    assert again.vehicles == corridor.vehicles
    np.testing.assert_array_equal(again.tracklets.start_s, corridor.tracklets.start_s)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"clocks": {"nowhere": CameraClock(1.0)}}, "unknown camera nowhere"),
        ({"vehicles": 100_001}, "between 1 and 100000"),
        ({"place": "atlantis"}, "no place 'atlantis'"),
        ({"place": "grid:99x3"}, "expected grid:ROWSxCOLUMNS"),
    ],
)
def test_what_cannot_be_recorded_is_said_in_one_line(change, says):
    request = TrafficRequest(**{"place": "corridor", "seed": 1, "hours": 0.01, "vehicles": 5, **change})
    with pytest.raises(CityError, match=says) as caught:
        record_traffic(request)

    assert "\n" not in str(caught.value)
