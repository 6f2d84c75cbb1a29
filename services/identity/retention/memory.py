"""The forgetting part of the store in memory: the same outcomes as the scripts, without a server's files."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import cast

from services.errors import NotFound
from services.identity.codec import check_id, check_position, cut_vectors
from services.identity.log.contract import deleted_of
from services.identity.memory_state import MemoryState, position
from services.identity.records import FORMER_IDS, IDENTITY_FIELDS, LIST_FIELDS, MAY_LOSE, Event
from services.identity.retention.contract import RETENTION_ACTOR, AuditEntry, Overdue, Purge, Trimmed, View

_NAMES = ("sighting_id", *IDENTITY_FIELDS)


def _without(event: Event, drop: set[str]) -> Event | None:
    """An event without the ids that are to go; None where nothing is left to say."""
    lost = {name for name in _NAMES if event.payload.get(name) in drop}
    if lost - {MAY_LOSE.get(event.kind)}:
        return None
    payload = {name: value for name, value in event.payload.items() if name not in lost}
    given = payload.get(FORMER_IDS)
    if isinstance(given, list):
        pairs = zip(cast("list[str]", payload["sighting_ids"]), given, strict=True)
        payload[FORMER_IDS] = ["" if own in drop else own for name, own in pairs if name not in drop]
    for name in LIST_FIELDS:
        listed = payload.get(name)
        if isinstance(listed, list):
            payload[name] = [n for n in listed if n not in drop]
            # An identity that was restored stays so, because the merge that it takes back stays too.
            if not payload[name] and event.kind != "identity.unmerged":
                return None
    if payload.get("runner_up") in drop:
        payload["runner_up"] = None
    return replace(event, payload=payload)


class MemoryRetention:
    """RetentionStore in memory; the store that inherits it brings state and lock."""

    _state: MemoryState
    _changed: threading.Condition
    _clock_ns: Callable[[], int]
    resolve: Callable[[str], str | None]
    events_of: Callable[..., list[Event]]

    def now_ns(self) -> int:
        """See RetentionStore."""
        return self._clock_ns()

    def _due(self, before_ns: int, enrolled_before_ns: int | None) -> list[Overdue]:
        state = self._state
        due = []
        for sighting_id, row in state.rows.items():
            owner = state.identity_of(sighting_id)
            enrolled = owner is not None and bool(state.living[owner].enrolled_by)
            bound_ns = before_ns if not enrolled else -1 if enrolled_before_ns is None else enrolled_before_ns
            late_us = bound_ns // 1000 - row.end_us
            if late_us > 0 and row.final:
                due.append(Overdue(sighting_id, row.end_us * 1000, late_us * 1000))
        return sorted(due, key=lambda each: (each.ended_ns, each.sighting_id))

    def expire(self, before_ns: int, enrolled_before_ns: int | None = None, *, limit: int = 1000) -> int:
        """See RetentionStore."""
        with self._changed:
            due = self._due(before_ns, enrolled_before_ns)[:limit]
            for each in due:
                owner = self._state.forget(each.sighting_id, RETENTION_ACTOR, "expire")
                if owner is not None and not self._state.living[owner].sightings:
                    self._state.retire(owner, RETENTION_ACTOR)
            self._changed.notify_all()
            return len(due)

    def overdue(self, before_ns: int, enrolled_before_ns: int | None = None, *, limit: int = 1000) -> list[Overdue]:
        """See RetentionStore."""
        with self._changed:
            return self._due(before_ns, enrolled_before_ns)[:limit]

    def enrol(self, identity_id: str, actor: str, *, enrolled: bool = True) -> str:
        """See RetentionStore."""
        with self._changed:
            living = self.resolve(identity_id)
            if living is None:
                raise NotFound(f"no identity {identity_id}")
            self._state.enrol(living, actor, enrolled=enrolled)
            self._changed.notify_all()
            return self._state.last_event_id()

    def begin_view(self, name: str, position: str) -> None:
        """See RetentionStore."""
        with self._changed:
            self._state.views[check_id("view", name)] = View(name, check_position(position), self._clock_ns())

    def advance_view(self, name: str, position: str) -> bool:
        """See RetentionStore."""
        with self._changed:
            view = View(name, check_position(position), self._clock_ns())
            if name not in self._state.views:
                return False
            self._state.views[name] = view
            return True

    def drop_view(self, name: str) -> None:
        """See RetentionStore."""
        with self._changed:
            self._state.views.pop(name, None)
            self.acknowledge(name, list(self._state.purges))

    def views(self) -> list[View]:
        """See RetentionStore."""
        with self._changed:
            return [self._state.views[name] for name in sorted(self._state.views)]

    def deleted(self, sighting_ids: Sequence[str]) -> set[str]:
        """See RetentionStore."""
        with self._changed:
            return {name for name in sighting_ids if name in self._state.tombstones}

    def purges(self, holder: str | None = None, *, limit: int = 1000) -> list[Purge]:
        """See RetentionStore."""
        with self._changed:
            found = [p for p in self._state.purges.values() if holder is None or holder in p.waits]
            return sorted(found, key=lambda p: (p.at_ns, p.sighting_id))[:limit]

    def purges_of(self, sighting_ids: Sequence[str]) -> list[Purge]:
        """See RetentionStore."""
        with self._changed:
            return [self._state.purges[name] for name in sighting_ids if name in self._state.purges]

    def acknowledge(self, holder: str, sighting_ids: Sequence[str]) -> int:
        """See RetentionStore."""
        done = 0
        with self._changed:
            for sighting_id in sighting_ids:
                purge = self._state.purges.get(sighting_id)
                if purge is None or holder not in purge.waits:
                    continue
                waits = tuple(name for name in purge.waits if name != holder)
                if waits:
                    self._state.purges[sighting_id] = replace(purge, waits=waits)
                else:
                    del self._state.purges[sighting_id]
                    done += 1
        return done

    def trim(self, history_before_ns: int, forget_before_ns: int, audit_before_ns: int) -> Trimmed:
        """See RetentionStore."""
        with self._changed:
            state = self._state
            floors = [(max(0, history_before_ns) // 1_000_000, 0)]
            floors += [position(view.position) for view in state.views.values()]
            audit_floor = (max(0, audit_before_ns) // 1_000_000, 0)
            before = (len(state.events), len(state.work), len(state.audit))
            state.events = [e for e in state.events if position(e.event_id) >= min(floors)]
            state.work = [w for w in state.work if position(w.entry_id) >= position(state.cursor)]
            state.audit = [a for a in state.audit if position(a.entry_id) >= audit_floor]
            forget_us = max(0, forget_before_ns) // 1000
            state.tombstones = {s: us for s, us in state.tombstones.items() if us > forget_us}
            for name in [name for name, us in state.retired.items() if us <= forget_us]:
                del state.retired[name]
                if name in state.alias and state.alias[name] is None:
                    del state.alias[name]
            after = (len(state.events), len(state.work), len(state.audit))
            return Trimmed(*(was - now for was, now in zip(before, after, strict=True)))

    def oldest_event_ns(self) -> int | None:
        """See RetentionStore."""
        with self._changed:
            events = self._state.events
            return position(events[0].event_id)[0] * 1_000_000 if events else None

    def vector_bytes(self, sighting_ids: Sequence[str]) -> list[bytes]:
        """See RetentionStore."""
        with self._changed:
            rows = [self._state.rows[s].fields for s in sighting_ids if s in self._state.rows]
            each = [(f[n + "embedding"], f[n + "exemplars"]) for f in rows for n in ("", "beside_")]
            return [vector for embedding, views in each if embedding for vector in cut_vectors(embedding, views)]

    def rewrite(self, sighting_ids: Sequence[str], identity_ids: Sequence[str], timeout_s: float = 60.0) -> None:
        """See RetentionStore. There are no files."""
        with self._changed:
            drop = {*sighting_ids, *identity_ids, *deleted_of(self.events_of, identity_ids)}
            state = self._state
            state.work = [w for w in state.work if w.sighting_id not in drop]
            state.events = [left for event in state.events if (left := _without(event, drop)) is not None]

    def note(self, actor: str, action: str, subject: str, sightings: int, detail: str = "") -> None:
        """See RetentionStore."""
        with self._changed:
            self._state.note(actor, action, subject, sightings, detail)

    def audit_log(self, after: str = "0-0", count: int = 1000) -> list[AuditEntry]:
        """See RetentionStore."""
        floor = position(check_position(after))
        with self._changed:
            return [a for a in self._state.audit if position(a.entry_id) > floor][:count]

    def audit_newest(self, before: str = "", count: int = 100) -> list[AuditEntry]:
        """See RetentionStore."""
        roof = position(check_position(before)) if before else None
        with self._changed:
            found = [a for a in self._state.audit if roof is None or position(a.entry_id) < roof]
            return found[::-1][:count]

    def about(self) -> dict[str, str]:
        """See RetentionStore."""
        return {"server": "memory", "writes": "gone when the process ends"}
