"""How far one camera's clock is ahead of another's, from vehicles that both saw. Owns the estimate; holds no state.

A vehicle passes one view so much later than the other as the way between them takes; one that comes the opposite way
passes it so much earlier. The time between is therefore taken to be an odd function of the direction of travel, and
what is left of it for no direction is what the clocks are apart. Over views that overlap it is small at all events.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats, Ints

#: Encounters from which an offset is estimated.
LEAST = 8
#: Prior standard deviation, seconds, of what a direction adds to the time between two views: so wide that an offset is
#: certain only where vehicles go both ways; and between two views that are known to overlap.
WAY_SD_S, OVERLAPPING_WAY_SD_S = 12.0, 1.2
#: Prior standard deviation of an offset.
OFFSET_SD_S = 100.0
#: The least scatter of times, at last and at first, and the degrees of freedom of their tails.
LEAST_SCALE_S, FIRST_SCALE_S, TAIL = 0.3, 3.0, 3.0
#: Share of the way between two views by which the ways there and back may differ.
UNEVEN = 0.2
#: How little two movements must leave of each other, squared, to be opposite.
OPPOSITE = 0.5
#: Vehicles that must go each of two opposite ways for an offset to be certain: a single one may be a stray.
LEAST_WAY = 4
#: Scales from what it should be within which a time is explained, and the least share of each way that has to be.
USUAL, LEAST_EXPLAINED = 4.0, 0.75
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
    features = np.concatenate([np.ones((len(between_s), 1)), movement], axis=1)
    spread = [OFFSET_SD_S, *[way_sd_s] * movement.shape[1]]
    coefficients, scale_s, sd, explained = _regress(features, between_s, spread)
    way_s = float(np.median(np.abs(movement @ coefficients[1:])))
    error_s = math.hypot(float(sd[0]), UNEVEN * way_s)
    if _least_way(movement, explained) < LEAST_WAY:
        error_s = max(error_s, way_sd_s)
    return Fit(coefficients, scale_s, error_s, len(between_s))


def _least_way(movement: Floats, explained: NDArray[np.bool_]) -> int:
    """How many go that of two opposite ways that fewer go, of N; 0 where most of a way's times are not explained.

    Ways are opposite that are so in both pictures. What is left of vehicles that went round, or came in by one arm and
    out by another, is no way back.

    Args:
        movement: float64 (N, 4), directions in both pictures.
        explained: bool (N,), whose time is about what it should be.
    """
    length = (movement**2).sum(axis=1)
    left = length[:, None] + length + 2.0 * movement @ movement.T
    moves = length > OPPOSITE
    opposite = (left <= OPPOSITE) & moves[:, None] & moves
    met = np.flatnonzero(opposite.any(axis=1))
    if not len(met):
        return 0
    _, axes = np.linalg.eigh(movement[met].T @ movement[met])
    along = movement[met] @ axes[:, -1] > 0
    sides = [explained[met[along]], explained[met[~along]]]
    if any(side.mean() < LEAST_EXPLAINED for side in sides if len(side)):
        return 0
    return min(int(side.sum()) for side in sides)


def drift(between_s: Floats, movement: Floats, age: Floats) -> Fit:
    """How far the second clock moved against the first over some time; in place of an offset.

    Args:
        between_s: float64 (N,), from the one view to the other.
        movement: float64 (N, 4), directions in both pictures.
        age: float64 (N,), when, from -0.5 to 0.5 over that time.
    """
    still = np.concatenate([np.ones((len(between_s), 1)), movement], axis=1)
    features = np.concatenate([age[:, None] * still, still], axis=1)
    spread = [OFFSET_SD_S, *[WAY_SD_S] * movement.shape[1]]
    coefficients, scale_s, sd, explained = _regress(features, between_s, spread + spread)
    least_way = min(_least_way(movement[half], explained[half]) for half in (age < 0, age >= 0))
    error_s = float(sd[0]) if least_way >= LEAST_WAY else OFFSET_SD_S
    return Fit(coefficients, scale_s, error_s, len(between_s))


def _regress(
    features: Floats, values: Floats, spread: Sequence[float]
) -> tuple[Floats, float, Floats, NDArray[np.bool_]]:
    """Coefficients (K,) of features (N, K), scale of what is left, and their standard deviations (K,).

    And which of the values, (N,), are about what they should be.

    Args:
        features: float64 (N, K).
        values: float64 (N,).
        spread: Prior standard deviation of each coefficient.
    """
    prior = np.diag(np.asarray(spread) ** -2.0)
    scale = max(MAD_TO_SD * float(np.median(np.abs(values - np.median(values)))), FIRST_SCALE_S)
    weight = np.ones(len(values))
    coefficients: Floats = np.zeros(len(prior))
    precision: Floats = prior
    for _ in range(ROUNDS):
        precision = np.asarray((features * weight[:, None]).T @ features / scale**2 + prior, np.float64)
        solved = np.linalg.solve(precision, features.T @ (weight * values) / scale**2)
        coefficients = np.asarray(solved, np.float64)
        left = values - features @ coefficients
        scale = max(MAD_TO_SD * float(np.median(np.abs(left))), LEAST_SCALE_S)
        weight = (TAIL + 1.0) / (TAIL + (left / scale) ** 2)
    explained = np.abs(values - features @ coefficients) <= USUAL * scale
    return coefficients, scale, np.sqrt(np.diag(np.linalg.inv(precision))), explained


def settle(fits: Mapping[tuple[int, int], Fit], cameras: int) -> tuple[Floats, Floats]:
    """How far every clock is ahead of the mean of those it can be compared with.

    Args:
        fits: By the numbers of two cameras.
        cameras: Number of cameras.

    Returns:
        Seconds, (C,), 0 for cameras without a comparison; and their covariance about that mean, (C, C).
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
    covariance = np.asarray(np.linalg.inv(precision), np.float64)
    group = _groups(fits, cameras)
    together = group[:, None] == group
    about_mean = np.eye(cameras) - together / together.sum(axis=1, keepdims=True)
    return covariance @ pull, about_mean @ covariance @ about_mean.T


def _groups(pairs: Iterable[tuple[int, int]], cameras: int) -> Ints:
    """A number for each camera, one for all that pairs join, (C,)."""
    group = np.arange(cameras)
    for one, other in pairs:
        group[group == group[other]] = group[one]
    return group
