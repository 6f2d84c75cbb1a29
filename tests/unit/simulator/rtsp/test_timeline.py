from fractions import Fraction
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.clock import CameraClock
from simulator.rtsp.clip import load_clip
from simulator.rtsp.timeline import RTP_OFFSET, Timeline

T0 = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


def test_frames_are_due_at_their_capture_time_and_count_on_over_days(make_clip):
    timeline = Timeline(make_clip(frames=10), T0, loop=True)
    played = [timeline.at(position) for position in range(8, 12)]
    assert [s.frame for s in played] == [8, 9, 10, 11]
    assert [s.unit.frame for s in played] == [8, 9, 0, 1]
    assert [s.due_ns - T0 for s in played] == [800_000_000, 900_000_000, 1_000_000_000, 1_100_000_000]
    assert [s.rtp_time - RTP_OFFSET for s in played] == [72_000, 81_000, 90_000, 99_000]


def test_without_loop_it_ends_after_the_last_frame(make_clip):
    timeline = Timeline(make_clip(frames=10), T0, loop=False)
    assert [timeline.covers(position) for position in (9, 10)] == [True, False]
    assert timeline.end_ns == T0 + SECOND
    assert not timeline.ended(T0 + SECOND - 1)
    assert timeline.ended(T0 + SECOND)
    assert timeline.join_position(T0 + 5 * SECOND) == 4


def test_an_endless_stream_never_ends(make_clip):
    timeline = Timeline(make_clip(), T0, loop=True)
    assert timeline.end_ns is None
    assert not timeline.ended(T0 + 10**18)


@settings(deadline=None)
@given(st.integers(-5 * SECOND, 10**6 * SECOND), st.sampled_from([Fraction(10), Fraction(30_000, 1001)]))
def test_joining_begins_at_the_latest_keyframe_that_is_due(make_clip_once, offset_ns, fps):
    timeline = Timeline(make_clip_once(fps), T0, loop=True)
    position = timeline.join_position(T0 + offset_ns)
    first = timeline.at(position)
    assert first.unit.keyframe
    if offset_ns < 0:
        assert position == 0
    else:
        assert first.due_ns <= T0 + offset_ns + 1
        later = next(s for s in map(timeline.at, count(position + 1)) if s.unit.keyframe)
        assert later.due_ns >= T0 + offset_ns - 1


@settings(deadline=None)
@given(st.integers(0, 10**9))
def test_rtp_time_is_never_zero_and_inverts_to_the_frame(make_clip_once, frame):
    timeline = Timeline(make_clip_once(Fraction(10)), T0, loop=True)
    rtp_time = timeline.rtp_time(frame)
    assert 0 < rtp_time < 2**32
    assert (rtp_time - RTP_OFFSET) % 2**32 == frame * 9000 % 2**32
    assert abs(timeline.rtp_time_at(T0 + frame * SECOND // 10) - rtp_time) <= 1


@pytest.fixture(scope="module")
def make_clip_once():
    from simulator.rtsp.clip import AccessUnit, Clip

    units = tuple(AccessUnit(k, k in (0, 4, 9), (b"\x65a",)) for k in range(12))
    return lambda fps: Clip(fps, 64, 48, (b"\x67\x42\x00\x0a", b"\x68\xce"), units)


def test_no_b_frame_stream_sends_a_picture_before_it_was_captured(encode_clip):
    timeline = Timeline(load_clip(encode_clip(b_frames=2)), T0, loop=False)
    for scheduled in map(timeline.at, range(24)):
        assert scheduled.due_ns >= T0 + scheduled.frame * SECOND // 12


@settings(deadline=None)
@given(st.integers(0, 10**7), st.floats(-500, 500))
def test_drift_stretches_media_and_rtp_time_and_can_be_undone(make_clip_once, frame, drift_ppm):
    timeline = Timeline(make_clip_once(Fraction(10)), T0, loop=True, clock=CameraClock(drift_ppm=drift_ppm))
    assert timeline.frame_at(timeline.media_s(frame)) == frame
    ticks = (timeline.rtp_time(frame) - RTP_OFFSET) % 2**32
    assert abs(ticks - frame * 9000 * (1 + drift_ppm * 1e-6) % 2**32) < 2 or ticks < 2
    assert timeline.at(frame).due_ns == T0 + frame * SECOND // 10
    # A report's RTP time and a frame's agree: one crystal.
    difference = (timeline.rtp_time_at(T0 + frame * SECOND // 10) - timeline.rtp_time(frame) + 10) % 2**32
    assert difference <= 20


def test_offset_and_steps_show_in_what_the_clock_shows_and_nowhere_else(make_clip):
    right = Timeline(make_clip(), T0, loop=True)
    wrong = Timeline(make_clip(), T0, loop=True, clock=CameraClock(2.0, 0.0, ((60.0, 5.0),)))
    assert [wrong.shown_ns(T0 + s * SECOND) - T0 for s in (0, 59, 60)] == [2 * SECOND, 61 * SECOND, 67 * SECOND]
    assert right.shown_ns(T0 + 7) == T0 + 7
    assert [wrong.at(k) for k in range(700)] == [right.at(k) for k in range(700)]
    assert wrong.rtp_time_at(T0 + 61 * SECOND) == right.rtp_time_at(T0 + 61 * SECOND)


def test_delay_moves_the_sending_and_nothing_else(make_clip):
    timeline = Timeline(make_clip(frames=10), T0, loop=False, delay_s=0.5)
    assert timeline.at(3).due_ns == T0 + 800_000_000
    assert timeline.at(3).rtp_time == RTP_OFFSET + 27_000
    assert timeline.end_ns == T0 + SECOND + 500_000_000
    assert timeline.join_position(T0 + 800_000_000) == 0
    assert timeline.join_position(T0 + 900_000_000) == 4
