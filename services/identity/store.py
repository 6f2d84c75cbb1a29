"""The contract of the identity store. Redis keeps it in production, a twin in memory; one suite tests both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from services.types import Commit, Lease, Sighting

EventKind = Literal[
    "sighting.put",
    "sighting.decided",
    "sighting.deleted",
    "identity.created",
    "identity.merged",
    "identity.split",
    "identity.deleted",
]


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One entry of the `sightings` stream: a revision that waits for a decision."""

    entry_id: str
    sighting_id: str
    revision: int
    op: Literal["put", "delete"]


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the `events` stream: something that happened.

    Attributes:
        event_id: Redis stream id (`<ms>-<n>`), ascending; doubles as ``log_position``.
        kind: What happened.
        at_ns: When it was committed, UTC nanoseconds, by the store's clock.
        payload: JSON-like; the outcome, complete enough that no view re-decides. ``sighting.decided`` carries
            sighting_id, revision, identity_id, status, llr, margin, probability, evidence, runner_up;
            ``identity.merged`` survivor_id, absorbed_id, reason; ``identity.split`` identity_id, new_identity_id,
            sighting_ids, reason; ``sighting.put`` revision, final, camera_id beside its id; ``sighting.deleted`` also
            identity_id where it had one; the others name their id. ``sighting.decided`` adds previous_identity_id when
            the sighting moved; deletions add actor.
    """

    event_id: str
    kind: EventKind
    at_ns: int
    payload: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PutResult:
    """What became of a put. ``accepted`` is False for a revision that is not newer than the stored one."""

    accepted: bool
    log_position: str


@dataclass(frozen=True, slots=True)
class CommitResult:
    """What became of a commit: which sightings' decisions were applied, which were stale."""

    applied: tuple[str, ...]
    stale: tuple[str, ...]
    log_position: str


@dataclass(frozen=True, slots=True)
class IdentityRecord:
    """One physical vehicle as the store knows it.

    Attributes:
        identity_id: Never recycled.
        sighting_ids: By start time.
        cameras: In the order first visited, without repeats.
        first_seen_ns: Start of the earliest sighting.
        last_seen_ns: End of the latest sighting.
        status: Of its latest decision: "matched", "new" or "ambiguous".
        aliases: Identities merged into this one.
    """

    identity_id: str
    sighting_ids: tuple[str, ...]
    cameras: tuple[str, ...]
    first_seen_ns: int
    last_seen_ns: int
    status: str
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class CameraRecord:
    """A camera as configured and as it fares. ``url`` is redacted of its password.

    Attributes:
        state: "starting", "up", "down" or "ended".
        detail: One line on why it is down, empty otherwise.
        stats: frames_offered, frames_inferred, frame_age_p50_s, frame_age_p99_s, vehicles, frames_per_s, reconnects.
    """

    camera_id: str
    url: str
    origin: Literal["file", "runtime"]
    state: Literal["starting", "up", "down", "ended"]
    detail: str
    updated_at_ns: int
    stats: Mapping[str, float] = field(default_factory=dict)


class IdentityStore(Protocol):
    """The system of record. Every write returns after it is durable, or raises.

    Every method raises StoreUnavailable when the server does not answer.
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

    def finalise_orphans(self, session_ids_alive: Sequence[str], idle_s: float) -> list[str]:
        """Marks provisional sightings final whose sessions are gone and that were idle that long; returns their ids."""
        ...

    def get_sighting(self, sighting_id: str) -> Sighting | None:
        """The newest revision, or None."""
        ...

    def get_sightings(self, sighting_ids: Sequence[str]) -> list[Sighting | None]:
        """As get_sighting, many at once, in order."""
        ...

    def scan_sightings(self) -> Iterator[tuple[Sighting, str | None]]:
        """Every sighting with the identity it is assigned to (aliases resolved); for rebuilding a view.

        What changes meanwhile may or may not show: read ``last_event_id`` first and follow `events` from there.
        """
        ...

    def identity_of(self, sighting_id: str) -> str | None:
        """The identity a sighting is assigned to, aliases resolved; None when undecided or unknown."""
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
        """Most recently seen first."""
        ...

    def delete_identity(self, identity_id: str, actor: str) -> str:
        """Removes an identity with its sightings, audited; returns the log position. Raises NotFound.

        Each sighting gets a ``sighting.deleted`` event, then the identity its ``identity.deleted``.
        """
        ...

    def delete_sighting(self, sighting_id: str, actor: str) -> str:
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
