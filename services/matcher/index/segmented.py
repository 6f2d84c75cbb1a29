"""The gallery's own index: a head that grows and sealed segments in order of arrival, on NumPy or FAISS on the CPU.

Because vectors arrive in the order of time, a segment holds one stretch of time: when its sightings have expired it is
dropped whole. Rows removed one by one stay as dead rows until a fifth of their segment is dead; then the living are
written into a new one. Segments are written beside the old and swapped in, so that views and searches never wait.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from services.matcher.index.bounds import WIDTH, Leading
from services.matcher.index.coarse import TRAINING_ROWS, CoarseQuantiser, can_quantise
from services.matcher.index.codes import Codes, FaissCodes, Half, MakeCodes
from services.matcher.index.contract import (
    NO_ID,
    IdFilter,
    Ids,
    Neighbours,
    Vectors,
    check_new_ids,
    check_vectors,
)
from services.matcher.index.memory import give_back
from services.matcher.index.segment import Head, Part, Segment, living_of
from services.matcher.index.view import FrozenView, ScanPool

Tier = Literal["auto", "exact", "fast"]


@dataclass(frozen=True, slots=True)
class SegmentRules:
    """How the index is cut up.

    Attributes:
        head_rows: The head is sealed when it has as many.
        segment_rows: Neighbours are joined up to this size, or up to a fortieth of the index where that is more.
        max_dead_share: A segment is rewritten when more of it is dead.
        tier: "exact" scans every vector; "fast" ranks roughly first; "auto" takes fast from ``fast_from`` vectors on.
        fast_from: See tier. Up to as many, the exact tier keeps bounds beside the vectors, half as large as these.
        bounds_from: From so many vectors on it does.
    """

    head_rows: int = 4096
    segment_rows: int = 16_384
    max_dead_share: float = 0.2
    tier: Tier = "auto"
    fast_from: int = 250_000
    bounds_from: int = 16_384

    def __post_init__(self) -> None:
        if not 1 <= self.head_rows <= self.segment_rows or not 0 < self.max_dead_share < 1:
            raise ValueError(
                "needs 1 <= head_rows <= segment_rows and max_dead_share in (0, 1), got "
                f"{self.head_rows}, {self.segment_rows}, {self.max_dead_share}"
            )


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
        self._quantiser: CoarseQuantiser | None = None
        self._leading: Leading | None = None
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
        """See VectorIndex."""
        sealed = self._sealed
        return "fast" if sealed and all(s.coarse is not None for s in sealed) else "exact"

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
        """See VectorIndex: rewrites one segment, joins one run of neighbours, makes one fast or learns its bounds.

        What that needed for a moment, and what it or the feeding before it has freed, is given back.
        """
        run = self._due()
        if run is not None:
            self._rewrite(*run)
        more = run is not None or self._quicken() or self._bound()
        if more or self._loose:
            self._loose = False
            give_back()
        return more

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
        """See VectorIndex."""
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
        fresh = [self._segment(ids, half)] if len(ids) else []
        with self._swap:
            self._sealed = [*self._sealed, *fresh]
            self._head = Head(self._dim, self._rules.head_rows)
        self._loose = True

    def _segment(self, ids: Ids, half: Half) -> Segment:
        codes: Codes = self._make(half)
        segment = Segment(ids, codes)
        if self._quantiser is not None:
            segment.coarse = self._quantiser.encode(codes.half)
        return segment

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
        fresh = [self._segment(ids, half)] if len(ids) else []
        with self._swap:
            self._sealed = [*self._sealed[:start], *fresh, *self._sealed[end:]]

    def _quicken(self) -> bool:
        """Learns the quantiser, or gives one segment its first pass; False when nothing is due."""
        rules = self._rules
        if rules.tier == "exact" or not can_quantise(self._dim) or not self._sealed:
            return False
        if self._quantiser is None:
            if rules.tier == "auto" and len(self) < rules.fast_from:
                return False
            sample = self._sample()
            if sample is None:
                return False
            self._quantiser = CoarseQuantiser(sample)
            return True
        waiting = next((s for s in self._sealed if s.coarse is None), None)
        if waiting is None:
            return False
        waiting.coarse = self._quantiser.encode(waiting.codes.half)
        return True

    def _bound(self) -> bool:
        """Learns where vectors lie, or gives one segment its bounds or takes them; False when nothing is due."""
        rules, total = self._rules, sum(s.size for s in self._sealed)
        wanted = rules.tier != "fast" and rules.bounds_from <= total <= rules.fast_from and self._dim > WIDTH
        if not wanted:
            held = next((s for s in self._sealed if s.bounds is not None), None)
            if held is not None:
                held.bounds = None
            return held is not None
        if self._leading is None:
            sample = self._sample()
            if sample is None:
                return False
            self._leading = Leading(sample)
            return True
        waiting = next((s for s in self._sealed if s.bounds is None), None)
        if waiting is not None:
            waiting.bounds = self._leading.bounds(waiting.codes.half)
        return waiting is not None

    def _sample(self) -> Vectors | None:
        """Rows spread evenly over all segments; None while there are too few to learn from."""
        total = sum(s.size for s in self._sealed)
        if total < 1024:
            return None
        step = max(1, total // TRAINING_ROWS)
        rows: Vectors = np.concatenate([s.codes.half[::step] for s in self._sealed]).astype(np.float32)
        return rows


def faiss_index(dim: int, rules: SegmentRules | None = None) -> SegmentedIndex:
    """A segmented index on FAISS, the default."""
    return SegmentedIndex(dim, FaissCodes, rules)
