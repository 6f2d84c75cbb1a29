"""What a store must offer so that things can go: expiry, outbox, views, trimming, the audit log."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

#: Why a sighting went: its time was over, somebody deleted it, or somebody had it erased, which is to be proven.
Cause = Literal["expire", "delete", "erase"]

#: In events and audit, who removed what was past its retention.
RETENTION_ACTOR = "retention"
#: Holders that are no view: pictures on disk, and the server's own files, which matter only to an erasure.
CROPS = "crops"
SERVER = "server"


@dataclass(frozen=True, slots=True)
class Purge:
    """A deleted sighting of which somebody still holds something.

    Attributes:
        sighting_id: The sighting; its hash is gone.
        at_ns: When it was deleted, by the store's clock.
        cause: Why.
        actor: Who asked.
        identity_id: Whose it was; empty where nothing had been decided.
        crop_keys: Its pictures.
        waits: Names of the holders that have not acknowledged, by name.
    """

    sighting_id: str
    at_ns: int
    cause: Cause
    actor: str
    identity_id: str
    crop_keys: tuple[str, ...]
    waits: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class View:
    """Somebody who follows `events`: how far, and when that was said by the store's clock."""

    name: str
    position: str
    said_at_ns: int


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the audit log: who did what to which id. Never a picture, never a vector."""

    entry_id: str
    at_ns: int
    actor: str
    action: str
    subject: str
    sightings: int
    detail: str


@dataclass(frozen=True, slots=True)
class Overdue:
    """A sighting past its retention that is still there, and by how much: one of an enrolled identity has its own."""

    sighting_id: str
    ended_ns: int
    late_ns: int


@dataclass(frozen=True, slots=True)
class Trimmed:
    """How many entries were cut off each stream."""

    events: int
    work: int
    audit: int


class RetentionStore(Protocol):
    """The part of the identity store that forgets. Every method raises StoreUnavailable when nobody answers."""

    def now_ns(self) -> int:
        """The store's clock, UTC nanoseconds; retention is judged by it alone."""
        ...

    def expire(self, before_ns: int, enrolled_before_ns: int | None = None, *, limit: int = 1000) -> int:
        """Removes sightings that ended before a moment, oldest first, and identities that are left without any.

        One that is not final is still in view, whenever its last revision came: it has not ended.

        Args:
            before_ns: UTC nanoseconds.
            enrolled_before_ns: The same for sightings of enrolled identities; None keeps them all.
            limit: Most that are removed.

        Returns:
            How many went; fewer than ``limit`` means that none is left.
        """
        ...

    def overdue(self, before_ns: int, enrolled_before_ns: int | None = None, *, limit: int = 1000) -> list[Overdue]:
        """What ``expire`` would remove, oldest first."""
        ...

    def enrol(self, identity_id: str, actor: str, *, enrolled: bool = True) -> str:
        """Marks an identity (by id or alias) as enrolled or no longer; returns the log position. Raises NotFound.

        One that was merged into another takes that with it: both are enrolled until the merge is undone.
        """
        ...

    def begin_view(self, name: str, position: str) -> None:
        """Registers a view, or moves one that is known: events after ``position`` are kept for it."""
        ...

    def advance_view(self, name: str, position: str) -> bool:
        """Says how far a view is; False when it was dropped, so that it has to be filled again."""
        ...

    def drop_view(self, name: str) -> None:
        """Forgets a view and acknowledges in its name, because it has to be filled again when it comes back."""
        ...

    def views(self) -> list[View]:
        """All views by name."""
        ...

    def deleted(self, sighting_ids: Sequence[str]) -> set[str]:
        """Which of these were deleted and are refused; until ``trim`` forgets them."""
        ...

    def purges(self, holder: str | None = None, *, limit: int = 1000) -> list[Purge]:
        """What was deleted and not acknowledged by ``holder`` (None: by somebody), oldest first."""
        ...

    def purges_of(self, sighting_ids: Sequence[str]) -> list[Purge]:
        """What was deleted and not acknowledged by everybody among these sightings, in their order."""
        ...

    def acknowledge(self, holder: str, sighting_ids: Sequence[str]) -> int:
        """Says that ``holder`` holds nothing of these any more; returns how many are done with for good by that."""
        ...

    def trim(self, history_before_ns: int, forget_before_ns: int, audit_before_ns: int) -> Trimmed:
        """Cuts the streams and forgets ids.

        Args:
            history_before_ns: Older events go, but none that a view has still to see.
            forget_before_ns: Ids of what was deleted earlier go.
            audit_before_ns: Older entries of the audit log go.
        """
        ...

    def oldest_event_ns(self) -> int | None:
        """When the oldest event that is kept was added, to the millisecond; None when there is none."""
        ...

    def vector_bytes(self, sighting_ids: Sequence[str]) -> list[bytes]:
        """The vectors of sightings as they are stored, for searching files: each embedding and exemplar."""
        ...

    def rewrite(self, sighting_ids: Sequence[str], identity_ids: Sequence[str], timeout_s: float = 60.0) -> None:
        """Makes the server's streams and files anew without what tells of these ids; one at a time.

        With an identity go also the sightings that were deleted while they were of it.

        Events that list several ids lose these alone, and go when none is left, but for ``identity.unmerged``. What
        says whose the sightings of a living identity are stays, without who had them before (MAY_LOSE).

        Raises:
            StoreUnavailable: It was not done in time, the server could not, or another rewriting did not end in time
                or took over.
        """
        ...

    def note(self, actor: str, action: str, subject: str, sightings: int, detail: str = "") -> None:
        """Adds to the audit log: who did what to which id, and how many sightings it concerned."""
        ...

    def audit_log(self, after: str = "0-0", count: int = 1000) -> list[AuditEntry]:
        """Entries of the audit log after a position, oldest first."""
        ...

    def audit_newest(self, before: str = "", count: int = 100) -> list[AuditEntry]:
        """Entries of the audit log before a position, newest first; empty for the newest of all."""
        ...

    def about(self) -> Mapping[str, str]:
        """The server and how durable its writes are, by name: server, writes, and what else is known."""
        ...
