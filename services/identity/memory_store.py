"""The identity store in one process: same contract and same outcomes as Redis, nothing durable. For tests and tools."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from services.errors import LeaseLost, NotFound
from services.identity.codec import (
    check_id,
    check_identity_id,
    check_position,
    checked_decision,
    decision_body,
    decode_camera,
    decode_sighting,
    encode_camera,
    encode_sighting,
    identity_record,
    sessions_of,
)
from services.identity.corrections.memory import MemoryCorrections
from services.identity.keys import fence_lasts_s
from services.identity.log.memory import MemoryLog
from services.identity.memory_state import ZERO, MemoryState, Row, position
from services.identity.records import CameraRecord, CommitResult, Event, IdentityRecord, PutResult, WorkItem
from services.identity.retention.contract import Cause
from services.identity.retention.memory import MemoryRetention
from services.identity.rolling.memory import MemoryRolling, settled
from services.identity.standing.memory import MemoryStanding
from services.observability.tracing import traceparent
from services.types import Commit, Lease, Sighting
from tracker.types import Decision

T = TypeVar("T")


@dataclass(slots=True)
class _Held:
    lease: Lease
    until_ns: int


def _after(entries: Sequence[T], key: Callable[[T], str], after: str, count: int) -> list[T]:
    """Entries of an ascending stream beyond a position."""
    floor = position(check_position(after))
    low, high = 0, len(entries)
    while low < high:
        middle = (low + high) // 2
        if position(key(entries[middle])) <= floor:
            low = middle + 1
        else:
            high = middle
    return list(entries[low : low + count])


class MemoryStore(MemoryCorrections, MemoryRetention, MemoryStanding, MemoryRolling, MemoryLog):
    """IdentityStore in memory. Safe for threads."""

    def __init__(self, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._state = MemoryState(clock_ns)
        self._clock_ns = clock_ns
        self._changed = threading.Condition(threading.RLock())
        self._leases: dict[str, _Held] = {}
        self._fences: dict[str, int] = {}
        self._fences_until_ns: dict[str, int] = {}
        self._cameras: dict[str, CameraRecord] = {}
        self._last_commit: tuple[Commit, CommitResult] | None = None

    def _living_lease(self, name: str) -> Lease | None:
        held = self._leases.get(name)
        return held.lease if held is not None and held.until_ns > self._clock_ns() else None

    def _keep_fence(self, name: str, ttl_s: float) -> None:
        """Keeps the fence of a lease for as long as it is to stand, and drops those that have stood long enough."""
        now_ns = self._clock_ns()
        for other in [other for other, until_ns in self._fences_until_ns.items() if until_ns <= now_ns]:
            del self._fences[other], self._fences_until_ns[other]
            self._leases.pop(other, None)
        lasts_s = fence_lasts_s(name, ttl_s)
        if lasts_s is not None:
            self._fences_until_ns[name] = now_ns + max(1, int(lasts_s * 1000)) * 1_000_000

    def _check(self, lease: Lease) -> None:
        if self._fences_until_ns.get(lease.name, math.inf) <= self._clock_ns():
            raise LeaseLost(f"lease {lease.name} of {lease.owner} with token {lease.token} ended long ago")
        if self._fences.get(lease.name) != lease.token:
            raise LeaseLost(f"lease {lease.name} has a newer holder than {lease.owner} with token {lease.token}")

    def acquire_lease(self, name: str, owner: str, ttl_s: float) -> Lease | None:
        """See IdentityStore. The same owner gets a fresh token, which ends its older ones."""
        with self._changed:
            living = self._living_lease(check_id("lease", name))
            if living is not None and living.owner != owner:
                return None
            self._keep_fence(name, ttl_s)
            token = self._fences[name] = self._fences.get(name, 0) + 1
            lease = Lease(name, owner, token)
            self._leases[name] = _Held(lease, self._clock_ns() + max(1, int(ttl_s * 1000)) * 1_000_000)
            return lease

    def renew_lease(self, lease: Lease, ttl_s: float) -> bool:
        """See IdentityStore. An expired lease is lost."""
        with self._changed:
            living = self._living_lease(lease.name)
            if living is None or living.token != lease.token:
                return False
            self._keep_fence(lease.name, ttl_s)
            self._leases[lease.name].until_ns = self._clock_ns() + max(1, int(ttl_s * 1000)) * 1_000_000
            return True

    def release_lease(self, lease: Lease) -> None:
        """See IdentityStore."""
        with self._changed:
            living = self._living_lease(lease.name)
            if living is not None and living.token == lease.token:
                del self._leases[lease.name]

    def lease_token(self, name: str) -> int | None:
        """See IdentityStore."""
        with self._changed:
            living = self._living_lease(name)
            return None if living is None else living.token

    def put_sighting(self, sighting: Sighting, lease: Lease) -> PutResult:
        """See IdentityStore. A deleted sighting stays deleted."""
        return self._put_revision(sighting, lease)

    def put_decided(self, sighting: Sighting, decision: Decision, lease: Lease, *, enrolled_by: str = "") -> PutResult:
        """See IdentityStore."""
        checked_decision(decision, sighting)
        return self._put_revision(sighting, lease, decision, enrolled_by)

    def _put_revision(
        self, sighting: Sighting, lease: Lease, decision: Decision | None = None, enrolled_by: str = ""
    ) -> PutResult:
        fields = encode_sighting(sighting)
        state = self._state
        with self._changed:
            self._check(lease)
            sighting_id = sighting.sighting_id
            if sighting_id in state.tombstones:
                return PutResult(False, state.last_event_id())
            old = state.rows.get(sighting_id)
            if old is not None and old.revision >= sighting.revision:
                return PutResult(False, old.log_position)
            target = None if decision is None else state.resolve(decision.identity_id)
            if decision is not None and target is None:
                return PutResult(False, state.last_event_id())
            state.rows[sighting_id] = Row(
                fields=fields,
                revision=sighting.revision,
                final=sighting.final,
                end_us=sighting.end_ns // 1000,
                put_at_ns=self._clock_ns(),
                log_position=ZERO,
                identity_id=None if old is None else old.identity_id,
            )
            settled(fields, state.roll)
            log_position = state.announce(sighting_id, traceparent())
            if decision is not None and target is not None:
                _, emptied = state.decide(decision)
                state.settle({} if emptied is None else {emptied: sighting_id})
                if enrolled_by:
                    state.enrol(target, enrolled_by, enrolled=True)
                log_position = state.last_event_id()
            self._changed.notify_all()
            return PutResult(True, log_position)

    def finalise(self, sighting_ids: Sequence[str]) -> list[str]:
        """See IdentityStore."""
        with self._changed:
            open_ = [s for s in sighting_ids if s in self._state.rows and not self._state.rows[s].final]
            for sighting_id in open_:
                self._state.finalise(sighting_id)
            self._changed.notify_all()
            return open_

    def finalise_orphans(self, session_ids_alive: Sequence[str], idle_s: float) -> list[str]:
        """See IdentityStore."""
        alive = set(session_ids_alive)
        with self._changed:
            newest_us = self._clock_ns() // 1000 - int(idle_s * 1_000_000)
            idle = sorted(
                (row.put_at_ns // 1000, sighting_id)
                for sighting_id, row in self._state.rows.items()
                if not row.final and row.put_at_ns // 1000 <= newest_us
            )
            done = []
            for _, sighting_id in idle:
                row = self._state.rows[sighting_id]
                if alive.isdisjoint(sessions_of(row.fields["track_keys"])):
                    self._state.finalise(sighting_id)
                    done.append(sighting_id)
            self._changed.notify_all()
            return done

    def get_sighting(self, sighting_id: str) -> Sighting | None:
        """See IdentityStore."""
        return self.get_sightings([sighting_id])[0]

    def get_sightings(self, sighting_ids: Sequence[str]) -> list[Sighting | None]:
        """See IdentityStore."""
        with self._changed:
            rows = [self._state.rows.get(sighting_id) for sighting_id in sighting_ids]
            fields = [None if row is None else dict(row.fields) for row in rows]
        return [None if f is None else decode_sighting(f) for f in fields]

    def scan_sightings(self, *, ended_since_ns: int = 0) -> Iterator[tuple[Sighting, str | None]]:
        """See IdentityStore."""
        with self._changed:
            floor_us = ended_since_ns // 1000
            rows = [row for row in self._state.rows.values() if row.end_us >= floor_us or not row.final]
            found = [(dict(row.fields), self._state.resolve(row.identity_id)) for row in rows]
        for fields, identity_id in found:
            yield decode_sighting(fields), identity_id

    def scan_identities(self) -> Iterator[IdentityRecord]:
        """See IdentityStore."""
        with self._changed:
            found = [self._record(identity_id) for identity_id in self._state.living]
        yield from found

    def identity_of(self, sighting_id: str) -> str | None:
        """See IdentityStore."""
        return self.identities_of([sighting_id])[0]

    def identities_of(self, sighting_ids: Sequence[str]) -> list[str | None]:
        """See IdentityStore."""
        with self._changed:
            return [self._state.identity_of(sighting_id) for sighting_id in sighting_ids]

    def _wait(self, read: Callable[[], list[T]], block_ms: int) -> list[T]:
        deadline = time.monotonic() + block_ms / 1000
        with self._changed:
            while not (found := read()) and (left := deadline - time.monotonic()) > 0:
                self._changed.wait(left)
            return found

    def read_work(self, after: str, count: int, block_ms: int) -> list[WorkItem]:
        """See IdentityStore."""
        return self._wait(lambda: _after(self._state.work, lambda item: item.entry_id, after, count), block_ms)

    def work_cursor(self) -> str:
        """See IdentityStore."""
        with self._changed:
            return self._state.cursor

    def commit(self, change: Commit) -> CommitResult:
        """See IdentityStore.

        Raises:
            LeaseLost: A newer holder exists; nothing was changed.
            ValueError: A number of a decision is not finite; nothing was changed.
        """
        for decision in change.decisions:
            decision_body(decision)
            check_identity_id("identity_id", decision.identity_id)
        for split in change.splits:
            check_identity_id("new_identity_id", split.new_identity_id)
        state = self._state
        with self._changed:
            self._check(change.lease)
            if change.cursor is not None and self._last_commit is not None and self._last_commit[0] == change:
                return self._last_commit[1]
            applied: list[str] = []
            stale: list[str] = []
            left: dict[str, str] = {}
            for decision in change.decisions:
                done, emptied = state.decide(decision)
                (applied if done else stale).append(decision.sighting_id)
                if emptied is not None:
                    left[emptied] = decision.sighting_id
            state.settle(left)
            for merge in change.merges:
                state.merge(merge)
            left = {}
            for split in change.splits:
                left |= state.split(split)
            state.settle(left)
            state.links |= change.links
            if change.cursor is not None and position(change.cursor) > position(state.cursor):
                state.cursor = change.cursor
            self._changed.notify_all()
            result = CommitResult(tuple(applied), tuple(stale), state.last_event_id())
            self._last_commit = (change, result)
            return result

    def links(self) -> Mapping[str, str]:
        """See IdentityStore."""
        with self._changed:
            return dict(self._state.links)

    def resolve(self, identity_id: str) -> str | None:
        """See IdentityStore."""
        with self._changed:
            living = self._state.resolve(identity_id)
            return living if living in self._state.living else None

    def _record(self, identity_id: str) -> IdentityRecord:
        living = self._state.living[identity_id]
        rows = []
        for sighting_id in living.sightings:
            f = self._state.rows[sighting_id].fields
            rows.append((sighting_id, f["camera_id"].decode(), int(f["start_ns"]), int(f["end_ns"])))
        return identity_record(identity_id, living.status, living.aliases, rows, enrolled=bool(living.enrolled_by))

    def get_identity(self, identity_id: str) -> IdentityRecord | None:
        """See IdentityStore."""
        with self._changed:
            living = self.resolve(identity_id)
            return None if living is None else self._record(living)

    def list_identities(self, limit: int = 100, offset: int = 0) -> list[IdentityRecord]:
        """See IdentityStore."""
        with self._changed:
            ranked = sorted(((self._state.last_seen_us(i), i) for i in self._state.living), reverse=True)
            return [self._record(i) for _, i in ranked[offset : offset + limit]] if limit > 0 else []

    def delete_identity(self, identity_id: str, actor: str, *, cause: Cause = "delete", reason: str = "") -> str:
        """See IdentityStore."""
        with self._changed:
            living = self.resolve(identity_id)
            if living is None:
                raise NotFound(f"no identity {identity_id}")
            members = self._in_order(living)
            for sighting_id in members:
                self._state.forget(sighting_id, actor, cause)
            self._state.retire(living, actor)
            self._state.note(actor, f"{cause}_identity", living, len(members), reason)
            self._changed.notify_all()
            return self._state.last_event_id()

    def _in_order(self, identity_id: str) -> list[str]:
        members = self._state.living[identity_id].sightings
        return sorted(members, key=lambda s: (self._state.rows[s].end_us, s))

    def delete_sighting(self, sighting_id: str, actor: str, *, cause: Cause = "delete", reason: str = "") -> str:
        """See IdentityStore. An identity left without sightings goes with it."""
        with self._changed:
            if sighting_id not in self._state.rows:
                raise NotFound(f"no sighting {sighting_id}")
            identity_id = self._state.forget(sighting_id, actor, cause)
            if identity_id is not None and not self._state.living[identity_id].sightings:
                self._state.retire(identity_id, actor)
            self._state.note(actor, f"{cause}_sighting", sighting_id, 1, reason)
            self._changed.notify_all()
            return self._state.last_event_id()

    def read_events(self, after: str, count: int, block_ms: int) -> list[Event]:
        """See IdentityStore."""
        return self._wait(lambda: _after(self._state.events, lambda event: event.event_id, after, count), block_ms)

    def last_event_id(self) -> str:
        """See IdentityStore."""
        with self._changed:
            return self._state.last_event_id()

    def put_camera(self, record: CameraRecord) -> None:
        """See IdentityStore."""
        fields = {name: value.encode() for name, value in encode_camera(record).items()}
        with self._changed:
            self._cameras[record.camera_id] = decode_camera(fields)

    def list_cameras(self) -> list[CameraRecord]:
        """See IdentityStore."""
        with self._changed:
            return [self._cameras[camera_id] for camera_id in sorted(self._cameras)]

    def ping(self) -> None:
        """See IdentityStore: memory always answers."""
