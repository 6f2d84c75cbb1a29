"""Searches the parts of an index as they were at one moment: each part for itself, then one ranking of all.

Never changes a part. Exact, or in the fast tier rough first and exact on what that found.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import faiss
import numpy as np

from services.matcher.index.bounds import MIN_QUERIES, Asked
from services.matcher.index.codes import Mask, Positions
from services.matcher.index.contract import (
    NO_ID,
    NO_SCORE,
    IdFilter,
    Ids,
    Neighbours,
    Vectors,
    check_k,
    check_vectors,
    no_neighbours,
)
from services.matcher.index.segment import Part

#: Candidates that the first pass hands on for each result wanted, and at least.
REFINE_FACTOR = 4
MIN_REFINED = 64
#: A filter that lets less than this share of a part through is answered exactly: it is cheaper, and cannot miss.
_NARROW = 0.3

T = TypeVar("T")


class ScanPool:
    """The threads that scan parts, one per core. Each tells FAISS to use no more threads of its own."""

    def __init__(self, threads: int | None = None) -> None:
        """Starts no thread yet.

        Args:
            threads: How many; None for one per core.
        """
        self.threads = threads or len(os.sched_getaffinity(0))
        self._closed = False
        self._pool = ThreadPoolExecutor(
            self.threads, thread_name_prefix="index-scan", initializer=lambda: faiss.omp_set_num_threads(1)
        )

    def map(self, work: Callable[[Part], T], parts: Sequence[Part]) -> list[T]:
        """What ``work`` says of each part, in order."""
        if len(parts) <= 1:
            return [work(part) for part in parts]
        try:
            return list(self._pool.map(work, parts))
        except RuntimeError:  # closed: a view outlived its index, and is searched by who asks
            if not self._closed:
                raise
            return [work(part) for part in parts]

    def close(self) -> None:
        """Ends the threads once their work is done; views can still be searched."""
        self._closed = True
        self._pool.shutdown(wait=True)


class FrozenView:
    """See Searchable. Safe for threads."""

    def __init__(self, dim: int, parts: Sequence[Part], pool: ScanPool) -> None:
        """Takes parts that nobody changes any more."""
        self._dim = dim
        self._parts = [part for part in parts if len(part.ids)]
        self._pool = pool

    def search(self, queries: Vectors, k: int, allowed: IdFilter | None = None) -> Neighbours:
        """See Searchable."""
        queries = check_vectors(queries, self._dim, "queries")
        check_k(k)
        if len(queries) == 0 or not self._parts:
            return no_neighbours(len(queries), k)
        depth = max(MIN_REFINED, REFINE_FACTOR * k)
        asked = self._asked(queries)
        coarse = next((part.coarse for part in self._parts if part.coarse is not None), None)
        projected = queries if coarse is None else coarse.project(queries)  # an index has one quantiser

        def scan(part: Part) -> tuple[Vectors, Ids, Positions | None]:
            may = part.may(allowed)
            rough = self._rough(part, projected, depth, may)
            if rough is not None:
                return rough
            width = min(k, len(part.ids))
            scores, ids = _bounded(part, asked, width, may) or part.scan(queries, width, may)
            if asked is not None and width == k:
                asked.learn(scores)
            return scores, ids, None

        found = self._pool.map(scan, self._parts)
        exact = [(scores, ids) for scores, ids, places in found if places is None]
        refined = self._refine(queries, depth, found)
        if refined is not None:
            exact.append(refined)
        return _ranked(np.concatenate([s for s, _ in exact], axis=1), np.concatenate([i for _, i in exact], axis=1), k)

    def _asked(self, queries: Vectors) -> Asked | None:
        """The queries as bounds need them; None where there are none, or few queries."""
        leading = next((part.bounds.leading for part in self._parts if part.bounds is not None), None)
        return None if leading is None or len(queries) < MIN_QUERIES else Asked(leading, queries)

    @staticmethod
    def _rough(part: Part, projected: Vectors, depth: int, may: Mask | None) -> tuple[Vectors, Ids, Positions] | None:
        """Candidates of a part with rough scores and places; None where the part is better scanned exactly."""
        size = len(part.ids)
        if part.coarse is None or size <= 2 * depth:
            return None
        living = size if may is None else int(np.count_nonzero(may))
        if living < _NARROW * size:
            return None
        # The quantiser ranks the dead and the forbidden too: ask for so many more.
        scores, places = part.coarse.candidates(projected, int(depth * size / living) if living else depth)
        if may is not None:
            fit = may[places] & (places != NO_ID)
            if int(fit.sum(axis=1).min()) < min(depth // 2, living):
                return None
            scores = np.where(fit, scores, NO_SCORE).astype(np.float32)
            places = np.where(fit, places, NO_ID)
        return scores, np.where(places == NO_ID, NO_ID, part.ids[places]), places

    def _refine(
        self, queries: Vectors, depth: int, found: Sequence[tuple[Vectors, Ids, Positions | None]]
    ) -> tuple[Vectors, Ids] | None:
        """The best candidates of all parts, scored exactly: (Q, R) each; None where no part was ranked roughly."""
        rough = [(n, s, i, p) for n, (s, i, p) in enumerate(found) if p is not None]
        if not rough:
            return None
        scores = np.concatenate([s for _, s, _, _ in rough], axis=1)
        ids = np.concatenate([i for _, _, i, _ in rough], axis=1)
        places = np.concatenate([p for _, _, _, p in rough], axis=1)
        owner = np.concatenate([np.full(s.shape[1], n) for n, s, _, _ in rough])
        width = min(depth, scores.shape[1])
        top = np.argpartition(-scores, width - 1, axis=1)[:, :width]
        ids, places = np.take_along_axis(ids, top, axis=1), np.take_along_axis(places, top, axis=1)
        exact = np.full(ids.shape, NO_SCORE, np.float32)
        for number in np.unique(owner[top]).tolist():
            codes = self._parts[number].codes
            if codes is None:
                continue
            rows, columns = np.nonzero((owner[top] == number) & (ids != NO_ID))
            vectors = codes.half[places[rows, columns]].astype(np.float32)
            exact[rows, columns] = np.einsum("nd,nd->n", vectors, queries[rows])
        return exact, ids


def _bounded(part: Part, asked: Asked | None, k: int, may: Mask | None) -> tuple[Vectors, Ids] | None:
    """The k best rows of a part, exactly, by bounds first; None where a plain scan is as well."""
    if asked is None or part.bounds is None or part.codes is None or part.bounds.leading is not asked.leading:
        return None
    if may is not None and int(np.count_nonzero(may)) < _NARROW * len(may):
        return None
    found = part.bounds.scan(part.codes.half, asked, k, may)
    if found is None:
        return None
    scores, places = found
    return scores, np.where(places == NO_ID, NO_ID, part.ids[places])


def _ranked(scores: Vectors, ids: Ids, k: int) -> Neighbours:
    """The k best of all columns, equal scores by id; padded where there are fewer."""
    answer = no_neighbours(len(scores), k)
    width = min(k, scores.shape[1])
    if width < scores.shape[1]:
        top = np.argpartition(-scores, width - 1, axis=1)[:, :width]
        scores, ids = np.take_along_axis(scores, top, axis=1), np.take_along_axis(ids, top, axis=1)
    order = np.lexsort((ids, -scores), axis=1)
    answer.scores[:, :width] = np.take_along_axis(scores, order, axis=1)
    answer.ids[:, :width] = np.take_along_axis(ids, order, axis=1)
    return answer
