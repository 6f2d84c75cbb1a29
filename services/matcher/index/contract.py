"""The contract of a vector index, what every adapter checks of its input, and nothing that searches.

Every implementation passes tests/contract/vector_index; brute force is the reference that the others are judged by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Ids = NDArray[np.int64]
#: Given ids (N,), says of each whether it may be returned: bool (N,). Called with ids that
#: the index holds or held.
IdFilter = Callable[[Ids], NDArray[np.bool_]]

#: Fills the places for which nothing was found.
NO_ID = -1
NO_SCORE = -np.inf


@dataclass(frozen=True, slots=True)
class Neighbours:
    """The answer to a search.

    Attributes:
        scores: float32 (Q, k), inner products, highest first in each row; -inf where fewer than k exist.
        ids: int64 (Q, k), in the same places; -1 where fewer than k exist. Equal scores come by ascending id.
    """

    scores: Vectors
    ids: Ids


class Searchable(Protocol):
    """What can be searched, by any number of threads at once."""

    def search(self, queries: Vectors, k: int, allowed: IdFilter | None = None) -> Neighbours:
        """The k vectors of largest inner product with each query.

        Args:
            queries: float32 (Q, dim), finite; Q may be 0.
            k: At least 1; may exceed what is held.
            allowed: Restricts the answer inside the search: k are found whenever k allowed ones are held. None
                allows all.

        Returns:
            Scores and ids, (Q, k) each. In the exact tier the ids of brute force over the stored vectors, where scores
            within 1e-3 of each other may change places; in the fast tier exact scores of what the first pass found.

        Raises:
            ValueError: A shape or value is not as above.
        """
        ...


class VectorIndex(Searchable, Protocol):
    """Vectors under 64-bit ids of the caller's, searched by inner product.

    One thread at a time changes it (``add``, ``remove``, ``maintain``, ``purge``); others may meanwhile search a view.
    Vectors are kept in half precision or better: what comes back may differ from what was added by 2^-11 of a number.
    """

    @property
    def dim(self) -> int:
        """Length of a vector."""
        ...

    @property
    def backend(self) -> str:
        """What searches, for people: "numpy", "faiss-cpu"."""
        ...

    @property
    def tier(self) -> str:
        """Either "exact" or "fast", where a quantised first pass chooses what is scored exactly."""
        ...

    @property
    def segments(self) -> tuple[int, ...]:
        """Vectors, removed ones included, in each part that it is made of; oldest part first."""
        ...

    @property
    def nbytes(self) -> int:
        """Memory that the vectors take, those removed but not yet given back included."""
        ...

    def __len__(self) -> int:
        """How many vectors a search can find."""
        ...

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Stores vectors; all of them or, when it raises, none.

        Args:
            ids: int64 (N,), >= 0, each once and none of them held already. N may be 0.
            vectors: float32 (N, dim), finite; copied.

        Raises:
            ValueError: A shape, a value or an id is not as above.
        """
        ...

    def remove(self, ids: Ids) -> int:
        """Forgets vectors; ids that are not held are passed over. A removed id may be added again.

        Args:
            ids: int64 (N,), any.

        Returns:
            How many were held.
        """
        ...

    def get(self, ids: Ids) -> Vectors:
        """The vectors held under these ids.

        Args:
            ids: int64 (N,), all held.

        Returns:
            float32 (N, dim), in the order of ``ids``, as stored.

        Raises:
            KeyError: An id is not held.
        """
        ...

    def view(self) -> Searchable:
        """What is held now, to be searched by other threads while this index is changed."""
        ...

    def maintain(self) -> bool:
        """Does one bounded piece of housekeeping, if any is due; True when another may be.

        What takes long, as learning does, goes on beside it in a thread of the index's own and is taken up when it is
        done; nobody waits for it.
        """
        ...

    def settle(self) -> None:
        """Does all housekeeping that is due and waits for what goes on beside: for who measures, not for who feeds."""
        ...

    def purge(self) -> None:
        """Gives back all memory of removed vectors, so that none of their bytes remain in this index.

        What is being learned from at that moment is let go when that is done.
        """
        ...

    def close(self) -> None:
        """Ends the threads and connections behind it."""
        ...


def check_vectors(vectors: Vectors, dim: int, what: str) -> Vectors:
    """The array as C-contiguous float32 (N, dim).

    Raises:
        ValueError: It has another shape or holds NaN or infinity.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dim:
        raise ValueError(f"{what} must be (N, {dim}), got {vectors.shape}")
    checked = np.ascontiguousarray(vectors, dtype=np.float32)
    if not np.isfinite(checked).all():
        raise ValueError(f"{what} must be finite")
    return checked


def check_new_ids(ids: Ids, count: int) -> Ids:
    """The ids as int64 (count,), >= 0, each once.

    Raises:
        ValueError: They are not.
    """
    if ids.shape != (count,):
        raise ValueError(f"ids must be ({count},), got {ids.shape}")
    checked = np.asarray(ids, dtype=np.int64)
    if count and checked.min() < 0:
        raise ValueError(f"ids must be >= 0, got {checked.min()}")
    if len(np.unique(checked)) != count:
        raise ValueError("ids must differ from each other")
    return checked


def check_k(k: int) -> None:
    """Refuses a k below 1.

    Raises:
        ValueError: k is below 1.
    """
    if k < 1:
        raise ValueError(f"k must be >= 1, got {k}")


def no_neighbours(queries: int, k: int) -> Neighbours:
    """An answer of nothing but padding."""
    return Neighbours(np.full((queries, k), NO_SCORE, np.float32), np.full((queries, k), NO_ID, np.int64))
