"""Carries sightings to the store: in order, idempotently, under leases, through a bounded spool while it is away."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace

from services.crops import CropStore
from services.errors import LeaseLost, StoreUnavailable
from services.identity.store import CameraRecord, IdentityStore, renewed_or_acquired
from services.ingest.in_view import SightingsInView
from services.ingest.settings import IngestSettings
from services.ingest.sharing import CameraShare
from services.ingest.sightings import Outgoing
from services.observability import catalogue
from services.observability.instruments import counter
from services.observability.tracing import continued
from services.types import Lease, Sighting

log = logging.getLogger(__name__)

#: Key and JPEG of each.
Pictures = tuple[tuple[str, bytes], ...]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 2.0
#: Beyond the deadline of ``close``: the call to the store that may then be under way ends by its own time-out.
_LAST_CALL_S = 5.0


@dataclass(frozen=True, slots=True)
class PublishCounts:
    """What became of the sighting revisions handed over.

    Attributes:
        acknowledged: The store has them, or their sighting was deleted meanwhile.
        replayed: Of these, the ones that had to be sent again.
        superseded: Replaced by a newer revision before they were sent.
        spooled: Waiting.
        dropped: Lost, by reason: `spool_full`, `deadline`, `lease_lost`, `refused`, and `outdated` where the sighting
            was changed meanwhile.
        crops_failed: Revisions that went without pictures because these could not be written.
    """

    acknowledged: int
    replayed: int
    superseded: int
    spooled: int
    dropped: Mapping[str, int] = field(default_factory=dict)
    crops_failed: int = 0


@dataclass(frozen=True, slots=True)
class _Sent:
    """A revision as it was put.

    Attributes:
        sighting: With the pictures that could be written.
        accepted: Whether the store took it.
        unwritten: Pictures that could not be written.
    """

    sighting: Sighting
    accepted: bool
    unwritten: Pictures


class SightingPublisher:
    """Owns one thread and the spool. It alone talks to the store on behalf of ingest.

    The spool keeps only the newest revision of a sighting, at the place of the oldest that was not sent. When another
    process takes a camera, what waits of it is dropped and counted: the camera is that process's now. Pictures that
    were dropped or could not be written go with the next revision of their sighting, which names them.

    A vehicle may stay in view for longer than the store refuses the ids of what was deleted, with nothing to send. So
    the store is asked which of the sightings in view were deleted, as often as cameras are written and before anything
    is sent after an outage; nothing more is sent of these. What lost its last revision is closed there with it, as
    whatever counts as in view is kept.
    """

    def __init__(
        self,
        store: IdentityStore,
        crops: CropStore,
        settings: IngestSettings,
        owner: str,
        share: CameraShare,
        camera_records: Callable[[], Sequence[CameraRecord]] = tuple,
    ) -> None:
        """Starts nothing yet.

        Args:
            store: Where sightings go.
            crops: Where their pictures go first.
            settings: Leases, spool and intervals.
            owner: Names this process.
            share: The cameras that this process may write for; kept up to date here.
            camera_records: Asked every interval; what it gives is written to the store.
        """
        self._store = store
        self._crops = crops
        self._settings = settings
        self._owner = owner
        self._share = share
        self._camera_records = camera_records
        self._waiting: OrderedDict[str, Outgoing] = OrderedDict()
        self._retried: set[str] = set()
        # Revisions that were lost, or went without pictures: what they had to do is left to the next one.
        self._owed: OrderedDict[str, Outgoing] = OrderedDict()
        self._in_view = SightingsInView()
        self._sessions: dict[str, Lease | None] = {}
        self._changed = threading.Condition()
        self._closing = False
        self._deadline_s = float("inf")
        self._counts: Counter[str] = Counter()
        self._dropped: Counter[str] = Counter()
        self._next_renewal_s = 0.0
        self._next_records_s = 0.0
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="ingest-publisher", daemon=True)

    @property
    def error(self) -> BaseException | None:
        """What ended the thread, if it should not have ended."""
        return self._error

    def start(self) -> None:
        """Starts the thread."""
        self._thread.start()

    def submit(self, outgoing: Outgoing) -> None:
        """Hands a sighting over and returns at once; when the spool is full the oldest goes."""
        sighting_id = outgoing.sighting.sighting_id
        with self._changed:
            owed = self._owed.pop(sighting_id, None)
            if owed is not None:
                outgoing = _superseding(owed, outgoing)
            older = self._waiting.get(sighting_id)
            if older is not None:
                self._counts["superseded"] += 1
                self._retried.discard(sighting_id)
                outgoing = _superseding(older, outgoing)
            self._waiting[sighting_id] = outgoing
            while len(self._waiting) > self._settings.spool_sightings:
                _, lost = self._waiting.popitem(last=False)
                self._drop(lost, "spool_full")
            self._changed.notify_all()

    def session_started(self, session_id: str) -> None:
        """Holds the lease `session:<id>` from now on, which tells others that its open sightings will be continued."""
        with self._changed:
            self._sessions.setdefault(session_id, None)
            self._next_renewal_s = 0.0
            self._changed.notify_all()

    def session_ended(self, session_id: str) -> None:
        """Lets the session's lease run out: all its sightings were handed over as final."""
        self._in_view.session_ended(session_id)
        with self._changed:
            self._sessions.pop(session_id, None)
            for sighting_id, owed in list(self._owed.items()):
                if owed.sighting.track_keys[-1].session_id == session_id:
                    del self._owed[sighting_id]

    def deleted(self) -> set[str]:
        """Sightings in view that the store turned out to have deleted since this was last asked."""
        return self._in_view.news()

    def counts(self) -> PublishCounts:
        """What became of what was handed over so far."""
        with self._changed:
            return PublishCounts(
                acknowledged=self._counts["acknowledged"],
                replayed=self._counts["replayed"],
                superseded=self._counts["superseded"],
                spooled=len(self._waiting),
                dropped=dict(self._dropped),
                crops_failed=self._counts["crops_failed"],
            )

    def close(self, timeout_s: float) -> bool:
        """Sends what waits, writes the cameras' last state, gives the lease back and ends the thread.

        Args:
            timeout_s: Longest wait; what then still waits is dropped and counted.

        Returns:
            True when nothing handed over was lost.
        """
        with self._changed:
            self._closing = True
            self._deadline_s = time.monotonic() + timeout_s
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._thread.join(timeout_s + _LAST_CALL_S)
        with self._changed:
            if self._waiting:
                self._dropped["deadline"] += len(self._waiting)
                self._waiting.clear()
            return not self._dropped

    def _run(self) -> None:
        try:
            self._serve()
        except Exception as exc:
            log.exception("the publisher failed")
            self._error = exc

    def _serve(self) -> None:
        pause_s = 0.0
        while not self._finished():
            try:
                self._keep_leases()
                self._write_cameras()
                self._send_next()
            except StoreUnavailable as exc:
                if pause_s == 0.0:
                    log.warning("the store does not answer, sightings are spooled: %s", exc)
                pause_s = min(_LONGEST_PAUSE_S, max(_FIRST_PAUSE_S, pause_s * 2))
                self._share.outage()
                self._next_renewal_s = self._next_records_s = 0.0  # what was due may not have been done
                self._pause(pause_s)
                continue
            if pause_s > 0.0:
                log.info("the store answers again; %d sightings wait", len(self._waiting))
                pause_s = 0.0
        self._give_back()

    def _finished(self) -> bool:
        with self._changed:
            return self._closing and (not self._waiting or time.monotonic() >= self._deadline_s)

    def _pause(self, seconds: float) -> None:
        """Waits, not beyond the deadline."""
        with self._changed:
            end_s = min(time.monotonic() + seconds, self._deadline_s)
            while (left_s := end_s - time.monotonic()) > 0:
                self._changed.wait(left_s)
                end_s = min(end_s, self._deadline_s)

    def _keep_leases(self) -> None:
        """Keeps the leases of cameras and sessions, when due."""
        now_s = time.monotonic()
        with self._changed:
            if now_s < self._next_renewal_s:
                return
            sessions = dict(self._sessions)
            # Changed meanwhile by a new session, which wants its lease at once.
            self._next_renewal_s = now_s + min(self._settings.lease_ttl_s / 3, 1.0)
        self._share.keep()
        self._share.release(self._waits_for)
        for session_id, lease in sessions.items():
            name = f"session:{session_id}"
            kept = renewed_or_acquired(self._store, lease, name, self._owner, self._settings.lease_ttl_s)
            with self._changed:
                if session_id in self._sessions:
                    self._sessions[session_id] = kept

    def _waits_for(self, camera_id: str) -> bool:
        with self._changed:
            return any(outgoing.sighting.camera_id == camera_id for outgoing in self._waiting.values())

    def _write_cameras(self) -> None:
        """When due, writes the state of cameras, asks what was deleted of what they see, closes what lost its end."""
        now_s = time.monotonic()
        if now_s >= self._next_records_s:
            self._next_records_s = now_s + self._settings.record_interval_s
            for record in self._camera_records():
                self._store.put_camera(record)
            for sighting_id in self._store.deleted(self._in_view.ids()):
                self._in_view.delete(sighting_id)
            if lost := self._in_view.lost():
                self._store.finalise(lost)
                self._in_view.closed(lost)

    def _send_next(self) -> None:
        """Sends the sighting that has waited longest; waits a little for one if there is none."""
        with self._changed:
            if not self._waiting:
                if not self._closing:
                    self._changed.wait(_FIRST_PAUSE_S)
                return
            sighting_id, outgoing = self._waiting.popitem(last=False)
        if self._in_view.is_deleted(sighting_id):
            self._passed_over(outgoing, None)
            return
        try:
            with continued("put", outgoing.trace):
                sent = self._put(outgoing)
                stored = None if sent.accepted else self._store.get_sighting(sighting_id)
        except StoreUnavailable:
            self._put_back(sighting_id, outgoing)
            raise
        except LeaseLost as exc:
            log.warning("sighting %s is not written: %s", sighting_id, exc)
            with self._changed:
                self._drop(outgoing, "lease_lost")
            return
        except ValueError:
            log.exception("the store refuses sighting %s", sighting_id)
            with self._changed:
                self._drop(outgoing, "refused")
            return
        if not sent.accepted and not _same(sent.sighting, stored):
            self._passed_over(outgoing, stored)
            return
        self._in_view.stored(outgoing.sighting)
        self._acknowledged(outgoing)
        self._remove(outgoing.obsolete_crop_keys)
        if sent.unwritten:
            with self._changed:
                self._owe(replace(outgoing, new_crops=sent.unwritten, obsolete_crop_keys=()))

    def _put(self, outgoing: Outgoing) -> _Sent:
        """Writes a sighting under its camera's lease; with a fresh token once more where that ran out meanwhile.

        Raises:
            LeaseLost: Another process has the camera.
            StoreUnavailable: The store does not answer.
        """
        camera_id = outgoing.sighting.camera_id
        lease = self._share.lease_of(camera_id)
        unwritten = self._write_crops(outgoing)
        sighting = _without(outgoing.sighting, {key for key, _ in unwritten})
        if lease is not None:
            try:
                accepted = self._store.put_sighting(sighting, lease).accepted
            except LeaseLost:
                lease = None
            else:
                return _Sent(sighting, accepted, unwritten)
        accepted = self._store.put_sighting(sighting, self._share.retake(camera_id)).accepted
        return _Sent(sighting, accepted, unwritten)

    def _put_back(self, sighting_id: str, outgoing: Outgoing) -> None:
        with self._changed:
            newer = self._waiting.get(sighting_id)
            if newer is not None:
                self._counts["superseded"] += 1
                outgoing = _superseding(outgoing, newer)
            else:
                self._retried.add(sighting_id)
            self._waiting[sighting_id] = outgoing
            self._waiting.move_to_end(sighting_id, last=False)

    def _acknowledged(self, outgoing: Outgoing) -> None:
        counter(catalogue.SIGHTINGS_PUT).labels(outgoing.sighting.camera_id).inc()
        with self._changed:
            self._counts["acknowledged"] += 1
            if outgoing.sighting.sighting_id in self._retried:
                self._retried.discard(outgoing.sighting.sighting_id)
                self._counts["replayed"] += 1

    def _passed_over(self, outgoing: Outgoing, stored: Sighting | None) -> None:
        """Settles a revision that the store did not take: the sighting was changed meanwhile, or deleted.

        Its pictures go, but for those that the stored revision names; where another revision is to come, they are left
        to that one.
        """
        sighting_id = outgoing.sighting.sighting_id
        if stored is None:
            self._in_view.refused(outgoing.sighting)
            self._acknowledged(outgoing)
        else:
            log.warning("sighting %s is not written: it was changed meanwhile", sighting_id)
            with self._changed:
                self._drop(outgoing, "outdated")
            if not outgoing.sighting.final:
                return
        named = () if stored is None else stored.crop_keys
        keys = (*outgoing.obsolete_crop_keys, *(key for key, _ in outgoing.new_crops))
        self._remove([key for key in keys if key not in named])

    def _remove(self, keys: Sequence[str]) -> None:
        for key in keys:
            try:
                self._crops.delete(key)
            except OSError as exc:
                log.warning("crop %s stays behind: %s", key, exc)

    def _write_crops(self, outgoing: Outgoing) -> Pictures:
        """Writes the crops up to the first that cannot be written; returns those that are left."""
        for place, (key, jpeg) in enumerate(outgoing.new_crops):
            try:
                self._crops.put_jpeg(key, jpeg)
            except OSError as exc:
                log.warning("crops of sighting %s cannot be written: %s", outgoing.sighting.sighting_id, exc)
                with self._changed:
                    self._counts["crops_failed"] += 1
                return outgoing.new_crops[place:]
        return ()

    def _drop(self, outgoing: Outgoing, reason: str) -> None:
        """Counts a revision that is lost, and leaves its errands to the next one."""
        self._retried.discard(outgoing.sighting.sighting_id)
        self._dropped[reason] += 1
        self._in_view.lose(outgoing.sighting)
        self._owe(outgoing)

    def _owe(self, outgoing: Outgoing) -> None:
        """Leaves the errands of a revision to the next one of its sighting, where one is to come."""
        sighting_id = outgoing.sighting.sighting_id
        newer = self._waiting.get(sighting_id)
        if newer is not None:
            self._waiting[sighting_id] = _superseding(outgoing, newer)
        elif not outgoing.sighting.final:
            self._owed[sighting_id] = outgoing
            if len(self._owed) > self._settings.spool_sightings:
                self._owed.popitem(last=False)

    def _give_back(self) -> None:
        try:
            for record in self._camera_records():
                self._store.put_camera(record)
            for lease in self._sessions.values():
                if lease is not None:
                    self._store.release_lease(lease)
            self._share.close()
        except StoreUnavailable as exc:
            log.warning("the last state of the cameras could not be written: %s", exc)


def _without(sighting: Sighting, unwritten: Set[str]) -> Sighting:
    """The sighting without the exemplars whose picture is missing; if each is, with all of them and no picture."""
    places = [place for place, key in enumerate(sighting.crop_keys) if key not in unwritten]
    if len(places) == len(sighting.crop_keys):
        return sighting
    if not places:
        return replace(sighting, crop_keys=())
    beside = sighting.beside
    return replace(
        sighting,
        exemplars=sighting.exemplars[places],
        crop_keys=tuple(sighting.crop_keys[place] for place in places),
        beside=None if beside is None else replace(beside, exemplars=beside.exemplars[places]),
    )


def _same(sent: Sighting, stored: Sighting | None) -> bool:
    """Whether what is stored is what was sent, by a call whose answer was lost."""
    if stored is None:
        return False
    return (sent.revision, sent.end_ns, sent.crop_keys) == (stored.revision, stored.end_ns, stored.crop_keys)


def _superseding(older: Outgoing, newer: Outgoing) -> Outgoing:
    """The newer revision, with the older one's errands as far as they still matter."""
    kept = set(newer.sighting.crop_keys)
    crops = {key: jpeg for key, jpeg in older.new_crops if key in kept} | dict(newer.new_crops)
    obsolete = dict.fromkeys((*older.obsolete_crop_keys, *newer.obsolete_crop_keys))
    return Outgoing(newer.sighting, tuple(crops.items()), tuple(obsolete), newer.trace)
