"""Tracking at other frame rates: thinning, drawn detections, scores, and the bar itself."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.metrics.cityflow import CityFlowTracks, parse_cityflow
from tracker.metrics.frame_rate import (
    DetectedFrame,
    DetectorNoise,
    Material,
    Rate,
    score_at_rate,
    score_tracking,
    simulate_detections,
    thinned,
    track,
)
from tracker.metrics.tracklets import TrackletBoxes
from tracker.single_camera.settings import TrackerSettings

NOTHING = np.zeros((0, 4))


def _frames(n):
    return [DetectedFrame(k + 1, NOTHING, np.zeros(0)) for k in range(n)]


def _truth(vehicles=10, frames=300, cameras=2):
    """Vehicles that drive straight through, one after the other, on two lanes against each other."""
    rng = np.random.default_rng(4)
    rows = []
    for camera in range(1, cameras + 1):
        for vehicle in range(vehicles):
            begin = 1 + round(vehicle * frames / vehicles * 0.8)
            speed = rng.uniform(6, 11) * (1 if vehicle % 2 else -1)
            for k in range(45):
                x = (40 if speed > 0 else 560) + speed * k
                rows.append((camera, vehicle, begin + k, x, 100 + 60 * (vehicle % 2), 60, 40, 1.0))
    table = np.array(rows)
    whole = table[:, :3].astype(np.int64)
    return CityFlowTracks(whole[:, 0], whole[:, 1], whole[:, 2], table[:, 3:7], table[:, 7])


@pytest.mark.parametrize(("fps", "kept"), [(10, 100), (5, 50), (4, 40), (2.5, 25), (0.5, 5)])
def test_thinning_is_even(fps, kept):
    numbers = [frame.frame for frame in thinned(_frames(100), 10, Rate(fps), np.random.default_rng(0))]
    assert abs(len(numbers) - kept) <= 1
    gaps = np.diff(numbers)
    assert gaps.max() - gaps.min() <= 1


def test_losses_are_random_and_seeded():
    kept = [len(thinned(_frames(1000), 10, Rate(10, 0.3), np.random.default_rng(seed))) for seed in (1, 1, 2)]
    assert kept[0] == kept[1] != kept[2]
    assert kept[0] == pytest.approx(700, abs=60)


@pytest.mark.parametrize("rate", [Rate(11), Rate(0), Rate(-1), Rate(float("nan")), Rate(5, 1.0), Rate(5, -0.1)])
def test_rates_out_of_range_are_refused(rate):
    with pytest.raises(ValueError, match="must be in"):
        thinned(_frames(3), 10, rate, np.random.default_rng(0))


def test_drawn_detections_follow_size_and_visibility():
    n = 400
    frame = np.arange(1, n + 1)

    def found(width, visible):
        xywh = np.tile([50.0, 50, width, 20], (n, 1))
        truth = CityFlowTracks(np.ones(n, int), np.ones(n, int), frame, xywh, np.full(n, visible))
        drawn = simulate_detections(truth, DetectorNoise(false_alarms=0), np.random.default_rng(0))[1]
        assert [d.frame for d in drawn] == frame.tolist()
        boxes = [d for d in drawn if len(d.scores)]
        return len(boxes) / n, np.mean([d.scores[0] for d in boxes]) if boxes else 0.0

    plain, unknown, hidden, small, speck = (found(*args) for args in ((60, 1), (60, -1), (60, 0.2), (16, 1), (5, 1)))
    assert plain[0] == pytest.approx(0.95, abs=0.03)
    assert plain == unknown
    assert plain[0] > small[0] > hidden[0]
    assert plain[1] > small[1]
    assert speck[0] < 0.1


def test_frames_without_a_vehicle_are_frames_too():
    truth = CityFlowTracks(
        np.array([1, 1]), np.array([1, 1]), np.array([3, 6]), np.tile([50.0, 50, 60, 40], (2, 1)), np.ones(2)
    )
    drawn = simulate_detections(truth, DetectorNoise(false_alarms=0, recall=1), np.random.default_rng(0))[1]
    assert [(d.frame, len(d.scores)) for d in drawn] == [(3, 1), (4, 0), (5, 0), (6, 1)]


def test_the_same_seed_draws_the_same():
    truth = _truth(vehicles=3)
    first, second = (simulate_detections(truth, DetectorNoise(), np.random.default_rng(5)) for _ in range(2))
    for camera, frames in first.items():
        for a, b in zip(frames, second[camera], strict=True):
            assert np.array_equal(a.boxes_xyxy, b.boxes_xyxy)
            assert np.array_equal(a.scores, b.scores)
            assert (np.diff(a.scores) <= 0).all()


def test_a_truth_of_endless_frames_is_refused_before_any_is_drawn():
    truth = parse_cityflow("1 4 7 10 10 50 50\n2 4 8 10 10 50 50\n2 4 2000000000 10 10 50 50\n")
    with pytest.raises(ValueError, match="from frame 8 to 2000000000 in camera 2: detections are drawn for at most"):
        simulate_detections(truth, DetectorNoise(), np.random.default_rng(0))


def test_vehicles_below_zero_are_other_vehicles_in_every_camera():
    rows = [f"{camera} {vehicle} {f} 10 10 50 50" for camera, vehicle in ((1, 4), (2, -1)) for f in range(1, 11)]
    boxes = np.tile([10.0, 10, 50, 50], (10, 1))
    tracks = [TrackletBoxes(str(camera), camera, np.arange(1, 11), boxes) for camera in (1, 2)]
    score = score_tracking(parse_cityflow("\n".join(rows)), tracks)
    assert (score.idf1, score.vehicles) == (1.0, 2)


def test_a_vehicle_that_is_twice_in_a_frame_is_named_as_in_the_truth():
    with pytest.raises(ValueError, match="vehicle 7 more than once in frame 3 of camera 2"):
        score_tracking(parse_cityflow("2 7 3 10 10 50 50\n2 7 3 90 10 50 50\n1 9 3 10 10 50 50"), [])


def test_tracks_too_short_to_be_told_do_not_count():
    box = np.array([[10.0, 10, 60, 50]])
    frames = [DetectedFrame(k, box, np.array([0.9])) for k in (1, 2)]
    assert track(frames, 1, 10.0, TrackerSettings()) == []


@pytest.mark.parametrize("algorithm", ["bytetrack", "ocsort"])
def test_half_the_frames_cost_less_than_three_points(algorithm):
    truth = _truth()
    material = Material(truth, simulate_detections(truth, DetectorNoise(), np.random.default_rng(0)), 10.0)
    settings = TrackerSettings(algorithm=algorithm)
    scores = {
        fps: score_at_rate(material, Rate(fps, 0.1), settings, np.random.default_rng(1)).idf1 for fps in (10, 5, 4)
    }
    assert scores[10] > 0.93
    assert scores[10] - scores[5] < 0.03
    assert scores[10] - scores[4] < 0.06
