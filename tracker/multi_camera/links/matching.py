"""How likely each of several origins is, when no origin serves two arrivals. Owns the marginals, knows no cameras."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats

#: Rounds of message passing; the marginals settle geometrically.
ROUNDS = 8
#: Nats beyond which a pair is certain.
CERTAIN = 30.0


def matching_marginals(log_odds: Floats, keys: NDArray[np.int64]) -> Floats:
    """Probability of each pair of a matching in which arrivals and origins are used at most once.

    Args:
        log_odds: float64 (R, K), nats of an arrival's coming from an origin against both being alone; -inf where there
            is no origin.
        keys: int64 (R, K), tells origins apart.

    Returns:
        float64 (R, K); what is missing from 1 in a row is the probability of coming from nowhere.

    Source: Williams and Lau, "Approximate evaluation of marginal association probabilities with belief propagation"
        (2014).

    >>> matching_marginals(np.zeros((1, 1)), np.zeros((1, 1), np.int64))
    array([[0.5]])
    """
    return marginals_by_column(log_odds, columns_of(keys))


def columns_of(keys: NDArray[np.int64]) -> NDArray[np.intp]:
    """Origins numbered from 0 in place of their keys, in the same shape.

    >>> columns_of(np.array([[7, 9], [9, -1]])).tolist()
    [[1, 2], [2, 0]]
    """
    _, column = np.unique(keys, return_inverse=True)
    return column.reshape(keys.shape)


def marginals_by_column(log_odds: Floats, column: NDArray[np.intp]) -> Floats:
    """As :func:`matching_marginals`, for origins numbered by :func:`columns_of` once for many calls."""
    odds = np.exp(np.minimum(log_odds, CERTAIN))
    free = np.ones_like(odds)
    for _ in range(ROUNDS):
        part = odds * free
        wanted = odds / (1.0 + part.sum(axis=1, keepdims=True) - part)
        total = np.bincount(column.ravel(), wanted.ravel())
        free = 1.0 / np.maximum(1.0 + total[column] - wanted, 1.0)
    part = odds * free
    return np.asarray(part / (1.0 + part.sum(axis=1, keepdims=True)))
