"""Trackers of a camera's sessions share its zones; zones may be drawn in the configuration."""

import numpy as np
import pytest

from detector.types import Detections, Frame
from services.config import load_config
from services.errors import ConfigError
from services.ingest.tracking import CameraTrackers
from tracker.single_camera.settings import TrackerSettings, ZoneSettings

IMAGE = np.random.default_rng(0).integers(0, 255, (360, 640, 3), np.uint8)


def _pass(trackers, session, begin_s):
    """A vehicle drives from left to right."""
    tracker = trackers("gate", session)
    for k in range(60):
        t_ns = round((begin_s + k / 10) * 1e9)
        x = 10.0 * k
        box = np.array([[x, 100, x + 80, 160]], np.float32)
        found = Detections(box, np.full(1, 0.9, np.float32), np.full(1, 2)) if x < 560 else Detections.empty()
        tracker.update(Frame("gate", session, k, t_ns, "host", IMAGE), found)
    for k in range(60, 90):
        tracker.update(Frame("gate", session, k, round((begin_s + k / 10) * 1e9), "host", IMAGE), Detections.empty())
    return tracker


def test_zones_outlive_sessions_and_belong_to_one_camera():
    trackers = CameraTrackers(TrackerSettings(zones=ZoneSettings(least_ends=5)))
    for number in range(6):
        tracker = _pass(trackers, f"s{number}", 100.0 * number)
    zones = trackers.zones("gate")
    assert tracker.zones == zones
    assert zones.of("entry")[0].centre[0] < 0.15
    assert zones.of("exit")[0].centre[0] > 0.85
    assert trackers.zones("yard").zones == ()


def test_zones_are_drawn_in_the_configuration(tmp_path):
    path = tmp_path / "vreid.yaml"
    path.write_text(
        "cameras:\n  - id: gate\n    url: rtsp://h/x\n    exits:\n      - [[0.8, 0], [1, 0], [1, 1], [0.8, 1]]\n"
    )
    config = load_config(path)
    (exit_,) = CameraTrackers(config.tracker, config.cameras).zones("gate").zones
    assert (exit_.kind, exit_.drawn) == ("exit", True)
    assert exit_.contains((0.9, 0.5))


@pytest.mark.parametrize("polygon", ["[[0, 0], [1, 1]]", "[[0, 0], [1, 0], [2, 1]]"])
def test_polygons_that_are_none_are_refused_with_their_line(tmp_path, polygon):
    path = tmp_path / "vreid.yaml"
    path.write_text(f"cameras:\n  - id: gate\n    url: rtsp://h/x\n    entries:\n      - {polygon}\n")
    with pytest.raises(ConfigError, match=r"vreid.yaml:5: cameras.0.entries.0"):
        load_config(path)
