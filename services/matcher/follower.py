"""Keeps the gallery in step with the store: fills it once, then follows the log. Writes nothing to the store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator

from services.errors import Unavailable
from services.identity.store import IdentityRecord, IdentityStore
from services.matcher.gallery import Gallery, parse_position

log = logging.getLogger(__name__)

_BATCH = 512
_PAGE = 500
_BLOCK_MS = 250
_RETRY_S = 0.5


class GalleryFollower:
    """The one thread that feeds a gallery."""

    def __init__(self, store: IdentityStore, gallery: Gallery, on_ready: Callable[[], None] = lambda: None) -> None:
        """Does nothing until run.

        Args:
            store: Read only.
            gallery: Fed by nobody else.
            on_ready: Called in this thread each time that the gallery has caught up after it was filled.
        """
        self._store = store
        self._gallery = gallery
        self._on_ready = on_ready

    def run(self, stop: threading.Event) -> None:
        """Fills the gallery and follows the log until told to stop; while the store is away, waits for it.

        Args:
            stop: Ends the loop within about a second.
        """
        filled = False
        away = False
        while not stop.is_set():
            try:
                if not filled or (away and self._log_went_back()):
                    self._fill()
                    filled = True
                if away:
                    log.info("the store is back; following its log from %s", self._gallery.log_position)
                    away = False
                self._follow_once()
            except Unavailable as exc:
                if not away:
                    log.warning("the store is away, the gallery answers from memory: %s", exc)
                    away = True
                stop.wait(_RETRY_S)

    def _log_went_back(self) -> bool:
        """Whether the store's log ends before what was applied: another store, or one that lost its data."""
        return parse_position(self._store.last_event_id()) < parse_position(self._gallery.log_position)

    def _fill(self) -> None:
        position = self._store.last_event_id()
        self._gallery.rebuild(self._store.scan_sightings(), self._identities(), position)
        target = parse_position(self._store.last_event_id())
        while parse_position(self._gallery.log_position) < target:
            self._follow_once()
        stats = self._gallery.stats()
        log.info("gallery filled: %d sightings of %d identities", stats.sightings, stats.identities)
        self._gallery.set_ready()
        self._on_ready()

    def _identities(self) -> Iterator[IdentityRecord]:
        offset = 0
        while page := self._store.list_identities(_PAGE, offset):
            yield from page
            offset += len(page)

    def _follow_once(self) -> None:
        events = self._store.read_events(self._gallery.log_position, _BATCH, _BLOCK_MS)
        if not events:
            return
        changed = list(dict.fromkeys(str(e.payload["sighting_id"]) for e in events if e.kind == "sighting.put"))
        newest = self._store.get_sightings(changed) if changed else []
        self._gallery.apply(events, dict(zip(changed, newest, strict=True)))
