import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.ingest.slot import SlotCounts
from services.ingest.sources.pace import BEHIND_S, Pace, RateCap

NS = 1_000_000_000


class Stream:
    """A stream of ten pictures a second, a keyframe each second, played against a pace."""

    def __init__(self, max_fps=None, gop=10, **kwargs):
        self.now_s = 0.0
        self.pace = Pace(max_fps, monotonic_s=lambda: self.now_s, **kwargs)
        self.number = 0
        self.gop = gop

    def packet(self, *, lag_s=0.0, waited_s=0.09, disposable=False):
        at_s, key = self.number / 10, self.number % self.gop == 0
        self.number += 1
        self.now_s = at_s
        return self.pace.decodes(keyframe=key, disposable=disposable, lag_s=lag_s, waited_s=waited_s, at_s=at_s)

    def offered(self, count):
        first, self.number = self.number, self.number + count
        return [k for k in range(first, first + count) if self.pace.offers(k / 10, k * NS // 10)]


def test_a_stream_that_keeps_up_is_decoded_whole():
    stream = Stream()
    assert all(stream.packet() for _ in range(40))
    assert all(stream.packet(lag_s=2.0) for _ in range(40)), "a long way is no backlog: packets are waited for"
    assert stream.offered(20) == list(range(80, 100))
    assert stream.pace.left_out == {}


def test_behind_it_jumps_to_the_keyframe_and_decodes_nothing_that_lacks_its_reference():
    stream = Stream()
    for _ in range(23):
        stream.packet()
    backlog = [stream.packet(lag_s=1.5, waited_s=0.0) for _ in range(4)]
    assert backlog == [False] * 4
    caught_up = [stream.packet() for _ in range(8)]
    assert caught_up == [False] * 3 + [True] * 5, "until the keyframe nothing can be decoded"
    assert stream.pace.left_out == {"skipped": 7}


def test_a_small_lag_is_not_worth_a_long_gap():
    stream = Stream(gop=50)
    for _ in range(60):
        stream.packet()
    assert all(stream.packet(lag_s=BEHIND_S + 0.2, waited_s=0.0) for _ in range(5))
    assert not stream.packet(lag_s=BEHIND_S + 0.2, waited_s=0.0, disposable=True), "what nothing builds on may go"
    assert stream.packet(lag_s=BEHIND_S + 0.2, waited_s=0.0)
    assert not stream.packet(lag_s=3.5, waited_s=0.0)


def test_pictures_that_stand_alone_are_skipped_one_by_one():
    stream = Stream(intra_only=True, gop=1)
    assert stream.packet()
    assert not stream.packet(lag_s=1.0, waited_s=0.0)
    assert stream.packet()


def test_the_rate_follows_what_inference_takes_and_comes_back():
    stream = Stream()
    pace, counts = stream.pace, SlotCounts()
    for second in range(1, 4):
        stream.now_s = second * 1.01
        counts = SlotCounts(offered=10 * second, taken=2 * second, dropped=8 * second)
        pace.heed(counts)
    assert pace.interval_s == pytest.approx(1 / 2.5, rel=0.05)
    assert len(stream.offered(40)) == pytest.approx(10, abs=1)
    assert pace.left_out["paced"] == pytest.approx(30, abs=1)
    for second in range(4, 20):
        stream.now_s = second * 1.01
        counts = SlotCounts(counts.offered + 3, counts.taken + 3, counts.dropped)
        pace.heed(counts)
    assert pace.interval_s == 0.0


def test_where_inference_takes_less_than_keyframes_only_these_are_decoded():
    stream = Stream()
    for _ in range(21):
        stream.packet()
    for second in (3, 4, 5):
        stream.now_s = float(second)
        stream.pace.heed(SlotCounts(offered=10 * second, taken=0, dropped=10 * second))
    stream.pace._interval_s = 2.0
    stream.number = 31
    decoded = [k for k in range(31, 71) if stream.packet()]
    assert decoded == [40, 50, 60, 70]


@settings(deadline=None)
@given(st.floats(1, 60), st.floats(0.5, 60))
def test_a_cap_keeps_to_its_rate(fps, cap):
    rate = RateCap(cap)
    frames = round(fps * 20)
    given_ = sum(rate.due(round(k * NS / fps)) for k in range(frames))
    assert given_ <= min(fps, cap) * 20 * 1.12 + 2
    assert given_ >= min(fps, cap * 0.49) * 20 * 0.9 - 2


def test_a_rate_that_was_set_is_counted_apart():
    stream = Stream(max_fps=5)
    assert len(stream.offered(20)) == 10
    assert stream.pace.left_out == {"capped": 10}
