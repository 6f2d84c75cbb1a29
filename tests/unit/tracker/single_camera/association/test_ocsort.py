"""OC-SORT in real time: dropped frames, late recovery, choice by configuration."""

from __future__ import annotations

import numpy as np
import pytest

from services.config import load_config
from tracker.single_camera.association.bytetrack import ByteTrack
from tracker.single_camera.association.choice import associator
from tracker.single_camera.association.ocsort import OcSort
from tracker.single_camera.settings import AssociationSettings, OcSortSettings, TrackerSettings

S = 1_000_000_000


def _play(tracker, times_s, boxes_at):
    """Track ids by vehicle, in the order of the times; vehicles are rows of what ``boxes_at`` gives."""
    ids = []
    for t in times_s:
        boxes = np.array(boxes_at(t), np.float32).reshape(-1, 4)
        step = tracker.update(round(t * S), boxes, np.full(len(boxes), 0.9, np.float32))
        row = np.full(len(boxes), -1)
        row[step.detections] = step.track_ids
        ids.append(row.tolist())
    return ids


def _box(x, y, width=60.0, height=40.0):
    return (x, y, x + width, y + height)


def _tracker(**options):
    return OcSort(AssociationSettings(**options), OcSortSettings())


@pytest.mark.parametrize("fps", [10, 5, 4, 25])
def test_one_id_at_any_rate(fps):
    times = [1 + k / fps for k in range(5 * fps)]
    ids = _play(_tracker(), times, lambda t: [_box(100 * t, 50 + 10 * t)])
    assert set(map(tuple, ids)) == {(1,)}


@pytest.mark.parametrize("seed", range(4))
def test_one_id_with_random_drops(seed):
    rng = np.random.default_rng(seed)
    times = [1 + k / 10 for k in range(60) if rng.random() > 0.4]
    ids = _play(_tracker(), times, lambda t: [_box(80 * t, 50)])
    assert set(map(tuple, ids)) == {(1,)}


def test_a_vehicle_that_stopped_while_hidden_is_recovered_where_it_was_last_seen():
    """The prediction drives on; only the last detection overlaps what comes back."""

    def scene(t):
        x = 300 + 120 * min(t, 3.0)
        return [] if 3.0 < t < 4.0 else [_box(x, 100)]

    times = [1 + k / 10 for k in range(45)]
    assert {row[0] for row in _play(_tracker(), times, scene) if row} == {1}
    byte = _play(ByteTrack(AssociationSettings()), times, scene)
    assert {row[0] for row in byte if row} != {1}


def test_after_recovery_the_motion_model_stands_where_the_vehicle_stands():
    tracker = _tracker()
    times = [1 + k / 10 for k in range(40)]
    _play(tracker, times, lambda t: [] if 3.0 < t < 4.0 else [_box(300 + 120 * min(t, 3.0), 100)])
    assert abs(tracker._tracks.mean[0, 4]) < 20, "px a second; it drove at 120"


def test_memory_is_bounded_and_forgotten_with_the_track():
    tracker = _tracker(lost_after_s=0.5)
    _play(tracker, [1 + k / 10 for k in range(300)], lambda t: [_box(20 * t, 50)])
    (observed,) = tracker._observed.values()
    assert len(observed.seen) == 16
    tracker.update(40 * S, np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    assert tracker._observed == {}


def test_a_vehicle_that_never_moved_has_no_direction():
    tracker = _tracker()
    _play(tracker, [1 + k / 10 for k in range(20)], lambda t: [_box(100, 50)])
    assert tracker._observed[1].direction is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("tracker: ocsort", OcSort),
        ("tracker: bytetrack", ByteTrack),
        ("tracker: {algorithm: ocsort}", OcSort),
        ("{}", ByteTrack),
    ],
)
def test_the_configuration_chooses(tmp_path, text, kind):
    path = tmp_path / "vreid.yaml"
    path.write_text(text)
    assert type(associator(load_config(path).tracker)) is kind


def test_unknown_algorithms_are_refused():
    with pytest.raises(ValueError, match="'bytetrack' or 'ocsort'"):
        TrackerSettings.model_validate("sort")
