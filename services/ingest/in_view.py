"""Owns which sightings of this process go on, which of them were deleted at the store, and whose end the store missed.

Does no I/O.
"""

from __future__ import annotations

import threading
from collections.abc import Collection

from services.types import Sighting


def _session_of(sighting: Sighting) -> str:
    return sighting.track_keys[-1].session_id


class SightingsInView:
    """The sightings of which more is to come, while their sessions last. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # Sighting to session: those that the store has, and those that were deleted there.
        self._stored: dict[str, str] = {}
        self._deleted: dict[str, str] = {}
        self._news: set[str] = set()
        self._lost: set[str] = set()

    def stored(self, sighting: Sighting) -> None:
        """The store has a revision."""
        with self._lock:
            self._stored[sighting.sighting_id] = _session_of(sighting)
            self._ended(sighting)

    def refused(self, sighting: Sighting) -> None:
        """The store has deleted what this is a revision of."""
        with self._lock:
            self._delete(sighting.sighting_id, _session_of(sighting))
            self._ended(sighting)

    def lose(self, sighting: Sighting) -> None:
        """A revision was lost. With the last one the store has all that it will get, and does not know."""
        if sighting.final:
            with self._lock:
                self._stored.pop(sighting.sighting_id, None)
                self._lost.add(sighting.sighting_id)

    def lost(self) -> list[str]:
        """Those whose last revision was lost."""
        with self._lock:
            return sorted(self._lost)

    def closed(self, sighting_ids: Collection[str]) -> None:
        """The store was told that no more is to come of these."""
        with self._lock:
            self._lost.difference_update(sighting_ids)

    def ids(self) -> list[str]:
        """Those that the store has."""
        with self._lock:
            return list(self._stored)

    def delete(self, sighting_id: str) -> None:
        """One that the store had was deleted there."""
        with self._lock:
            session_id = self._stored.get(sighting_id)
            if session_id is not None:
                self._delete(sighting_id, session_id)

    def is_deleted(self, sighting_id: str) -> bool:
        """Whether one was deleted."""
        with self._lock:
            return sighting_id in self._deleted

    def news(self) -> set[str]:
        """What was deleted since this was last asked."""
        with self._lock:
            news, self._news = self._news, set()
            return news

    def session_ended(self, session_id: str) -> None:
        """No more is to come of the sightings of a session."""
        with self._lock:
            for known in (self._stored, self._deleted):
                for sighting_id in [name for name, session in known.items() if session == session_id]:
                    del known[sighting_id]

    def _delete(self, sighting_id: str, session_id: str) -> None:
        self._stored.pop(sighting_id, None)
        self._deleted[sighting_id] = session_id
        self._news.add(sighting_id)

    def _ended(self, sighting: Sighting) -> None:
        if sighting.final:
            self._stored.pop(sighting.sighting_id, None)
            self._deleted.pop(sighting.sighting_id, None)
            self._news.discard(sighting.sighting_id)
