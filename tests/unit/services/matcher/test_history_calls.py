"""History reads what it needs and no more: nothing for an id that is unknown, no page after the caller has gone."""

from __future__ import annotations

import pytest

from services.errors import DeadlinePassed, NotFound
from services.identity import history
from services.identity.memory_store import MemoryStore
from services.matcher.identity_servicer import IdentityServicer
from services.matcher.servicers import Parts
from services.matcher.settings import MatcherSettings
from services.rpc import vreid_pb2 as pb


class Reads(MemoryStore):
    """A store that counts pages and never hands out the whole log."""

    pages = 0

    def events_of(self, identity_id, after="0-0", count=0):
        self.pages += 1
        return super().events_of(identity_id, after, count)

    def read_events(self, after, count, block_ms):
        raise AssertionError("the whole log is read")


class Caller:
    """A call that is given up after some looks at it."""

    def __init__(self, patience):
        self.patience = patience

    def is_active(self):
        self.patience -= 1
        return self.patience >= 0


@pytest.fixture
def store():
    store = Reads()
    for _ in range(20):
        store._state.emit("identity.enrolled", {"identity_id": "a", "enrolled": True, "actor": "ann"})
    return store


def ask(store, identity_id, patience=99):
    servicer = IdentityServicer(Parts(store, None, None, MatcherSettings()))
    return servicer.History(pb.HistoryRequest(identity_id=identity_id), Caller(patience))


def test_an_unknown_id_costs_one_look(store):
    with pytest.raises(NotFound, match="no event of nobody is kept"):
        ask(store, "nobody")
    assert store.pages == 1


def test_all_pages_are_read_while_the_caller_waits(store, monkeypatch):
    monkeypatch.setattr(history, "EVENTS_AT_ONCE", 6)
    assert len(ask(store, "a").events) == 20
    assert store.pages == 4


def test_no_page_is_read_after_the_caller_has_gone(store, monkeypatch):
    monkeypatch.setattr(history, "EVENTS_AT_ONCE", 6)
    with pytest.raises(DeadlinePassed):
        ask(store, "a", patience=2)
    assert store.pages == 2
