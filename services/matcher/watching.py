"""Standing queries: who is told of which sighting, and when. Follows the store's log; keeps nothing between calls."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from services.errors import Overloaded, Unavailable
from services.identity.store import Event, IdentityStore
from services.matcher.gallery import Gallery, parse_position
from services.matcher.types import SearchFilter
from services.types import Match

_BATCH = 256
_BLOCK_MS = 200
_WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Probed:
    """What a vehicle looks like, float32 (V, dim), and to which model."""

    vectors: NDArray[np.float32]
    model_id: str = ""


@dataclass(frozen=True, slots=True)
class StandingQuery:
    """What somebody wants to be told.

    Attributes:
        probes: The vehicle; None for every sighting.
        wanted: Which sightings.
        min_probability: In [0, 1]; with vectors only.
        after: Log position to begin behind; empty for now.
        again: Reads the probes anew where the site has changed its model; None lets the query end then.
    """

    probes: Probed | None
    wanted: SearchFilter
    min_probability: float
    after: str = ""
    again: Callable[[], Probed] | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Something to tell."""

    match: Match
    decided: bool
    log_position: str


class Watching:
    """Runs standing queries, each in its caller's thread, up to a number. Safe for threads."""

    def __init__(self, store: IdentityStore, gallery: Gallery, most: int) -> None:
        """Watches nothing yet.

        Args:
            store: Its log is followed.
            gallery: Says what a sighting looks like.
            most: Standing queries that may run at once.
        """
        self._store = store
        self._gallery = gallery
        self._most = most
        self._running = 0
        self._lock = threading.Lock()
        self._closed = threading.Event()

    def close(self) -> None:
        """Ends every standing query within a second."""
        self._closed.set()

    def events(self, asked: StandingQuery, active: Callable[[], bool]) -> Iterator[Seen]:
        """What happens, as it happens, until ``active`` says no.

        Raises:
            InputError: ``asked.after`` is no position.
            Overloaded: As many run as may.
            Unavailable: The store or the gallery does not answer.
            ModelMismatch: The site has changed its model, and what was asked with is a vector of the former one.
        """
        if asked.after:
            parse_position(asked.after, "after_log_position")
        with self._lock:
            if self._running >= self._most:
                raise Overloaded(f"{self._running} standing queries run already; try again later")
            self._running += 1
        try:
            yield from self._follow(asked, active)
        finally:
            with self._lock:
                self._running -= 1

    def _follow(self, asked: StandingQuery, active: Callable[[], bool]) -> Iterator[Seen]:
        position = asked.after or self._store.last_event_id()
        told: set[str] = set()
        while active() and not self._closed.is_set():
            events = self._store.read_events(position, _BATCH, _BLOCK_MS)
            if not events:
                continue
            self._gallery.wait_for(events[-1].event_id, _WAIT_S)
            asked = self._as_seen_now(asked)
            for event in events:
                seen = self._judge(event, asked, told)
                if seen is not None:
                    yield seen
            position = events[-1].event_id
        if self._closed.is_set():
            raise Unavailable("the matcher is ending")

    def _as_seen_now(self, asked: StandingQuery) -> StandingQuery:
        """The query with probes of the model that the gallery holds."""
        probes, again = asked.probes, asked.again
        if probes is None or again is None or probes.model_id in ("", self._gallery.model_id):
            return asked
        return replace(asked, probes=again())

    def _judge(self, event: Event, asked: StandingQuery, told: set[str]) -> Seen | None:
        """What an event means to a standing query; ``told`` are the sightings already reported."""
        if event.kind == "sighting.deleted":
            told.discard(str(event.payload["sighting_id"]))
            return None
        if event.kind not in {"sighting.put", "sighting.decided"}:
            return None
        sighting_id, decided = str(event.payload["sighting_id"]), event.kind == "sighting.decided"
        if not decided and sighting_id in told:
            return None
        probes = asked.probes or Probed(np.zeros((0, 0), np.float32))
        queries = None if asked.probes is None else probes.vectors
        match = self._gallery.match_of_sighting(sighting_id, queries, asked.wanted, probes.model_id)
        if match is None or match.probability < asked.min_probability:
            return None
        told.add(sighting_id)
        return Seen(match, decided, event.event_id)
