"""Keeps the gallery in step with the store: fills it once, then follows the log.

Writes to the store only how far it is, and that it holds nothing any more of what was deleted.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator

from services.errors import Unavailable
from services.identity.store import IdentityRecord, IdentityStore
from services.matcher.gallery import Gallery, parse_position

log = logging.getLogger(__name__)

_BATCH = 512
_ALL = 10_000_000
_PAGE = 500
_BLOCK_MS = 250
_RETRY_S = 0.5
#: How often the store hears how far the view is, at most while events come and at least while none do.
_SAY_EVERY_S, _SAY_IDLE_S = 1.0, 30.0


class GalleryFollower:
    """The one thread that feeds a gallery."""

    def __init__(
        self,
        store: IdentityStore,
        gallery: Gallery,
        on_ready: Callable[[], None] = lambda: None,
        view: str = "gallery",
    ) -> None:
        """Does nothing until run.

        Args:
            store: Where the log is.
            gallery: Fed by nobody else.
            on_ready: Called in this thread each time that the gallery has caught up after it was filled.
            view: Under which name the store keeps events for it; the same after a restart, another's for none.
        """
        self._view = view
        self._said_s = 0.0
        self._said_position = ""
        self._dropped = False
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
                if not filled or self._dropped or (away and self._log_went_back()):
                    self._fill()
                    filled, self._dropped = True, False
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
        self._store.begin_view(self._view, position)
        # Deleted before the scan: what is filled now cannot hold them.
        gone = [purge.sighting_id for purge in self._store.purges(self._view, limit=_ALL)]
        self._gallery.rebuild(self._store.scan_sightings(), self._identities(), position)
        self._store.acknowledge(self._view, gone)
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
        if events:
            changed = list(dict.fromkeys(str(e.payload["sighting_id"]) for e in events if e.kind == "sighting.put"))
            newest = self._store.get_sightings(changed) if changed else []
            self._gallery.apply(events, dict(zip(changed, newest, strict=True)))
            gone = [str(e.payload["sighting_id"]) for e in events if e.kind == "sighting.deleted"]
            if gone:
                self._store.acknowledge(self._view, gone)
        self._say_position()

    def _say_position(self) -> None:
        """Lets the store cut off what the gallery has seen; notices when it was taken for dead."""
        position, now_s = self._gallery.log_position, time.monotonic()
        pause_s = _SAY_EVERY_S if position != self._said_position else _SAY_IDLE_S
        if now_s - self._said_s < pause_s:
            return
        if not self._store.advance_view(self._view, position):
            log.warning("the store had given up on view %s; filling the gallery again", self._view)
            self._dropped = True
        self._said_s, self._said_position = now_s, position
