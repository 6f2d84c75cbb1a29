"""What a vehicle's page says of how sightings were decided: all pages of the history, and only what is new of it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace

import pytest

from services.errors import Unavailable
from services.identity.store import IdentityRecord
from services.matcher.types import HistoryEntry, IdentityDetail, IdentityHistory
from services.web.pages.decisions import Decisions


class History:
    """A matcher's history, two events a page."""

    def __init__(self):
        self.events, self.asked = [], []

    def decide(self, sighting_id, probability):
        name = f"{len(self.events) + 1}-0"
        event = HistoryEntry(name, 0, "sighting.decided", "a", sighting_ids=(sighting_id,), status="new")
        self.events.append(
            HistoryEntry(**{f: getattr(event, f) for f in event.__slots__} | {"probability": probability})
        )

    def identity_history_page(self, identity_id, *, after_event_id="", limit=0):
        self.asked.append(after_event_id)
        left = [e for e in self.events if not after_event_id or int(e.event_id[:-2]) > int(after_event_id[:-2])]
        return IdentityHistory(tuple(left[:2]), None, left[1].event_id if len(left) > 2 else "")


@pytest.fixture
def history():
    return History()


@pytest.fixture
def decisions(history):
    async def ask(call, *args, **kwargs):
        return call(*args, **kwargs)

    return Decisions(SimpleNamespace(ask=ask, client=history))


def detail(*aliases):
    return IdentityDetail(IdentityRecord("a", (), (), 0, 0, "new", aliases), 0)


def read(decisions, *aliases):
    return asyncio.run(decisions.read_on(detail(*aliases)))


def test_all_pages_are_read_and_the_last_decision_counts(history, decisions):
    for n in range(5):
        history.decide(f"s-{n % 4}", n / 10)
    assert read(decisions)
    assert history.asked == ["", "2-0", "4-0"]
    assert {name: link.probability for name, link in decisions.links.items()} == {
        "s-0": 0.4, "s-1": 0.1, "s-2": 0.2, "s-3": 0.3
    }  # fmt: skip


def test_only_what_is_new_is_read_again(history, decisions):
    history.decide("s-0", 0.1)
    read(decisions)
    assert not read(decisions)
    history.decide("s-1", 0.2)
    assert read(decisions)
    assert history.asked == ["", "1-0", "1-0"]
    assert set(decisions.links) == {"s-0", "s-1"}


def test_who_was_merged_brings_what_was_before(history, decisions):
    history.decide("s-0", 0.1)
    read(decisions)
    read(decisions, "b")
    assert history.asked == ["", ""]


def test_sightings_that_were_split_off_say_so(history, decisions):
    history.events.append(HistoryEntry("1-0", 0, "identity.split", "z", "a", ("s-0",)))
    read(decisions)
    assert (decisions.links["s-0"].status, decisions.links["s-0"].probability) == ("split off", None)


def test_a_matcher_that_is_away_loses_nothing(history, decisions, monkeypatch):
    for n in range(3):
        history.decide(f"s-{n}", 0.5)
    whole = history.identity_history_page

    def first_alone(identity_id, *, after_event_id="", limit=0):
        if after_event_id:
            raise Unavailable("away")
        return whole(identity_id, after_event_id=after_event_id, limit=limit)

    monkeypatch.setattr(history, "identity_history_page", first_alone)
    with pytest.raises(Unavailable):
        read(decisions)
    monkeypatch.setattr(history, "identity_history_page", whole)
    assert read(decisions)
    assert set(decisions.links) == {"s-0", "s-1", "s-2"}
