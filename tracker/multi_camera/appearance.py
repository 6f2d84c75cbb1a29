"""How alike an observation and the identities in memory look. Owns the comparison of vectors, not what it is worth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.memory import IdentityMemory
from tracker.multi_camera.types import Observation

Similarity = NDArray[np.float32]


class Comparison:
    """Compares observations with the mean vectors of a memory; a bucket at a time where it can."""

    def __init__(self, memory: IdentityMemory) -> None:
        self._memory = memory
        self._prepared: dict[str, Similarity] = {}

    def prepare(self, batch: Sequence[Observation]) -> None:
        """Compares a whole bucket with all identities in one matrix product.

        Identities that change after this are compared anew, one observation at a time.
        """
        memory = self._memory
        memory.changed_rows.clear()
        self._prepared = {}
        queries = [(o.sighting_id, q) for o in batch if (q := memory.query_vector(o)) is not None]
        queries = [(s, q) for s, q in queries if len(q) == memory.centres.shape[1]]
        if queries:
            products = np.stack([q for _, q in queries]) @ memory.centres.T
            self._prepared = {s: row for (s, _), row in zip(queries, products, strict=True)}

    def similarity(self, observation: Observation) -> Similarity:
        """Product of an observation's vector with the mean over each identity's sightings.

        Returns:
            float32 (K,), in [-1, 1]; -inf where there is nothing to compare, and everywhere for an observation of
            another model.
        """
        memory = self._memory
        k, d = memory.centres.shape
        query = memory.query_vector(observation)
        if query is None or len(query) != d:
            return np.full(k, -np.inf, np.float32)
        known = self._prepared.get(observation.sighting_id)
        if known is None:
            similar = np.asarray(memory.centres @ query)
        else:
            similar = np.zeros(k, np.float32)
            similar[: len(known)] = known
            rows = np.array(sorted(memory.changed_rows), np.intp)
            similar[rows] = memory.centres[rows] @ query
        similar[memory.sources == 0] = -np.inf
        return similar
