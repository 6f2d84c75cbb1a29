"""How long a track is waited for where frames are rare."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.single_camera.association.choice import associator
from tracker.single_camera.settings import TrackerSettings

_SECOND = 1_000_000_000
_BOX, _SCORES = np.array([[100.0, 100.0, 200.0, 180.0]]), np.array([0.9])
_ALGORITHMS = pytest.mark.parametrize("algorithm", ["bytetrack", "ocsort"])


def _ids(tracker, times_s: list[float]) -> list[int]:
    """The track that the same box belongs to at each time."""
    steps = [tracker.update(round(at_s * _SECOND), _BOX, _SCORES) for at_s in times_s]
    return [track_id for step in steps for track_id in step.track_ids.tolist()]


@_ALGORITHMS
@pytest.mark.parametrize("interval_s", [1.4, 1.6, 2.0, 5.0, 9.9])
def test_a_vehicle_in_steady_view_is_one_track_however_rare_frames_are(algorithm: str, interval_s: float) -> None:
    ids = _ids(associator(TrackerSettings(algorithm=algorithm)), [interval_s * k for k in range(20)])
    # The first two frames tell how rare they are.
    assert len(set(ids[1:])) == 1


@_ALGORITHMS
def test_where_frames_are_rare_one_may_be_missed(algorithm: str) -> None:
    ids = _ids(associator(TrackerSettings(algorithm=algorithm)), [0, 2, 4, 6, 10, 12])
    assert len(set(ids[1:])) == 1


@_ALGORITHMS
@pytest.mark.parametrize(("interval_s", "stall_s"), [(0.1, 1.6), (0.5, 1.6), (1.0, 5.5), (2.0, 6.0), (6.0, 12.0)])
def test_a_stall_closes_tracks_all_the_same(algorithm: str, interval_s: float, stall_s: float) -> None:
    before = [interval_s * k for k in range(6)]
    *_, last, after = _ids(associator(TrackerSettings(algorithm=algorithm)), [*before, before[-1] + stall_s])
    assert after != last


@_ALGORITHMS
def test_rare_looks_at_an_empty_street_are_no_rare_frames(algorithm: str) -> None:
    tracker = associator(TrackerSettings(algorithm=algorithm))
    for k in range(10):
        tracker.update(k * _SECOND, np.zeros((0, 4)), np.zeros(0))
    *_, last, after = _ids(tracker, [10.0, 10.1, 10.2, 11.9])
    assert after != last
