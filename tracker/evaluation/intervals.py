"""Means over seeds and how sure they are. Arithmetic only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

DRAWS = 10_000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over seeds with its 95 % interval; nan where nothing was measured."""

    value: float
    low: float
    high: float


def bootstrap_mean(values: Sequence[float], seed: int = 0) -> Mean:
    """The mean of values, one a seed, and the percentiles of resampled means.

    For a paired comparison give the differences of each seed. Values that are nan are left out. One value has no
    spread: its interval is the value.

    Source: Efron and Tibshirani, "An introduction to the bootstrap" (1993), chapter 13, percentile interval.

    >>> bootstrap_mean([0.5, 0.5])
    Mean(value=0.5, low=0.5, high=0.5)
    """
    known = np.array([v for v in values if not np.isnan(v)])
    if not len(known):
        return Mean(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    means = known[rng.integers(len(known), size=(DRAWS, len(known)))].mean(axis=1)
    low, high = np.percentile(means, [50 * (1 - LEVEL), 50 * (1 + LEVEL)])
    return Mean(float(known.mean()), float(low), float(high))
