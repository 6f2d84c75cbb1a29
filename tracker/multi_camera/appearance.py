"""How alike an observation and the identities in memory look. Owns the comparison of vectors, not what it is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.memory import IdentityMemory
from tracker.multi_camera.travel import Floats
from tracker.multi_camera.types import Observation

Rows = NDArray[np.intp]
Nearest = NDArray[np.float32]


class Comparison:
    """Compares observations with a memory; a bucket at a time where it can."""

    def __init__(self, memory: IdentityMemory) -> None:
        self._memory = memory
        self._prepared: dict[str, Nearest] = {}

    def prepare(self, batch: Sequence[Observation]) -> None:
        """Compares a whole bucket with all identities in one matrix product.

        Identities that change after this are compared anew, one observation at a time.
        """
        memory = self._memory
        memory.changed_rows.clear()
        self._prepared = {}
        queries = [(o.sighting_id, memory.query_vectors(o)) for o in batch]
        queries = [(s, q) for s, q in queries if q.shape[1] == memory.vectors.shape[2] and len(q)]
        if not queries:
            return
        pairs = self._pairs(np.concatenate([q for _, q in queries]), memory.vectors)
        begin = 0
        for sighting_id, query in queries:
            self._prepared[sighting_id] = pairs[begin : begin + len(query)].max(axis=0)
            begin += len(query)

    @staticmethod
    def _pairs(query: NDArray[np.float32], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """Similarity of each query vector to each exemplar, (Q, D) and (R, X, D) to (Q, R, X)."""
        r, x, d = vectors.shape
        pairs: NDArray[np.float32] = (query @ vectors.reshape(r * x, d).T).reshape(len(query), r, x)
        return pairs

    def nearest(self, observation: Observation) -> Nearest:
        """Similarity of every exemplar to the observation's vector nearest to it.

        Returns:
            float32 (K, X); -inf where there is no exemplar, and everywhere for an observation of another model.
        """
        memory = self._memory
        k, x, d = memory.vectors.shape
        query = memory.query_vectors(observation)
        if not len(query) or query.shape[1] != d:
            return np.full((k, x), -np.inf, np.float32)
        known = self._prepared.get(observation.sighting_id)
        if known is None:
            nearest = np.asarray(self._pairs(query, memory.vectors).max(axis=0))
        else:
            nearest = np.zeros((k, x), np.float32)
            nearest[: len(known)] = known
            rows = np.array(sorted(memory.changed_rows), np.intp)
            nearest[rows] = self._pairs(query, memory.vectors[rows]).max(axis=0)
        nearest[np.arange(x)[None, :] >= memory.vector_counts[:, None]] = -np.inf
        return nearest

    def similarity(self, nearest: Nearest, rows: Rows) -> Floats:
        """Similarity to identities: the mean over the better half of their exemplars.

        Args:
            nearest: float32 (K, X) of :meth:`nearest`.
            rows: R rows.

        Returns:
            float64 (R,), in [-1, 1]; -inf for identities without exemplars.
        """
        counts = self._memory.vector_counts[rows]
        x = nearest.shape[1]
        ascending = np.sort(nearest[rows], axis=1)
        half = (counts + 1) // 2
        better = np.arange(x)[None, :] >= (x - half)[:, None]
        total = np.where(better, ascending, 0.0).sum(axis=1, dtype=np.float64)
        return np.where(counts > 0, total / np.maximum(half, 1), -np.inf)
