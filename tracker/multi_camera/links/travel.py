"""The density of travel times. Owns the mathematics of robust log-normal models learned online; holds no state."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import gammaln, ndtr, stdtr

from tracker.multi_camera.arrays import Floats, Index

#: Added to every duration before its logarithm: durations near zero carry no more detail than this.
SHIFT_S = 0.5
#: Prior strength of a link's spread, in observations.
SPREAD_STRENGTH = 3.0
#: Prior strength of what all links have in common, in observations.
POOLED_STRENGTH = 4.0
#: Share of vehicles that do not travel a link as the others do: they stop, turn back, or are someone else.
BROAD_SHARE = 0.15
#: Degrees of freedom of a travel time that was given: nearly normal.
PINNED_DOF = 30.0
#: The least number there is beside -inf.
LEAST = float(np.finfo(np.float64).min)


@dataclass(frozen=True, slots=True)
class TravelTimes:
    """Density of the log-durations of many links: Student's t learned for each, and one broad t shared by all.

    Attributes:
        loc: Centre by link, log seconds.
        scale: Width by link.
        dof: Degrees of freedom by link.
        log_norm: Logarithm of the normalising constant by link.
        broad_loc: Centre of the shared part.
        broad_scale: Its width.
    """

    loc: Floats
    scale: Floats
    dof: Floats
    log_norm: Floats
    broad_loc: float
    broad_scale: float

    def log_parts(self, index: Index, x: Floats) -> tuple[Floats, Floats]:
        """Log densities, per unit of log-duration, of the learned part and of the shared part, shares included.

        Args:
            index: Index arrays that pick links, broadcasting to ``x``.
            x: Log-durations.
        """
        z = (x - self.broad_loc) / self.broad_scale
        broad = -0.5 * z * z - math.log(self.broad_scale * math.sqrt(2 * math.pi)) + math.log(BROAD_SHARE)
        return self.log_own(index, x), broad

    def log_own(self, index: Index, x: Floats) -> Floats:
        """The first of :meth:`log_parts` alone."""
        z = (x - self.loc[index]) / self.scale[index]
        dof = self.dof[index]
        own: Floats = self.log_norm[index] - 0.5 * (dof + 1) * np.log1p(z * z / dof) + math.log(1 - BROAD_SHARE)
        return own

    def log_density(self, index: Index, x: Floats) -> Floats:
        """Log density per second of log-durations ``x``; arguments as in :meth:`log_parts`."""
        density: Floats = log_sum(*self.log_parts(index, x)) - x
        return density

    def log_density_and_typical(self, index: Index, x: Floats) -> tuple[Floats, Floats]:
        """As :meth:`log_density`, and the probability that such a trip is one the link's own part stands for."""
        narrow, broad = self.log_parts(index, x)
        typical = np.asarray(1.0 / (1.0 + np.exp(np.minimum(broad - narrow, 500.0))))
        return log_sum(narrow, broad) - x, typical

    def share_within(self, index: Index, x: Floats) -> Floats:
        """Share of trips that take a log-duration of ``x`` at most; arguments as in :meth:`log_parts`."""
        narrow = stdtr(self.dof[index], (x - self.loc[index]) / self.scale[index])
        broad = ndtr((x - self.broad_loc) / self.broad_scale)
        share: Floats = (1 - BROAD_SHARE) * narrow + BROAD_SHARE * broad
        return share


def log_sum(one: Floats, other: Floats | float) -> Floats:
    """Logarithm of the sum of two exponentials, as ``numpy.logaddexp``, which takes many times as long.

    >>> log_sum(np.array([0.0, -np.inf]), np.array([-np.inf, -np.inf])).tolist()
    [0.0, -inf]
    """
    larger = np.maximum(one, other)
    behind = np.minimum(one, other) - np.maximum(larger, LEAST)  # of two that are -inf, -inf, too
    total: Floats = larger + np.log1p(np.exp(behind))
    return total


def pinned(times: TravelTimes, pins: Mapping[tuple[int, int], tuple[float, float]]) -> TravelTimes:
    """The same, with the own part of some links given instead of learned.

    Args:
        times: Of links by two cameras.
        pins: Median (s) and spread of the logarithm, by the numbers of both cameras.
    """
    if not pins:
        return times
    loc, scale, dof, log_norm = (a.copy() for a in (times.loc, times.scale, times.dof, times.log_norm))
    for link, (median_s, spread) in pins.items():
        loc[link], scale[link], dof[link] = log_duration(median_s), spread, PINNED_DOF
        log_norm[link] = _log_norm(dof[link], scale[link])
    return replace(times, loc=loc, scale=scale, dof=dof, log_norm=log_norm)


def _log_norm(dof: Floats, scale: Floats) -> Floats:
    """Logarithm of the normalising constant of Student's t."""
    norm: Floats = gammaln(0.5 * (dof + 1)) - gammaln(0.5 * dof) - 0.5 * np.log(dof * np.pi) - np.log(scale)
    return norm


def log_duration(seconds: Floats | float) -> Floats:
    """The scale on which durations are normal; negative durations count as 0.

    >>> float(log_duration(0.5))
    0.0
    """
    return np.asarray(np.log(np.maximum(seconds, 0.0) + SHIFT_S))


def travel_times(moments: Floats, median_s: float, log_sd: float, spread: float) -> TravelTimes:
    """What is known of links after some trips.

    A link's centre is uncertain by ``log_sd`` before any trip, its spread is about ``spread``. What all links have in
    common moves the centre expected of one that is not known yet.

    Args:
        moments: float64 (..., 3): weighted count, sum and sum of squares of log-durations by link.
        median_s: Median expected before any trip on any link.
        log_sd: Spread of medians between links.
        spread: Spread of trips on one link.

    Source: normal model with semi-conjugate priors on mean and variance, e.g. Gelman et al., "Bayesian Data Analysis",
    3rd ed., section 5.4; the variance is plugged in.
    """
    n, s1, s2 = moments[..., 0], moments[..., 1], moments[..., 2]
    centre, between = _pooled(moments, float(log_duration(median_s)), log_sd)
    scatter = np.maximum(s2 - s1**2 / np.maximum(n, 1e-9), 0.0)
    variance = (SPREAD_STRENGTH * spread**2 + scatter) / (SPREAD_STRENGTH + n)
    precision = 1.0 / between**2 + n / variance
    loc = (centre / between**2 + s1 / variance) / precision
    scale = np.sqrt(variance + 1.0 / precision)
    dof = SPREAD_STRENGTH + n
    return TravelTimes(loc, scale, dof, _log_norm(dof, scale), centre, math.hypot(between, spread))


def _pooled(moments: Floats, mean: float, sd: float) -> tuple[float, float]:
    """Centre and spread of medians over links; the spread never falls below half of what was expected."""
    n, s1, s2 = (float(moments[..., i].sum()) for i in range(3))
    centre = (POOLED_STRENGTH * mean + s1) / (POOLED_STRENGTH + n)
    second = (POOLED_STRENGTH * (sd**2 + mean**2) + s2) / (POOLED_STRENGTH + n)
    return centre, math.sqrt(max(second - centre**2, (0.5 * sd) ** 2))
