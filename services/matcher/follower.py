"""Keeps the gallery in step with the store: fills it once, then follows the log.

Writes to the store only how far it is, and that it holds nothing any more of what was deleted.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from reid.types import EmbedderSpec
from services.errors import SnapshotError, Unavailable
from services.identity.store import Event, IdentityStore
from services.matcher.gallery import Gallery, parse_position
from services.matcher.snapshot import load_snapshot, remove_snapshot
from services.observability import catalogue
from services.observability.instruments import counter

log = logging.getLogger(__name__)

_BATCH = 512
_ALL = 10_000_000
_BLOCK_MS = 250
_RETRY_S = 0.5
#: How often the store hears how far the view is, at most while events come and at least while none do.
_SAY_EVERY_S, _SAY_IDLE_S = 1.0, 30.0
_EXPIRE_EVERY_S = 1.0
_MAX_TODO = 16
#: Events after which what is held of a sighting may be another.
_CHANGING = ("sighting.put", "sighting.embedded")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What the feeding thread does beside following the log.

    Attributes:
        folder: Where a snapshot may lie that saves reading everything; None for none.
        ttl_s: Sightings that ended longer ago are forgotten; None for never. The store keeps its own retention.
        clock_ns: UTC nanoseconds.
        view: Under which name the store keeps events for it; the same after a restart, another's for none.
    """

    folder: Path | None = None
    ttl_s: float | None = None
    clock_ns: Callable[[], int] = time.time_ns
    view: str = "gallery"


class GalleryFollower:
    """The one thread that feeds a gallery."""

    def __init__(
        self,
        store: IdentityStore,
        gallery: Gallery,
        on_ready: Callable[[], None] = lambda: None,
        upkeep: Upkeep | None = None,
        model: Callable[[], EmbedderSpec] | None = None,
    ) -> None:
        """Does nothing until run.

        Args:
            store: Where the log is.
            gallery: Fed by nobody else.
            on_ready: Called in this thread each time that the gallery has caught up after it was filled.
            upkeep: What to do beside following.
            model: The site's model as it is now; None where it does not change.
        """
        self._said_s = 0.0
        self._said_position = ""
        self._refill_due = False
        #: Whether housekeeping is due that should not wait for the next event.
        self._untidy = False
        self._store = store
        self._gallery = gallery
        self._on_ready = on_ready
        self._upkeep = upkeep or Upkeep()
        self._model = model or (lambda: gallery.spec)
        self._view = self._upkeep.view
        self._expired_at_s = 0.0
        self._first = True
        self._todo: queue.Queue[tuple[Callable[[], Any], Future[Any]]] = queue.Queue(_MAX_TODO)

    def run(self, stop: threading.Event) -> None:
        """Fills the gallery and follows the log until told to stop; while the store is away, waits for it.

        Args:
            stop: Ends the loop within about a second.
        """
        filled = False
        away = False
        while not stop.is_set():
            try:
                if not filled or self._refill_due or (away and self._log_went_back()):
                    self._fill()
                    filled, self._refill_due = True, False
                if away:
                    log.info("the store is back; following its log from %s", self._gallery.log_position)
                    away = False
                self._follow_once()
                self._do_work()
            except Unavailable as exc:
                if not away:
                    log.warning("the store is away, the gallery answers from memory: %s", exc)
                    away = True
                stop.wait(_RETRY_S)

    def call(self, work: Callable[[], T], timeout_s: float) -> T:
        """What ``work`` returns, run in the thread that feeds the gallery.

        Raises:
            Unavailable: It was not done in time; it may still be.
            Exception: What ``work`` raised.
        """
        done: Future[T] = Future()
        try:
            self._todo.put_nowait((work, done))
            return done.result(timeout_s)
        except (queue.Full, FutureTimeout) as exc:
            raise Unavailable("the gallery's thread is busy; try again later") from exc

    def refill(self, from_store: bool) -> bool:
        """Fills the gallery anew, in the feeding thread; returns whether a snapshot was used."""
        self._first = not from_store
        return self._fill()

    def _do_work(self) -> None:
        while not self._todo.empty():
            work, done = self._todo.get_nowait()
            try:
                done.set_result(work())
            except Exception as exc:  # handed to who asked
                done.set_exception(exc)

    def _log_went_back(self) -> bool:
        """Whether the store's log ends before what was applied: another store, or one that lost its data."""
        return parse_position(self._store.last_event_id()) < parse_position(self._gallery.log_position)

    def _from_snapshot(self) -> bool:
        """Whether a snapshot was taken over that the store's log still continues."""
        if self._upkeep.folder is None or not self._first:
            return False
        try:
            info = load_snapshot(self._gallery, self._upkeep.folder)
        except SnapshotError as exc:
            log.warning("snapshot not used: %s", exc)
            return False
        if info is None:
            return False
        if not self._log_knows(info.log_position):
            log.warning("snapshot not used: the store's log does not continue from %s", info.log_position)
            return False
        log.info("snapshot at %s taken over: %d vectors", info.log_position, info.vectors)
        return True

    def _log_knows(self, position: str) -> bool:
        """Whether this very event is still in the log, so that nothing after it is missing."""
        if parse_position(position) == (0, 0):
            return self._store.last_event_id() == "0-0"
        return self._store.get_event(position) is not None

    def _fill(self) -> bool:
        used = self._from_snapshot()
        position = self._gallery.log_position if used else self._store.last_event_id()
        # Asked after the position is known: of a change that comes later, the log tells.
        spec = self._model()
        if used and spec.model_id != self._gallery.model_id:
            used, position = False, self._store.last_event_id()
        if spec.model_id != self._gallery.model_id and self._upkeep.folder is not None:
            remove_snapshot(self._upkeep.folder)
        self._store.begin_view(self._view, position)
        # Deleted before the scan, or before the target below: what is filled by then cannot hold them.
        gone = [purge.sighting_id for purge in self._store.purges(self._view, limit=_ALL)]
        if not used:
            self._gallery.rebuild(self._store.scan_sightings(), self._store.scan_identities(), position, spec)
        target = parse_position(self._store.last_event_id())
        while parse_position(self._gallery.log_position) < target:
            self._follow_once()
        self._store.acknowledge(self._view, gone)
        # Not before all of it worked: a store that went away meanwhile costs no reading of everything.
        self._first = False
        stats = self._gallery.stats()
        log.info("gallery filled: %d sightings of %d identities", stats.sightings, stats.identities)
        self._gallery.set_ready()
        self._on_ready()
        return used

    def _expire(self) -> None:
        """Now and then, forgets what is older than the gallery's time to live."""
        ttl_s, now_s = self._upkeep.ttl_s, time.monotonic()
        if ttl_s is None or now_s - self._expired_at_s < min(_EXPIRE_EVERY_S, ttl_s / 4):
            return
        self._expired_at_s = now_s
        gone = self._gallery.expire(self._upkeep.clock_ns() - int(ttl_s * 1e9))
        if gone:
            log.debug("%d sightings expired", gone)

    def _follow_once(self) -> None:
        events = self._store.read_events(self._gallery.log_position, _BATCH, 1 if self._untidy else _BLOCK_MS)
        if events:
            changed = list(dict.fromkeys(str(e.payload["sighting_id"]) for e in events if e.kind in _CHANGING))
            newest = self._store.get_sightings(changed) if changed else []
            self._gallery.apply(events, dict(zip(changed, newest, strict=True)))
            for event in events:
                counter(catalogue.EVENTS).labels(event.kind).inc()
            self._let_go([e for e in events if e.kind == "sighting.deleted"])
            if any(e.kind == "model.rolled" for e in events) and self._model().model_id != self._gallery.model_id:
                log.info("the site has changed its model; filling the gallery with the vectors of the new one")
                self._refill_due = True
        self._expire()
        self._untidy = self._gallery.maintain()
        self._say_position()

    def _let_go(self, deleted: Sequence[Event]) -> None:
        """Tells the store that nothing is held any more; a snapshot that may hold what was erased goes first."""
        if not deleted:
            return
        gone = {str(event.payload["sighting_id"]) for event in deleted}
        folder = self._upkeep.folder
        if folder is not None:
            waiting = self._store.purges_of(sorted(gone))
            if any(purge.cause == "erase" and self._view in purge.waits for purge in waiting):
                remove_snapshot(folder)
        self._store.acknowledge(self._view, sorted(gone))

    def _say_position(self) -> None:
        """Lets the store cut off what the gallery has seen; notices when it was taken for dead."""
        position, now_s = self._gallery.log_position, time.monotonic()
        pause_s = _SAY_EVERY_S if position != self._said_position else _SAY_IDLE_S
        if now_s - self._said_s < pause_s:
            return
        if not self._store.advance_view(self._view, position):
            log.warning("the store had given up on view %s; filling the gallery again", self._view)
            self._refill_due = True
        self._said_s, self._said_position = now_s, position
