"""FAISS on the CPU: an exact flat index under an id layer of our own. Nothing about vehicles.

FAISS numbers vectors by position. This adapter keeps the id of every position, marks removed ones dead, leaves them
out of every search through a selector, and squeezes them out when they are many.
"""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

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

#: Dead positions are squeezed out when they are this share of all, and at least this many.
MAX_DEAD_SHARE = 0.2
MIN_DEAD = 256


class FaissCpuIndex:
    """See VectorIndex."""

    def __init__(self, dim: int) -> None:
        """Starts empty.

        Args:
            dim: Length of a vector, at least 1.
        """
        if dim < 1:
            raise ValueError(f"dim must be >= 1, got {dim}")
        self._dim = dim
        self._flat: Any = faiss.IndexFlatIP(dim)
        self._position: dict[int, int] = {}
        self._ids: Ids = np.zeros(0, np.int64)
        self._alive: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self._size = 0

    @property
    def dim(self) -> int:
        """See VectorIndex."""
        return self._dim

    @property
    def backend(self) -> str:
        """See VectorIndex."""
        return "faiss-cpu"

    @property
    def nbytes(self) -> int:
        """See VectorIndex."""
        return self._size * self._dim * 4

    def __len__(self) -> int:
        return len(self._position)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """See VectorIndex."""
        vectors = check_vectors(vectors, self._dim, "vectors")
        ids = check_new_ids(ids, len(vectors))
        held = [i for i in ids.tolist() if i in self._position]
        if held:
            raise ValueError(f"ids are held already: {held[:5]}")
        start, end = self._size, self._size + len(ids)
        self._reserve(end)
        self._flat.add(vectors)
        self._ids[start:end] = ids
        self._alive[start:end] = True
        self._position.update(zip(ids.tolist(), range(start, end), strict=True))
        self._size = end

    def remove(self, ids: Ids) -> int:
        """See VectorIndex."""
        positions = [p for p in (self._position.pop(i, None) for i in ids.tolist()) if p is not None]
        self._alive[positions] = False
        dead = self._size - len(self._position)
        if dead >= MIN_DEAD and dead > MAX_DEAD_SHARE * self._size:
            self._compact()
        return len(positions)

    def get(self, ids: Ids) -> Vectors:
        """See VectorIndex."""
        vectors = np.zeros((len(ids), self._dim), np.float32)
        for row, identifier in enumerate(ids.tolist()):
            self._flat.reconstruct(self._position[identifier], vectors[row])
        return vectors

    def search(self, queries: Vectors, k: int, allowed: IdFilter | None = None) -> Neighbours:
        """See VectorIndex."""
        queries = check_vectors(queries, self._dim, "queries")
        check_k(k)
        found = no_neighbours(len(queries), k)
        may = self._alive[: self._size]
        if allowed is not None:
            may = may & allowed(self._ids[: self._size])
        reachable = min(k, int(may.sum()))
        if reachable == 0 or len(queries) == 0:
            return found
        if reachable == self._size:
            scores, positions = self._flat.search(queries, reachable)
        else:
            # C++ keeps bare pointers to the bitmap and the selector: both must outlive the call.
            bitmap = np.packbits(may, bitorder="little")
            selector = faiss.IDSelectorBitmap(len(bitmap), faiss.swig_ptr(bitmap))
            parameters: Any = faiss.SearchParameters()
            parameters.sel = selector
            scores, positions = self._flat.search(queries, reachable, params=parameters)
        # Fewer than `reachable` cannot come back from an exact search of finite vectors.
        ids = self._ids[positions]
        order = np.lexsort((ids, -scores), axis=1)
        found.scores[:, :reachable] = np.take_along_axis(scores, order, axis=1)
        found.ids[:, :reachable] = np.take_along_axis(ids, order, axis=1)
        return found

    def _reserve(self, size: int) -> None:
        capacity = len(self._ids)
        if size <= capacity:
            return
        grown = max(size, 2 * capacity, 1024)
        self._ids = np.concatenate([self._ids, np.zeros(grown - capacity, np.int64)])
        self._alive = np.concatenate([self._alive, np.zeros(grown - capacity, np.bool_)])

    def _compact(self) -> None:
        alive = self._alive[: self._size].copy()
        dead = np.packbits(~alive, bitorder="little")
        selector = faiss.IDSelectorBitmap(len(dead), faiss.swig_ptr(dead))
        self._flat.remove_ids(selector)  # keeps the order of those that stay
        ids = self._ids[: self._size][alive].copy()
        self._ids, self._alive, self._size = ids, np.ones(len(ids), np.bool_), len(ids)
        self._position = dict(zip(ids.tolist(), range(len(ids)), strict=True))
