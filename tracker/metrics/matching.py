"""Owns the one-to-one choice among overlapping pairs, timestep by timestep. Never computes an overlap."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment


def best_pairs(
    truth_box: NDArray[np.int64],
    predicted_box: NDArray[np.int64],
    step: NDArray[np.int64],
    score: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Chooses among candidate pairs so that no box is used twice and the summed score is largest.

    Args:
        truth_box: int64 (K,).
        predicted_box: int64 (K,).
        step: int64 (K,), timestep of the pair; boxes of different timesteps never meet.
        score: float64 (K,), > 0.

    Returns:
        int64 (M,), indices of the chosen pairs, ascending.
    """
    if not len(score):
        return np.zeros(0, np.int64)
    lonely = (np.bincount(truth_box)[truth_box] == 1) & (np.bincount(predicted_box)[predicted_box] == 1)
    chosen = [np.flatnonzero(lonely)]
    contested = np.flatnonzero(~lonely)
    contested = contested[np.argsort(step[contested], kind="stable")]
    for pairs in np.split(contested, np.flatnonzero(np.diff(step[contested])) + 1):
        if not len(pairs):
            continue
        rows, row = np.unique(truth_box[pairs], return_inverse=True)
        columns, column = np.unique(predicted_box[pairs], return_inverse=True)
        matrix = np.zeros((len(rows), len(columns)))
        index = np.full(matrix.shape, -1)
        matrix[row, column] = score[pairs]
        index[row, column] = pairs
        best = index[linear_sum_assignment(matrix, maximize=True)]
        chosen.append(best[best >= 0])
    return np.sort(np.concatenate(chosen)).astype(np.int64)
