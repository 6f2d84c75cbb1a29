"""What several views of a vehicle come to in one vector. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def mean_direction(vectors: NDArray[np.float32], weights: NDArray[np.float32] | None = None) -> NDArray[np.float32]:
    """Mean of unit vectors (N, D), N >= 1, by weights (N,) > 0, brought back to L2 norm 1: float32 (D,).

    Where the vectors cancel out, the one of greatest weight; without weights, the first.

    >>> mean_direction(np.eye(2, dtype=np.float32)).round(3).tolist()
    [0.7070000171661377, 0.7070000171661377]
    >>> mean_direction(np.array([[1, 0], [-1, 0]], np.float32)).tolist()
    [1.0, 0.0]
    """
    if weights is None:
        weights = np.ones(len(vectors), np.float32)
    mean: NDArray[np.float32] = (vectors * weights[:, None]).sum(axis=0) / weights.sum()
    norm = float(np.linalg.norm(mean))
    unit = vectors[int(weights.argmax())] if norm < 1e-3 else mean / np.float32(norm)
    return unit.astype(np.float32)
