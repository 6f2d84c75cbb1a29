"""The motion model in real time."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.single_camera.association.kalman import KalmanFilter, measured_from_xyxy, xyxy_from_mean

TAU = 0.1


def _state(n=3):
    filter_ = KalmanFilter(TAU)
    boxes = np.random.default_rng(0).uniform(0, 100, (n, 4)) + np.array([0, 0, 150, 150])
    mean, covariance = filter_.initiate(measured_from_xyxy(boxes))
    mean[:, 4:7] = np.random.default_rng(1).normal(0, 30, (n, 3))
    return filter_, mean, covariance


@pytest.mark.parametrize("steps", [2, 3, 7])
def test_one_long_step_equals_many_nominal_ones(steps):
    filter_, mean, covariance = _state()
    expected = (mean, covariance)
    for _ in range(steps):
        expected = filter_.predict(*expected, TAU)
    for ours, theirs in zip(filter_.predict(mean, covariance, steps * TAU), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("dt_s", [0.001, 0.03, 0.099, 0.13, 0.5, 2.5])
def test_covariance_stays_positive_definite(dt_s):
    filter_, mean, covariance = _state()
    for _ in range(20):
        mean, covariance = filter_.predict(mean, covariance, dt_s)
        mean, covariance = filter_.update(mean, covariance, mean[:, :4] + 1.0)
    assert (np.linalg.eigvalsh((covariance + covariance.transpose(0, 2, 1)) / 2) > 0).all()


def test_learns_the_speed_per_second_whatever_the_rate():
    for dt_s in (0.05, 0.1, 0.3):
        filter_ = KalmanFilter(TAU)
        mean, covariance = filter_.initiate(np.array([[0.0, 0.0, 1.5, 50.0]]))
        for k in range(1, 60):
            mean, covariance = filter_.predict(mean, covariance, dt_s)
            mean, covariance = filter_.update(mean, covariance, np.array([[40.0 * dt_s * k, 0.0, 1.5, 50.0]]))
        assert mean[0, 4] == pytest.approx(40.0, rel=0.05)


def test_boxes_survive_the_round_trip():
    boxes = np.array([[10.0, 20.0, 50.0, 40.0], [0.0, 0.0, 3.0, 9.0]])
    mean, _ = KalmanFilter(TAU).initiate(measured_from_xyxy(boxes))
    np.testing.assert_allclose(xyxy_from_mean(mean), boxes)


def test_no_track_is_no_trouble():
    filter_ = KalmanFilter(TAU)
    mean, covariance = filter_.initiate(np.zeros((0, 4)))
    assert filter_.predict(mean, covariance, TAU)[0].shape == (0, 8)


@pytest.mark.parametrize("dt_s", [0.0, -0.1, float("nan")])
def test_time_must_pass(dt_s):
    filter_, mean, covariance = _state()
    with pytest.raises(ValueError, match="dt_s must be > 0"):
        filter_.predict(mean, covariance, dt_s)
