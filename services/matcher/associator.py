"""The associator's loop: reads the work stream, lets association decide, commits. Owns lease, cursor and restart.

All state is in the store: whoever takes the lease rebuilds it and goes on. Decides nothing itself.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import takewhile

from reid.types import Calibration, EmbedderSpec
from services.errors import LeaseLost, StoreUnavailable
from services.garbage import Collector
from services.identity.keys import ASSOCIATOR_LEASE
from services.identity.store import IdentityStore, WorkItem
from services.ids import IdFactory
from services.matcher.decision_figures import DecisionFigures
from services.matcher.observations import to_observation
from services.types import ENROLLED_CAMERA, Commit, Lease, Merge, Sighting, Split
from tracker.multi_camera.associate import Associator
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.types import Assigned, IdentityChange, IdentityMerge, Outcome
from tracker.types import DecisionStatus

log = logging.getLogger(__name__)

LEASE = ASSOCIATOR_LEASE
LEASE_TTL_S = 6.0
RENEW_EVERY_S = 2.0
ORPHANS_EVERY_S = 3.0
ORPHAN_IDLE_S = 10.0
READ_COUNT = 256
#: A bucket holds what was queued within so many of its times: what came while nobody decided is taken as it came.
LONGEST_BUCKETS = 2.0
BACKOFF_MAX_S = 5.0
NS_PER_S = 1_000_000_000


class AssociatorLoop:
    """One site's associator. Any number may run; the one that holds the lease decides.

    Args:
        store: The system of record.
        settings: Of association.
        calibration: Of the model.
        model_id: The model whose vectors are compared.
        id_factory: Fresh identity ids.
        owner: Names this process; the same name after a restart takes over at once.
        clock: Monotonic nanoseconds; only differences count.
        active_window_s: What ended longer ago is not remembered at a start; None remembers everything.
        model: The site's model as it is now, asked whenever the lease is taken, as it has to be when the model is
            changed; None where it does not change.
        collector: Told when garbage may be looked for; None leaves that to Python.
    """

    def __init__(  # noqa: PLR0913
        self,
        store: IdentityStore,
        settings: AssociationSettings,
        calibration: Calibration,
        model_id: str,
        *,
        id_factory: IdFactory,
        owner: str,
        clock: Callable[[], int] = time.monotonic_ns,
        active_window_s: float | None = None,
        model: Callable[[], EmbedderSpec] | None = None,
        collector: Collector | None = None,
    ) -> None:
        self._active_window_s = active_window_s
        self._store = store
        self._model = model
        self._model_id = model_id
        self._detail = calibration.detail
        self._settings = settings
        self._id_factory = id_factory
        self._associator = Associator(settings, calibration, model_id, id_factory)
        self._owner = owner
        self._clock = clock
        self._collector = collector
        self._figures = DecisionFigures()
        self._lease: Lease | None = None
        self._read_to = "0-0"
        self._committed_to = "0-0"
        self._caught_up = False
        # Read and not taken yet; when the first of the open bucket was queued.
        self._items: list[WorkItem] = []
        self._queued_ms: int | None = None
        # Sessions without a lease, and since when.
        self._unheld: dict[str, int] = {}
        # Provisional sightings with their camera sessions; first decisions the store does not know yet.
        self._open: dict[str, frozenset[str]] = {}
        self._undecided: set[str] = set()
        self._ahead: tuple[str, ...] = ()
        self._renewed_ns = 0
        self._orphans_ns = 0

    @property
    def caught_up(self) -> bool:
        """Whether all work read so far was decided and the last read found no more."""
        return self._caught_up and self._associator.pending == 0 and self._associator.unfinished == 0

    @property
    def leads(self) -> bool:
        """Whether this process decides for the site."""
        return self._lease is not None

    @property
    def pending(self) -> int:
        """Sightings that wait for their bucket to close."""
        return self._associator.pending

    @property
    def active(self) -> int:
        """Identities remembered."""
        return self._associator.active

    def run(self, stop: threading.Event) -> None:
        """Works until told to stop; rides out a store that is away and a lease that is lost."""
        failures = 0
        while not stop.is_set():
            try:
                self.step(block_ms=200)
                if self._lease is None:
                    stop.wait(0.5)
                failures = 0
            except StoreUnavailable as exc:
                failures += 1
                if failures == 1:
                    log.warning("store is away, association waits: %s", exc)
                stop.wait(min(0.1 * 2**failures, BACKOFF_MAX_S))
        self._release()

    def step(self, block_ms: int) -> int:
        """One round: decide a bucket that is due, or read what is new and take one step of second looks.

        A bucket's decisions are committed at once, with the cursor and a note of the second looks they still ask for;
        these follow step by step. A bucket that is due goes first, unless too many before it are unfinished.

        Args:
            block_ms: Longest wait for work.

        Returns:
            Decisions committed; 0 also while another process holds the lease.

        Raises:
            StoreUnavailable: The store does not answer; the next step starts from what it has.
        """
        try:
            if not self._hold_lease():
                return 0
            unfinished = self._associator.unfinished > 0
            # What comes once a bucket is due waits for the next, so that none waits for what it does not hold.
            if not self._is_due():
                self._take(self._read(0 if unfinished else block_ms))
            committed = 0
            if self._is_due():
                committed = self._decide()
            elif unfinished:
                self._reconsider()
            elif self._associator.pending == 0 and self._read_to != self._committed_to:
                self._commit(Outcome(), self._read_to)
            self._finalise_orphans()
            return committed
        except LeaseLost as exc:
            log.warning("association stops here: %s", exc)
            self._lease = None
            self._caught_up = False
            return 0
        except StoreUnavailable:
            self._lease = None
            raise

    def _is_due(self) -> bool:
        full = self._queued_ms is not None and bool(self._items)  # What is left of those waits for the next bucket.
        return self._associator.may_decide and (full or self._associator.due(self._clock()))

    # ------------------------------------------------------------------ lease

    def _hold_lease(self) -> bool:
        now_ns = self._clock()
        if self._lease is not None:
            if now_ns - self._renewed_ns < RENEW_EVERY_S * NS_PER_S:
                return True
            self._renewed_ns = now_ns
            if self._store.renew_lease(self._lease, LEASE_TTL_S):
                return True
            log.warning("the associator's lease was lost")
        self._caught_up = False
        self._lease = self._store.acquire_lease(LEASE, self._owner, LEASE_TTL_S)
        if self._lease is None:
            return False
        self._renewed_ns = now_ns
        self._restore()
        return True

    def _release(self) -> None:
        if self._lease is not None:
            try:
                self._store.release_lease(self._lease)
            except StoreUnavailable as exc:
                log.warning("the lease could not be given back: %s", exc)
            self._lease = None

    def _restore(self) -> None:
        """Rebuilds everything from the store; work behind the cursor is read again."""
        store = self._store
        self._caught_up = False
        self._use_model()
        self._read_to = self._committed_to = store.work_cursor()
        waiting = {item.sighting_id for item in self._waiting()}
        self._open.clear()
        self._undecided.clear()
        self._items.clear()
        self._unheld.clear()
        self._queued_ms = None
        corrected = store.corrected_identities()
        assigned = []
        for sighting, identity_id in store.scan_sightings(ended_since_ns=self._remembered_since_ns()):
            self._note_session(sighting)
            if identity_id is None or sighting.camera_id == ENROLLED_CAMERA:
                continue
            observation = to_observation(sighting.seen_by(self._model_id), self._detail)
            if sighting.sighting_id in waiting:
                observation = replace(observation, revision=0, final=False)
            ambiguous = not observation.final and self._is_ambiguous(identity_id)
            # What was looked at twice before a restart is not looked at once more.
            settled, by_hand = observation.final, identity_id in corrected
            assigned.append(Assigned(observation, identity_id, ambiguous, settled, by_hand))
        self._associator.restore(assigned, store.links())
        del assigned
        if self._collector is not None:
            self._collector.everything()
        log.info("association starts with %d identities, %d sightings wait", self._associator.active, len(waiting))

    def _use_model(self) -> None:
        spec = None if self._model is None else self._model()
        if spec is not None and spec.model_id != self._model_id:
            log.info("association goes on with model %s", spec.model_id[:12])
            self._model_id = spec.model_id
            self._associator = Associator(self._settings, spec.calibration, spec.model_id, self._id_factory)

    def _remembered_since_ns(self) -> int:
        window_s = self._active_window_s
        return 0 if window_s is None else max(0, self._store.now_ns() - int(window_s * NS_PER_S))

    def _waiting(self) -> Iterator[WorkItem]:
        after = self._read_to
        while items := self._store.read_work(after, READ_COUNT, 1):
            yield from items
            after = items[-1].entry_id

    def _is_ambiguous(self, identity_id: str) -> bool:
        record = self._store.get_identity(identity_id)
        return record is not None and record.status == "ambiguous" and len(record.sighting_ids) == 1

    # ------------------------------------------------------------------ work

    def _read(self, block_ms: int) -> list[WorkItem]:
        if not self._items:
            wait_s = self._associator.wait_s(self._clock())
            wait_ms = block_ms if wait_s is None else min(block_ms, int(wait_s * 1000) + 1)
            self._items = list(self._store.read_work(self._read_to, READ_COUNT, max(wait_ms, 1)))
            self._figures.read(self._items)
        self._caught_up = not self._items
        return self._of_one_bucket()

    def _of_one_bucket(self) -> list[WorkItem]:
        """Of what was read, what goes into the bucket that is open."""
        if not self._items:
            return []
        if self._queued_ms is None:
            self._queued_ms = _queued_ms(self._items[0])
        last_ms = self._queued_ms + LONGEST_BUCKETS * 1000 * self._settings.bucket_s
        return list(takewhile(lambda item: _queued_ms(item) <= last_ms, self._items))

    def _take(self, items: Sequence[WorkItem]) -> None:
        if not items:
            return
        ids = list(dict.fromkeys(item.sighting_id for item in items))
        now_ns = self._clock()
        sightings = self._store.get_sightings(ids)
        decided = self._decided_before(ids)
        for sighting_id, sighting in zip(ids, sightings, strict=True):
            if sighting is None:
                self._associator.forget(sighting_id)
                self._open.pop(sighting_id, None)
                self._undecided.discard(sighting_id)
                continue
            if sighting.camera_id == ENROLLED_CAMERA:  # a person has decided whose it is
                continue
            self._note_session(sighting)
            if sighting_id in decided:
                continue
            if not self._associator.knows(sighting_id):
                self._undecided.add(sighting_id)
            self._associator.push(to_observation(sighting.seen_by(self._model_id), self._detail), now_ns)
        self._associator.prepare()
        self._read_to = items[-1].entry_id
        self._items = self._items[len(items) :]

    def _decided_before(self, sighting_ids: Sequence[str]) -> set[str]:
        """Those that have an identity but are not remembered, as one corrected long after; it stays theirs."""
        asked = [s for s in sighting_ids if not self._associator.knows(s) and s not in self._undecided]
        return {s for s, owner in zip(asked, self._store.identities_of(asked), strict=True) if owner is not None}

    def _note_session(self, sighting: Sighting) -> None:
        if sighting.final:
            self._open.pop(sighting.sighting_id, None)
        else:
            self._open[sighting.sighting_id] = frozenset(key.session_id for key in sighting.track_keys)

    def _decide(self) -> int:
        outcome = self._associator.decide()
        self._queued_ms = None
        self._warn_of_clocks()
        stale = self._commit(outcome, self._read_to)
        unknown = [s for s in stale if s in self._undecided]
        self._undecided.clear()
        if unknown and (outcome.changes or self._matched_to_none(outcome, unknown)):
            # The store may lack an identity that is remembered here: start again from what it has.
            self._restore()
        else:
            # A newer revision is on its way and is decided as if it were the first.
            for sighting_id in unknown:
                self._associator.forget(sighting_id)
        return len(outcome.decisions) - len(stale)

    def _matched_to_none(self, outcome: Outcome, sighting_ids: Sequence[str]) -> bool:
        """Whether any of these was matched to an identity that the store has not, because it was deleted."""
        matched = {
            d.identity_id
            for d in outcome.decisions
            if d.sighting_id in sighting_ids and d.status is DecisionStatus.MATCHED
        }
        return any(self._store.get_identity(identity_id) is None for identity_id in sorted(matched))

    def _warn_of_clocks(self) -> None:
        told, self._ahead = self._ahead, self._associator.ahead
        for camera_id in sorted({*self._ahead} - {*told}):
            log.warning(
                "camera %s: its clock is far ahead of the others', what it sees is matched to nothing", camera_id
            )

    def _reconsider(self) -> None:
        behind = self._associator.behind
        outcome = self._associator.reconsider()
        if outcome:
            self._commit(outcome)
        if self._collector is not None and self._associator.behind < behind:
            self._collector.between(idle=self.caught_up)

    def _commit(self, outcome: Outcome, cursor: str | None = None) -> tuple[str, ...]:
        """Writes an outcome in its order, the cursor last; returns the sightings whose decision was stale."""
        lease = self._lease
        if lease is None:
            raise LeaseLost("no lease is held")
        rounds = pack(outcome.changes)
        stale: tuple[str, ...] = ()
        position = "0-0"
        for number, (merges, splits) in enumerate(rounds):
            last = number == len(rounds) - 1
            result = self._store.commit(
                Commit(
                    lease=lease,
                    decisions=outcome.decisions if number == 0 else (),
                    merges=merges,
                    splits=splits,
                    cursor=cursor if last else None,
                    links=outcome.links if last else {},
                )
            )
            stale += result.stale
            position = result.log_position
        self._figures.committed(outcome, stale, position)
        self._committed_to = cursor or self._committed_to
        return stale

    def _finalise_orphans(self) -> None:
        now_ns = self._clock()
        if not self._caught_up or now_ns - self._orphans_ns < ORPHANS_EVERY_S * NS_PER_S:
            return
        self._orphans_ns = now_ns
        sessions = sorted({session for sessions in self._open.values() for session in sessions})
        held = {s for s in sessions if self._store.lease_token(f"session:{s}") is not None}
        self._unheld = {s: self._unheld.get(s, now_ns) for s in sessions if s not in held}
        # After an outage leases are renewed as soon as their owners notice; who is early must not take them for gone.
        idle_ns = ORPHAN_IDLE_S * NS_PER_S
        alive = [s for s in sessions if s in held or now_ns - self._unheld[s] < idle_ns]
        done = self._store.finalise_orphans(alive, ORPHAN_IDLE_S)
        if done:
            log.info("%d sightings of ended sessions were made final", len(done))


def _queued_ms(item: WorkItem) -> int:
    """When it was queued, by the store's clock."""
    return int(item.entry_id.partition("-")[0])


def pack(changes: Sequence[IdentityChange]) -> list[tuple[tuple[Merge, ...], tuple[Split, ...]]]:
    """Changes in rounds that keep their order, though each round applies its merges before its splits.

    Returns:
        At least one round.
    """
    rounds: list[tuple[list[Merge], list[Split]]] = [([], [])]
    for change in changes:
        merges, splits = rounds[-1]
        if isinstance(change, IdentityMerge):
            if splits:
                merges, splits = [], []
                rounds.append((merges, splits))
            merges.append(Merge(change.survivor_id, change.absorbed_id, change.reason))
        else:
            splits.append(Split(change.identity_id, change.new_identity_id, change.sighting_ids, change.reason))
    return [(tuple(merges), tuple(splits)) for merges, splits in rounds]
