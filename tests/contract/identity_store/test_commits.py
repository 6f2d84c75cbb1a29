"""Commits: decisions, merges, splits, cursor and links in one step, with events that say all of it."""

from __future__ import annotations

import itertools

import pytest

from services.errors import LeaseLost
from services.types import Merge, Split


def record(site, identity_id):
    found = site.store.get_identity(identity_id)
    return None if found is None else (found.identity_id, found.sighting_ids, found.aliases)


def test_a_decision_creates_an_identity(site):
    site.put("s1")
    result = site.commit(site.decide("s1", "a", status="new", runner_up="z"), cursor="5-0", links={"n>s": "{}"})
    assert (result.applied, result.stale) == (("s1",), ())
    assert result.log_position == site.store.last_event_id()
    assert site.store.identity_of("s1") == "a"
    assert site.store.work_cursor() == "5-0"
    assert site.store.links() == {"n>s": "{}"}
    assert site.events()[1:] == [
        ("identity.created", {"identity_id": "a"}),
        (
            "sighting.decided",
            {
                "sighting_id": "s1",
                "revision": 1,
                "identity_id": "a",
                "status": "new",
                "llr": 3.141592653589793,
                "margin": 0.1,
                "probability": 0.9,
                "evidence": {"appearance": 2.0, "time": 1.141592653589793},
                "runner_up": "z",
            },
        ),
    ]


def put_decided(site, sighting_id, identity_id, revision=1, *, enrolled_by="", **changes):
    sighting = site.make_sighting(sighting_id, revision, **changes)
    decision = site.decide(sighting_id, identity_id, revision)
    return site.store.put_decided(sighting, decision, site.ingest, enrolled_by=enrolled_by)


def test_a_sighting_is_put_together_with_whose_it_is(site):
    result = put_decided(site, "s1", "a", enrolled_by="ann")
    assert result.accepted
    assert result.log_position == site.store.last_event_id()
    assert site.kinds() == ["sighting.put", "identity.created", "sighting.decided", "identity.enrolled"]
    assert site.store.get_identity("a").enrolled
    assert [(e.actor, e.action, e.subject, e.sightings) for e in site.store.audit_log()] == [("ann", "enrol", "a", 1)]
    assert [item.sighting_id for item in site.store.read_work("0-0", 10, 0)] == ["s1"]
    assert not put_decided(site, "s1", "b").accepted
    assert put_decided(site, "s2", "a", at_s=1, enrolled_by="ann").accepted
    assert record(site, "a") == ("a", ("s1", "s2"), ())
    assert site.kinds()[4:] == ["sighting.put", "sighting.decided"]


def test_a_revision_put_with_whose_it_is_moves_the_sighting(site):
    site.assign(s1="a", s2="b", s3="c")
    site.commit(Merge("b", "c", "same"))
    assert put_decided(site, "s1", "c", 2).accepted
    assert record(site, "a") == record(site, "c") == ("b", ("s1", "s2", "s3"), ("a", "c"))
    assert site.events()[-2:] == [
        ("sighting.decided", site.events()[-2][1] | {"identity_id": "b", "previous_identity_id": "a", "revision": 2}),
        ("identity.merged", site.events()[-1][1] | {"survivor_id": "b", "absorbed_id": "a", "reason": "emptied"}),
    ]
    assert not site.store.get_identity("b").enrolled


def test_nothing_is_put_for_an_identity_that_was_deleted(site):
    site.assign(s1="a")
    site.store.delete_identity("a", "ann")
    before = site.kinds()
    result = put_decided(site, "s2", "a", enrolled_by="ann")
    assert (result.accepted, result.log_position) == (False, site.store.last_event_id())
    assert site.store.get_sighting("s2") is None
    assert site.kinds() == before


def test_a_sighting_is_put_with_no_decision_but_its_own(site):
    sighting = site.make_sighting("s1", 2)
    with pytest.raises(ValueError, match=r"decision must be of \('s1', 2\), got one of \('s1', 1\)"):
        site.store.put_decided(sighting, site.decide("s1", "a", 1), site.ingest)
    with pytest.raises(ValueError, match="Out of range float"):
        site.store.put_decided(sighting, site.decide("s1", "a", 2, margin=float("nan")), site.ingest)
    older = site.ingest
    assert site.store.acquire_lease(older.name, "tester", 600) is not None
    with pytest.raises(LeaseLost):
        site.store.put_decided(sighting, site.decide("s1", "a", 2), older)
    assert site.kinds() == []


def test_an_identity_knows_where_it_was(site):
    site.put("s2", at_s=10, camera_id="south")
    site.put("s1", at_s=0, last_s=100)
    site.put("s3", at_s=20)
    site.commit(*(site.decide(s, "a") for s in ("s3", "s2", "s1")))
    got = site.store.get_identity("a")
    assert got.sighting_ids == ("s1", "s2", "s3")
    assert got.cameras == ("north", "south")
    assert got.first_seen_ns == site.store.get_sighting("s1").start_ns
    assert got.last_seen_ns == site.store.get_sighting("s1").end_ns
    assert got.status == "matched"
    assert site.store.identity_of("unknown") is None
    assert site.store.get_identity("unknown") is None
    assert site.store.resolve("unknown") is None


@pytest.mark.parametrize("revision", [1, 3])
def test_a_stale_decision_is_reported(site, revision):
    site.put("s1", 2)
    site.put("s2")
    result = site.commit(site.decide("s1", "a", revision), site.decide("s2", "b"), site.decide("gone", "c"))
    assert (result.applied, result.stale) == (("s2",), ("s1", "gone"))
    assert site.store.identity_of("s1") is None
    assert site.store.resolve("a") is None


def test_a_revised_decision_moves_a_sighting(site):
    site.assign(s1="a", s2="a", s3="b")
    site.commit(site.decide("s2", "b", status="ambiguous"))
    assert record(site, "a") == ("a", ("s1",), ())
    assert record(site, "b") == ("b", ("s2", "s3"), ())
    assert site.store.get_identity("b").status == "ambiguous"
    assert site.events()[-1][1]["previous_identity_id"] == "a"
    assert "identity.merged" not in site.kinds()


def test_an_identity_left_empty_becomes_an_alias(site):
    site.assign(s1="a", s2="b")
    site.commit(site.decide("s1", "b"))
    assert record(site, "a") == record(site, "b") == ("b", ("s1", "s2"), ("a",))
    assert site.events()[-1] == (
        "identity.merged",
        {"survivor_id": "b", "absorbed_id": "a", "reason": "emptied", "absorbed_status": "matched"},
    )
    assert [i.identity_id for i in site.store.list_identities()] == ["b"]
    site.put("s3", at_s=-5)
    site.commit(site.decide("s3", "c"))
    assert [i.identity_id for i in site.store.list_identities(limit=1, offset=1)] == ["c"]


def test_sightings_can_change_places_in_one_commit(site):
    site.assign(s1="a", s2="b")
    site.commit(site.decide("s1", "b"), site.decide("s2", "a"))
    assert record(site, "a") == ("a", ("s2",), ())
    assert record(site, "b") == ("b", ("s1",), ())


def test_the_active_order_follows_a_move(site):
    site.assign(s1="a", s2="a", s3="b", s4="c")
    site.commit(site.decide("s4", "a"))
    assert [i.identity_id for i in site.store.list_identities()] == ["a", "b"]
    site.commit(site.decide("s4", "d"))
    assert [i.identity_id for i in site.store.list_identities()] == ["d", "b", "a"]
    assert [i.identity_id for i in site.store.list_identities(limit=1, offset=1)] == ["b"]
    assert site.store.list_identities(limit=5, offset=9) == []
    assert site.store.list_identities(limit=0) == []


def test_merges_make_aliases_that_resolve(site):
    site.assign(s1="a", s2="b", s3="c")
    site.commit(Merge("a", "b", "one vehicle"))
    site.commit(Merge("c", "a", "again"))
    for name in "abc":
        assert site.store.resolve(name) == "c"
        assert record(site, name) == ("c", ("s1", "s2", "s3"), ("a", "b"))
    assert site.store.identity_of("s2") == "c"
    assert site.events()[-1] == (
        "identity.merged",
        {
            "survivor_id": "c",
            "absorbed_id": "a",
            "reason": "again",
            "absorbed_status": "matched",
        },
    )


def test_a_merge_that_means_nothing_changes_nothing(site):
    site.assign(s1="a", s2="b")
    site.commit(Merge("a", "b", "x"))
    before = site.events()
    result = site.commit(Merge("a", "b", "x"), Merge("b", "a", "x"), Merge("a", "?", "x"), Merge("?", "a", "x"))
    assert site.events() == before
    assert result.log_position == site.store.last_event_id()


def test_a_merged_id_is_never_an_identity_again(site):
    site.assign(s1="a", s2="b")
    site.commit(Merge("a", "b", "x"))
    site.put("s3", at_s=9)
    site.commit(site.decide("s3", "b", status="new"))
    assert record(site, "b") == ("a", ("s1", "s2", "s3"), ("b",))
    assert site.events()[-1][1]["identity_id"] == "a"
    site.commit(Split("a", "b", ("s3",), "wrong"))
    assert record(site, "a") == ("a", ("s1", "s2", "s3"), ("b",))


def test_a_split_moves_sightings_to_a_fresh_identity(site):
    site.assign(s1="a", s2="a", s3="b")
    site.commit(Split("a", "n", ("s2", "s3", "gone", "s2"), "two vehicles"))
    assert record(site, "a") == ("a", ("s1",), ())
    assert record(site, "n") == ("n", ("s2",), ())
    assert record(site, "b") == ("b", ("s3",), ())
    assert site.events()[-1] == (
        "identity.split",
        {"identity_id": "a", "new_identity_id": "n", "sighting_ids": ["s2"], "reason": "two vehicles"},
    )
    assert site.store.get_identity("n").status == "new"


def test_a_merge_can_be_split_again(site):
    site.assign(s1="a", s2="b")
    site.commit(Merge("a", "b", "x"))
    site.commit(Split("b", "n", ("s2",), "undo"))
    assert record(site, "a") == ("a", ("s1",), ("b",))
    assert record(site, "n") == ("n", ("s2",), ())
    assert site.store.identity_of("s2") == "n"


def test_a_split_that_takes_all_leaves_an_alias(site):
    site.assign(s1="a")
    site.commit(Split("a", "n", ("s1",), "rename"))
    assert record(site, "a") == ("n", ("s1",), ("a",))


def test_all_parts_of_a_commit_see_each_other(site):
    for n, s in enumerate(("s1", "s2", "s3")):
        site.put(s, at_s=n)
    result = site.commit(
        site.decide("s1", "a", status="new"),
        site.decide("s2", "b", status="new"),
        site.decide("s3", "a"),
        Merge("a", "b", "m"),
        Split("b", "n", ("s3",), "s"),
    )
    assert result.applied == ("s1", "s2", "s3")
    assert record(site, "b") == ("a", ("s1", "s2"), ("b",))
    assert record(site, "n") == ("n", ("s3",), ())
    assert site.kinds()[3:] == [
        "identity.created",
        "sighting.decided",
        "identity.created",
        "sighting.decided",
        "sighting.decided",
        "identity.merged",
        "identity.split",
    ]


def test_the_cursor_never_goes_back(site):
    site.commit(cursor="100-2")
    site.commit(cursor="99-7")
    assert site.store.work_cursor() == "100-2"
    site.commit()
    assert site.store.work_cursor() == "100-2"
    site.commit(cursor="100-11")
    assert site.store.work_cursor() == "100-11"


def test_a_change_committed_again_is_answered_as_before(site):
    site.put("s1")
    parts = (site.decide("s1", "a", status="new"), site.decide("gone", "b"))
    first = site.commit(*parts, cursor="5-0")
    events = site.events()
    assert site.commit(*parts, cursor="5-0") == first
    assert site.events() == events
    site.commit(cursor="6-0")
    site.commit(*parts, cursor="5-0")
    assert len(site.events()) == len(events) + 1


def test_links_are_replaced_by_name(site):
    site.commit(links={"a": "1", "b": "2"})
    site.commit(links={"b": "3"})
    assert site.store.links() == {"a": "1", "b": "3"}


def test_a_decision_that_is_no_number_is_refused_whole(site):
    site.put("s1")
    site.put("s2")
    with pytest.raises(ValueError, match=r"."):
        site.commit(site.decide("s1", "a"), site.decide("s2", "b", margin=float("nan")))
    assert site.kinds() == ["sighting.put", "sighting.put"]


def test_a_large_commit(site):
    ids = [f"s{n}" for n in range(500)]
    for s in ids:
        site.put(s)
    assert len(site.commit(*(site.decide(s, "a") for s in ids), cursor="1-1").applied) == 500
    assert len(site.store.get_identity("a").sighting_ids) == 500
    site.put("t", at_s=5)
    site.commit(site.decide("t", "b"), Split("a", "n", tuple(ids[:300]), "x"))
    site.commit(Merge("b", "a", "x"))
    assert len(site.store.get_identity("b").sighting_ids) == 201
    assert len(site.store.get_identity("n").sighting_ids) == 300


def test_events_come_in_order_and_from_a_position(site):
    site.assign(s1="a", s2="b", s3="c")
    events = site.store.read_events("0-0", 1000, 0)
    positions = [tuple(map(int, e.event_id.split("-"))) for e in events]
    assert positions == sorted(set(positions))
    assert all(b.at_ns >= a.at_ns > 10**18 for a, b in itertools.pairwise(events))
    assert events[-1].event_id == site.store.last_event_id()
    assert site.store.read_events(events[3].event_id, 2, 0) == events[4:6]
    assert site.store.read_events(events[-1].event_id, 10, 10) == []


def test_a_fresh_store_is_empty(store):
    assert store.last_event_id() == "0-0"
    assert store.work_cursor() == "0-0"
    assert store.read_events("0-0", 10, 0) == []
    assert store.list_identities() == []
    assert list(store.scan_sightings()) == []
    store.ping()


@pytest.mark.parametrize("part", [":sightings", ":aliases", ":events"])
def test_an_id_that_looks_like_a_part_of_another_identity_is_refused(site, part):
    site.assign(s1="a", s2="a")
    before = site.events()
    with pytest.raises(ValueError, match="identity_id must not end in"):
        site.commit(site.decide("s1", f"a{part}"))
    with pytest.raises(ValueError, match="identity_id must not end in"):
        site.commit(Split("a", f"a{part}", ("s1",), "s"))
    with pytest.raises(ValueError, match="identity_id must not end in"):
        site.store.split_identity("a", ["s1"], f"a{part}", "ann")
    with pytest.raises(ValueError, match="identity_id must not end in"):
        put_decided(site, "s3", f"a{part}")
    assert site.events() == before
    assert site.commit(site.decide("s1", f"a{part}:x")).applied == ("s1",)


@pytest.mark.parametrize("call", [
    lambda store: store.read_events("nonsense", 1, 0), lambda store: store.read_work("", 1, 0),
    lambda store: store.events_of("a", "nonsense"), lambda store: store.audit_log("nonsense"),
    lambda store: store.audit_newest("nonsense"), lambda store: store.begin_view("v", "nonsense"),
    lambda store: store.advance_view("v", "1-"),
])  # fmt: skip
def test_a_position_that_is_none_is_refused(store, call):
    with pytest.raises(ValueError, match="position must be <milliseconds>-<number>"):
        call(store)
