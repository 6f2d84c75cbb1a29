"""One site in plain dictionaries and the changes to it: what the Lua scripts do, in Python. Never locks or waits."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.identity.codec import Fields, decision_body
from services.identity.records import FORMER_IDS, Event, EventKind, WorkItem
from services.identity.retention.contract import CROPS, SERVER, AuditEntry, Cause, Purge, View
from services.identity.rolling.contract import Opener, Roll
from services.identity.standing.contract import AlertRecord, StandingRecord, alert_id
from services.types import ENROLLED_CAMERA, Merge, Split
from tracker.types import Decision

ZERO = "0-0"


def position(entry_id: str) -> tuple[int, int]:
    """A stream id as numbers, for comparing.

    >>> position("12-3") < position("100-0")
    True
    """
    ms, _, n = entry_id.partition("-")
    return int(ms), int(n or 0)


@dataclass(slots=True)
class Row:
    """A stored sighting. ``identity_id`` is as assigned and may be an alias by now."""

    fields: Fields
    revision: int
    final: bool
    end_us: int
    put_at_ns: int
    log_position: str
    identity_id: str | None = None


@dataclass(slots=True)
class Living:
    """A living identity.

    ``enrolled_by``: which of its ids somebody has enrolled, its own or an alias.
    ``corrected``: a person put it right, or one that was merged into it.
    """

    status: str
    sightings: set[str] = field(default_factory=set)
    aliases: set[str] = field(default_factory=set)
    enrolled_by: set[str] = field(default_factory=set)
    corrected: bool = False


class MemoryState:
    """Dictionaries that mirror the keys of keys.py, and the steps that scripts are made of."""

    def __init__(self, clock_ns: Callable[[], int]) -> None:
        self.clock_ns = clock_ns
        self.rows: dict[str, Row] = {}
        self.living: dict[str, Living] = {}
        self.alias: dict[str, str | None] = {}
        self.tombstones: dict[str, int] = {}
        self.standing: dict[str, StandingRecord] = {}
        self.alerts: dict[str, AlertRecord] = {}
        self.standing_position = ""
        self.work: list[WorkItem] = []
        self.events: list[Event] = []
        self.audit: list[AuditEntry] = []
        self.purges: dict[str, Purge] = {}
        self.views: dict[str, View] = {}
        self.retired: dict[str, int] = {}
        self.parents: dict[str, str] = {}
        self.last_event = ZERO
        self.last_work = ZERO
        self.links: dict[str, str] = {}
        self.cursor = ZERO
        self.roll = Roll()
        self.means: dict[str, dict[str, str]] = {}
        self.openers: dict[str, Opener] = {}

    def last_event_id(self) -> str:
        """Newest log position."""
        return self.last_event

    def _next_id(self, last: str) -> str:
        ms, n = position(last)
        now_ms = self.clock_ns() // 1_000_000
        return f"{now_ms}-0" if now_ms > ms else f"{ms}-{n + 1}"

    def emit(self, kind: EventKind, payload: Mapping[str, object]) -> str:
        """Adds an entry to `events`; returns its id."""
        event_id = self.last_event = self._next_id(self.last_event)
        self.events.append(Event(event_id, kind, self.clock_ns() // 1000 * 1000, payload))
        return event_id

    def queue(self, sighting_id: str, op: str, trace: str = "") -> None:
        """Adds an entry to `sightings`."""
        entry_id = self.last_work = self._next_id(self.last_work)
        revision = self.rows[sighting_id].revision
        self.work.append(WorkItem(entry_id, sighting_id, revision, "put" if op == "put" else "delete", trace))

    def resolve(self, identity_id: str | None) -> str | None:
        """The id behind an alias, the id itself when it is none, None when it was deleted."""
        if identity_id is None:
            return None
        return self.alias.get(identity_id, identity_id)

    def identity_of(self, sighting_id: str) -> str | None:
        """The living identity of a sighting."""
        row = self.rows.get(sighting_id)
        return None if row is None else self.resolve(row.identity_id)

    def last_seen_us(self, identity_id: str) -> int:
        """Score of an identity among the active ones."""
        return max(self.rows[s].end_us for s in self.living[identity_id].sightings)

    def announce(self, sighting_id: str, trace: str = "") -> str:
        """Queues a stored revision and tells of it; returns the log position."""
        row = self.rows[sighting_id]
        self.queue(sighting_id, "put", trace)
        row.log_position = self.emit(
            "sighting.put",
            {
                "sighting_id": sighting_id,
                "revision": row.revision,
                "final": row.final,
                "camera_id": row.fields["camera_id"].decode(),
            },
        )
        return row.log_position

    def finalise(self, sighting_id: str) -> None:
        """Marks a provisional sighting final."""
        row = self.rows[sighting_id]
        row.final, row.fields["final"] = True, b"1"
        self.announce(sighting_id)

    def move(self, sighting_id: str, to: str) -> str | None:
        """Assigns a sighting; returns the identity it left, if any. One that stays keeps the id it was given."""
        left = self.identity_of(sighting_id)
        if left == to:
            return None
        if left is not None:
            self.living[left].sightings.discard(sighting_id)
        self.living[to].sightings.add(sighting_id)
        self.rows[sighting_id].identity_id = to
        return left

    def decide(self, decision: Decision) -> tuple[bool, str | None]:
        """Applies one decision; returns whether it was, and the identity that the sighting left."""
        row = self.rows.get(decision.sighting_id)
        if row is None or row.revision != decision.revision:
            return False, None
        target = self.resolve(decision.identity_id)
        if target is None:
            self.queue(decision.sighting_id, "put")
            return False, None
        if target not in self.living:
            self.emit("identity.created", {"identity_id": target})
            self.living[target] = Living(decision.status.value)
        left = self.move(decision.sighting_id, target)
        self.living[target].status = decision.status.value
        payload = decision_body(decision) | {
            "sighting_id": decision.sighting_id,
            "revision": decision.revision,
            "identity_id": target,
        }
        if left is not None:
            payload["previous_identity_id"] = left
        self.emit("sighting.decided", payload)
        return True, left

    def absorb(
        self,
        survivor: str,
        absorbed: str,
        reason: str,
        said: Mapping[str, object] | None = None,
        by: str | None = None,
    ) -> str:
        """Makes one living identity an alias of another, and all its aliases with it; returns the event's id.

        Args:
            survivor: Who stays.
            absorbed: Who becomes an alias.
            reason: Why.
            said: What the event says beside that: who asked, and which event it takes back.
            by: By which of its ids the one who stays absorbs; None for its own. An undo of that one's merge takes it
                along.
        """
        gone = self.living.pop(absorbed)
        keeper = self.living[survivor]
        keeper.sightings |= gone.sightings
        keeper.aliases |= gone.aliases | {absorbed}
        keeper.corrected |= gone.corrected
        payload: dict[str, object] = {
            "survivor_id": by or survivor,
            "absorbed_id": absorbed,
            "reason": reason,
            "absorbed_status": gone.status,
        }
        if gone.enrolled_by:
            keeper.enrolled_by |= gone.enrolled_by
            payload["absorbed_enrolled"] = True
        self.parents[absorbed] = by or survivor
        for alias in (*gone.aliases, absorbed):
            self.alias[alias] = survivor
        return self.emit("identity.merged", {**payload, **(said or {})})

    def settle(self, left: Mapping[str, str], said: Mapping[str, object] | None = None) -> None:
        """Identities left empty become aliases of where their last sighting went (identity -> that sighting)."""
        for identity_id, sighting_id in left.items():
            if identity_id in self.living and not self.living[identity_id].sightings:
                target = self.identity_of(sighting_id)
                if target is not None and target != identity_id:
                    self.absorb(target, identity_id, "emptied", said)

    def merge(self, merge: Merge) -> None:
        """Applies a merge; ids that are unknown, deleted or one already change nothing."""
        survivor, absorbed = self.resolve(merge.survivor_id), self.resolve(merge.absorbed_id)
        if survivor is None or absorbed is None or survivor == absorbed:
            return
        if survivor in self.living and absorbed in self.living:
            self.absorb(survivor, absorbed, merge.reason)

    def split(
        self, split: Split, said: Mapping[str, object] | None = None, former: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """Applies a split; a retired new id changes nothing.

        Args:
            split: Which sightings go where.
            said: As for ``absorb``.
            former: Sighting -> the id that it is given, where that is an alias of where it goes.

        Returns:
            Identities left -> last sighting that left.
        """
        source, new_id = self.resolve(split.identity_id), split.new_identity_id
        if source is None or source not in self.living or new_id in self.alias or new_id == source:
            return {}
        leaving = [s for s in dict.fromkeys(split.sighting_ids) if self.identity_of(s) == source]
        if not leaving:
            return {}
        self.living.setdefault(new_id, Living("new"))
        # A picture that was enrolled stays so with whom it comes to; what goes back takes along what its identity was.
        pictures = former is None and any(self.rows[s].fields["camera_id"].decode() == ENROLLED_CAMERA for s in leaving)
        enrols = pictures and bool(self.living[source].enrolled_by)
        given = [self.rows[sighting_id].identity_id or source for sighting_id in leaving]
        for sighting_id in leaving:
            self.move(sighting_id, new_id)
            own = (former or {}).get(sighting_id)
            if own is not None and self.resolve(own) == new_id:
                self.rows[sighting_id].identity_id = own
        payload: dict[str, object] = {
            "identity_id": source,
            "new_identity_id": new_id,
            "sighting_ids": leaving,
            "reason": split.reason,
        }
        if any(name != source for name in given):
            payload[FORMER_IDS] = given
        if enrols:
            self.living[new_id].enrolled_by.add(new_id)
            payload["enrolled"] = True
        self.emit("identity.split", {**payload, **(said or {})})
        return {source: leaving[-1]}

    def enrol(self, identity_id: str, actor: str, *, enrolled: bool) -> None:
        """Marks a living identity as enrolled, by all of its ids, or no longer by any."""
        row = self.living[identity_id]
        was = bool(row.enrolled_by)
        row.enrolled_by = row.aliases | {identity_id} if enrolled else set()
        if was == enrolled:
            return
        self.emit("identity.enrolled", {"identity_id": identity_id, "enrolled": enrolled, "actor": actor})
        self.note(actor, "enrol" if enrolled else "unenrol", identity_id, len(row.sightings))

    def forget(self, sighting_id: str, actor: str, cause: Cause = "delete") -> str | None:
        """Removes one sighting, leaves a tombstone and tells its holders; returns the identity it belonged to."""
        identity_id = self.identity_of(sighting_id)
        self.queue(sighting_id, "delete")
        payload: dict[str, object] = {"sighting_id": sighting_id, "actor": actor}
        if identity_id is not None:
            payload["identity_id"] = identity_id
            self.living[identity_id].sightings.discard(sighting_id)
        crop_keys = tuple(json.loads(self.rows.pop(sighting_id).fields["crop_keys"]))
        waits = [*self.views, *([CROPS] if crop_keys else []), *([SERVER] if cause == "erase" else [])]
        if waits:
            now_ns = self.clock_ns() // 1000 * 1000
            self.purges[sighting_id] = Purge(
                sighting_id, now_ns, cause, actor, identity_id or "", crop_keys, tuple(sorted(waits))
            )
        self.tombstones[sighting_id] = self.clock_ns() // 1000
        for standing_id in self.standing:
            self.alerts.pop(alert_id(standing_id, sighting_id), None)
        self.emit("sighting.deleted", payload)
        return identity_id

    def retire(self, identity_id: str, actor: str) -> None:
        """Ends an identity without sightings: its id and aliases resolve to nothing from now on."""
        for name in (*self.living.pop(identity_id).aliases, identity_id):
            self.alias[name] = None
            self.parents.pop(name, None)
            self.retired[name] = self.clock_ns() // 1000
        self.emit("identity.deleted", {"identity_id": identity_id, "actor": actor})

    def note(self, actor: str, action: str, subject: str, sightings: int, detail: str = "") -> None:
        """Adds an entry to `audit`."""
        entry_id = self._next_id(self.audit[-1].entry_id if self.audit else ZERO)
        now_ns = self.clock_ns() // 1000 * 1000
        self.audit.append(AuditEntry(entry_id, now_ns, actor, action, subject, sightings, detail))
