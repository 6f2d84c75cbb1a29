"""The two kinds of parts that an index is made of: the head, which grows, and sealed segments, which only lose rows.

Both are changed by one thread and searched by others through frozen views. Knows ids, not what they stand for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from services.matcher.index.bounds import Bounds
from services.matcher.index.coarse import CoarseCodes
from services.matcher.index.codes import Codes, Half, Mask, Positions, scan_rows
from services.matcher.index.contract import NO_ID, NO_SCORE, IdFilter, Ids, Vectors

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
        learn_from: Neither is learned from fewer.
    """

    head_rows: int = 4096
    segment_rows: int = 16_384
    max_dead_share: float = 0.2
    tier: Tier = "auto"
    fast_from: int = 250_000
    bounds_from: int = 16_384
    learn_from: int = 1024

    def __post_init__(self) -> None:
        if not 1 <= self.head_rows <= self.segment_rows or not 0 < self.max_dead_share < 1:
            raise ValueError(
                "needs 1 <= head_rows <= segment_rows and max_dead_share in (0, 1), got "
                f"{self.head_rows}, {self.segment_rows}, {self.max_dead_share}"
            )


@dataclass(slots=True)
class Part:
    """Rows of one head or segment as they were at one moment.

    Attributes:
        ids: int64 (N,).
        alive: bool (N,), None where all are.
        codes: Scans sealed rows; None for the head.
        rows: float32 (N, dim) of the head; None for a segment.
        coarse: First pass of the fast tier, where there is one.
        bounds: Of scores, where there are any.
    """

    ids: Ids
    alive: Mask | None
    codes: Codes | None = None
    rows: Vectors | None = None
    coarse: CoarseCodes | None = None
    bounds: Bounds | None = None

    def may(self, allowed: IdFilter | None) -> Mask | None:
        """Which rows may answer; None for all."""
        if allowed is None:
            return self.alive
        chosen = allowed(self.ids)
        return chosen if self.alive is None else chosen & self.alive

    @property
    def count(self) -> int:
        """Rows that were alive."""
        return len(self.ids) if self.alive is None else int(np.count_nonzero(self.alive))

    def living(self) -> tuple[Ids, Half]:
        """The ids and rows that were alive, in order of arrival.

        Where all were they are its own memory: not to be changed, and gone with it.
        """
        chosen = slice(None) if self.alive is None else self.alive
        if self.codes is not None:
            return self.ids[chosen], self.codes.half[chosen]
        rows = self.rows if self.rows is not None else np.zeros((0, 0), np.float32)
        return self.ids[chosen], rows[chosen].astype(np.float16)

    def scan(self, queries: Vectors, k: int, may: Mask | None) -> tuple[Vectors, Ids]:
        """The k best, exactly: scores and ids, (Q, k) each, padded."""
        count = len(self.ids) if may is None else int(np.count_nonzero(may))
        scores = np.full((len(queries), k), NO_SCORE, np.float32)
        ids = np.full((len(queries), k), NO_ID, np.int64)
        reach = min(k, count)
        if reach == 0:
            return scores, ids
        if self.codes is not None:
            found, positions = self.codes.scan(queries, reach, may)
        else:
            found, positions = self._scan_head(queries, reach, may)
        scores[:, :reach], ids[:, :reach] = found, self.ids[positions]
        return scores, ids

    def _scan_head(self, queries: Vectors, k: int, may: Mask | None) -> tuple[Vectors, Positions]:
        rows = self.rows if self.rows is not None else np.zeros((0, queries.shape[1]), np.float32)
        places = np.arange(len(rows)) if may is None else np.flatnonzero(may)
        return scan_rows(queries, rows if may is None else rows[places], places, k)


@runtime_checkable
class Snapshottable(Protocol):
    """An index that can be written down part by part and filled from what was written."""

    def parts(self) -> list[Part]:
        """Its parts as they are now, head last; frozen, without copying a vector."""
        ...

    def load(self, parts: Sequence[tuple[Ids, Half]]) -> None:
        """Adopts exported parts; the index must be empty and ids differ across parts.

        Raises:
            ValueError: It is not empty, or a part's shape or values cannot be.
        """
        ...


class Head:
    """Rows that arrived last, float32 with the precision of a half. A row is written once; its place is not reused."""

    def __init__(self, dim: int, capacity: int) -> None:
        """Starts empty with room for ``capacity`` rows."""
        self.size = 0
        self._rows: Vectors = np.zeros((capacity, dim), np.float32)
        self._ids: Ids = np.zeros(capacity, np.int64)
        self._alive: Mask = np.zeros(capacity, np.bool_)
        self._place: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._place)

    @property
    def room(self) -> int:
        """Rows that still fit."""
        return len(self._ids) - self.size

    @property
    def nbytes(self) -> int:
        """Memory of the rows in use."""
        return int(self.size * self._rows.shape[1] * 4)

    def held(self, ids: Ids) -> Mask:
        """Which of these ids it holds."""
        return np.fromiter((i in self._place for i in ids.tolist()), np.bool_, len(ids))

    def add(self, ids: Ids, half: Half) -> None:
        """Appends; the rows must fit and the ids be new."""
        start, end = self.size, self.size + len(ids)
        self._rows[start:end] = half.astype(np.float32)
        self._ids[start:end] = ids
        self._alive[start:end] = True
        self._place.update(zip(ids.tolist(), range(start, end), strict=True))
        self.size = end

    def remove(self, ids: Ids) -> int:
        """Marks rows dead; returns how many were alive."""
        places = [p for p in (self._place.pop(i, None) for i in ids.tolist()) if p is not None]
        self._alive[places] = False
        return len(places)

    def get(self, ids: Ids) -> Vectors:
        """Rows of ids that it holds."""
        return self._rows[[self._place[i] for i in ids.tolist()]]

    def living(self) -> tuple[Ids, Half]:
        """Copies of the ids and rows that are alive, in order of arrival."""
        alive = self._alive[: self.size]
        return self._ids[: self.size][alive], self._rows[: self.size][alive].astype(np.float16)

    def part(self) -> Part:
        """As it is now."""
        whole = len(self) == self.size
        alive = None if whole else self._alive[: self.size].copy()
        return Part(self._ids[: self.size], alive, rows=self._rows[: self.size])


class Segment:
    """Sealed rows. Rows die; when many have, the index writes the others into a new segment."""

    def __init__(self, ids: Ids, codes: Codes) -> None:
        """Takes ids (N,) and their rows over; all are alive."""
        self.codes = codes
        self.coarse: CoarseCodes | None = None
        self.bounds: Bounds | None = None
        self._ids = ids
        self._alive: Mask = np.ones(len(ids), np.bool_)
        self._living = len(ids)
        order = np.argsort(ids, kind="stable")
        self._sorted = ids[order]
        self._order: NDArray[np.int64] = order.astype(np.int64)

    def __len__(self) -> int:
        return self._living

    @property
    def size(self) -> int:
        """Rows, dead ones included."""
        return len(self._ids)

    @property
    def dead_share(self) -> float:
        """Dead rows among all, in [0, 1]."""
        return 1 - self._living / max(1, len(self._ids))

    @property
    def nbytes(self) -> int:
        """Memory of its vectors, in every form."""
        return self.codes.half.nbytes + sum(more.nbytes for more in (self.coarse, self.bounds) if more is not None)

    def places(self, ids: Ids) -> Positions:
        """Where living ids lie; -1 for those that it does not hold."""
        at = np.minimum(np.searchsorted(self._sorted, ids), max(0, len(self._sorted) - 1))
        if len(self._sorted) == 0:
            return np.full(len(ids), NO_ID, np.int64)
        places = self._order[at]
        held = (self._sorted[at] == ids) & self._alive[places]
        return np.where(held, places, NO_ID)

    def remove(self, ids: Ids) -> int:
        """Marks rows dead; returns how many were alive."""
        places = np.unique(self.places(ids))
        places = places[places != NO_ID]
        self._alive[places] = False
        self._living -= len(places)
        return len(places)

    def get(self, places: Positions) -> Vectors:
        """Rows by place, float32."""
        rows: Vectors = self.codes.half[places].astype(np.float32)
        return rows

    def part(self) -> Part:
        """As it is now."""
        alive = None if self._living == len(self._ids) else self._alive.copy()
        return Part(self._ids, alive, codes=self.codes, coarse=self.coarse, bounds=self.bounds)

    def write_living(self, ids: Ids, half: Half) -> None:
        """Writes its living ids and rows, (len(self),) and (len(self), dim), in order of arrival."""
        np.compress(self._alive, self._ids, out=ids)
        np.compress(self._alive, self.codes.half, axis=0, out=half)


def living_of(segments: Sequence[Segment], dim: int) -> tuple[Ids, Half]:
    """The living ids and rows of segments end to end, copied once."""
    total = sum(len(segment) for segment in segments)
    ids, half, start = np.empty(total, np.int64), np.empty((total, dim), np.float16), 0
    for segment in segments:
        end = start + len(segment)
        segment.write_living(ids[start:end], half[start:end])
        start = end
    return ids, half
