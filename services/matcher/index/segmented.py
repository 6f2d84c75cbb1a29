"""The gallery's own index: a head that grows and sealed segments in order of arrival, on NumPy or FAISS on the CPU.

Because vectors arrive in the order of time, a segment holds one stretch of time: when its sightings have expired it is
dropped whole. Rows removed one by one stay as dead rows until a fifth of their segment is dead; then the living are
written into a new one. Segments are written beside the old and swapped in, so that views and searches never wait.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np

from services.matcher.index.codes import FaissCodes, Half, MakeCodes
from services.matcher.index.contract import (
    NO_ID,
    IdFilter,
    Ids,
    Neighbours,
    Vectors,
    check_new_ids,
    check_vectors,
)
from services.matcher.index.quickening import Quickener
from services.matcher.index.segment import Head, Part, Segment, SegmentRules, living_of
from services.matcher.index.view import FrozenView, ScanPool
from services.memory import give_back


class SegmentedIndex:
    """See VectorIndex."""

    def __init__(
        self,
        dim: int,
        make_codes: MakeCodes = FaissCodes,
        rules: SegmentRules | None = None,
        pool: ScanPool | None = None,
    ) -> None:
        """Starts empty.

        Args:
            dim: Length of a vector, at least 1.
            make_codes: How sealed rows are kept and scanned.
            rules: How the index is cut up.
            pool: Threads to scan with, shared with other indexes of one owner; None for its own.
        """
        if dim < 1:
            raise ValueError(f"dim must be >= 1, got {dim}")
        self._dim = dim
        self._make = make_codes
        self._rules = rules or SegmentRules()
        self._pool = pool or ScanPool()
        self._owns_pool = pool is None
        self._swap = threading.Lock()
        self._head = Head(dim, self._rules.head_rows)
        self._sealed: list[Segment] = []
        self._quickener = Quickener(dim, self._rules, self._swap, lambda: self._sealed)
        #: Whether feeding has freed memory of segments or of a head that was not given back yet.
        self._loose = False

    @property
    def dim(self) -> int:
        """See VectorIndex."""
        return self._dim

    @property
    def backend(self) -> str:
        """See VectorIndex."""
        return str(getattr(self._make, "name", "custom"))

    @property
    def tier(self) -> str:
        """See VectorIndex: that of most of the sealed vectors."""
        sealed = self._sealed
        quick = sum(s.size for s in sealed if s.coarse is not None)
        return "fast" if 2 * quick > sum(s.size for s in sealed) else "exact"

    @property
    def segments(self) -> tuple[int, ...]:
        """See VectorIndex. The head comes last."""
        with self._swap:
            return (*(s.size for s in self._sealed), self._head.size)

    @property
    def nbytes(self) -> int:
        """See VectorIndex."""
        with self._swap:
            return self._head.nbytes + sum(s.nbytes for s in self._sealed)

    def __len__(self) -> int:
        with self._swap:
            return len(self._head) + sum(len(s) for s in self._sealed)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """See VectorIndex."""
        half = check_vectors(vectors, self._dim, "vectors").astype(np.float16)
        if not np.isfinite(half).all():
            raise ValueError("vectors must be finite in half precision")
        ids = check_new_ids(ids, len(half))
        held = ids[self._owners(ids) != NO_ID]
        if len(held):
            raise ValueError(f"ids are held already: {held[:5].tolist()}")
        start = 0
        while start < len(ids):
            end = min(len(ids), start + self._head.room)
            with self._swap:
                self._head.add(ids[start:end], half[start:end])
            start = end
            if self._head.room == 0:
                self._seal()

    def remove(self, ids: Ids) -> int:
        """See VectorIndex. Segments left without a living row are dropped at once."""
        ids = np.unique(np.asarray(ids, np.int64))
        with self._swap:
            removed = self._head.remove(ids) + sum(s.remove(ids) for s in self._sealed)
            held = len(self._sealed)
            self._sealed = [s for s in self._sealed if len(s)]
            self._loose |= len(self._sealed) < held
        return removed

    def get(self, ids: Ids) -> Vectors:
        """See VectorIndex."""
        ids = np.asarray(ids, np.int64)
        vectors = np.zeros((len(ids), self._dim), np.float32)
        with self._swap:
            missing = ~self._head.held(ids)
            vectors[~missing] = self._head.get(ids[~missing])
            for segment in self._sealed:
                if not missing.any():
                    break
                places = segment.places(ids)
                here = (places != NO_ID) & missing
                vectors[here] = segment.get(places[here])
                missing &= ~here
        if missing.any():
            raise KeyError(int(ids[missing][0]))
        return vectors

    def search(self, queries: Vectors, k: int, allowed: IdFilter | None = None) -> Neighbours:
        """See VectorIndex."""
        return self.view().search(queries, k, allowed)

    def view(self) -> FrozenView:
        """See VectorIndex."""
        return FrozenView(self._dim, self.parts(), self._pool)

    def maintain(self) -> bool:
        """See VectorIndex: rewrites one segment or joins one run of neighbours, and has others made faster beside it.

        What that needed for a moment, and what it or the feeding before it has freed, is given back.
        """
        run = self._due()
        if run is not None:
            self._rewrite(*run)
        self._quickener.wake(len(self))
        if run is not None or self._loose:
            self._loose = False
            give_back()
        return run is not None

    def settle(self) -> None:
        """See VectorIndex."""
        while self.maintain():
            pass
        self._quickener.wait()

    def purge(self) -> None:
        """See VectorIndex."""
        if len(self._head) < self._head.size:
            self._seal()
        for number in reversed(range(len(self._sealed))):
            if self._sealed[number].dead_share > 0:
                self._rewrite(number, number + 1)
        self._loose = False
        give_back()

    def close(self) -> None:
        """See VectorIndex. What is being learned is let go and not waited for."""
        self._quickener.close()
        if self._owns_pool:
            self._pool.close()

    def export(self) -> list[tuple[Ids, Half]]:
        """Copies of what is alive, part by part in order of arrival."""
        parts = self.parts()
        living = [part.living() for part in parts if part.count]
        return [(ids.copy(), half.copy()) for ids, half in living]

    def parts(self) -> list[Part]:
        """See Snapshottable."""
        with self._swap:
            return [*(s.part() for s in self._sealed), self._head.part()]

    def load(self, parts: Sequence[tuple[Ids, Half]]) -> None:
        """See Snapshottable: as segments."""
        if len(self) or self._sealed:
            raise ValueError("only an empty index can be loaded")
        sealed = []
        for ids, half in parts:
            if half.shape != (len(ids), self._dim) or not np.isfinite(half).all():
                raise ValueError(f"a part must be finite ({len(ids)}, {self._dim}), got {half.shape}")
            sealed.append(Segment(check_new_ids(ids, len(half)), self._make(half)))
        with self._swap:
            self._sealed = sealed

    def _owners(self, ids: Ids) -> Ids:
        """Of each id something other than NO_ID where it is held."""
        found = np.where(self._head.held(ids), 0, NO_ID)
        for segment in self._sealed:
            found = np.maximum(found, segment.places(ids))
        return found

    def _seal(self) -> None:
        ids, half = self._head.living()
        fresh = [Segment(ids, self._make(half))] if len(ids) else []
        with self._swap:
            self._sealed = [*self._sealed, *fresh]
            self._head = Head(self._dim, self._rules.head_rows)
        self._loose = True

    def _due(self) -> tuple[int, int] | None:
        """The next run of segments [start, end) to be written as one."""
        for number, segment in enumerate(self._sealed):
            if segment.dead_share > self._rules.max_dead_share:
                return number, number + 1
        target = max(self._rules.segment_rows, sum(s.size for s in self._sealed) // 40)
        start, rows = 0, 0
        for number, segment in enumerate(self._sealed):
            if rows + len(segment) > target:
                start, rows = number, 0
            rows += len(segment)
            if number > start and rows > target - self._rules.head_rows:
                return start, number + 1
        return None

    def _rewrite(self, start: int, end: int) -> None:
        old = self._sealed[start:end]
        ids, half = living_of(old, self._dim)
        fresh = [Segment(ids, self._make(half))] if len(ids) else []
        with self._swap:
            self._sealed = [*self._sealed[:start], *fresh, *self._sealed[end:]]


def faiss_index(dim: int, rules: SegmentRules | None = None) -> SegmentedIndex:
    """A segmented index on FAISS, the default."""
    return SegmentedIndex(dim, FaissCodes, rules)
