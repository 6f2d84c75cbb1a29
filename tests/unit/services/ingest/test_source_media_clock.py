import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.errors import SourceUnavailable
from services.ingest.media_clock import MAX_SETTLING_S, MediaClock

SECOND = 1_000_000_000
UTC = 1_700_000_000 * SECOND


class Host:
    """The host's two clocks, turned by hand."""

    def __init__(self):
        self.monotonic = 5 * SECOND
        self.offset = UTC

    def clock(self, **kwargs):
        return MediaClock(monotonic_ns=lambda: self.monotonic, utc_ns=lambda: self.monotonic + self.offset, **kwargs)

    def at(self, seconds):
        self.monotonic = 5 * SECOND + round(seconds * SECOND)


@settings(deadline=None)
@given(st.lists(st.floats(0, 0.08), min_size=20, max_size=60), st.floats(0, 50_000))
def test_jitter_does_not_enter(delays, media_begin_s):
    host = Host()
    host.at(0)
    clock = host.clock()
    for k, delay_s in enumerate(delays):
        host.at(k * 0.1 + delay_s)
        clock.observe(media_begin_s + k * 0.1)
    media_s = media_begin_s + len(delays) * 0.1
    error_s = (clock.captured_at_ns(media_s) - UTC - 5 * SECOND) / SECOND - len(delays) * 0.1
    assert min(delays) - 1e-6 <= error_s <= min(delays) + len(delays) * 0.1 * 200e-6 + 1e-6


def test_known_delay_of_the_demuxer_is_taken_off():
    host = Host()
    host.at(0.1)
    clock = host.clock(decoder_delay_s=0.1)
    clock.observe(0.0)
    assert clock.captured_at_ns(0.0) == UTC + 5 * SECOND


def test_a_backlog_is_recognised_until_packets_come_at_their_pace():
    host = Host()
    clock = host.clock()
    for k in range(10):
        host.at(2 + k * 0.01)
        clock.observe(k * 0.1)
        assert not clock.settled
    host.at(2.2)
    clock.observe(1.0)
    assert clock.settled


def test_b_frames_settle_too():
    host = Host()
    clock = host.clock()
    for k, number in enumerate([0, 3, 1, 2, 6, 4, 5, 9]):
        host.at(k * 0.1)
        clock.observe(number * 0.1)
    assert clock.settled


def test_a_server_that_never_paces_is_taken_as_it_comes():
    host = Host()
    clock = host.clock()
    steps = int(MAX_SETTLING_S / 0.01) + 2
    for k in range(steps):
        host.at(k * 0.01)
        clock.observe(k * 0.1)
    assert clock.settled


def test_a_slow_camera_clock_is_followed():
    host = Host()
    clock = host.clock()
    for k in range(5000):
        host.at(k * 1.0001)
        clock.observe(float(k))
    lag_s = (host.monotonic + UTC - clock.captured_at_ns(4999.0)) / SECOND
    assert abs(lag_s) < 0.01


def test_times_always_grow():
    host = Host()
    host.at(1.0)
    clock = host.clock()
    clock.observe(0.0)
    first = clock.captured_at_ns(0.0)
    host.at(1.01)
    clock.observe(0.5)
    assert clock.captured_at_ns(0.1) > first


def test_a_step_of_the_hosts_clock_ends_the_session():
    host = Host()
    clock = host.clock()
    clock.observe(0.0)
    host.offset += 3600 * SECOND
    with pytest.raises(SourceUnavailable, match="clock was set"):
        clock.observe(0.1)


def test_nothing_observed_yet():
    with pytest.raises(ValueError, match="observed"):
        Host().clock().captured_at_ns(0.0)
