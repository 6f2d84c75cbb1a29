"""Corrections in the store in memory: the same rules as amend.lua, in Python."""

from __future__ import annotations

import threading
from collections.abc import Callable

from services.identity.corrections.contract import Amendment, Correction, Corrections, absorbed_through, refusal
from services.identity.keys import ASSOCIATOR_LEASE
from services.identity.memory_state import Living, MemoryState
from services.identity.records import FORMER_IDS, Event
from services.types import Split


class MemoryCorrections(Corrections):
    """CorrectingStore in memory; the store that inherits it brings state, lock and fences."""

    _state: MemoryState
    _changed: threading.Condition
    _fences: dict[str, int]
    resolve: Callable[[str], str | None]

    def get_event(self, event_id: str) -> Event | None:
        """See CorrectingStore."""
        with self._changed:
            return next((e for e in self._state.events if e.event_id == event_id), None)

    def corrected_identities(self) -> frozenset[str]:
        """See CorrectingStore."""
        with self._changed:
            return frozenset(name for name, row in self._state.living.items() if row.corrected)

    def _amend(self, amendment: Amendment) -> Correction:
        a = amendment
        with self._changed:
            for name in (a.one, a.other):
                fresh = a.action in ("split", "unmerge") and name == a.other
                if not fresh and self.resolve(name) is None:
                    raise refusal("unknown", name, a)
            said: dict[str, object] = {"actor": a.actor}
            if a.undoes:
                said["undoes"] = a.undoes
            event_id, moved = getattr(self, f"_{a.action}")(a, said)
            for name in (a.one, a.other):
                self._state.living[self._living(name)].corrected = True
            self._fences[ASSOCIATOR_LEASE] = self._fences.get(ASSOCIATOR_LEASE, 0) + 1
            self._state.note(a.actor, "undo" if a.undoes else a.action, a.one, moved, f"{a.other} {event_id}")
            self._changed.notify_all()
            return Correction(event_id, self._state.last_event_id())

    def _living(self, identity_id: str) -> str:
        return self.resolve(identity_id) or ""

    def _merge(self, a: Amendment, said: dict[str, object]) -> tuple[str, int]:
        survivor, absorbed = self._living(a.one), self._living(a.other)
        if survivor == absorbed:
            raise refusal("one", survivor, a)
        by = a.one if a.undoes else survivor
        return self._state.absorb(survivor, absorbed, a.reason, said, by), 0

    def _split(self, a: Amendment, said: dict[str, object]) -> tuple[str, int]:
        state, source = self._state, self._living(a.one)
        if a.other in state.alias or a.other in state.living:
            raise refusal("taken", a.other, a)
        for sighting_id in a.sighting_ids:
            if state.identity_of(sighting_id) != source:
                raise refusal("foreign", sighting_id, a)
        if len(state.living[source].sightings) <= len(a.sighting_ids):
            raise refusal("all", source, a)
        state.split(Split(source, a.other, a.sighting_ids, a.reason), said)
        return state.last_event_id(), len(a.sighting_ids)

    def _unsplit(self, a: Amendment, said: dict[str, object]) -> tuple[str, int]:
        home, now = self._living(a.one), self._living(a.other)
        if home == now:
            raise refusal("one", home, a)
        former = dict(zip(a.sighting_ids, a.former_ids, strict=False))
        moved = sum(self._state.identity_of(sighting_id) == now for sighting_id in a.sighting_ids)
        left = self._state.split(Split(now, home, a.sighting_ids, a.reason), said, former)
        if not left:
            raise refusal("empty", now, a)
        event_id = self._state.last_event_id()
        self._state.settle(left, said)
        return event_id, moved

    def _unmerge(self, a: Amendment, said: dict[str, object]) -> tuple[str, int]:
        state, survivor, back = self._state, self._living(a.one), a.other
        if back in state.living:
            raise refusal("apart", back, a)
        if state.parents.get(back) != a.one:
            raise refusal("elsewhere", back, a)
        kept = sorted(absorbed_through(back, state.parents))
        names = {back, *kept}
        members = sorted(state.living[survivor].sightings, key=lambda s: (state.rows[s].end_us, s))
        moved = set(a.sighting_ids)
        own = [s for s in members if state.rows[s].identity_id in names or s in moved]
        if not own:
            raise refusal("empty", back, a)
        payload: dict[str, object] = {
            "identity_id": survivor,
            "restored_id": back,
            "sighting_ids": own,
            "status": a.status,
            "reason": a.reason,
        }
        if a.sighting_ids:
            payload[FORMER_IDS] = [state.rows[s].identity_id for s in own]
        if kept:
            payload["aliases"] = kept
        payload |= self._part(survivor, a, names, own)
        event_id = state.emit("identity.unmerged", payload | said)
        if not state.living[survivor].sightings:
            state.absorb(back, survivor, "emptied", {"actor": a.actor})
        return event_id, len(own)

    def _part(self, survivor: str, a: Amendment, names: set[str], own: list[str]) -> dict[str, object]:
        """Takes ids and sightings out of an identity into one of their own; returns who is enrolled or no longer."""
        state, back, keeper = self._state, a.other, self._state.living[survivor]
        enrolled_by = keeper.enrolled_by
        theirs, ours = enrolled_by & names, enrolled_by - names
        # Merges by older versions did not note by which id the survivor became enrolled.
        if a.enrolled and ours and not theirs:
            theirs = {back}
        state.living[back] = Living(a.status, set(own), names - {back}, theirs)
        keeper.sightings -= set(own)
        keeper.aliases -= names
        keeper.enrolled_by = ours
        del state.alias[back], state.parents[back]
        state.alias |= dict.fromkeys(names - {back}, back)
        for sighting_id in own:
            if state.rows[sighting_id].identity_id not in names:
                state.rows[sighting_id].identity_id = back
        told: dict[str, object] = {"enrolled": True} if theirs else {}
        return told | ({"survivor_enrolled": False} if enrolled_by and not ours else {})
