"""Events about an identity page by page are those that a look at all of them finds, whatever was merged or undone."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from services.errors import DeadlinePassed
from services.identity import family, history
from services.identity.family import Families
from services.identity.history import events_about
from services.identity.memory_store import MemoryStore

NAMES = [f"id-{n}" for n in range(7)]


def happen(store, rng, count):
    """Decisions, merges and merges taken back among a few ids, in any order."""
    for n in range(count):
        one, other = (NAMES[i] for i in rng.choice(len(NAMES), 2, replace=False))
        match rng.integers(4):
            case 0:
                store._state.emit("identity.merged", {"survivor_id": one, "absorbed_id": other, "reason": "r"})
            case 1:
                said = {"survivor_id": one, "restored_id": other, "sighting_ids": [], "status": "new"}
                store._state.emit("identity.unmerged", said)
            case _:
                decided = {"sighting_id": f"s-{n}", "identity_id": one, "status": "new"}
                store._state.emit("sighting.decided", decided)


def paged(families, name, size, until_ns=None):
    """All pages of a history, each asked for by itself."""
    found, after = [], ""
    while page := list(islice(families.events_about(name, after, until_ns, lambda: None), size)):
        found += page
        after = page[-1].event_id
    return found


@pytest.mark.parametrize("seed", range(8))
def test_pages_hold_what_a_look_at_everything_finds(seed, monkeypatch):
    monkeypatch.setattr(history, "EVENTS_AT_ONCE", 3)
    monkeypatch.setattr(family, "_LEAST_AT_ONCE", 2)
    rng, store = np.random.default_rng(seed), MemoryStore()
    families = Families(store)
    for _round in range(3):  # what is known from before is added to
        happen(store, rng, 25)
        moments = [event.at_ns for event in store.read_events("0-0", 1000, 0)]
        for name in NAMES:
            assert paged(families, name, 4) == events_about(store, name)
            assert paged(families, name, 100) == events_about(store, name)
            until_ns = moments[int(rng.integers(len(moments)))]
            assert paged(families, name, 5, until_ns) == events_about(store, name, until_ns)


class Reads(MemoryStore):
    """A store that counts the events that it hands out."""

    events = 0

    def events_of(self, identity_id, after="0-0", count=500):
        found = super().events_of(identity_id, after, count)
        self.events += len(found)
        return found


def test_a_long_history_is_read_once_and_then_page_by_page():
    store = Reads()
    for n in range(3000):
        store._state.emit("sighting.decided", {"sighting_id": f"s-{n}", "identity_id": "a", "status": "new"})
    families = Families(store)
    assert len(paged(families, "a", 500)) == 3000
    assert store.events < 3 * 3000


def test_a_reading_that_was_cut_short_is_finished_later(monkeypatch):
    monkeypatch.setattr(history, "EVENTS_AT_ONCE", 2)
    store = MemoryStore()
    for n in range(4):
        store._state.emit("sighting.decided", {"sighting_id": f"s-{n}", "identity_id": f"id-{n}", "status": "new"})
    for n in range(3):
        store._state.emit("identity.merged", {"survivor_id": f"id-{n + 1}", "absorbed_id": f"id-{n}", "reason": ""})
    families = Families(store)
    for patience in range(12):
        left = iter(range(patience))

        def go_on(left=left):
            if next(left, None) is None:
                raise DeadlinePassed("enough")

        try:
            found = list(families.events_about("id-3", "", None, go_on))
        except DeadlinePassed:
            continue
        break
    assert found == events_about(store, "id-3")
    assert len(found) == 7


def test_only_so_many_families_are_kept(monkeypatch):
    monkeypatch.setattr(family, "_KEPT", 2)
    families = Families(MemoryStore())
    for name in NAMES:
        assert list(families.events_about(name, "", None, lambda: None)) == []
    assert list(families._known) == NAMES[-2:]
