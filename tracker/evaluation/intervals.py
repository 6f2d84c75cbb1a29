"""Means over seeds and how sure they are. Arithmetic only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS = 10_000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over seeds with its 95 % interval; nan where nothing was measured."""

    value: float
    low: float
    high: float


def mean_of(values: Sequence[float]) -> float:
    """The mean of values, one a seed; those that are nan are left out, and nan is the mean of none.

    >>> mean_of([0.5, float("nan"), 1.0])
    0.75
    """
    known = _known(values)
    return float(known.mean()) if len(known) else float("nan")


def bootstrap_mean(values: Sequence[float], seed: int = 0) -> Mean:
    """The mean of values, one a seed, and the percentiles of resampled means.

    For a paired comparison give the differences of each seed. Values that are nan are left out. One value has no
    spread: its interval is the value.

    Source: Efron and Tibshirani, "An introduction to the bootstrap" (1993), chapter 13, percentile interval.

    >>> bootstrap_mean([0.5, 0.5])
    Mean(value=0.5, low=0.5, high=0.5)
    """
    known = _known(values)
    if not len(known):
        return Mean(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    means = known[rng.integers(len(known), size=(DRAWS, len(known)))].mean(axis=1)
    low, high = np.percentile(means, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Mean(mean_of(values), float(low), float(high))


def _known(values: Sequence[float]) -> NDArray[np.float64]:
    return np.array([v for v in values if not np.isnan(v)], np.float64)
