"""What a track is lengthened by, and what is left alone."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.types import Detections, Frame
from tracker.single_camera.association.bytetrack import ByteTrack
from tracker.single_camera.leftovers import Leftovers, foretold
from tracker.single_camera.session import CameraTracker
from tracker.single_camera.settings import AssociationSettings, FillSettings, TrackerSettings

STEP_NS = 100_000_000
IMAGE = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)


def _box(k, speed=6.0, x=40.0, y=100.0):
    """A vehicle's box in frame ``k``."""
    return (x + speed * k, y, x + speed * k + 60.0, y + 40.0)


def _held(frames, **options):
    """Leftovers of (boxes, owners) per frame."""
    leftovers = Leftovers(FillSettings(**options))
    for k, (boxes, owners) in enumerate(frames):
        leftovers.add(k * STEP_NS, k, np.array(boxes, np.float32).reshape(-1, 4), np.array(owners, np.int64))
    return leftovers


def _rows(ks):
    return [(k * STEP_NS, k, _box(k)) for k in ks]


def _indices(rows):
    return [row[1] for row in rows]


@pytest.mark.parametrize("row", [(np.nan,) * 4, (40.0, 100.0, np.inf, 140.0), (100.0, 100.0, 40.0, 140.0)])
def test_what_is_no_box_is_never_taken(row):
    leftovers = _held([([row], [-1]), ([row, _box(1)], [-1, -1]), ([_box(2)], [7])])
    assert leftovers.before(7, _rows([2])) == _rows([1])


def test_free_boxes_on_the_path_are_taken_at_either_end():
    frames = [([_box(k)], [7 if 5 <= k < 10 else -1]) for k in range(15)]
    leftovers = _held(frames)
    assert _indices(leftovers.before(7, _rows(range(5, 10)))) == [0, 1, 2, 3, 4]
    assert _indices(leftovers.after(7, _rows(range(5, 10)))) == [10, 11, 12, 13, 14]
    assert leftovers.before(7, _rows(range(5, 10))) == [], "they are its own by now"


def test_a_short_gap_is_crossed_and_a_long_one_is_not():
    frames = [([] if k in (3, 4, 10) else [_box(k)], [] if k in (3, 4, 10) else [-1]) for k in range(20)]
    leftovers = _held(frames, gap_s=0.25)
    assert _indices(leftovers.after(7, _rows(range(6, 8)))) == [8, 9, *range(11, 18)], "no longer than a second"
    assert _indices(leftovers.before(8, _rows(range(6, 8)))) == [5]


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ((40.0, 160.0, 100.0, 200.0), "beside the path"),
        ((40.0, 100.0, 70.0, 120.0), "of another size"),
    ],
)
def test_boxes_off_the_path_are_left(other, why):
    leftovers = _held([([other], [-1]) for _ in range(5)])
    assert leftovers.before(7, _rows(range(5, 10))) == [], why


def test_boxes_of_other_tracks_and_second_boxes_on_their_vehicles_are_left():
    double = tuple(side + 2.0 for side in _box(4))
    leftovers = _held([([_box(k), double], [3, -1]) for k in range(5)])
    assert leftovers.before(7, _rows(range(5, 10))) == []
    leftovers.release(3)
    assert _indices(leftovers.before(7, _rows(range(5, 10)))) == [0, 1, 2, 3, 4], "track 3 was given up"


def test_a_split_off_track_keeps_its_boxes():
    leftovers = _held([([_box(k)], [3]) for k in range(5)])
    leftovers.rename(3, 9, 2 * STEP_NS)
    leftovers.release(3)
    assert _indices(leftovers.before(7, _rows(range(5, 10)))) == []
    leftovers.release(9)
    assert _indices(leftovers.before(7, _rows(range(5, 10)))) == [0, 1, 2, 3, 4]


def test_what_is_older_than_kept_is_forgotten():
    leftovers = _held([([_box(k)], [-1]) for k in range(30)], kept_s=1.0, longest_s=5.0)
    assert _indices(leftovers.before(7, _rows(range(25, 30)))) == list(range(19, 25))


def test_a_growing_box_goes_on_growing():
    path = [(0, 0, (0.0, 0.0, 10.0, 10.0)), (10**9, 1, (-5.0, -5.0, 15.0, 15.0))]
    assert foretold(path, 15 * 10**8) == pytest.approx((-9.142, -9.142, 19.142, 19.142), abs=1e-3)
    assert foretold(path[1:], 3 * 10**9) == path[1][2], "one box says nothing"


@settings(max_examples=40, deadline=None)
@given(st.lists(st.lists(st.integers(0, 6), max_size=3), min_size=3, max_size=25), st.integers(0, 2**31))
def test_no_box_goes_to_two_tracks_and_times_ascend(kinds, seed):
    rng = np.random.default_rng(seed)
    boxes = [[tuple(np.array(_box(k)) + rng.normal(0, 4 * kind, 4)) for kind in row] for k, row in enumerate(kinds)]
    frames = [(row, [-1] * len(row)) for row in boxes]
    leftovers = _held(frames, least_iou=0.1)
    middle = len(kinds) // 2
    taken = []
    for track_id in (1, 2):
        rows = _rows([middle])
        found = [*leftovers.before(track_id, rows), *rows, *leftovers.after(track_id, rows)]
        times = [t for t, _, _ in found]
        assert all(a < b for a, b in itertools.pairwise(times))
        taken += [(t, box) for t, _, box in found if t != middle * STEP_NS]
    assert len(taken) == len(set(taken))


def _play(tracker, scores, speed=6.0):
    told = []
    for k, score in enumerate(scores):
        n = int(score > 0)
        found = Detections(
            np.array([_box(k, speed)] * n, np.float32).reshape(n, 4),
            np.full(n, score, np.float32),
            np.full(n, 2, np.int64),
        )
        told += tracker.update(Frame("north", "s", k, 10**12 + k * STEP_NS, "host", IMAGE), found)
    return told


def test_a_tracklet_begins_where_its_vehicle_was_first_seen_weakly():
    scores = [0.15] * 6 + [0.8] * 30
    first = _play(CameraTracker("north", "s"), scores)[0]
    assert first.frames[0] == 0
    assert (np.diff(first.times_ns) > 0).all()
    unfilled = _play(CameraTracker("north", "s", TrackerSettings(fill=FillSettings(longest_s=0))), scores)[0]
    assert unfilled.frames[0] == 6
    assert first.crops[0].frame >= 6, "pictures are of good detections only"


def test_a_tracklet_ends_where_its_vehicle_was_last_seen_weakly():
    options = TrackerSettings(association=AssociationSettings(lost_low_match_cost=0.0))
    tracker = CameraTracker("north", "s", options)
    told = _play(tracker, [0.8] * 20 + [0.0] * 2 + [0.15] * 4 + [0.0] * 60)
    told += tracker.flush()
    assert [revision.frames[-1] for revision in told if revision.final] == [25]


@pytest.mark.parametrize(("limit", "found"), [(0.0, 0), (0.3, 5)])
def test_low_scores_find_a_lost_track_closely_on_its_path(limit, found):
    tracker = ByteTrack(AssociationSettings(lost_low_match_cost=limit))
    seen = 0
    for k, score in enumerate([0.8] * 10 + [0.0] * 3 + [0.15] * 5):
        n = int(score > 0)
        step = tracker.update(k * STEP_NS, np.array([_box(k)] * n).reshape(n, 4), np.full(n, score))
        seen += len(step.track_ids) if k >= 13 else 0
    assert seen == found
