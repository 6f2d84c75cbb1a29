"""Intervals by bootstrap over vehicles. Pictures of one vehicle err together, so vehicles are drawn, not queries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Codes = NDArray[np.int64]
Interval = tuple[float, float]

DRAWS = 1000
LEVEL = 0.95


def bootstrap_means(values: Reals, vehicles: Codes, weights: Reals, rng: np.random.Generator) -> list[Interval]:
    """95 % intervals of weighted means, by the percentiles of `DRAWS` resamples.

    Each resample draws as many query vehicles as there are, with replacement, and takes all queries of a vehicle as
    often as it was drawn. The gallery stays as it is: the interval says how far the figure depends on who is asked for,
    not on who else drives.

    Args:
        values: (N, M), M figures of N queries.
        vehicles: (N,), whose query it is.
        weights: (N,).
        rng: Of the draws.

    Returns:
        M pairs of low and high.

    Source:
        Efron and Tibshirani, "An introduction to the bootstrap", 1993, chapter 13 (percentile interval); clusters as
        in Davison and Hinkley, 1997, section 3.8.
    """
    counts, owner = _draw(vehicles, rng)
    sums = np.zeros((counts.shape[1], values.shape[1]))
    np.add.at(sums, owner, values * weights[:, None])
    totals = np.bincount(owner, weights=weights, minlength=counts.shape[1])
    means = (counts @ sums) / (counts @ totals)[:, None]
    return [_interval(column) for column in means.T]


def bootstrap_macro(
    values: Reals, vehicles: Codes, groups: Codes, weights: Reals, rng: np.random.Generator
) -> Interval:
    """95 % interval of the mean over groups of each group's weighted mean.

    Args:
        values: (N,), of N queries.
        vehicles: (N,), whose query it is.
        groups: (N,), its class, 0 and up. A group that a resample misses is left out of that resample's mean.
        weights: (N,).
        rng: Of the draws.
    """
    counts, owner = _draw(vehicles, rng)
    shape = (counts.shape[1], int(groups.max()) + 1)
    sums, totals = np.zeros(shape), np.zeros(shape)
    np.add.at(sums, (owner, groups), values * weights)
    np.add.at(totals, (owner, groups), weights)
    drawn = counts @ totals
    means = np.divide(counts @ sums, drawn, out=np.full_like(drawn, np.nan), where=drawn > 0)
    return _interval(np.nanmean(means, axis=1))


def _draw(vehicles: Codes, rng: np.random.Generator) -> tuple[Reals, Codes]:
    """How often each vehicle is drawn, (DRAWS, V), and each query's vehicle as 0 … V - 1."""
    known, owner = np.unique(vehicles, return_inverse=True)
    counts = rng.multinomial(len(known), np.full(len(known), 1 / len(known)), size=DRAWS)
    return counts.astype(np.float64), owner.astype(np.int64)


def _interval(resampled: Reals) -> Interval:
    low, high = np.percentile(resampled, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return float(low), float(high)
