"""How far one camera's clock is ahead of another's, from vehicles that both saw. Owns the estimate; holds no state.

A vehicle passes one view so much later than the other as the way between them takes; one that comes the opposite way
passes it so much earlier. The time between is therefore taken to be an odd function of the direction of travel, and
what is left of it for no direction is what the clocks are apart. Over views that overlap it is small at all events.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tracker.multi_camera.travel import Floats

#: Encounters from which an offset is estimated.
LEAST = 8
#: Prior standard deviation, seconds, of what a direction adds to the time between two views: so wide that an offset is
#: certain only where vehicles go both ways; and between two views that are known to overlap.
WAY_SD_S, OVERLAPPING_WAY_SD_S = 12.0, 1.2
#: Prior standard deviation of an offset.
OFFSET_SD_S = 100.0
#: The least scatter of times, and the degrees of freedom of their tails.
LEAST_SCALE_S, TAIL = 0.3, 3.0
#: Share of the way between two views by which the ways there and back may differ.
UNEVEN = 0.2
MAD_TO_SD = 1.4826
ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Fit:
    """What the times between two views look like.

    Attributes:
        coefficients: (5,), the offset and what each component of movement adds to it, seconds.
        scale_s: How far times scatter around that.
        error_s: Standard error of the offset.
        trips: Encounters it was learned from.
    """

    coefficients: Floats
    scale_s: float
    error_s: float
    trips: int

    @property
    def offset_s(self) -> float:
        """Seconds by which the second clock is ahead."""
        return float(self.coefficients[0])

    def moved(self, by_s: float) -> Fit:
        """The same after the second clock was put forward."""
        coefficients = self.coefficients.copy()
        coefficients[0] += by_s
        return Fit(coefficients, self.scale_s, self.error_s, self.trips)


def fit(between_s: Floats, movement: Floats, way_sd_s: float = WAY_SD_S) -> Fit:
    """The offset of two clocks.

    Args:
        between_s: float64 (N,), from the one view to the other, at least ``LEAST``.
        movement: float64 (N, 4), directions in both pictures.
        way_sd_s: What is expected of the way between the views.

    Source: Bayesian linear regression with Student's t errors by iteratively reweighted least squares, e.g. Gelman et
        al., "Bayesian Data Analysis", 3rd ed., section 17.2.
    """
    x = np.concatenate([np.ones((len(between_s), 1)), movement], axis=1)
    prior = np.diag([OFFSET_SD_S**-2] + [way_sd_s**-2] * movement.shape[1])
    scale_s = max(MAD_TO_SD * float(np.median(np.abs(between_s - np.median(between_s)))), 3.0)
    weight = np.ones(len(between_s))
    coefficients = np.zeros(x.shape[1])
    precision = prior
    for _ in range(ROUNDS):
        precision = (x * weight[:, None]).T @ x / scale_s**2 + prior
        coefficients = np.linalg.solve(precision, x.T @ (weight * between_s) / scale_s**2)
        left = between_s - x @ coefficients
        scale_s = max(MAD_TO_SD * float(np.median(np.abs(left))), LEAST_SCALE_S)
        weight = (TAIL + 1.0) / (TAIL + (left / scale_s) ** 2)
    way_s = float(np.median(np.abs(movement @ coefficients[1:])))
    error_s = math.hypot(math.sqrt(float(np.linalg.inv(precision)[0, 0])), UNEVEN * way_s)
    return Fit(coefficients, scale_s, error_s, len(between_s))


def settle(fits: Mapping[tuple[int, int], Fit], cameras: int) -> tuple[Floats, Floats]:
    """How far every clock is ahead of the mean of those it can be compared with.

    Args:
        fits: By the numbers of two cameras.
        cameras: Number of cameras.

    Returns:
        Seconds, (C,), 0 for cameras without a comparison; and their covariance, (C, C).
    """
    precision = np.eye(cameras) / OFFSET_SD_S**2
    pull = np.zeros(cameras)
    for (one, other), known in fits.items():
        weight = known.error_s**-2
        precision[one, one] += weight
        precision[other, other] += weight
        precision[one, other] -= weight
        precision[other, one] -= weight
        pull[other] += weight * known.offset_s
        pull[one] -= weight * known.offset_s
    covariance = np.linalg.inv(precision)
    return covariance @ pull, covariance
