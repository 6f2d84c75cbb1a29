import struct

import pytest

from services.errors import SourceUnavailable
from services.ingest.sources.live import SenderClock

SECOND = 1_000_000_000
UTC_S = 1_700_000_000


class Packet:
    """A packet with the camera's wall time beside it, or without."""

    def __init__(self, wall_s=None):
        self.wall_s = wall_s

    def has_sidedata(self, name):
        return name == "prft" and self.wall_s is not None

    def get_sidedata(self, name):
        return struct.pack("<q", round(self.wall_s * 1e6))


def test_a_camera_whose_clock_is_set_back_begins_a_new_session():
    clock = SenderClock()
    clock.observe(Packet(UTC_S), 0.0)
    assert clock.captured_at_ns(20.0) == (UTC_S + 20) * SECOND
    clock.observe(Packet(UTC_S + 20 - 3600), 20.0)
    with pytest.raises(SourceUnavailable, match="clock was set back"):
        clock.captured_at_ns(20.1)


def test_a_camera_whose_clock_creeps_back_stays_in_its_session():
    clock = SenderClock()
    clock.observe(Packet(UTC_S), 0.0)
    last_ns = clock.captured_at_ns(5.0)
    clock.observe(Packet(UTC_S + 5 - 0.3), 5.0)
    times_ns = [clock.captured_at_ns(5.0 + k / 10) for k in range(1, 6)]
    assert times_ns[0] == last_ns + 1
    assert times_ns == sorted(set(times_ns))
    assert times_ns[-1] == round((UTC_S + 5.2) * SECOND)
