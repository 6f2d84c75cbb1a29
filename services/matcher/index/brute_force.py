"""The reference index: NumPy, a matrix product and a sort. Slow and plain on purpose; others are judged by it."""

from __future__ import annotations

import numpy as np

from services.matcher.index.contract import (
    IdFilter,
    Ids,
    Neighbours,
    Vectors,
    check_k,
    check_new_ids,
    check_vectors,
    no_neighbours,
)


class BruteForceIndex:
    """See VectorIndex."""

    def __init__(self, dim: int) -> None:
        """Starts empty.

        Args:
            dim: Length of a vector, at least 1.
        """
        if dim < 1:
            raise ValueError(f"dim must be >= 1, got {dim}")
        self._dim = dim
        self._ids: Ids = np.zeros(0, np.int64)
        self._vectors: Vectors = np.zeros((0, dim), np.float32)

    @property
    def dim(self) -> int:
        """See VectorIndex."""
        return self._dim

    @property
    def backend(self) -> str:
        """See VectorIndex."""
        return "numpy"

    @property
    def tier(self) -> str:
        """See VectorIndex."""
        return "exact"

    @property
    def segments(self) -> tuple[int, ...]:
        """See VectorIndex."""
        return (len(self._ids),)

    @property
    def nbytes(self) -> int:
        """See VectorIndex."""
        return self._vectors.nbytes

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """See VectorIndex."""
        vectors = check_vectors(vectors, self._dim, "vectors")
        ids = check_new_ids(ids, len(vectors))
        if np.isin(ids, self._ids).any():
            raise ValueError(f"ids are held already: {ids[np.isin(ids, self._ids)][:5].tolist()}")
        self._ids = np.concatenate([self._ids, ids])
        self._vectors = np.concatenate([self._vectors, vectors])

    def remove(self, ids: Ids) -> int:
        """See VectorIndex."""
        kept = ~np.isin(self._ids, ids)
        removed = len(self._ids) - int(kept.sum())
        self._ids, self._vectors = self._ids[kept], self._vectors[kept]
        return removed

    def get(self, ids: Ids) -> Vectors:
        """See VectorIndex."""
        positions = {identifier: position for position, identifier in enumerate(self._ids.tolist())}
        return self._vectors[[positions[i] for i in ids.tolist()]].reshape(-1, self._dim)

    def view(self) -> BruteForceIndex:
        """See VectorIndex. Arrays are replaced when something changes, never written to."""
        seen = BruteForceIndex(self._dim)
        seen._ids, seen._vectors = self._ids, self._vectors
        return seen

    def maintain(self) -> bool:
        """See VectorIndex. Nothing is ever due."""
        return False

    def settle(self) -> None:
        """See VectorIndex. Nothing is ever due."""

    def purge(self) -> None:
        """See VectorIndex. Nothing of a removed vector is kept."""

    def close(self) -> None:
        """See VectorIndex. Nothing to end."""

    def search(self, queries: Vectors, k: int, allowed: IdFilter | None = None) -> Neighbours:
        """See VectorIndex."""
        queries = check_vectors(queries, self._dim, "queries")
        check_k(k)
        found = no_neighbours(len(queries), k)
        may = np.ones(len(self._ids), np.bool_) if allowed is None else allowed(self._ids)
        ids = self._ids[may]
        scores = queries @ self._vectors[may].T  # (Q, N)
        for row, row_scores in enumerate(scores):
            best = np.lexsort((ids, -row_scores))[:k]
            found.scores[row, : len(best)] = row_scores[best]
            found.ids[row, : len(best)] = ids[best]
        return found
