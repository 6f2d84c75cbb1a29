"""The loop that lets things go: expiry, pictures, stalled views, trimming. One per site works; decides no identity."""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from services.crops import CropStore
from services.errors import StoreUnavailable
from services.identity.history import all_events, believed
from services.identity.retention.contract import CROPS, RETENTION_ACTOR, SERVER, Overdue, Trimmed
from services.identity.retention.settings import RetentionSettings
from services.identity.store import IdentityStore, renewed_or_acquired
from services.observability import catalogue
from services.observability.instruments import counter
from services.types import Lease

log = logging.getLogger(__name__)

LEASE = "retention"
_NS_PER_S = 1_000_000_000
_PAGE = 500
_ALL = 10_000_000
#: Pictures that no sighting names are looked for once in so many sweeps, because that lists the whole folder.
_ORPHANS_EVERY = 60
#: What came past its time within so many turns has merely not been swept yet.
_PATIENCE_SWEEPS = 2


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is past its time at one moment, UTC nanoseconds of the store's clock."""

    sightings_before_ns: int
    enrolled_before_ns: int | None
    history_before_ns: int
    forget_before_ns: int
    audit_before_ns: int
    views_before_ns: int

    @classmethod
    def at(cls, now_ns: int, settings: RetentionSettings) -> Bounds:
        """The bounds that settings set at a moment."""

        def ago(seconds: float) -> int:
            return now_ns - int(seconds * _NS_PER_S)

        enrolled_s = settings.enrolled_retention_s
        return cls(
            sightings_before_ns=ago(settings.sighting_retention_s),
            enrolled_before_ns=None if enrolled_s is None else ago(enrolled_s),
            history_before_ns=ago(settings.kept_history_s),
            forget_before_ns=ago(settings.tombstone_s),
            audit_before_ns=ago(settings.audit_s),
            views_before_ns=ago(settings.view_stall_s),
        )


def left_behind(store: IdentityStore, settings: RetentionSettings, limit: int) -> list[Overdue]:
    """What sweeps should have removed: past its time by more than two of them are apart, oldest first."""
    patience_ns = int(_PATIENCE_SWEEPS * settings.sweep_every_s * _NS_PER_S)
    bounds = Bounds.at(store.now_ns() - patience_ns, settings)
    return store.overdue(bounds.sightings_before_ns, bounds.enrolled_before_ns, limit=limit)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one sweep did: sightings expired, deleted sightings whose pictures went, orphans, views, stream entries."""

    expired: int
    crops_purged: int
    orphans: int
    views_dropped: tuple[str, ...]
    trimmed: Trimmed


class RetentionLoop:
    """Sweeps while it holds the site's retention lease. Any number may run.

    Args:
        store: The system of record.
        crops: Where pictures are.
        settings: How long what is kept.
        owner: Names this process; the same name after a restart takes over at once.
    """

    def __init__(self, store: IdentityStore, crops: CropStore, settings: RetentionSettings, owner: str) -> None:
        self._store = store
        self._crops = crops
        self.settings = settings
        self._owner = owner
        self._sweeps = 0
        self.leads = False

    def run(self, stop: threading.Event) -> None:
        """Sweeps until told to stop; a store that is away is tried again at the next turn."""
        lease: Lease | None = None
        away = False
        while not stop.is_set():
            try:
                lease = self._hold(lease)
                self.leads = lease is not None
                if lease is not None:
                    self.sweep()
                away = False
            except StoreUnavailable as exc:
                self.leads = False
                if not away:
                    log.warning("store is away, nothing is removed meanwhile: %s", exc)
                away = True
            stop.wait(self.settings.sweep_every_s)
        self._give_back(lease)

    def _hold(self, lease: Lease | None) -> Lease | None:
        return renewed_or_acquired(self._store, lease, LEASE, self._owner, 3 * self.settings.sweep_every_s)

    def _give_back(self, lease: Lease | None) -> None:
        if lease is not None:
            try:
                self._store.release_lease(lease)
            except StoreUnavailable as exc:
                log.warning("the retention lease could not be given back: %s", exc)

    def sweep(self) -> Swept:
        """One turn.

        Raises:
            StoreUnavailable: The store does not answer; what was done so far is done.
        """
        store, settings = self._store, self.settings
        bounds = Bounds.at(store.now_ns(), settings)
        limit = settings.sweep_at_once
        expired = store.expire(bounds.sightings_before_ns, bounds.enrolled_before_ns, limit=limit)
        if expired:
            store.note(RETENTION_ACTOR, "expire", "", expired)
        purged = purge_crops(store, self._crops)
        dropped = self._drop_stalled(bounds.views_before_ns)
        store.index_events()
        trimmed = store.trim(bounds.history_before_ns, bounds.forget_before_ns, bounds.audit_before_ns)
        finish_erasures(store)
        orphans = 0
        if self._sweeps % _ORPHANS_EVERY == 0:
            orphans = sweep_orphans(store, self._crops, settings.orphan_crop_s)
        self._sweeps += 1
        counter(catalogue.SWEEPS).inc()
        counter(catalogue.EXPIRED).inc(expired)
        if expired or orphans:
            log.info("retention: %d sightings expired, %d orphaned pictures removed", expired, orphans)
        return Swept(expired, purged, orphans, dropped, trimmed)

    def _drop_stalled(self, before_ns: int) -> tuple[str, ...]:
        stalled = tuple(view.name for view in self._store.views() if view.said_at_ns < before_ns)
        for name in stalled:
            log.warning("view %s has stalled and is dropped; it has to be filled again", name)
            self._store.drop_view(name)
            self._store.note(RETENTION_ACTOR, "drop_view", name, 0, "stalled")
        return stalled


def purge_crops(store: IdentityStore, crops: CropStore) -> int:
    """Removes the pictures of deleted sightings and acknowledges; returns of how many sightings.

    What cannot be removed stays in the outbox, is logged and tried again.
    """
    done = 0
    while held := store.purges(CROPS, limit=_PAGE):
        gone = []
        for purge in held:
            try:
                for key in purge.crop_keys:
                    crops.delete(key)
                gone.append(purge.sighting_id)
            except OSError as exc:
                log.warning("pictures of deleted sighting %s stay behind: %s", purge.sighting_id, exc)
        store.acknowledge(CROPS, gone)
        done += len(gone)
        if len(gone) < len(held):
            break
    return done


def finish_erasures(store: IdentityStore) -> int:
    """Rewrites the server's streams and files for erasures that wait for nothing else; returns how many ended.

    An erasure that was interrupted, or waited for a view that was away, ends here.
    """
    waiting = [purge for purge in store.purges(SERVER, limit=_ALL) if purge.waits == (SERVER,)][:_PAGE]
    if not waiting:
        return 0
    sightings = [purge.sighting_id for purge in waiting]
    names = {purge.identity_id for purge in waiting if purge.identity_id}
    alias = believed(all_events(store)).alias
    while absorbed := {name for name, survivor in alias.items() if survivor in names} - names:
        names |= absorbed
    store.rewrite(sightings, sorted(name for name in names if store.resolve(name) is None))
    store.acknowledge(SERVER, sightings)
    return len(waiting)


def sweep_orphans(store: IdentityStore, crops: CropStore, older_than_s: float) -> int:
    """Removes pictures that no sighting names and that are old enough not to belong to one about to be put.

    Where pictures cannot be listed or removed that is logged, and they are looked for again another time.
    """
    try:
        found = crops.older_than(older_than_s)
    except OSError as exc:
        log.warning("pictures cannot be listed, orphaned ones stay behind: %s", exc)
        return 0
    if not found:
        return 0
    named = {key for sighting, _ in store.scan_sightings() for key in sighting.crop_keys}
    orphans = [key for key in found if key not in named]
    for key in orphans:
        try:
            crops.delete(key)
        except OSError as exc:
            log.warning("orphaned picture %s stays behind: %s", key, exc)
    return len(orphans)
