"""What closed sightings may teach of links: where each may have come from. Owns a bounded, serialisable ring of them.

A lesson keeps every likely origin with the evidence of looks alone, so that it can be read again once travel times are
better known.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tracker.multi_camera.arrays import Floats, Ints

CAPACITY = 512
ORIGINS = 8


def key_of(sighting_id: str) -> int:
    """A short number that tells sightings of one ring apart."""
    return zlib.crc32(sighting_id.encode())


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a vehicle may have been before.

    Attributes:
        camera: Camera number.
        mode: 0 when it had left that view, 1 when it was still there.
        x: Log-duration since it left, or since it came when it was still there.
        nats: Evidence from looks that it is the same vehicle, time and zones aside.
        exit: Grid cell of its last box there.
        key: Of the sighting there, as :func:`key_of`.
        until: Log-duration until it left that view when it was still there; NaN where that is not known.
    """

    camera: int
    mode: int
    x: float
    nats: float
    exit: int
    key: int
    until: float = math.nan


@dataclass(frozen=True, slots=True)
class Lesson:
    """One closed sighting.

    Attributes:
        camera: Camera number.
        entry: Grid cell of its first box.
        log_rate: Log of the rate per second of arrivals at this camera then.
        origins: The likely ones, at most ``ORIGINS``.
    """

    camera: int
    entry: int
    log_rate: float
    origins: tuple[Origin, ...]

    def to_state(self, number: int) -> dict[str, Any]:
        """JSON-like, with the lesson's running number."""
        rows = [
            [o.camera, o.mode, o.x, o.nats, o.exit, o.key, None if math.isnan(o.until) else o.until]
            for o in self.origins
        ]
        return {"kind": "lesson", "number": number, "at": [self.camera, self.entry, self.log_rate], "origins": rows}

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Lesson:
        """Reads what :meth:`to_state` wrote."""
        camera, entry, log_rate = state["at"]
        # A version before did not say when the first view was left.
        origins = tuple(
            Origin(int(c), int(m), float(x), float(e), int(z), int(k), *(float(u) for u in rest if u is not None))
            for c, m, x, e, z, k, *rest in state["origins"]
        )
        return cls(int(camera), int(entry), float(log_rate), origins)


class Lessons:
    """The newest lessons as arrays, R = CAPACITY rows of K = ORIGINS origins; rows without a lesson have camera -1."""

    def __init__(self) -> None:
        shape = (CAPACITY, ORIGINS)
        self.taken = 0
        self.camera: Ints = np.full(CAPACITY, -1, np.intp)
        self.entry: Ints = np.zeros(CAPACITY, np.intp)
        self.log_rate: Floats = np.zeros(CAPACITY)
        self.origin: Ints = np.full(shape, -1, np.intp)
        self.mode: Ints = np.zeros(shape, np.intp)
        self.x: Floats = np.zeros(shape)
        self.until: Floats = np.full(shape, np.nan)
        self.nats: Floats = np.full(shape, -np.inf)
        self.exit: Ints = np.zeros(shape, np.intp)
        self.key = np.full(shape, -1, np.int64)
        #: Rows whose lesson is counted for good already.
        self.settled = np.zeros(CAPACITY, np.bool_)
        self.number: Ints = np.full(CAPACITY, -1, np.intp)
        self._rows: dict[int, tuple[int, Lesson]] = {}

    def next_slot(self) -> int:
        """The row the next lesson takes, which may hold the oldest one."""
        return self.taken % CAPACITY

    def put(self, lesson: Lesson, number: int | None = None) -> int:
        """Takes a lesson in; returns its row."""
        number = self.taken if number is None else number
        slot = number % CAPACITY
        self.taken = max(self.taken, number + 1)
        self._rows[slot] = (number, lesson)
        self.number[slot], self.settled[slot] = number, False
        self.camera[slot], self.entry[slot], self.log_rate[slot] = lesson.camera, lesson.entry, lesson.log_rate
        self.origin[slot], self.nats[slot] = -1, -np.inf
        for k, origin in enumerate(lesson.origins[:ORIGINS]):
            self.origin[slot, k], self.mode[slot, k], self.x[slot, k] = origin.camera, origin.mode, origin.x
            self.nats[slot, k], self.exit[slot, k] = origin.nats, origin.exit
            self.key[slot, k], self.until[slot, k] = origin.key, origin.until
        return slot

    def state(self, slot: int) -> dict[str, Any]:
        """JSON-like state of a row."""
        number, lesson = self._rows[slot]
        return {**lesson.to_state(number), "settled": bool(self.settled[slot])}

    def open_before(self, number: int) -> Ints:
        """Rows not settled of lessons before a number, oldest first."""
        rows = np.flatnonzero((self.number >= 0) & (self.number < number) & ~self.settled)
        return rows[np.argsort(self.number[rows])]

    def drop_open(self) -> list[int]:
        """Takes all lessons that are not settled for settled, though they are counted nowhere; returns their rows."""
        rows = np.flatnonzero((self.number >= 0) & ~self.settled)
        self.settled[rows] = True
        return [int(row) for row in rows]

    @property
    def slots(self) -> tuple[int, ...]:
        """Rows that hold a lesson."""
        return tuple(sorted(self._rows))
