"""The number that a frame carries in its picture is the number that our source reads from the stream's time."""

import itertools
import time
from fractions import Fraction

import pytest

from simulator.rtsp.timeline import RTP_OFFSET

FRAMES, FPS, COUNT = 60, 20, 15
NTSC = Fraction(30_000, 1001)
#: When RTP time stamps of 32 bits begin again.
WRAP_S = (2**32 - RTP_OFFSET) / 90_000


@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize(
    "start",
    [
        pytest.param((-0.3, {}), id="before-t0"),
        pytest.param((1.234, {}), id="mid-way"),
        pytest.param((7.77, {}), id="another-day"),
        pytest.param((3.3, {"b_frames": 2}), id="b-frames"),
        pytest.param((40_000.1, {}), id="half-a-day"),
        pytest.param((WRAP_S - 0.6, {}), id="across-the-wrap"),
        pytest.param((60_000.4, {"fps": NTSC}), id="beyond-the-wrap-ntsc"),
    ],
)
def test_index_is_the_burnt_number(city, make_clip, watch, burnt_number, transport, start):
    ago_s, kind = start
    server = city.start(make_clip(**kind), ago_s=ago_s)
    frames = watch(server, COUNT, transport=transport)
    assert [f.index % FRAMES for f in frames] == [burnt_number(f.image) for f in frames]
    indices = [f.index for f in frames]
    if transport == "tcp":
        assert indices == list(range(indices[0], indices[0] + COUNT))
    else:
        assert all(a < b for a, b in itertools.pairwise(indices))
    assert abs(indices[0] / kind.get("fps", FPS) - max(ago_s, 0.0)) < 30


def test_capture_times_follow_the_citys_clock(city, make_clip, watch):
    server = city.start(make_clip(), ago_s=5.0)
    frames = watch(server, COUNT)
    errors_ns = [f.captured_at_ns - (server.t0_ns + f.index * 1_000_000_000 // FPS) for f in frames]
    assert max(errors_ns) - min(errors_ns) < 1_000_000_000
    assert all(a.captured_at_ns < b.captured_at_ns for a, b in itertools.pairwise(frames))


def test_a_server_started_again_with_the_same_t0_goes_on(city, make_clip, watch, burnt_number):
    t0_ns = time.time_ns() - 2_000_000_000
    server = city.start(make_clip(), t0_ns=t0_ns)
    before = watch(server, 5)
    city.stop(server)
    after = watch(city.start(make_clip(), t0_ns=t0_ns), 5)
    assert after[0].index > before[-1].index
    assert [f.index % FRAMES for f in after] == [burnt_number(f.image) for f in after]
