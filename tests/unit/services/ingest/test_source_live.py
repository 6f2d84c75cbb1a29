import itertools
import struct
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

from detector.types import Detections
from services.errors import SourceUnavailable
from services.ingest.cameras import CameraSettings
from services.ingest.sources import live as live_module
from services.ingest.sources.live import LiveFrames, SenderClock
from tracker.single_camera.session import CameraTracker

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


@pytest.fixture
def watch(monkeypatch):
    """Frames of a camera that states a rate and gives pictures at these media times, as a server paces them."""

    def frames(stated_fps, times_s, reports=None, **settings):
        codec = SimpleNamespace(name="mjpeg", framerate=None)
        stream = SimpleNamespace(
            average_rate=stated_fps, guessed_rate=None, time_base=Fraction(1, 90_000), codec_context=codec
        )
        container = SimpleNamespace(format=SimpleNamespace(name="rtsp"))
        camera = CameraSettings(id="c1", url="rtsp://h/1", **settings)
        opened = SimpleNamespace(stream=stream, settings=camera, session_id="s1", container=container)
        source = LiveFrames(opened)
        source._clock.settled = True
        source._convert = lambda _: np.zeros((36, 64, 3), np.uint8)

        def decoded(_, wanted):
            for at_s in times_s:
                packet = Packet((reports or {}).get(at_s))
                packet.pts, packet.is_keyframe, packet.is_disposable = round(at_s * 90_000), True, False
                if wanted(packet, 1.0):
                    yield packet, [packet], 0

        monkeypatch.setattr(live_module, "decoded", decoded)
        return iter(source)

    return frames


@pytest.mark.parametrize(("stated_fps", "real_fps"), [(None, 30), (15, 30), (5, 15), (10, 10)])
def test_no_frame_of_a_camera_faster_than_it_states_is_lost(watch, stated_fps, real_fps):
    tracker = CameraTracker("c1", "s1")
    frames = list(watch(stated_fps, [7.0 + k / real_fps for k in range(60)]))
    for frame in frames:
        tracker.update(frame, Detections.empty())
    assert len(frames) == 60
    assert tracker.skipped_frames == 0


def test_numbers_follow_media_time_again_after_frames_that_came_too_close(watch):
    frames = watch(10, [5.0, 5.1, 5.13, 5.14, 5.3, 5.5])
    assert [frame.index for frame in frames] == [50, 51, 52, 53, 54, 55]


def test_a_camera_that_reports_in_time_dates_all_frames(watch):
    times_s = [5.0 + k / 10 for k in range(20)]
    frames = list(watch(10, times_s, reports={5.5: UTC_S}, clock="camera"))
    assert {frame.clock for frame in frames} == {"camera"}
    assert frames[-1].captured_at_ns == round((UTC_S + 1.4) * SECOND)


def test_a_report_that_comes_too_late_changes_no_clock_in_mid_session(watch, monkeypatch):
    monkeypatch.setattr(live_module, "REPORT_PATIENCE_S", 0.0)
    times_s = [5.0 + k / 10 for k in range(20)]
    frames = list(watch(10, times_s, reports={6.0: UTC_S}, clock="camera"))
    assert {frame.clock for frame in frames} == {"host"}
    assert max(b.captured_at_ns - a.captured_at_ns for a, b in itertools.pairwise(frames)) < SECOND
