"""Deletion: gone from everywhere, told to everyone, and not to come back."""

from __future__ import annotations

import pytest

from services.errors import NotFound
from services.types import Merge


def test_a_deleted_identity_is_gone_with_its_sightings(site):
    site.assign(s1="a", s2="b", s3="c")
    site.commit(Merge("a", "b", "x"))
    before = site.store.last_event_id()
    position = site.store.delete_identity("b", actor="alice")
    assert position == site.store.last_event_id()
    for name in ("a", "b"):
        assert site.store.resolve(name) is None
        assert site.store.get_identity(name) is None
    assert site.store.get_sightings(["s1", "s2"]) == [None, None]
    assert site.store.identity_of("s1") is None
    assert [s.sighting_id for s, _ in site.store.scan_sightings()] == ["s3"]
    assert [i.identity_id for i in site.store.list_identities()] == ["c"]
    assert [(e.kind, dict(e.payload)) for e in site.store.read_events(before, 10, 0)] == [
        ("sighting.deleted", {"sighting_id": "s1", "identity_id": "a", "actor": "alice"}),
        ("sighting.deleted", {"sighting_id": "s2", "identity_id": "a", "actor": "alice"}),
        ("identity.deleted", {"identity_id": "a", "actor": "alice"}),
    ]
    assert [(w.sighting_id, w.op) for w in site.store.read_work("0-0", 10, 0)][-2:] == [
        ("s1", "delete"),
        ("s2", "delete"),
    ]


def test_what_is_not_there_cannot_be_deleted(site):
    site.assign(s1="a")
    site.store.delete_identity("a", actor="alice")
    for delete, name in ((site.store.delete_identity, "a"), (site.store.delete_identity, "?")):
        with pytest.raises(NotFound):
            delete(name, actor="alice")
    for name in ("s1", "?"):
        with pytest.raises(NotFound):
            site.store.delete_sighting(name, actor="alice")


def test_a_deleted_sighting_leaves_its_identity(site):
    site.assign(s1="a", s2="a", s3="b")
    site.store.delete_sighting("s2", actor="bob")
    assert site.store.get_identity("a").sighting_ids == ("s1",)
    assert [i.identity_id for i in site.store.list_identities()] == ["b", "a"]
    position = site.store.delete_sighting("s1", actor="bob")
    assert position == site.store.last_event_id()
    assert site.store.get_identity("a") is None
    assert site.kinds()[-3:] == ["sighting.deleted", "sighting.deleted", "identity.deleted"]


def test_an_undecided_sighting_can_be_deleted(site):
    site.put("s1")
    site.store.delete_sighting("s1", actor="bob")
    assert site.events()[-1] == ("sighting.deleted", {"sighting_id": "s1", "actor": "bob"})


def test_a_late_revision_does_not_bring_a_sighting_back(site):
    site.put("s1")
    site.store.delete_sighting("s1", actor="bob")
    result = site.put("s1", 2)
    assert not result.accepted
    assert result.log_position == site.store.last_event_id()
    assert site.store.get_sighting("s1") is None
    assert site.commit(site.decide("s1", "a")).stale == ("s1",)


def test_a_deleted_identity_takes_no_sighting_and_the_sighting_is_asked_for_again(site):
    site.assign(s1="a")
    site.store.delete_identity("a", actor="alice")
    site.put("s2")
    last = site.store.read_work("0-0", 100, 0)[-1]
    result = site.commit(site.decide("s2", "a"), cursor=last.entry_id)
    assert (result.applied, result.stale) == ((), ("s2",))
    again = site.store.read_work(last.entry_id, 10, 0)
    assert [(w.sighting_id, w.revision, w.op) for w in again] == [("s2", 1, "put")]


def test_an_identity_with_many_sightings_can_be_deleted(site):
    ids = [f"s{n:05d}" for n in range(400)]
    for s in ids:
        site.put(s)
    site.commit(*(site.decide(s, "a") for s in ids))
    site.store.delete_identity("a", actor="alice")
    assert site.store.get_identity("a") is None
    assert list(site.store.scan_sightings()) == []
    kinds = site.kinds()
    assert kinds.count("sighting.deleted") == 400
    assert kinds.count("identity.deleted") == 1
