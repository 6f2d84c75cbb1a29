"""Sender reports of cameras whose clocks are wrong, and frame numbers under drift."""

import itertools
import struct
from fractions import Fraction

import pytest

from simulator.clock import CameraClock
from simulator.rtsp.connection import Limits
from simulator.rtsp.faults.schedule import FaultSchedule
from simulator.rtsp.faults.script import FaultPlan
from simulator.rtsp.timeline import RTP_OFFSET, Timeline

AGO_S = 100.0


def plan_with(clock, **kwargs):
    return FaultPlan(FaultSchedule(("c1",)), {"c1": clock}, **kwargs)


def report_of(packet):
    """Wall time, UTC seconds, and RTP time of a sender report."""
    ntp, rtp_time = struct.unpack("!QI", packet[8:20])
    return Fraction(ntp, 2**32) - 2_208_988_800, rtp_time


async def reports_until(client, enough):
    reports = []
    while not enough(reports):
        channel, packet = await client.next_packet()
        if channel == 1 and packet[1] == 200:
            reports.append(report_of(packet))
    return reports


@pytest.mark.parametrize(
    "clock",
    [CameraClock(), CameraClock(5.25), CameraClock(-3600.0), CameraClock(drift_ppm=400.0), CameraClock(-1.0, -90.0)],
    ids=["right", "ahead", "an-hour-behind", "fast", "behind-and-slow"],
)
def test_reports_pair_what_the_clock_shows_with_rtp_time(talk, make_clip, clock):
    async def conversation(client, server):
        await client.ask("PLAY", Session=await client.set_up())
        reports = await reports_until(client, lambda seen: len(seen) == 6)
        for wall_s, rtp_time in reports:
            true_s = (rtp_time - RTP_OFFSET) / 90_000 / (1 + clock.drift_ppm * 1e-6)
            assert true_s == pytest.approx(AGO_S, abs=30)
            shown_s = wall_s - Fraction(server.t0_ns, 10**9)
            assert float(shown_s) == pytest.approx(clock.shown_s(true_s), abs=1e-4)

    talk(make_clip(), conversation, ago_s=AGO_S, plan=plan_with(clock), limits=Limits(report_interval_s=0.1))


def test_a_step_shows_in_the_reports_and_not_in_rtp_time(talk, make_clip):
    clock = CameraClock(steps=((AGO_S + 1.0, 5.0),))

    def error_s(report, server):
        wall_s, rtp_time = report
        return float(wall_s - Fraction(server.t0_ns, 10**9) - Fraction(rtp_time - RTP_OFFSET, 90_000))

    async def conversation(client, server):
        await client.ask("PLAY", Session=await client.set_up())
        reports = await reports_until(client, lambda seen: bool(seen) and error_s(seen[-1], server) > 4)
        errors = [error_s(report, server) for report in reports]
        assert errors[:-1] == pytest.approx([0.0] * (len(errors) - 1), abs=1e-4)
        assert errors[-1] == pytest.approx(5.0, abs=1e-4)
        rtp_times = [rtp_time for _, rtp_time in reports]
        assert rtp_times == sorted(rtp_times)
        assert max(b - a for a, b in itertools.pairwise(rtp_times)) < 4 * 90_000

    talk(make_clip(), conversation, ago_s=AGO_S, plan=plan_with(clock), limits=Limits(report_interval_s=0.1))


@pytest.mark.parametrize("drift_ppm", [0.0, 40.0, 400.0])
def test_under_drift_frame_numbers_can_be_mapped_back(city, make_clip, watch, burnt_number, drift_ppm):
    clock = CameraClock(offset_s=7.0, drift_ppm=drift_ppm)
    server = city.start(make_clip(), ago_s=40_000.3, plan=plan_with(clock))
    timeline = Timeline(make_clip(), server.t0_ns, True, clock)
    frames = watch(server, 10)
    mapped = [timeline.frame_at(frame.index / 20) for frame in frames]
    assert [frame % 60 for frame in mapped] == [burnt_number(frame.image) for frame in frames]
    assert frames[0].index / 20 == pytest.approx(40_000 * (1 + drift_ppm * 1e-6), abs=8)
    assert (mapped[0] == frames[0].index) == (drift_ppm == 0)


def test_a_delayed_camera_shows_older_pictures_under_their_true_numbers(city, make_clip, watch, burnt_number):
    plan = FaultPlan(FaultSchedule(("c1",)), {}, {"c1": 3.0})
    lags_s = []
    for server in (city.start(make_clip(), ago_s=100.0, plan=plan), city.start(make_clip(), ago_s=100.0)):
        frames = watch(server, 5)
        assert [frame.index % 60 for frame in frames] == [burnt_number(frame.image) for frame in frames]
        lags_s.append((frames[-1].captured_at_ns - server.t0_ns) / 1e9 - frames[-1].index / 20)
    assert 2 < lags_s[0] - lags_s[1] < 10
