"""Which vectors stand for a sighting and for an identity. Pure functions; a result depends on the vectors alone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.types import Observation

Vectors = NDArray[np.float32]


def diverse(vectors: Vectors, quality: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Picks vectors that differ from one another, good ones first.

    The best is taken, then again and again the one with the largest product of quality and distance to those taken.

    Args:
        vectors: float32 (N, D), L2 = 1 each, N >= 1.
        quality: float64 (N,), in [0, 1].
        count: How many to pick at most.

    Returns:
        intp (min(N, count),), in the order of picking; ties go to the lower index.

    >>> v = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    >>> diverse(v, np.array([0.9, 0.8, 0.5]), 2).tolist()
    [0, 2]
    """
    if len(vectors) <= count:
        return np.arange(len(vectors))
    chosen = [int(np.argmax(quality))]
    distance = 1.0 - vectors @ vectors[chosen[0]]
    while len(chosen) < count:
        gain = (0.05 + quality) * distance
        gain[chosen] = -1.0
        chosen.append(int(np.argmax(gain)))
        distance = np.minimum(distance, 1.0 - vectors @ vectors[chosen[-1]])
    return np.array(chosen)


def contribution(observation: Observation, extra: int) -> Vectors:
    """The vectors one sighting is compared by and adds to its identity: however many revisions it has, never more.

    Args:
        observation: Its newest revision.
        extra: Exemplars taken beside the embedding, those that differ most from it.

    Returns:
        float32 (1..1 + extra, D), the embedding first.
    """
    exemplars = observation.exemplars
    if extra == 0 or len(exemplars) == 0:
        return observation.embedding[None, :]
    pool = np.concatenate([observation.embedding[None, :], exemplars])
    quality = np.array([1.0] + [0.5] * len(exemplars))
    return pool[diverse(pool, quality, 1 + extra)]
