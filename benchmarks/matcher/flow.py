"""A store of generated sightings that come at a steady rate while older ones pass out of time. Searches nothing.

The oldest go as the store's retention lets them go: by events, as many as come.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.matcher.generator import SIGHTINGS_PER_VEHICLE, load_generator
from benchmarks.matcher.host import sighting_name, sightings
from services.identity.memory_store import MemoryStore
from services.identity.records import Event, EventKind
from services.types import Sighting

_TICK_S = 0.1
#: Events that are kept until the gallery has said that it has them.
_KEPT = 100_000


class Flow(MemoryStore):
    """Holds only what has not been read, and says that it holds the generated sightings."""

    def __init__(self, count: int, queries: int, seed: int, per_s: int) -> None:
        """Makes nothing yet.

        Args:
            count: Sightings to begin with.
            queries: Held-out queries of the same generator's draw.
            seed: Of the generator.
            per_s: Sightings that come each second once told to; 0 for none ever.
        """
        super().__init__()
        self._asked = (count, queries, seed)
        self._per_s = per_s
        self._pitch_ns = 1_000_000_000 // per_s if per_s else 1_000_000
        self._come = 0
        self._events = 0
        self._arrived = threading.Condition()
        #: Events by their number, and the sightings that those among them put, oldest first.
        self._waiting: dict[int, tuple[Event, Sighting | None]] = {}
        self._put: dict[str, Sighting] = {}
        self._stop = threading.Event()
        self._feeder: threading.Thread | None = None
        self._rng = np.random.default_rng([seed, 1])

    def scan_sightings(self, *, ended_since_ns: int = 0) -> Iterator[tuple[Sighting, str | None]]:
        """Every sighting to begin with."""
        del ended_since_ns
        vectors, _ = load_generator().gallery(*self._asked)
        for sighting in sightings(vectors, 0, self._pitch_ns):
            yield sighting, None

    def run(self, on: bool) -> int:
        """Lets sightings come, or stops them; returns how many have come."""
        if self._feeder is not None:
            self._stop.set()
            self._feeder.join()
            self._feeder = None
        if on:
            self._stop.clear()
            self._feeder = threading.Thread(target=self._feed, name="flow", daemon=True)
            self._feeder.start()
        return self._come

    def read_events(self, after: str, count: int, block_ms: int) -> list[Event]:
        """Events in order."""
        number = _number(after)
        with self._arrived:
            if self._events <= number:
                self._arrived.wait(block_ms / 1000)
            first = max(number + 1, next(iter(self._waiting), self._events + 1))
            return [self._waiting[n][0] for n in range(first, min(first + count, self._events + 1))]

    def get_sightings(self, sighting_ids: Sequence[str]) -> list[Sighting | None]:
        """What came lately."""
        with self._arrived:
            return [self._put.get(name) for name in sighting_ids]

    def last_event_id(self) -> str:
        """The newest event."""
        return f"{self._events}-0"

    def advance_view(self, view: str, position: str) -> bool:
        """What the gallery has seen is let go."""
        del view
        with self._arrived:
            while self._waiting and next(iter(self._waiting)) <= _number(position):
                self._let_go()
        return True

    def _let_go(self) -> None:
        """Forgets the oldest event with what it put."""
        _, sighting = self._waiting.pop(next(iter(self._waiting)))
        if sighting is not None:
            self._put.pop(sighting.sighting_id)

    def _feed(self) -> None:
        started, before = time.monotonic(), self._come
        while not self._stop.wait(_TICK_S):
            due = before + int((time.monotonic() - started) * self._per_s) - self._come
            if due <= 0:
                continue
            fresh = list(sightings(self._vectors(due), self._asked[0] + self._come, self._pitch_ns))
            with self._arrived:
                for sighting in fresh:
                    payload = {"sighting_id": sighting.sighting_id, "revision": sighting.revision}
                    self._tell("sighting.put", payload, sighting)
                for number in range(self._come, self._come + due):
                    self._tell("sighting.deleted", {"sighting_id": sighting_name(number)}, None)
                self._come += due
                self._arrived.notify_all()

    def _tell(self, kind: EventKind, payload: dict[str, object], sighting: Sighting | None) -> None:
        self._events += 1
        self._waiting[self._events] = (Event(f"{self._events}-0", kind, time.time_ns(), payload), sighting)
        if sighting is not None:
            self._put[sighting.sighting_id] = sighting
        while len(self._waiting) > _KEPT:
            self._let_go()

    def _vectors(self, count: int) -> NDArray[np.float32]:
        generator = load_generator()
        vehicles = generator.vehicles(-(-count // SIGHTINGS_PER_VEHICLE), self._rng)
        return generator.sightings(np.repeat(vehicles, SIGHTINGS_PER_VEHICLE, axis=0)[:count], self._rng)


def _number(position: str) -> int:
    return int(position.partition("-")[0])
