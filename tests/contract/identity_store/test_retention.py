"""Forgetting: expiry, the outbox, views, trimming, erasure from the streams. What is gone is gone from everywhere."""

from __future__ import annotations

import dataclasses

import pytest

from services.errors import InputError, NotFound
from services.identity.codec import encode_sighting
from services.identity.history import believed
from services.identity.integrity import disagreements
from services.identity.redis_store import RedisStore
from services.identity.retention.contract import CROPS, SERVER, Overdue
from services.types import Merge

SECOND = 1_000_000_000


def end_of(site, sighting_id):
    return site.store.get_sighting(sighting_id).end_ns


def test_what_ended_before_expires(site):
    site.assign(s1="a", s2="a", s3="b", s4="c")
    site.put("s5", at_s=1.5)
    site.all_leave()
    before = end_of(site, "s4")
    assert [each.sighting_id for each in site.store.overdue(before)] == ["s1", "s2", "s5", "s3"]
    ended_ns = end_of(site, "s1") // 1000 * 1000
    assert site.store.overdue(before, limit=1) == [Overdue("s1", ended_ns, before // 1000 * 1000 - ended_ns)]
    position = site.store.last_event_id()
    assert site.store.expire(before) == 4
    assert site.store.overdue(before) == []
    assert site.store.expire(before) == 0
    assert [s.sighting_id for s, _ in site.store.scan_sightings()] == ["s4"]
    assert site.store.resolve("a") is None
    assert site.store.resolve("b") is None
    kinds = [(e.kind, e.payload["actor"]) for e in site.store.read_events(position, 100, 0)]
    assert kinds.count(("sighting.deleted", "retention")) == 4
    assert kinds.count(("identity.deleted", "retention")) == 2


def test_an_identity_shrinks_as_its_sightings_expire(site):
    site.assign(s1="a", s2="a", s3="b")
    site.all_leave()
    site.store.expire(end_of(site, "s2"))
    assert site.store.get_identity("a").sighting_ids == ("s2",)
    assert [i.identity_id for i in site.store.list_identities()] == ["b", "a"]


def test_expiry_takes_no_more_than_asked(site):
    site.assign(**{f"s{n}": "a" for n in range(7)})
    site.all_leave()
    bound = end_of(site, "s6") + SECOND
    assert [site.store.expire(bound, limit=3) for _ in range(4)] == [3, 3, 1, 0]


def test_enrolled_identities_stay_for_ever_or_for_their_own_time(site):
    site.assign(s1="a", s2="b", s3="a")
    site.all_leave()
    site.store.enrol("a", "alice")
    site.store.enrol("a", "alice")
    assert site.store.get_identity("a").enrolled
    assert not site.store.get_identity("b").enrolled
    assert site.kinds().count("identity.enrolled") == 1
    bound = end_of(site, "s3") + SECOND
    late = site.store.overdue(bound, end_of(site, "s1") + SECOND // 2)
    assert [(each.sighting_id, each.late_ns / SECOND) for each in late] == [("s1", 0.5), ("s2", 2.0)]
    assert site.store.expire(bound) == 1
    assert site.store.get_identity("a").sighting_ids == ("s1", "s3")
    assert site.store.expire(bound, end_of(site, "s3")) == 1
    assert site.store.get_identity("a").sighting_ids == ("s3",)
    site.store.enrol("a", "alice", enrolled=False)
    assert site.store.expire(bound) == 1
    assert [(a.action, a.subject) for a in site.store.audit_log()] == [("enrol", "a"), ("unenrol", "a")]


def test_the_active_window(site):
    site.assign(s1="a", s2="b")
    for n, sighting_id in enumerate(("s1", "s2")):
        site.put(sighting_id, 2, at_s=n, final=True)
    since = end_of(site, "s2")
    assert [s.sighting_id for s, _ in site.store.scan_sightings(ended_since_ns=since)] == ["s2"]
    assert list(site.store.scan_sightings(ended_since_ns=since + SECOND)) == []


def test_what_is_not_final_is_in_view_however_long_it_was_silent(site):
    site.assign(parked="a", s2="b")
    site.put("s2", 2, at_s=1, final=True)
    since = end_of(site, "s2") + SECOND
    assert [(s.sighting_id, i) for s, i in site.store.scan_sightings(ended_since_ns=since)] == [("parked", "a")]
    assert sorted(s.sighting_id for s, _ in site.store.scan_sightings()) == ["parked", "s2"]


@pytest.mark.parametrize("enrolled", [False, True])
def test_what_is_in_view_does_not_expire_until_it_has_left(site, enrolled):
    site.assign(parked="a", left="b")
    site.put("left", 2, at_s=1, final=True)
    if enrolled:
        site.store.enrol("a", "alice")
    bound = end_of(site, "left") + SECOND
    assert [each.sighting_id for each in site.store.overdue(bound, bound)] == ["left"]
    assert site.store.expire(bound, bound) == 1
    assert site.store.get_identity("a").sighting_ids == ("parked",)
    assert site.put("parked", 2, last_s=90, final=True).accepted
    assert end_of(site, "parked") > bound
    assert site.store.expire(bound, bound) == 0
    assert site.store.expire(end_of(site, "parked") + SECOND, end_of(site, "parked") + SECOND) == 1
    assert site.store.resolve("a") is None


def test_what_an_ended_session_left_open_expires_once_it_is_closed(site):
    site.assign(orphan="a")
    bound = end_of(site, "orphan") + SECOND
    assert site.store.expire(bound) == 0
    assert site.store.finalise_orphans([], 0) == ["orphan"]
    assert site.store.expire(bound) == 1


def test_each_holder_acknowledges(site):
    site.store.begin_view("gallery", "0-0")
    site.store.begin_view("web", "0-0")
    site.assign(s1="a", s2="b")
    site.put("s3", crop_keys=())
    site.store.delete_identity("a", "alice")
    site.store.delete_sighting("s2", "bob", cause="erase")
    site.store.delete_sighting("s3", "bob")
    first, second, third = site.store.purges()
    assert (first.sighting_id, first.cause, first.actor, first.identity_id) == ("s1", "delete", "alice", "a")
    assert (first.crop_keys, first.waits) == (("a.jpg", "b.jpg"), (CROPS, "gallery", "web"))
    assert second.waits == (CROPS, "gallery", SERVER, "web")
    assert (third.waits, third.identity_id) == (("gallery", "web"), "")
    assert abs(first.at_ns - site.store.now_ns()) < 60 * SECOND
    assert [p.sighting_id for p in site.store.purges(CROPS)] == ["s1", "s2"]
    assert [p.sighting_id for p in site.store.purges(limit=2)] == ["s1", "s2"]

    assert site.store.acknowledge("gallery", ["s1", "s2", "s3", "?"]) == 0
    assert site.store.acknowledge("gallery", ["s1"]) == 0
    assert site.store.acknowledge(CROPS, ["s1", "s2"]) == 0
    assert site.store.acknowledge("web", ["s1", "s2"]) == 1
    assert [(p.sighting_id, p.waits) for p in site.store.purges()] == [("s2", (SERVER,)), ("s3", ("web",))]
    site.store.drop_view("web")
    assert site.store.acknowledge(SERVER, ["s2"]) == 1
    assert site.store.purges() == []


def test_nobody_waits_for_what_nobody_holds(site):
    site.put("s1", crop_keys=())
    site.store.delete_sighting("s1", "alice")
    assert site.store.purges() == []


def test_views_say_how_far_they_are(site):
    site.store.begin_view("gallery", "1-1")
    assert site.store.advance_view("gallery", "5-0")
    assert not site.store.advance_view("web", "5-0")
    (view,) = site.store.views()
    assert (view.name, view.position) == ("gallery", "5-0")
    assert abs(view.said_at_ns - site.store.now_ns()) < 60 * SECOND
    site.store.drop_view("gallery")
    assert site.store.views() == []


def test_events_are_kept_for_the_slowest_view(site):
    site.assign(s1="a", s2="b")
    ids = [e.event_id for e in site.store.read_events("0-0", 100, 0)]
    last = site.store.last_event_id()
    site.store.begin_view("fast", last)
    site.store.begin_view("slow", ids[2])
    future = site.store.now_ns() + 3600 * SECOND
    assert site.store.trim(future, 0, 0).events == 2
    assert [e.event_id for e in site.store.read_events("0-0", 100, 0)] == ids[2:]
    assert site.store.oldest_event_ns() == int(ids[2].split("-")[0]) * 1_000_000
    site.store.drop_view("slow")
    site.store.trim(future, 0, 0)
    assert [e.event_id for e in site.store.read_events("0-0", 100, 0)] == ids[-1:]
    site.store.drop_view("fast")
    site.store.trim(future, 0, 0)
    assert site.store.read_events("0-0", 100, 0) == []
    assert site.store.last_event_id() == last
    assert site.store.oldest_event_ns() is None
    site.put("s3")
    assert site.kinds() == ["sighting.put"]


def test_work_is_kept_until_it_is_decided(site):
    site.put("s1")
    site.put("s2")
    first = site.store.read_work("0-0", 10, 0)[0]
    site.store.trim(0, 0, 0)
    assert len(site.store.read_work("0-0", 10, 0)) == 2
    site.commit(site.decide("s1", "a"), cursor=first.entry_id)
    assert site.store.trim(0, 0, 0).work == 0
    site.commit(cursor=site.store.read_work("0-0", 10, 0)[1].entry_id)
    assert site.store.trim(0, 0, 0).work == 1
    assert [w.sighting_id for w in site.store.read_work("0-0", 10, 0)] == ["s2"]


def test_ids_are_refused_until_they_are_forgotten(site):
    site.assign(s1="a", s2="b")
    site.commit(Merge("a", "b", "m"))
    site.store.delete_identity("a", "alice")
    site.store.trim(0, site.store.now_ns() - 3600 * SECOND, 0)
    assert not site.put("s1", 2).accepted
    site.put("s3")
    assert site.commit(site.decide("s3", "b")).stale == ("s3",)
    site.store.trim(0, site.store.now_ns() + SECOND, 0)
    assert site.put("s1", 2).accepted


def test_which_sightings_were_deleted(site):
    site.assign(s1="a", s2="b", s3="c")
    site.store.delete_sighting("s1", "alice")
    site.store.delete_identity("c", "alice", cause="erase")
    many = [f"?{n}" for n in range(600)]
    assert site.store.deleted(["s1", "s2", *many, "s3"]) == {"s1", "s3"}
    assert site.store.deleted([]) == set()
    site.store.trim(0, site.store.now_ns() + SECOND, 0)
    assert site.store.deleted(["s1", "s3"]) == set()


def test_living_aliases_are_never_forgotten(site):
    site.assign(s1="a", s2="b")
    site.commit(Merge("a", "b", "m"))
    site.store.trim(0, site.store.now_ns() + SECOND, 0)
    assert site.store.resolve("b") == "a"


def test_the_audit_log_says_who_did_what(site):
    site.assign(s1="a", s2="a")
    site.store.delete_sighting("s1", "bob")
    site.store.delete_identity("a", "alice", cause="erase")
    site.store.note("carol", "search", "", 3, "by picture")
    log = site.store.audit_log()
    assert [(a.actor, a.action, a.subject, a.sightings, a.detail) for a in log] == [
        ("bob", "delete_sighting", "s1", 1, ""),
        ("alice", "erase_identity", "a", 1, ""),
        ("carol", "search", "", 3, "by picture"),
    ]
    assert site.store.audit_log(log[0].entry_id, 1) == log[1:2]
    assert site.store.trim(0, 0, site.store.now_ns() + SECOND).audit == 3
    assert site.store.audit_log() == []


def test_the_vectors_as_they_lie_in_the_store(site):
    site.put("s1")
    fields = encode_sighting(site.make_sighting("s1"))
    stored = site.store.vector_bytes(["s1", "?"])
    assert stored[0] == fields["embedding"]
    assert b"".join(stored[1:]) == fields["exemplars"]
    assert len(stored) == 3
    assert site.store.vector_bytes([]) == []


def test_streams_are_written_anew_without_what_is_erased(site):
    site.assign(s1="a", s2="b", s3="c", s4="c", s5="c")
    site.store.split_identity("c", ["s4", "s5"], "n", "alice")
    site.store.merge_identities("a", "b", "alice")
    last = site.store.last_event_id()
    kept = site.store.read_events("0-0", 100, 0)
    site.store.rewrite(["s1", "s2", "s4"], ["a", "b"])
    assert site.store.last_event_id() == last
    events = site.store.read_events("0-0", 100, 0)
    text = repr(events)
    assert not any(repr(name) in text for name in ("s1", "s2", "s4", "a", "b"))
    split = next(e for e in kept if e.kind == "identity.split")
    expected = [
        dataclasses.replace(split, payload={**split.payload, "sighting_ids": ["s5"]}) if e == split else e
        for e in kept
        if e in events or e == split
    ]
    assert events == expected
    assert {w.sighting_id for w in site.store.read_work("0-0", 100, 0)} == {"s3", "s5"}
    site.put("s9")
    assert site.store.read_events(last, 10, 0)[0].payload["sighting_id"] == "s9"


def test_the_outbox_by_sighting(site):
    site.assign(s1="a", s2="b", s3="c", s4="d")
    for name in ("s1", "s2", "s3"):
        site.store.delete_sighting(name, "alice", cause="erase")
    for holder in (CROPS, SERVER):
        site.store.acknowledge(holder, ["s2"])
    outbox = {purge.sighting_id: purge for purge in site.store.purges()}
    assert site.store.purges_of(["s3", "s4", "?", "s2", "s1"]) == [outbox["s3"], outbox["s1"]]
    assert site.store.purges_of([]) == []
    many = [f"?{n}" for n in range(600)]
    assert site.store.purges_of(["s1", *many, "s3"]) == [outbox["s1"], outbox["s3"]]


def test_an_undone_merge_stays_undone_when_what_it_brought_back_is_erased(site):
    site.assign(s1="a", s2="c", s3="b", s4="d")
    site.store.merge_identities("b", "d", "alice")
    merged = site.store.merge_identities("a", "b", "alice")
    site.store.undo(merged.event_id, "alice")
    site.associator = site.store.acquire_lease("associator", "tester", 600)
    site.put("s5", at_s=9)
    site.commit(site.decide("s5", "b"))
    site.store.rewrite(["s3", "s4"], ["d"])
    events = site.store.read_events("0-0", 100, 0)
    assert not any(repr(name) in repr(events) for name in ("s3", "s4", "d"))
    undone = next(e for e in events if e.kind == "identity.unmerged")
    assert (undone.payload["restored_id"], undone.payload["sighting_ids"], undone.payload["aliases"]) == ("b", [], [])
    assert believed(events).resolve("b") == "b"
    assert believed(events).members("b") == ("s5",)


def test_a_split_forgets_the_erased_ids_that_its_sightings_had(site):
    site.assign(s1="a", s2="b", s3="c", s4="b")
    merged = site.store.merge_identities("a", "b", "alice")
    site.store.merge_identities("a", "c", "alice")
    split = site.store.split_identity("a", ["s2", "s3", "s4"], "n", "alice")
    with pytest.raises(InputError):
        site.store.undo(merged.event_id, "alice")
    site.store.rewrite(["s4"], ["b"])
    payload = site.store.get_event(split.event_id).payload
    assert (payload["sighting_ids"], payload["former_ids"]) == (["s2", "s3"], ["", "c"])
    assert not any(repr(name) in repr(site.events()) for name in ("b", "s4"))
    site.store.undo(split.event_id, "alice")
    assert site.store.identity_of("s2") == site.store.identity_of("s3") == "a"


def test_what_came_from_an_erased_identity_keeps_its_history(site):
    site.assign(s1="x", s2="x", s3="x", s4="x", s5="y", s6="b")
    split = site.store.split_identity("x", ["s2"], "n", "alice")
    merged = site.store.merge_identities("x", "b", "alice")
    unmerged = site.store.undo(merged.event_id, "alice")
    site.associator = site.store.acquire_lease("associator", "tester", 600)
    site.commit(site.decide("s3", "y"), site.decide("s5", "y", runner_up="x"))
    site.commit(site.decide("s4", "y"))
    site.commit(site.decide("s4", "x"))
    site.store.delete_sighting("s4", "alice")
    site.store.delete_identity("x", "alice", cause="erase")
    site.store.rewrite(["s1"], ["x"])
    events = site.store.read_events("0-0", 100, 0)
    assert not any(repr(name) in repr(events) for name in ("s1", "s4", "x"))
    members = {name: set(believed(events).members(name)) for name in ("y", "n", "b")}
    assert members == {"y": {"s3", "s5"}, "n": {"s2"}, "b": {"s6"}}
    second = next(e for e in reversed(events) if e.payload.get("sighting_id") == "s5")
    assert (second.payload["runner_up"], second.payload["llr"]) == (None, site.decide("s5", "y").log_likelihood_ratio)
    for event in (split, unmerged):
        assert site.store.get_event(event.event_id).event_id in {e.event_id for e in events}
        with pytest.raises(NotFound, match="is erased"):
            site.store.undo(event.event_id, "alice")
    if isinstance(site.store, RedisStore):
        assert disagreements(site.store) == []


def test_enrolling_nobody(site):
    with pytest.raises(NotFound):
        site.store.enrol("?", "alice")
