"""Paths without pictures are what a camera session tells, as long as pictures have nothing to decide."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.types import Detections, Frame
from tracker.single_camera.paths import PathFollower
from tracker.single_camera.session import CameraTracker
from tracker.single_camera.settings import TrackerSettings

_STEP_NS = 100_000_000
_IMAGE = cv2.resize(np.random.default_rng(0).integers(0, 255, (90, 160, 3), np.uint8), (640, 360))


def _scene(seed: int) -> list[tuple[int, np.ndarray, np.ndarray]]:
    """Frame number, boxes and scores of vehicles in lanes of their own, seen weakly at first and last, with misses."""
    rng = np.random.default_rng(seed)
    vehicles = [(int(rng.integers(0, 30)), float(rng.uniform(-8, 8)), 20 + 85 * lane) for lane in range(4)]
    frames = []
    for k in range(60):
        seen = []
        for start, speed, y in vehicles:
            age = k - start
            if 0 <= age < 28 and rng.random() > 0.1:
                x = 290 + speed * age + rng.normal(0, 1)
                seen.append((x, y, x + 60, y + 40, 0.15 if age < 6 or age > 21 else 0.8))
        rows = np.array(sorted(seen, key=lambda row: -row[4]), np.float32).reshape(-1, 5)
        frames.append((k, rows[:, :4], rows[:, 4]))
    return frames


def _followed(frames, algorithm):
    follower = PathFollower(TrackerSettings(algorithm=algorithm), (640, 360))
    for k, boxes, scores in frames:
        follower.update((k + 1) * _STEP_NS, k, boxes, scores)
    return {path.track_id: path for path in follower.finish()}


@pytest.mark.parametrize("algorithm", ["bytetrack", "ocsort"])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_paths_are_the_tracklets_of_a_camera_session(algorithm, seed):
    frames = _scene(seed)
    tracker = CameraTracker("north", "s1", TrackerSettings(algorithm=algorithm))
    told = []
    for k, boxes, scores in frames:
        found = Detections(boxes, scores, np.full(len(scores), 2, np.int64))
        told += tracker.update(Frame("north", "s1", k, (k + 1) * _STEP_NS, "host", _IMAGE), found)
    finals = {tracklet.key.track_id: tracklet for tracklet in told + tracker.flush() if tracklet.final}
    paths = _followed(frames, algorithm)
    assert paths.keys() == finals.keys()
    for track_id, path in paths.items():
        np.testing.assert_array_equal(path.frames, finals[track_id].frames)
        np.testing.assert_array_equal(path.boxes_xyxy, finals[track_id].boxes_xyxy)


def test_weak_boxes_at_either_end_belong_to_the_path():
    boxes = [np.array([[100.0 + 5 * k, 100, 160 + 5 * k, 140]]) for k in range(20)]
    frames = [(k, box, np.array([0.8 if 4 <= k < 16 else 0.15])) for k, box in enumerate(boxes)]
    (path,) = _followed(frames, "bytetrack").values()
    assert path.frames.tolist() == list(range(20))


def test_what_is_too_short_to_be_told_is_no_path():
    box = np.array([[10.0, 10, 60, 50]])
    assert _followed([(k, box, np.array([0.9])) for k in range(2)], "bytetrack") == {}
