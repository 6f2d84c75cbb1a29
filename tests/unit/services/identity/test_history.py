"""Labels over time: what was published at a moment, with the merges known then."""

from __future__ import annotations

import pytest

from services.identity.history import all_events, label_history
from services.identity.memory_store import MemoryStore
from services.identity.store import Event


def fold(*events):
    return label_history(Event(f"{n}-0", kind, at, payload) for n, (at, kind, payload) in enumerate(events))


def decided(at, sighting_id, identity_id):
    return at, "sighting.decided", {"sighting_id": sighting_id, "identity_id": identity_id}


def merged(at, survivor_id, absorbed_id):
    return at, "identity.merged", {"survivor_id": survivor_id, "absorbed_id": absorbed_id, "reason": ""}


HISTORY = (
    (5, "sighting.put", {"sighting_id": "s", "final": False}),
    (6, "identity.created", {"identity_id": "a"}),
    decided(10, "s", "a"),
    (15, "sighting.put", {"sighting_id": "s", "final": True}),
    decided(20, "s", "b"),
    merged(30, "c", "b"),
    merged(40, "d", "c"),
    (50, "identity.split", {"identity_id": "d", "new_identity_id": "n", "sighting_ids": ["s", "t"]}),
    (60, "sighting.deleted", {"sighting_id": "s"}),
)


@pytest.mark.parametrize(
    ("at", "label"),
    [(0, None), (9, None), (10, "a"), (19, "a"), (20, "b"), (30, "c"), (45, "d"), (50, "n"), (60, None), (None, None)],
)
def test_labels_at_a_time(at, label):
    assert fold(*HISTORY).label_at("s", at) == label


def test_the_end_and_the_unknown():
    history = fold(*HISTORY)
    assert history.label_at("t") == "n"
    assert history.label_at("never seen") is None
    assert history.resolve_at("b", 35) == "c"
    assert history.resolve_at("b") == "d"


def test_when_a_sighting_came_and_closed():
    history = fold(*HISTORY)
    assert history.first_put_ns == {"s": 5}
    assert history.final_put_ns == {"s": 15}


def test_all_events_pages_through(monkeypatch):
    monkeypatch.setattr("services.identity.history._PAGE", 3)
    store = MemoryStore()
    for n in range(8):
        store._state.emit("identity.created", {"identity_id": str(n)})
    assert [e.payload["identity_id"] for e in all_events(store)] == [str(n) for n in range(8)]
