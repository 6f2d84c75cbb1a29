"""The contract of the identity store. Redis keeps it in production, a twin in memory; one suite tests both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from services.identity.corrections.contract import CorrectingStore
from services.identity.log.contract import LogStore
from services.identity.records import (
    CameraRecord,
    CommitResult,
    Event,
    EventKind,
    IdentityRecord,
    PutResult,
    WorkItem,
)
from services.identity.retention.contract import Cause, RetentionStore
from services.identity.rolling.contract import RollingStore
from services.identity.standing.contract import StandingStore
from services.types import Commit, Lease, Sighting
from tracker.types import Decision

__all__ = [
    "CameraRecord",
    "CommitResult",
    "Event",
    "EventKind",
    "IdentityRecord",
    "IdentityStore",
    "PutResult",
    "WorkItem",
    "renewed_or_acquired",
]


class IdentityStore(CorrectingStore, RetentionStore, StandingStore, RollingStore, LogStore, Protocol):
    """The system of record. Every write returns after it is durable, or raises.

    Every method raises StoreUnavailable when the server does not answer, and ValueError for a position that is none.
    """

    def acquire_lease(self, name: str, owner: str, ttl_s: float) -> Lease | None:
        """Takes the role ``name`` with a token larger than any before it; None while another owner holds it."""
        ...

    def renew_lease(self, lease: Lease, ttl_s: float) -> bool:
        """Extends a lease; False when it was lost."""
        ...

    def release_lease(self, lease: Lease) -> None:
        """Gives a lease back; does nothing when it was lost."""
        ...

    def lease_token(self, name: str) -> int | None:
        """Token of the living lease of that name, None when there is none."""
        ...

    def put_sighting(self, sighting: Sighting, lease: Lease) -> PutResult:
        """Stores a revision and queues it for a decision. Idempotent on (sighting_id, revision).

        Raises:
            LeaseLost: ``lease`` is no longer the newest of its name.
        """
        ...

    def put_decided(self, sighting: Sighting, decision: Decision, lease: Lease, *, enrolled_by: str = "") -> PutResult:
        """Stores a revision together with whose it is, in one step, so that nobody sees it undecided.

        Args:
            sighting: As for put_sighting.
            decision: Of this very revision. An alias as target means its survivor.
            lease: The writer's.
            enrolled_by: Who enrols the identity with it, for the audit; empty leaves that as it is.

        Returns:
            Not accepted where put_sighting would not accept it, and where the identity was deleted; nothing was
            changed then.

        Raises:
            LeaseLost: ``lease`` is no longer the newest of its name.
            ValueError: The decision is of another revision, a number of it is not finite, or the identity's id cannot
                stand in a key.
        """
        ...

    def finalise(self, sighting_ids: Sequence[str]) -> list[str]:
        """Marks provisional sightings final of which no further revision will come; returns the ids of those marked."""
        ...

    def finalise_orphans(self, session_ids_alive: Sequence[str], idle_s: float) -> list[str]:
        """Marks provisional sightings final whose sessions are gone and that were idle that long; returns their ids."""
        ...

    def get_sighting(self, sighting_id: str) -> Sighting | None:
        """The newest revision, or None."""
        ...

    def get_sightings(self, sighting_ids: Sequence[str]) -> list[Sighting | None]:
        """As get_sighting, many at once, in order."""
        ...

    def scan_sightings(self, *, ended_since_ns: int = 0) -> Iterator[tuple[Sighting, str | None]]:
        """Every sighting with the identity it is assigned to (aliases resolved); for rebuilding a view.

        What changes meanwhile may or may not show: read ``last_event_id`` first and follow `events` from there.

        Args:
            ended_since_ns: Leaves out those that ended before; what is not final is still in view, whenever its last
                revision came.
        """
        ...

    def scan_identities(self) -> Iterator[IdentityRecord]:
        """Every living identity in no order, perhaps with repeats; for rebuilding a view.

        One that lives from the first to the last is told, whenever it is seen meanwhile. What else changes may or may
        not show: read ``last_event_id`` first and follow `events` from there.
        """
        ...

    def identity_of(self, sighting_id: str) -> str | None:
        """The identity a sighting is assigned to, aliases resolved; None when undecided or unknown."""
        ...

    def identities_of(self, sighting_ids: Sequence[str]) -> list[str | None]:
        """As identity_of, many at once, in order."""
        ...

    def read_work(self, after: str, count: int, block_ms: int) -> list[WorkItem]:
        """Entries of `sightings` after ``after`` ("0-0" for all), waiting up to ``block_ms`` for the first."""
        ...

    def work_cursor(self) -> str:
        """The associator's committed cursor, "0-0" at first."""
        ...

    def commit(self, change: Commit) -> CommitResult:
        """Applies decisions, merges, splits, cursor and links in one atomic step.

        A decision is stale when the stored revision is another, the sighting is gone, or the identity was deleted; in
        the last case the sighting is queued again. An alias as target means its survivor. An identity left without
        sightings becomes an alias of where its last one went (``identity.merged``, reason "emptied"). Merges and splits
        of ids that are unknown, deleted or already one change nothing. The cursor never goes back. The same change with
        a cursor committed again right after itself (because its outcome was not heard) is answered as before and
        changes nothing.

        Raises:
            LeaseLost: The lease is no longer the newest of its name; nothing was changed.
            ValueError: A number of a decision is not finite, or an identity's id cannot stand in a key.
        """
        ...

    def links(self) -> Mapping[str, str]:
        """Learned state by name, as last committed."""
        ...

    def resolve(self, identity_id: str) -> str | None:
        """The living identity behind an id or alias; None when unknown or deleted."""
        ...

    def get_identity(self, identity_id: str) -> IdentityRecord | None:
        """By id or alias; None when unknown."""
        ...

    def list_identities(self, limit: int = 100, offset: int = 0) -> list[IdentityRecord]:
        """Most recently seen first, as far as their sightings were told."""
        ...

    def delete_identity(self, identity_id: str, actor: str, *, cause: Cause = "delete", reason: str = "") -> str:
        """Removes an identity with its sightings, audited; returns the log position. Raises NotFound.

        Each sighting gets a ``sighting.deleted`` event and, while somebody holds something of it, its entry in the
        outbox; then the identity its ``identity.deleted``. The cause "erase" also waits for the server's own files:
        see services.identity.retention.erase. The reason goes to the audit log.
        """
        ...

    def delete_sighting(self, sighting_id: str, actor: str, *, cause: Cause = "delete", reason: str = "") -> str:
        """Removes one sighting, audited; returns the log position. Raises NotFound.

        Later revisions of it are not accepted. An identity left without sightings is deleted with it.
        """
        ...

    def read_events(self, after: str, count: int, block_ms: int) -> list[Event]:
        """Entries of `events` after ``after`` ("0-0" for all kept), waiting up to ``block_ms`` for the first."""
        ...

    def last_event_id(self) -> str:
        """Newest log position, "0-0" when nothing happened."""
        ...

    def put_camera(self, record: CameraRecord) -> None:
        """Writes a camera's state."""
        ...

    def list_cameras(self) -> list[CameraRecord]:
        """All cameras by id."""
        ...

    def ping(self) -> None:
        """Returns when the server answers; raises StoreUnavailable otherwise."""
        ...


def renewed_or_acquired(store: IdentityStore, lease: Lease | None, name: str, owner: str, ttl_s: float) -> Lease | None:
    """The lease extended, or where there is none or it was lost, a new one; None while another owner holds it.

    Args:
        store: Keeps the leases.
        lease: What was held of that name, if anything.
        name: Of the role.
        owner: Who asks.
        ttl_s: Time to live from now.

    Raises:
        StoreUnavailable: The server does not answer.
    """
    if lease is not None and store.renew_lease(lease, ttl_s):
        return lease
    return store.acquire_lease(name, owner, ttl_s)
