"""What the identity store speaks in: events, work, identities, cameras. Data and its field names only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

EventKind = Literal[
    "sighting.put",
    "sighting.decided",
    "sighting.deleted",
    "identity.created",
    "identity.merged",
    "identity.split",
    "identity.unmerged",
    "identity.enrolled",
    "identity.deleted",
    "sighting.embedded",
    "model.rolled",
]

#: In the payload of an event, what may name an identity, and what may list ids.
IDENTITY_FIELDS = (
    "identity_id",
    "previous_identity_id",
    "survivor_id",
    "absorbed_id",
    "new_identity_id",
    "restored_id",
)
LIST_FIELDS = ("sighting_ids", "aliases")
#: Beside ``sighting_ids``, in their order: the id that each had been given, "" where that one was erased.
FORMER_IDS = "former_ids"
#: By kind of event, the identity that it can lose and still say whose its sightings are.
MAY_LOSE: Mapping[str, str] = {
    "sighting.decided": "previous_identity_id",
    "identity.split": "identity_id",
    "identity.unmerged": "identity_id",
}

_EVENT_ID = re.compile(r"[0-9]{1,16}-[0-9]{1,16}")


def is_event_id(text: str) -> bool:
    """Whether a text is written like an event: two numbers that Redis takes.

    >>> is_event_id("1763000000123-0"), is_event_id("0199a3c4-7b1e-7f00-8000-000000000000")
    (True, False)
    >>> is_event_id("1-99999999999999999999")
    False
    """
    return _EVENT_ID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True)
class WorkItem:
    """One entry of the `sightings` stream: a revision that waits for a decision.

    Attributes:
        entry_id: Redis stream id (`<ms>-<n>`); its milliseconds are when it was queued, by the store's clock.
        sighting_id: Which.
        revision: Of it.
        op: What happened to it.
        trace: W3C traceparent of the step that put it; empty where none is recorded.
    """

    entry_id: str
    sighting_id: str
    revision: int
    op: Literal["put", "delete"]
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the `events` stream: something that happened.

    Attributes:
        event_id: Redis stream id (`<ms>-<n>`), ascending; doubles as ``log_position``.
        kind: What happened.
        at_ns: When it was committed, UTC nanoseconds, by the store's clock.
        payload: JSON-like; the outcome, complete enough that no view re-decides. Everything names its ids. Beside
            them: ``sighting.put`` revision, final, camera_id; ``sighting.decided`` revision, identity_id, status,
            llr, margin, probability, evidence, runner_up, and previous_identity_id when the sighting moved;
            ``sighting.deleted`` identity_id where it had one; ``identity.merged`` survivor_id (an alias where a merge
            was made again after that one was absorbed), absorbed_id, reason, absorbed_status, and absorbed_enrolled
            where it was; ``identity.split`` identity_id, new_identity_id, sighting_ids, former_ids where one had been
            given to an alias, enrolled where an enrolled picture takes that along, reason; ``identity.unmerged``
            identity_id (who had absorbed), restored_id, sighting_ids that went with it (none where they were erased),
            former_ids where a split was made again, status, aliases where there are any, enrolled where it is,
            survivor_enrolled, False, where who had absorbed is so no longer, reason; ``identity.enrolled`` enrolled;
            ``sighting.embedded`` revision, model_id (the active one, whose vectors it has now); ``model.rolled``
            action, stage, model_id (active from now on), other_model_id, actor.
            Deletions and corrections by a person add actor, and what takes an event back its id as undoes. Once an
            identity was erased, events of others that named it under MAY_LOSE or as runner_up do so no more.
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
        enrolled: Kept as enrolled identities are.
    """

    identity_id: str
    sighting_ids: tuple[str, ...]
    cameras: tuple[str, ...]
    first_seen_ns: int
    last_seen_ns: int
    status: str
    aliases: tuple[str, ...] = ()
    enrolled: bool = False


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
