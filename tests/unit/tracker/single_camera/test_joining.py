"""Which ended track a new one may continue."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.single_camera.joining import Joiner
from tracker.single_camera.settings import TrackletSettings
from tracker.types import TrackKey, Tracklet

S = 1_000_000_000


def _tracklet(track_id, begin_s, end_s, *, x=0.0, speed=0.0, y=100.0, size=40.0):
    times = np.arange(round(begin_s * 10), round(end_s * 10) + 1)
    left = x + speed * (times / 10 - begin_s)
    boxes = np.stack([left, np.full_like(left, y), left + size, np.full_like(left, y + size)], axis=1)
    return Tracklet(
        key=TrackKey("north", "s1", track_id),
        revision=1,
        final=True,
        times_ns=times.astype(np.int64) * (S // 10),
        frames=times.astype(np.int64),
        boxes_xyxy=boxes.astype(np.float32),
        class_probs=np.array([1, 0, 0, 0], np.float32),
        crops=(),
        quality=0.5,
    )


def _holding(*tracklets, still=False, **options):
    joiner = Joiner(TrackletSettings(**options))
    for tracklet in tracklets:
        assert joiner.hold(tracklet, still=still) == []
    return joiner


GONE = _tracklet(1, 0, 2, x=0, speed=50)  # ends at x = 100, 50 px a second


@pytest.mark.parametrize(
    ("later", "continues"),
    [
        (_tracklet(2, 4, 6, x=200), True),  # where it was foretold
        (_tracklet(2, 4, 6, x=100), True),  # it stood, hidden
        (_tracklet(2, 4, 6, x=245), True),  # it sped up
        (_tracklet(2, 4, 6, x=350), False),  # too far
        (_tracklet(2, 4, 6, x=40), False),  # backwards
        (_tracklet(2, 4, 6, x=200, y=190), False),  # beside the path
        (_tracklet(2, 4, 6, x=200, size=90), False),  # another size
        (_tracklet(2, 4, 6, x=200, speed=60), True),  # it goes on
        (_tracklet(2, 4, 6, x=200, speed=-60), False),  # it comes the other way
        (_tracklet(2, 6, 8, x=250), False),  # too late
        (_tracklet(2, 1.5, 3, x=100), False),  # it began before the other ended
    ],
)
def test_time_path_and_size(later, continues):
    joiner = _holding(GONE)
    assert (joiner.predecessor(later) is GONE) is continues
    assert joiner.release_all() == ([] if continues else [GONE])


def test_the_nearest_is_taken_once():
    other = _tracklet(3, 0, 2, x=60, speed=50)
    joiner = _holding(GONE, other)
    assert joiner.predecessor(_tracklet(4, 3, 5, x=220)) is other
    assert joiner.predecessor(_tracklet(5, 3, 5, x=220)) is None


def test_a_parked_one_waits_longer_and_in_its_place():
    parked = _tracklet(1, 0, 9, x=100)
    joiner = _holding(parked, still=True)
    assert joiner.release(25 * S, ()) == []
    assert joiner.predecessor(_tracklet(2, 25, 27, x=135)) is None
    assert joiner.predecessor(_tracklet(2, 25, 27, x=104)) is parked


def test_what_nobody_continues_is_released_when_its_time_is_up():
    joiner = _holding(GONE, join_window_s=3.0)
    assert joiner.release(5 * S, ()) == []
    assert joiner.release(5 * S + 1, ()) == [GONE]
    assert joiner.release_all() == []


def test_one_that_is_still_too_young_to_be_told_is_waited_for():
    joiner = _holding(GONE, join_window_s=3.0, first_revision_s=2.0)
    assert joiner.release(6 * S, [4 * S]) == []
    assert joiner.release(7 * S + 1, [4 * S]) == [GONE]


def test_a_younger_one_that_began_too_late_is_not():
    assert _holding(GONE, join_window_s=3.0).release(6 * S, [round(5.5 * S)]) == [GONE]


def test_a_window_of_nothing_joins_nothing():
    joiner = Joiner(TrackletSettings(join_window_s=0))
    assert joiner.hold(GONE, still=False) == [GONE]


def test_memory_is_bounded():
    joiner = Joiner(TrackletSettings())
    out = [joiner.hold(_tracklet(k, 0, 1), still=True) for k in range(70)]
    assert [t.key.track_id for told in out for t in told] == list(range(6))
    assert len(joiner.release_all()) == 64
