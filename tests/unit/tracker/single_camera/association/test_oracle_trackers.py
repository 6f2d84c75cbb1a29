"""ByteTrack and OC-SORT equal ultralytics' on input without dropped frames."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from tracker.single_camera.association.bytetrack import ByteTrack
from tracker.single_camera.association.ocsort import OcSort
from tracker.single_camera.settings import AssociationSettings, OcSortSettings

INTERVAL_NS = 100_000_000
BUFFER_FRAMES = 10


class _Results:
    """What ultralytics' tracker reads of its own results."""

    def __init__(self, boxes_xyxy, scores, classes):
        self.boxes, self.conf, self.cls = boxes_xyxy, scores, classes

    @property
    def xywh(self):
        size = self.boxes[:, 2:] - self.boxes[:, :2]
        return np.concatenate([self.boxes[:, :2] + size / 2, size], axis=1)

    def __len__(self):
        return len(self.conf)

    def __getitem__(self, mask):
        return _Results(self.boxes[mask], self.conf[mask], self.cls[mask])


@pytest.fixture(scope="module")
def oracle_classes(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("YOLO_OFFLINE", "true")
        patch.setenv("YOLO_AUTOINSTALL", "false")
        patch.setenv("YOLO_CONFIG_DIR", str(tmp_path_factory.mktemp("ultralytics")))
        from ultralytics.trackers.byte_tracker import BYTETracker
        from ultralytics.trackers.oc_sort import OCSORT

    return BYTETracker, OCSORT


def _scene(seed, frames=120):
    """Crossing vehicles with noise, misses, low scores, short hidings and clutter, frame by frame."""
    rng = np.random.default_rng(seed)
    vehicles = []
    for _ in range(9):
        start = int(rng.integers(0, 70))
        vehicles.append(
            SimpleNamespace(
                start=start,
                end=start + int(rng.integers(8, 60)),
                place=rng.uniform([0, 0], [500, 300]),
                speed=rng.uniform(-9, 9, 2),
                size=rng.uniform(30, 90, 2),
                hidden=start + int(rng.integers(5, 30)),
                hidden_for=int(rng.integers(0, BUFFER_FRAMES - 2)),
            )
        )
    for t in range(frames):
        boxes, scores = [], []
        for v in vehicles:
            if not v.start <= t < v.end or v.hidden <= t < v.hidden + v.hidden_for or rng.random() < 0.06:
                continue
            corner = v.place + v.speed * (t - v.start) + rng.normal(0, 1.0, 2)
            boxes.append([*corner, *(corner + v.size + rng.normal(0, 1.0, 2))])
            scores.append(rng.uniform(0.12, 0.24) if rng.random() < 0.15 else rng.uniform(0.3, 0.95))
        if rng.random() < 0.15:
            corner = rng.uniform([0, 0], [500, 300])
            boxes.append([*corner, *(corner + rng.uniform(20, 60, 2))])
            scores.append(rng.uniform(0.1, 0.6))
        yield np.array(boxes, np.float32).reshape(-1, 4), np.array(scores, np.float32)


def _arguments(fuse_score, **more):
    return SimpleNamespace(
        track_high_thresh=0.25,
        track_low_thresh=0.1,
        new_track_thresh=0.25,
        track_buffer=BUFFER_FRAMES,
        match_thresh=0.8,
        fuse_score=fuse_score,
        **more,
    )


def _settings(fuse_score):
    # The oracle takes a stale track off its list one frame after it found it stale: buffer + 2 frames in all.
    return AssociationSettings(
        fuse_score=fuse_score,
        lost_after_s=(BUFFER_FRAMES + 2.5) * INTERVAL_NS / 1e9,
        still_after_s=3600,
        double_iou=1.0,
        lost_low_match_cost=0.0,
        last_place_cost=0.0,
        nominal_interval_s=INTERVAL_NS / 1e9,
    )


def _compare(oracle, ours, seed):
    reported = 0
    for t, (boxes, scores) in enumerate(_scene(seed)):
        expected = oracle.update(_Results(boxes, scores, np.full(len(scores), 2.0))).reshape(-1, 8)
        step = ours.update(1_000 + t * INTERVAL_NS, boxes, scores)
        shown = step.confirmed
        order, wanted = np.argsort(step.track_ids[shown]), np.argsort(expected[:, 4])
        assert step.track_ids[shown][order].tolist() == expected[wanted, 4].astype(int).tolist(), f"frame {t}"
        assert step.detections[shown][order].tolist() == expected[wanted, 7].astype(int).tolist(), f"frame {t}"
        np.testing.assert_allclose(step.boxes_xyxy[shown][order], expected[wanted, :4], atol=2e-2)
        reported += len(expected)
    assert reported > 100


@pytest.mark.parametrize("fuse_score", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_bytetrack_gives_the_same_ids_and_boxes(oracle_classes, seed, fuse_score):
    oracle, _ = oracle_classes
    _compare(oracle(_arguments(fuse_score)), ByteTrack(_settings(fuse_score)), seed)


@pytest.mark.parametrize("low_scores", [True, False])
@pytest.mark.parametrize("fuse_score", [True, False])
@pytest.mark.parametrize("seed", range(8))
def test_ocsort_gives_the_same_ids_and_boxes(oracle_classes, seed, fuse_score, low_scores):
    _, oracle = oracle_classes
    ours = OcSort(_settings(fuse_score), OcSortSettings(low_scores=low_scores, inertia=0.2, direction_s=0.3))
    _compare(oracle(_arguments(fuse_score, delta_t=3, inertia=0.2, use_byte=low_scores)), ours, seed)
