"""A camera session as its users see it: revisions, ids, drops, parked cars, limits."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.types import VEHICLE_CLASSES, Detections, Frame, VehicleClass
from tracker.single_camera.session import CameraTracker
from tracker.single_camera.settings import AssociationSettings, TrackerSettings, TrackletSettings, ZoneSettings
from tracker.single_camera.zones import ZoneBook, drawn_zones

S = 1_000_000_000
HEIGHT, WIDTH = 360, 640


def _texture():
    noise = np.random.default_rng(0).integers(0, 255, (HEIGHT // 4, WIDTH // 4, 3), np.uint8)
    return cv2.resize(noise, (WIDTH, HEIGHT))


IMAGE = _texture()


def _frame(t_s, *, index=None, camera="north", session="s1", image=IMAGE):
    return Frame(camera, session, round(t_s * 10) if index is None else index, round(t_s * S), "host", image)


def _detections(*boxes, score=0.9, vehicle_class=VehicleClass.CAR):
    n = len(boxes)
    return Detections(
        np.array(boxes, np.float32).reshape(n, 4), np.full(n, score, np.float32), np.full(n, vehicle_class, np.int64)
    )


def _moving(t_s, *, start=(50.0, 100.0), speed=(60.0, 10.0), size=(80.0, 50.0)):
    x, y = start[0] + speed[0] * t_s, start[1] + speed[1] * t_s
    return (x, y, x + size[0], y + size[1])


def _times(seconds, fps=10.0, begin=1.0):
    return [begin + k / fps for k in range(round(seconds * fps))]


def _play(tracker, times, box_at, **frame_options):
    told = []
    for t in times:
        boxes = box_at(t)
        told += tracker.update(_frame(t, **frame_options), _detections(*boxes) if boxes else Detections.empty())
    return told


def _tracker(**options):
    return CameraTracker("north", "s1", TrackerSettings(**options))


def test_first_revision_after_two_seconds_then_doubling_then_final():
    tracker = _tracker()
    told = _play(tracker, _times(9.0), lambda t: [_moving(t - 1.0, speed=(40.0, 0.0))])
    assert [round((r.times_ns[-1] - r.times_ns[0]) / S, 1) for r in told] == [2.0, 4.0, 8.0]
    assert [r.revision for r in told] == [1, 2, 3]
    assert not any(r.final for r in told)
    last = tracker.flush()
    assert [(r.revision, r.final) for r in last] == [(4, True)]
    assert len({r.key for r in told + last}) == 1
    assert tracker.flush() == []


def test_intervals_double_up_to_a_minute():
    """A vehicle that never stands still, so that there always is news."""
    tracker = _tracker()
    told = _play(tracker, _times(260.0, fps=4), lambda t: [_moving(0, start=(250 + 120 * np.sin(0.9 * t), 100))])
    ages = np.array([(r.times_ns[-1] - r.times_ns[0]) / S for r in told])
    assert np.diff(ages, prepend=0).round() == pytest.approx([2, 2, 4, 8, 16, 32, 60, 60, 60], abs=1)


def test_without_a_change_there_is_no_revision_and_with_one_it_comes_at_once():
    tracker = _tracker()
    told = _play(
        tracker, _times(60.0, fps=5), lambda t: [(200 + 12 * max(0.0, t - 50), 150, 290 + 12 * max(0.0, t - 50), 210)]
    )
    ages = [(r.times_ns[-1] - r.times_ns[0]) / S for r in told]
    assert ages[0] == 2.0
    assert [age for age in ages if 2.0 < age < 48] == []
    assert 49 < ages[1] < 53, "the interval of two seconds was over long before"


def test_another_class_is_a_change():
    tracker = _tracker()
    told = []
    for t in _times(14.0, fps=5):
        kind = VehicleClass.CAR if t < 5 else VehicleClass.TRUCK
        told += tracker.update(_frame(t), _detections((200, 150, 290, 210), vehicle_class=kind))
    likeliest = [VEHICLE_CLASSES[int(r.class_probs.argmax())] for r in told]
    assert likeliest == [VehicleClass.CAR, VehicleClass.TRUCK]


def test_final_once_lost_for_longer_than_the_buffer():
    tracker = _tracker()
    told = _play(tracker, _times(6.0), lambda t: [_moving(t - 1.0)] if t < 2.0 else [])
    assert [(r.revision, r.final) for r in told] == [(1, True)]
    assert len(told[0].times_ns) == 10, "only observed boxes"


def test_short_tracks_are_never_told():
    tracker = _tracker()
    told = _play(tracker, _times(4.0), lambda t: [_moving(t - 1.0)] if t < 1.25 else [])
    assert told == []
    assert tracker.flush() == []
    assert tracker.untold_tracks == 1


def test_single_false_alarms_are_never_told():
    tracker = _tracker()
    _play(tracker, _times(0.5), lambda t: [])
    told = _play(tracker, _times(3.0, begin=2.0), lambda t: [_moving(0, start=(1730 * t % 500, 1010 * t % 300))])
    assert told + tracker.flush() == []


def test_tracklet_arrays_ascend_and_own_their_pixels():
    tracker = _tracker()
    image = IMAGE.copy()
    _play(tracker, _times(3.0), lambda t: [_moving(t - 1.0)], image=image)
    (tracklet,) = tracker.flush()
    assert (np.diff(tracklet.times_ns) > 0).all()
    assert (np.diff(tracklet.frames) > 0).all()
    assert tracklet.boxes_xyxy.dtype == np.float32
    assert tracklet.class_probs.dtype == np.float32
    assert tracklet.quality == tracklet.crops[0].quality
    before = [crop.image.copy() for crop in tracklet.crops]
    image[:] = 0
    assert all(np.array_equal(crop.image, kept) for crop, kept in zip(tracklet.crops, before, strict=True))
    assert not any(np.shares_memory(crop.image, image) for crop in tracklet.crops)


def test_crops_are_spread_along_the_path_best_first():
    tracker = _tracker()
    _play(tracker, _times(7.0), lambda t: [_moving(t - 1.0)])
    (tracklet,) = tracker.flush()
    assert len(tracklet.crops) == 4
    qualities = [crop.quality for crop in tracklet.crops]
    assert qualities == sorted(qualities, reverse=True)
    assert all(0 < quality <= 1 for quality in qualities)
    times = np.sort([crop.t_ns for crop in tracklet.crops])
    assert np.diff(times).min() > 0.3 * S


@pytest.mark.parametrize("seed", range(4))
def test_dropped_frames_keep_a_steady_vehicle_one_track(seed):
    rng = np.random.default_rng(seed)
    times, t = [], 1.0
    for fps in (10, 5, 3):
        for _ in range(8):
            times.append(t)
            t += 1 / fps + rng.uniform(-0.02, 0.02)
    tracker = _tracker()
    _play(tracker, times, lambda t: [_moving(t - 1.0, start=(20.0, 60.0), speed=(95.0, 15.0))])
    tracklets = tracker.flush()
    assert len(tracklets) == 1
    assert len(tracklets[0].times_ns) == len(times)


@pytest.mark.parametrize("fps", [3, 5])
def test_a_vehicle_first_seen_at_a_low_rate_is_one_track(fps):
    tracker = _tracker()
    times = _times(4.0, fps=fps)
    _play(tracker, [0.2, 0.4], lambda t: [])
    _play(tracker, times, lambda t: [_moving(t - 1.0, start=(10.0, 60.0), speed=(120.0, 10.0))])
    assert [len(r.times_ns) for r in tracker.flush()] == [len(times)]


def test_passing_behind_something_keeps_the_track():
    tracker = _tracker()
    told = _play(tracker, _times(6.0), lambda t: [] if 3.0 <= t < 4.0 else [_moving(t - 1.0)])
    told += tracker.flush()
    assert {r.key.track_id for r in told} == {1}


def test_gap_longer_than_the_buffer_closes_before_anything_is_joined():
    tracker = _tracker()
    told = _play(tracker, _times(2.0), lambda t: [_moving(0)])
    told += _play(tracker, _times(2.0, begin=60.0), lambda t: [_moving(0)])
    told += tracker.flush()
    assert sorted({r.key.track_id for r in told}) == [1, 2]


def test_parked_car_is_one_tracklet_with_few_revisions_and_one_view():
    tracker = _tracker()
    rng = np.random.default_rng(3)
    told = _play(tracker, _times(300.0, fps=5), lambda t: [np.array([200, 150, 290, 210]) + rng.normal(0, 1.0, 4)])
    told += tracker.flush()
    assert {r.key.track_id for r in told} == {1}
    assert len(told) <= 6
    assert len(told[-1].crops) == 1


def test_parked_car_hidden_by_traffic_stays_one_track():
    tracker = _tracker()
    parked = (200.0, 150.0, 290.0, 210.0)
    told = _play(tracker, _times(20.0), lambda t: [] if 12.0 <= t < 15.5 else [parked])
    told += tracker.flush()
    assert {r.key.track_id for r in told} == {1}


def test_long_tracks_are_thinned_but_keep_both_ends():
    tracker = _tracker(tracklets=TrackletSettings(max_boxes=50))
    times = _times(60.0)
    _play(tracker, times, lambda t: [_moving(t - 1.0, speed=(6.0, 2.0))])
    (tracklet,) = tracker.flush()
    assert 20 <= len(tracklet.times_ns) <= 50
    assert tracklet.times_ns[[0, -1]].tolist() == [round(times[0] * S), round(times[-1] * S)]
    gaps = np.diff(tracklet.times_ns)[:-1]
    assert gaps.max() <= 2.1 * gaps.min()


def test_a_long_track_is_divided_at_the_very_boxes_beside_the_contact():
    tracker = _tracker(tracklets=TrackletSettings(max_boxes=50))
    begin, gone, back, end = 1.0, 60.0, 60.4, 70.0
    told = _play(
        tracker,
        _times(end - begin, begin=begin),
        lambda t: [] if gone <= round(t, 1) < back else [_moving(t - begin, speed=(6.0, 2.0))],
    )
    whole = told[-1]
    assert [c.t_ns for c in whole.contacts] == [round(back * S)]
    first, second = tracker.split(whole, whole.contacts[0])
    assert first.times_ns[[0, -1]].tolist() == [round(begin * S), round((gone - 0.1) * S)]
    assert second.times_ns[0] == round(back * S)
    (later,) = tracker.flush()
    assert (later.key, later.times_ns[0]) == (second.key, second.times_ns[0])
    assert len(first.times_ns) + len(later.times_ns) <= 60


def test_class_is_smoothed_by_score():
    tracker = _tracker()
    for k, t in enumerate(_times(3.0)):
        wrong = k % 5 == 0
        tracker.update(
            _frame(t),
            _detections(
                _moving(t - 1.0),
                score=0.5 if wrong else 0.9,
                vehicle_class=VehicleClass.BUS if wrong else VehicleClass.TRUCK,
            ),
        )
    assert [box.vehicle_class for box in tracker.boxes()] == [VehicleClass.TRUCK]
    (tracklet,) = tracker.flush()
    assert tracklet.class_probs.sum() == pytest.approx(1.0)
    assert tracklet.class_probs[VEHICLE_CLASSES.index(VehicleClass.TRUCK)] == pytest.approx(24 * 0.9 / (24 * 0.9 + 3))


def test_no_crop_while_covered_by_a_vehicle_in_front():
    tracker = _tracker()

    def scene(t):
        far = (200.0, 100.0, 300.0, 160.0)
        return [far, (180.0, 110.0, 320.0, 200.0)] if t >= 2.0 else [far]

    _play(tracker, _times(4.0), scene)
    behind, _ = sorted(tracker.flush(), key=lambda r: r.key.track_id)
    assert all(crop.t_ns < 2 * S for crop in behind.crops)


def test_live_boxes_and_count_follow_the_newest_frame():
    tracker = _tracker()
    _play(tracker, _times(1.0), lambda t: [_moving(t - 1.0), (400, 200, 470, 260)])
    assert [box.track_id for box in tracker.boxes()] == [1, 2]
    assert tracker.active_count == 2
    tracker.update(_frame(2.0), Detections.empty())
    assert tracker.boxes() == ()
    assert tracker.active_count == 0


def test_frames_that_are_not_later_are_skipped():
    tracker = _tracker()
    _play(tracker, _times(1.0), lambda t: [_moving(t - 1.0)])
    for t, index in ((1.9, 19), (1.5, 20), (2.0, 19)):
        assert tracker.update(_frame(t, index=index), _detections(_moving(0.9))) == []
    assert tracker.skipped_frames == 3
    (tracklet,) = tracker.flush()
    assert len(tracklet.times_ns) == 10


@pytest.mark.parametrize("begin", ["clock", "numbers"])
def test_beginning_anew_closes_all_and_goes_on(begin):
    tracker = _tracker()
    _play(tracker, _times(1.0, begin=100.0), lambda t: [_moving(0)])
    t, index = (1.0, 2000) if begin == "clock" else (102.0, 0)
    told = tracker.update(_frame(t, index=index), _detections(_moving(0)))
    assert [r.final for r in told] == [True]
    for k in range(1, 10):
        tracker.update(_frame(t + k / 10, index=index + k), _detections(_moving(0)))
    assert [r.key.track_id for r in tracker.flush()] == [2]


def test_other_cameras_and_sessions_are_refused():
    tracker = _tracker()
    for options in ({"camera": "south"}, {"session": "s2"}):
        with pytest.raises(ValueError, match="expected frames of north/s1"):
            tracker.update(_frame(1.0, **options), Detections.empty())


def test_unknown_class_is_refused():
    with pytest.raises(ValueError, match="class id must be one of"):
        _tracker().update(_frame(1.0), _detections(_moving(0), vehicle_class=0))


def test_boxes_that_are_no_boxes_are_left_out():
    tracker = _tracker()
    nonsense = [(np.nan, 0, 9, 9), (50, 50, 50, 90), (90, 50, 40, 90), (0, 0, np.inf, 9)]
    told = _play(tracker, _times(3.0), lambda t: nonsense)
    assert told + tracker.flush() == []


def test_a_second_box_on_a_vehicle_starts_no_track():
    tracker = _tracker()
    _play(tracker, _times(3.0), lambda t: [(200, 100, 280, 150), (206, 110, 276, 148)])
    assert [r.key.track_id for r in tracker.flush()] == [1]


def test_box_outside_the_image_yields_no_crop_and_no_error():
    tracker = _tracker()
    assert _play(tracker, _times(3.0), lambda t: [(700, 400, 760, 450)]) == []
    assert tracker.flush() == []
    assert tracker.untold_tracks == 1


def test_two_sessions_never_share_state():
    def scene(t):
        return [_moving(t - 1.0), (400, 200, 470, 260)]

    alone = CameraTracker("north", "s1")
    expected = _play(alone, _times(3.0), scene) + alone.flush()
    first, second = CameraTracker("north", "s1"), CameraTracker("south", "s2")
    told = []
    for t in _times(3.0):
        told += first.update(_frame(t), _detections(*scene(t)))
        second.update(_frame(t, camera="south", session="s2"), _detections((10, 10, 90, 90)))
    told += first.flush()
    assert [r.key for r in told] == [r.key for r in expected]
    assert [r.boxes_xyxy.tolist() for r in told] == [r.boxes_xyxy.tolist() for r in expected]
    assert [r.key.track_id for r in second.flush()] == [1]


def _sessions_boxes(tracker, times, box_at):
    """Plays; the revisions told and those of the end."""
    return _play(tracker, times, box_at) + tracker.flush()


def _hidden(t, *, begin=3.0, end=5.0, speed=40.0):
    return [] if begin <= t < end else [_moving(t - 1.0, speed=(speed, 0.0))]


def test_a_track_that_begins_where_another_was_going_is_told_after_it():
    told = _sessions_boxes(_tracker(), _times(8.0), _hidden)
    ended, later = (next(r for r in told if r.key.track_id == n and (n == 2 or r.final)) for n in (1, 2))
    assert (ended.continues, later.continues, later.revision) == (None, ended.key, 1)
    assert told.index(later) == told.index(ended) + 1
    assert all(r.continues is None for r in told if r is not later)


def test_a_track_that_left_the_picture_does_not_wait():
    tracker = _tracker()
    told = _play(tracker, _times(6.0), lambda t: [_moving(t - 1.0, start=(400.0, 100.0))] if t < 3.6 else [])
    (last,) = [r for r in told if r.final]
    assert last.boxes_xyxy[-1, 2] >= 630
    tracker = _tracker()
    _play(tracker, _times(4.0), lambda t: [_moving(t - 1.0)] if t < 3.0 else [])
    assert not [r for r in _play(tracker, _times(0.7, begin=5.0), lambda t: []) if r.final], "inside: it waits"
    assert [r for r in _play(tracker, _times(1.0, begin=5.7), lambda t: []) if r.final]


def test_a_parked_car_hidden_for_long_is_told_with_what_comes_back():
    parked = (200.0, 150.0, 290.0, 210.0)
    told = _sessions_boxes(_tracker(), _times(40.0), lambda t: [] if 12.0 <= t < 25.0 else [parked])
    assert [r.continues.track_id for r in told if r.continues] == [1]


def test_no_stop_gives_more_than_one_view():
    """A minute's stop, a drive, another long stop: few revisions, and pictures mostly of the drive."""

    def scene(t):
        x = 60.0 if t < 60 else min(60.0 + 60 * (t - 60), 420.0)
        return [np.array([x, 100, x + 80, 150]) + rng.normal(0, 0.7, 4)]

    rng = np.random.default_rng(1)
    told = _sessions_boxes(_tracker(), _times(180.0, fps=5), scene)
    assert {r.key.track_id for r in told} == {1}
    assert len(told) <= 8
    at = np.array([crop.t_ns / S for crop in told[-1].crops])
    assert len(at) == 4
    assert (at < 60).sum() <= 1
    assert (at > 67).sum() <= 1


def _crossing(t):
    """Two vehicles that drive through each other."""
    return [(50 + 60 * t, 100, 130 + 60 * t, 150), (450 - 60 * t, 104, 530 - 60 * t, 154)]


def test_contacts_are_where_boxes_meet_and_crops_lie_on_both_sides():
    told = _sessions_boxes(_tracker(), _times(6.0), _crossing)
    finals = [r for r in told if r.final]
    assert len(finals) == 2
    for tracklet in finals:
        (contact,) = tracklet.contacts
        assert contact.t_ns == pytest.approx(3.3 * S, abs=0.6 * S)
        assert contact.votes_before.sum() + contact.votes_after.sum() == pytest.approx(0.9 * len(tracklet.times_ns))
        before = np.array([crop.t_ns < contact.t_ns for crop in tracklet.crops])
        assert before.any()
        assert not before.all()


def test_a_vehicle_alone_has_no_contact():
    (tracklet,) = _sessions_boxes(_tracker(), _times(1.9), lambda t: [_moving(t - 1.0)])
    assert tracklet.contacts == ()


@pytest.mark.parametrize("algorithm", ["bytetrack", "ocsort"])
def test_a_split_track_goes_on_under_a_key_of_its_own(algorithm):
    tracker = _tracker(algorithm=algorithm)
    told = _play(tracker, _times(4.2), _crossing)
    newest = {r.key.track_id: r for r in told}
    whole = newest[1]
    first, second = tracker.split(whole, whole.contacts[0])
    assert (first.key, first.final, second.final) == (whole.key, True, False)
    assert second.key.track_id == 3, "ids 1 and 2 are taken"
    assert sorted(box.track_id for box in tracker.boxes()) == [2, 3]
    later = _play(tracker, _times(2.0, begin=5.2), _crossing) + tracker.flush()
    rest = [r for r in later if r.key == second.key]
    assert next(r.revision for r in rest) == 2
    assert rest[-1].final
    assert rest[-1].times_ns[0] == second.times_ns[0]
    assert all(crop.t_ns >= second.times_ns[0] for crop in rest[-1].crops)
    assert whole.key not in {r.key for r in later}


@pytest.mark.parametrize("algorithm", ["bytetrack", "ocsort"])
def test_a_forgotten_vehicle_that_stands_there_is_seen_anew(algorithm):
    tracker = _tracker(algorithm=algorithm)
    parked = [_moving(0.0)]
    told = _play(tracker, _times(5.0), lambda _: parked)
    tracker.forget(told[0].key)
    assert [box.track_id for box in tracker.boxes()] == [2]
    later = _play(tracker, _times(5.0, begin=6.0), lambda _: parked) + tracker.flush()
    assert {r.key.track_id for r in later} == {2}
    assert [r.revision for r in later] == list(range(1, len(later) + 1))
    assert later[-1].final
    assert all(r.times_ns[0] >= 6.0 * S and min(crop.t_ns for crop in r.crops) >= 6.0 * S for r in later)


def test_nothing_is_told_of_a_forgotten_track_that_waits():
    tracker = _tracker()
    (first,) = _play(tracker, _times(3.0), lambda t: [_moving(t - 1.0)])
    assert _play(tracker, _times(3.0, begin=4.0), lambda _: []) == []
    assert tracker.open_count == 1
    tracker.forget(first.key)
    assert (tracker.open_count, tracker.flush()) == (0, [])


def test_a_track_can_be_split_after_its_end():
    tracker = _tracker()
    told = _sessions_boxes(tracker, _times(6.0), _crossing)
    whole = next(r for r in told if r.final)
    first, second = tracker.split(whole, whole.contacts[0])
    assert first.final
    assert second.final
    assert second.key.track_id > 2


def test_ids_stay_unique_after_a_split():
    tracker = _tracker()
    told = _play(tracker, _times(4.2), _crossing)
    whole = {r.key.track_id: r for r in told}[1]
    _, second = tracker.split(whole, whole.contacts[0])
    told = _play(tracker, _times(4.0, begin=5.2), lambda t: [*_crossing(t), (300, 250, 380, 300)] if t < 6 else [])
    told += tracker.flush()
    assert second.key.track_id not in {1, 2}
    assert 4 in {r.key.track_id for r in told}


def _exits(tracker, box_at, *, passes=8, seconds=6.0):
    """The exits learned from one vehicle after the other."""
    for number in range(passes):
        begin = 1.0 + number * (seconds + 4.0)
        for t in _times(seconds + 3.9, begin=begin):
            _play(tracker, [t], lambda at, start=begin: box_at(at - start) if at - start < seconds else [])
    return tracker.zones.of("exit")


def test_exits_are_where_vehicles_leave_not_where_something_hides_or_parks_them():
    settings = ZoneSettings(least_ends=4)
    leaving = lambda t: [_moving(t, start=(50.0, 100.0), speed=(95.0, 0.0))] if t < 5.2 else []  # noqa: E731
    (exit_,) = _exits(_tracker(zones=settings), leaving)
    assert exit_.centre[0] > 0.85
    hidden = lambda t: [] if 2.0 < t < 4.2 else leaving(t)  # noqa: E731
    (exit_,) = _exits(_tracker(zones=settings), hidden)
    assert exit_.centre[0] > 0.85, "the place where all are hidden is none"
    assert _exits(_tracker(zones=settings), lambda t: [(200, 150, 290, 210)], seconds=7.0, passes=6) == ()


def test_entries_are_where_vehicles_come_in_not_where_they_come_out_of_hiding():
    tracker = _tracker(zones=ZoneSettings(least_ends=4))
    leaving = lambda t: [_moving(t, start=(50.0, 100.0), speed=(95.0, 0.0))] if t < 5.6 else []  # noqa: E731
    _exits(tracker, lambda t: [] if 1.2 < t < 3.0 else leaving(t))
    (entry,) = tracker.zones.of("entry")
    assert entry.centre[0] < 0.3


def test_the_second_vehicle_of_a_split_track_came_in_nowhere():
    learned = []
    for splits in (True, False):
        book = ZoneBook(ZoneSettings(), np.random.default_rng(0))
        tracker = CameraTracker("north", "s1", TrackerSettings(), book)
        told = _play(tracker, _times(4.2), _crossing)
        if splits:
            whole = {r.key.track_id: r for r in told}[1]
            tracker.split(whole, whole.contacts[0])
        tracker.flush()
        learned.append(len(book._ends["entry"]))
    assert learned == [1, 2]


@pytest.mark.parametrize(
    ("speed", "windows", "exits"),
    [(0.0, {}, 0), (8.0, {}, 80), (0.0, {"still_join_window_s": 0}, 0)],
    ids=["parked", "driving", "parked, joins none"],
)
def test_what_makes_room_for_others_that_wait_is_let_go_like_what_waited_to_the_end(speed, windows, exits):
    """80 vehicles are hidden at once; 64 wait."""
    config = TrackerSettings(tracklets=TrackletSettings(**windows))
    book = ZoneBook(config.zones, np.random.default_rng(0))
    tracker = CameraTracker("north", "s1", config, book)
    corners = [(20.0 + 36 * column, 20.0 + 40 * row) for column in range(16) for row in range(5)]

    def grid(t):
        return [_moving(t - 1.0, start=corner, speed=(0.0, speed), size=(22, 22)) for corner in corners]

    told = _play(tracker, _times(50.0, fps=2), lambda t: grid(t) if t < 9.0 else [])
    assert sum(tracklet.final for tracklet in told) == 80
    assert tracker.open_count == 0
    assert len(book._ends["exit"]) == exits
    assert not tracker._parked


def test_a_track_that_ends_in_a_drawn_exit_does_not_wait():
    square = ((0.3, 0.0), (0.5, 0.0), (0.5, 1.0), (0.3, 1.0))
    book = ZoneBook(ZoneSettings(), np.random.default_rng(0), drawn_zones([], [square]))
    waits = []
    for zones in (book, None):
        tracker = CameraTracker("north", "s1", TrackerSettings(), zones)
        told = _play(tracker, _times(4.7), lambda t: [_moving(t - 1.0)] if t < 4.0 else [])
        waits.append(not [r for r in told if r.final])
        tracker.flush()
    assert waits == [False, True]


_BOX = st.tuples(st.integers(0, 200), st.integers(0, 100), st.integers(8, 120), st.integers(8, 100))
_PICTURE = st.tuples(st.integers(-200, 3000), st.lists(st.tuples(_BOX, st.floats(0, 1)), max_size=5))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(_PICTURE, min_size=1, max_size=25),
    st.sampled_from(["bytetrack", "ocsort"]),
    st.lists(st.booleans(), min_size=1, max_size=8),
)
def test_whatever_comes(pictures, algorithm, splits):
    """Ids are never used twice and revisions follow each other, also where tracks are split and joined at will."""
    tracker = CameraTracker(
        "north",
        "s1",
        TrackerSettings(
            algorithm=algorithm,
            association=AssociationSettings(lost_after_s=0.5),
            tracklets=TrackletSettings(first_revision_s=0.2, min_boxes=1, min_duration_s=0),
        ),
    )
    told, t_ns, turn = [], 10 * S, itertools.cycle(splits)

    def take(revisions):
        for revision in revisions:
            wanted = bool(revision.contacts) and next(turn)
            told.extend(tracker.split(revision, revision.contacts[0]) if wanted else [revision])

    for index, (step_ms, drawn) in enumerate(pictures):
        t_ns += step_ms * 1_000_000
        found = sorted(drawn, key=lambda item: -item[1])
        detections = Detections(
            np.array([(x, y, x + w, y + h) for (x, y, w, h), _ in found], np.float32).reshape(-1, 4),
            np.array([score for _, score in found], np.float32),
            np.full(len(found), VehicleClass.CAR, np.int64),
        )
        take(tracker.update(Frame("north", "s1", index, t_ns, "host", IMAGE), detections))
    take(tracker.flush())
    assert tracker.open_count == 0
    by_key = {}
    for revision in told:
        by_key.setdefault(revision.key, []).append(revision)
        assert (np.diff(revision.times_ns) > 0).all()
        assert (np.diff(revision.frames) > 0).all()
        assert len(revision.crops) <= 4
    for revisions in by_key.values():
        assert [r.revision for r in revisions] == list(range(1, len(revisions) + 1))
        assert [r.final for r in revisions] == [False] * (len(revisions) - 1) + [True]
        assert len({r.times_ns[0] for r in revisions}) == 1, "an id is never used for another track"
