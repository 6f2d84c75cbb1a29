"""Boxes become passages on one clock; wrong clocks shift what is shown and nothing else."""

from __future__ import annotations

import pytest

from tracker.evaluation.truth import (
    FRONT,
    REAR,
    SECOND_NS,
    SIDE,
    ClockStep,
    SceneClock,
    tracklets_of,
    with_skew,
    with_step,
)
from tracker.metrics.cityflow import parse_cityflow


def _boxes(*lines: str):
    return parse_cityflow("\n".join(lines))


def test_boxes_become_tracklets_on_one_clock():
    tracks = _boxes("1 7 1 192 108 0.5 0.5 -1 -1", "1 7 11 920 500 80 80 -1 -1", "2 7 8 0 0 40 30 -1 -1")
    first, second = tracklets_of(tracks, SceneClock({1: 0.0, 2: 1.5}, {2: 8.0}))
    assert (first.camera_id, first.vehicle_id) == ("c001", 7)
    assert (first.start_ns, first.end_ns) == (SECOND_NS // 10, 11 * SECOND_NS // 10)
    assert first.entry == pytest.approx((0.1, 0.1), abs=1e-3)
    assert first.exit == pytest.approx((0.5, 0.5))
    assert first.boxes == 1  # the box of half a pixel is not asked for
    assert second.start_ns == 5 * SECOND_NS // 2


def test_cameras_without_an_offset_are_left_out_when_offsets_are_given():
    tracks = _boxes("1 7 1 0 0 40 40", "3 7 1 0 0 40 40")
    assert [t.camera_id for t in tracklets_of(tracks, SceneClock({1: 0.0}))] == ["c001"]
    assert [t.camera_id for t in tracklets_of(tracks, SceneClock())] == ["c001", "c003"]


def test_a_vehicle_that_comes_back_has_passed_twice():
    lines = [f"1 7 {frame} 0 0 40 40" for frame in (1, 2, 3, 31, 32, 62)]
    assert [t.boxes for t in tracklets_of(_boxes(*lines), SceneClock())] == [5, 1]
    slower = tracklets_of(_boxes(*lines), SceneClock(fps={1: 20.0}))
    assert [t.boxes for t in slower] == [6]


@pytest.mark.parametrize(("last", "side"), [(80, FRONT), (40, SIDE), (20, REAR)])
def test_who_grows_shows_the_front(last, side):
    (tracklet,) = tracklets_of(_boxes("1 7 1 0 0 40 40", f"1 7 2 0 0 {last} {last}"), SceneClock())
    assert tracklet.side == side


def test_no_boxes_no_tracklets():
    assert tracklets_of(_boxes(""), SceneClock()) == []


def test_a_vehicle_that_is_twice_in_a_frame_has_passed_once():
    """Other people's truth may hold such a frame; who passed when is told all the same."""
    (tracklet,) = tracklets_of(_boxes("2 7 3 0 0 40 40", "2 7 3 90 0 40 40", "2 7 4 0 0 40 40"), SceneClock())
    assert (tracklet.start_ns, tracklet.end_ns) == (3 * SECOND_NS // 10, 4 * SECOND_NS // 10)


@pytest.mark.parametrize("clock", [SceneClock({1: 1e300}), SceneClock({1: -3e9}), SceneClock(fps={1: 1e-9})])
def test_times_that_fit_into_no_clock_are_refused(clock):
    with pytest.raises(ValueError, match=r"frame 10 of c001 is at -?\d+ s, beyond 2000000000 s"):
        tracklets_of(_boxes("1 7 10 0 0 40 40"), clock)


def test_skew_is_the_same_for_a_camera_and_settled_by_the_seed(street):
    skewed = with_skew(street, 5.0, 3)
    by_camera = {(t.camera_id, t.shift_ns) for t in skewed}
    assert len(by_camera) == len({t.camera_id for t in street})
    assert {abs(shift) for _, shift in by_camera} == {5 * SECOND_NS}
    assert skewed == with_skew(street, 5.0, 3)
    assert [t.start_ns for t in skewed] == [t.start_ns for t in street]
    assert any(with_skew(street, 5.0, seed) != skewed for seed in range(4))


def test_a_step_shifts_one_camera_from_then_on(street):
    stepped = with_step(street, ClockStep("c1", -5.0, 60.0))
    at_ns = street[0].start_ns + 60 * SECOND_NS
    for tracklet in stepped:
        after = tracklet.camera_id == "c1" and tracklet.start_ns >= at_ns
        assert tracklet.shown_start_ns - tracklet.start_ns == (-5 * SECOND_NS if after else 0)
