"""Owns the motion model of boxes: a constant-velocity Kalman filter in real time. Never matches or names a track.

The state of a track is ``(cx, cy, a, h, vcx, vcy, va, vh)``: centre of the box in px, aspect ratio width / height,
height in px, and the change of each per second. Noise grows with the height of the box and is stated for one nominal
frame interval; predicting over k nominal intervals gives what k predictions over one give.

Source: Wojke et al. 2017, "Simple Online and Realtime Tracking with a Deep Association Metric", state and noise
weights. Departure: velocities per second and noise integrated over the real time step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_POSITION_WEIGHT = 1 / 20
_VELOCITY_WEIGHT = 1 / 160
_ASPECT_STD = 1e-2
_ASPECT_VELOCITY_STD = 1e-5
_ASPECT_MEASURED_STD = 1e-1


class KalmanFilter:
    """Filters many tracks at once; holds no track.

    Args:
        nominal_interval_s: Frame interval for which the noise weights are stated, > 0.
    """

    def __init__(self, nominal_interval_s: float) -> None:
        if not nominal_interval_s > 0:
            raise ValueError(f"nominal_interval_s must be > 0, got {nominal_interval_s}")
        self._interval_s = nominal_interval_s

    def initiate(self, measured: Array) -> tuple[Array, Array]:
        """States of new tracks at rest.

        Args:
            measured: (N, 4), cx, cy, a, h.

        Returns:
            Means (N, 8) and covariances (N, 8, 8).
        """
        n = len(measured)
        mean = np.concatenate([measured, np.zeros((n, 4))], axis=1)
        h = measured[:, 3]
        std = np.empty((n, 8))
        std[:, [0, 1, 3]] = (2 * _POSITION_WEIGHT * h)[:, None]
        std[:, 2] = _ASPECT_STD
        std[:, [4, 5, 7]] = (10 * _VELOCITY_WEIGHT / self._interval_s * h)[:, None]
        std[:, 6] = _ASPECT_VELOCITY_STD / self._interval_s
        covariance = np.zeros((n, 8, 8))
        covariance[:, range(8), range(8)] = std**2
        return mean, covariance

    def predict(self, mean: Array, covariance: Array, dt_s: float) -> tuple[Array, Array]:
        """States after ``dt_s`` seconds without a measurement.

        Args:
            mean: (N, 8).
            covariance: (N, 8, 8).
            dt_s: Seconds, > 0.

        Returns:
            New means (N, 8) and covariances (N, 8, 8).

        Raises:
            ValueError: ``dt_s`` is not positive.
        """
        if not dt_s > 0:
            raise ValueError(f"dt_s must be > 0, got {dt_s}")
        motion = np.eye(8)
        motion[range(4), range(4, 8)] = dt_s
        return mean @ motion.T, motion @ covariance @ motion.T + self._motion_noise(mean[:, 3], dt_s)

    def update(self, mean: Array, covariance: Array, measured: Array) -> tuple[Array, Array]:
        """States corrected by one measurement each.

        Args:
            mean: (N, 8), predicted.
            covariance: (N, 8, 8), predicted.
            measured: (N, 4), cx, cy, a, h.

        Returns:
            New means (N, 8) and covariances (N, 8, 8).
        """
        projected = covariance[:, :4, :4].copy()
        h = mean[:, 3]
        std = np.empty((len(mean), 4))
        std[:, [0, 1, 3]] = (_POSITION_WEIGHT * h)[:, None]
        std[:, 2] = _ASPECT_MEASURED_STD
        projected[:, range(4), range(4)] += std**2
        gain = np.linalg.solve(projected, covariance[:, :4, :]).transpose(0, 2, 1)  # (N, 8, 4)
        innovation = (measured - mean[:, :4])[:, :, None]  # (N, 4, 1)
        return mean + (gain @ innovation)[:, :, 0], covariance - gain @ covariance[:, :4, :]

    def _motion_noise(self, h: Array, dt_s: float) -> Array:
        """(N, 8, 8): what k = dt / nominal steps of diagonal noise add up to, each step's velocity noise moving on."""
        k = dt_s / self._interval_s
        position = np.empty((len(h), 4))
        position[:, [0, 1, 3]] = ((_POSITION_WEIGHT * h) ** 2)[:, None]
        position[:, 2] = _ASPECT_STD**2
        velocity = np.empty((len(h), 4))  # per nominal interval
        velocity[:, [0, 1, 3]] = ((_VELOCITY_WEIGHT * h) ** 2)[:, None]
        velocity[:, 2] = _ASPECT_VELOCITY_STD**2
        noise = np.zeros((len(h), 8, 8))
        first, second = range(4), range(4, 8)
        noise[:, first, first] = k * position + max(0.0, (k - 1) * k * (2 * k - 1) / 6) * velocity
        noise[:, second, second] = k * velocity / self._interval_s**2
        noise[:, first, second] = noise[:, second, first] = max(0.0, k * (k - 1) / 2) * velocity / self._interval_s
        return noise


def measured_from_xyxy(boxes_xyxy: Array) -> Array:
    """Boxes (N, 4) as left, top, right, bottom to measurements (N, 4) cx, cy, a, h.

    >>> measured_from_xyxy(np.array([[0.0, 0.0, 20.0, 10.0]])).tolist()
    [[10.0, 5.0, 2.0, 10.0]]
    """
    size = boxes_xyxy[:, 2:] - boxes_xyxy[:, :2]
    result = np.empty((len(boxes_xyxy), 4))
    result[:, :2] = boxes_xyxy[:, :2] + size / 2
    result[:, 2] = size[:, 0] / size[:, 1]
    result[:, 3] = size[:, 1]
    return result


def xyxy_from_mean(mean: Array) -> Array:
    """Boxes (N, 4) as left, top, right, bottom of states (N, 8)."""
    half = mean[:, 2:4] / 2
    half[:, 0] *= mean[:, 3]
    boxes = np.empty((len(mean), 4))
    boxes[:, :2] = mean[:, :2] - half
    boxes[:, 2:] = mean[:, :2] + half
    return boxes
