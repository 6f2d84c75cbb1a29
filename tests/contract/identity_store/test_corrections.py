"""Corrections by a person: merge, split, undo. An id comes back only when its merge is undone."""

from __future__ import annotations

import pytest

from services.errors import InputError, LeaseLost, NotFound
from services.identity.history import believed, last_undoable
from services.identity.redis_store import RedisStore
from services.types import Merge, Split


def record(site, identity_id):
    found = site.store.get_identity(identity_id)
    return None if found is None else (found.identity_id, found.sighting_ids, found.aliases)


def last_of(site, kind):
    return [e for e in site.store.read_events("0-0", 10_000, 0) if e.kind == kind][-1]


def test_a_merge_by_hand_says_who_and_why(site):
    site.assign(s1="a", s2="b")
    done = site.store.merge_identities("a", "b", "alice", "same dent")
    assert record(site, "b") == ("a", ("s1", "s2"), ("b",))
    event = last_of(site, "identity.merged")
    assert (event.event_id, event.event_id) == (done.event_id, done.log_position)
    assert site.store.get_event(done.event_id) == event
    assert (event.payload["actor"], event.payload["reason"]) == ("alice", "same dent")
    entry = site.store.audit_log()[-1]
    assert (entry.actor, entry.action, entry.subject) == ("alice", "merge", "a")
    assert entry.detail == f"b {done.event_id}"


def test_a_correction_sends_the_associator_back_to_the_store(site):
    site.assign(s1="a", s2="b")
    site.store.merge_identities("a", "b", "alice")
    site.put("s3")
    with pytest.raises(LeaseLost):
        site.commit(site.decide("s3", "b"))
    site.associator = site.store.acquire_lease("associator", "tester", 600)
    assert site.commit(site.decide("s3", "b")).applied == ("s3",)
    assert site.store.identity_of("s3") == "a"


@pytest.mark.parametrize("by_hand", [True, False])
def test_an_undone_merge_gives_both_back(site, by_hand):
    site.assign(s1="a", s2="b", s3="b", s4="c")
    site.commit(Merge("b", "c", "m"))
    if by_hand:
        event_id = site.store.merge_identities("a", "b", "alice").event_id
    else:
        site.commit(Merge("a", "b", "m"))
        event_id = last_of(site, "identity.merged").event_id
    site.store.undo(event_id, "bob")
    assert record(site, "a") == ("a", ("s1",), ())
    assert record(site, "b") == record(site, "c") == ("b", ("s2", "s3", "s4"), ("c",))
    assert last_of(site, "identity.unmerged").payload == {
        "identity_id": "a",
        "restored_id": "b",
        "sighting_ids": ["s2", "s3", "s4"],
        "aliases": ["c"],
        "status": "matched",
        "reason": f"undo of {event_id}",
        "actor": "bob",
        "undoes": event_id,
    }
    assert [i.identity_id for i in site.store.list_identities()] == ["b", "a"]


def test_what_came_meanwhile_stays_where_it_was_put(site):
    site.assign(s1="a", s2="b")
    merged = site.store.merge_identities("a", "b", "alice")
    site.associator = site.store.acquire_lease("associator", "tester", 600)
    site.put("s3", at_s=9)
    site.put("s2", 2, last_s=30)
    site.commit(site.decide("s3", "b"), site.decide("s2", "a", 2))
    site.store.undo(merged.event_id, "alice")
    assert record(site, "a") == ("a", ("s1", "s3"), ())
    assert record(site, "b") == ("b", ("s2",), ())


def test_undone_after_the_survivor_was_absorbed_itself(site):
    site.assign(s1="a", s2="b", s3="c")
    first = site.store.merge_identities("a", "b", "alice")
    site.store.merge_identities("c", "a", "alice")
    site.store.undo(first.event_id, "alice")
    assert record(site, "b") == ("b", ("s2",), ())
    assert record(site, "a") == ("c", ("s1", "s3"), ("a",))


def test_what_was_merged_elsewhere_since_does_not_come_along(site):
    site.assign(s1="a", s2="b", s3="c")
    first = site.store.merge_identities("b", "c", "alice")
    second = site.store.merge_identities("a", "b", "alice")
    site.store.undo(first.event_id, "alice")
    site.store.merge_identities("a", "c", "alice")
    with pytest.raises(InputError, match="absorbed elsewhere since"):
        site.store.undo(first.event_id, "alice")
    site.store.undo(second.event_id, "alice")
    assert record(site, "b") == ("b", ("s2",), ())
    assert record(site, "a") == record(site, "c") == ("a", ("s1", "s3"), ("c",))


def test_an_undo_can_be_undone(site):
    site.assign(s1="a", s2="b")
    merged = site.store.merge_identities("a", "b", "alice")
    undone = site.store.undo(merged.event_id, "alice")
    again = site.store.undo(undone.event_id, "alice", "after all")
    assert record(site, "b") == ("a", ("s1", "s2"), ("b",))
    assert site.store.get_event(again.event_id).payload["undoes"] == undone.event_id
    with pytest.raises(InputError, match="one identity already"):
        site.store.undo(undone.event_id, "alice")
    site.store.undo(again.event_id, "alice")
    with pytest.raises(InputError, match="an identity of its own already"):
        site.store.undo(merged.event_id, "alice")


def test_a_merge_made_again_is_with_the_same_two(site):
    site.assign(s1="a", s2="b", s3="c")
    first = site.store.merge_identities("a", "b", "alice")
    second = site.store.merge_identities("c", "a", "alice")
    undone = site.store.undo(first.event_id, "alice")
    again = site.store.undo(undone.event_id, "alice")
    assert site.store.get_event(again.event_id).payload["survivor_id"] == "a"
    assert record(site, "c") == ("c", ("s1", "s2", "s3"), ("a", "b"))
    site.store.undo(second.event_id, "alice")
    assert record(site, "a") == record(site, "b") == ("a", ("s1", "s2"), ("b",))
    assert record(site, "c") == ("c", ("s3",), ())
    assert believed(site.store.read_events("0-0", 100, 0)).resolve("b") == "a"
    site.store.undo(again.event_id, "alice")
    assert record(site, "b") == ("b", ("s2",), ())


def test_a_merge_made_again_after_its_survivor_left_follows_it(site):
    site.assign(s1="a", s2="b", s3="c")
    first = site.store.merge_identities("a", "b", "alice")
    second = site.store.merge_identities("c", "a", "alice")
    undone = site.store.undo(first.event_id, "alice")
    site.store.undo(second.event_id, "alice")
    site.store.undo(undone.event_id, "alice")
    assert record(site, "b") == ("a", ("s1", "s2"), ("b",))
    assert record(site, "c") == ("c", ("s3",), ())


def test_a_survivor_left_empty_becomes_an_alias(site):
    site.assign(s1="a", s2="b")
    merged = site.store.merge_identities("a", "b", "alice")
    site.store.delete_sighting("s1", "alice")
    site.store.undo(merged.event_id, "alice")
    assert record(site, "a") == record(site, "b") == ("b", ("s2",), ("a",))


def test_an_enrolled_identity_stays_so_through_merge_and_undo(site):
    site.assign(s1="a", s2="b")
    site.store.enrol("b", "alice")
    merged = site.store.merge_identities("a", "b", "alice")
    assert site.store.get_identity("a").enrolled
    undone = site.store.undo(merged.event_id, "alice")
    assert site.store.get_identity("b").enrolled
    assert site.store.get_event(undone.event_id).payload["enrolled"] is True


def enrolled(site, *names):
    return [name for name in names if site.store.get_identity(name).enrolled]


def test_what_is_said_of_two_that_are_one_holds_for_both(site):
    site.assign(s1="a", s2="b")
    merged = site.store.merge_identities("a", "b", "alice")
    site.store.enrol("b", "alice")
    site.store.undo(merged.event_id, "alice")
    assert enrolled(site, "a", "b") == ["a", "b"]


def test_who_was_not_enrolled_before_a_merge_is_not_so_after_its_undo(site):
    site.assign(s1="a", s2="b", s3="c")
    site.store.enrol("b", "alice")
    site.store.enrol("c", "alice")
    first = site.store.merge_identities("a", "b", "alice")
    second = site.store.merge_identities("a", "c", "alice")
    kept = site.store.undo(first.event_id, "alice")
    assert "survivor_enrolled" not in site.store.get_event(kept.event_id).payload
    assert enrolled(site, "a", "b") == ["a", "b"]
    ended = site.store.undo(second.event_id, "alice")
    assert site.store.get_event(ended.event_id).payload["survivor_enrolled"] is False
    assert enrolled(site, "a", "b", "c") == ["b", "c"]


def test_what_was_said_of_both_while_they_were_one_holds_for_both(site):
    site.assign(s1="a", s2="b")
    site.store.enrol("b", "alice")
    merged = site.store.merge_identities("a", "b", "alice")
    site.store.enrol("a", "alice", enrolled=False)
    undone = site.store.undo(merged.event_id, "alice")
    assert enrolled(site, "a", "b") == []
    site.store.enrol("b", "alice")
    site.store.undo(undone.event_id, "alice")
    site.store.enrol("a", "alice")
    site.store.undo(merged.event_id, "alice")
    assert enrolled(site, "a", "b") == ["a", "b"]


def test_a_merge_of_an_enrolled_identity_by_an_older_version_is_undone(site):
    site.assign(s1="a", s2="b")
    site.store.enrol("b", "alice")
    merged = site.store.merge_identities("a", "b", "alice")
    if isinstance(site.store, RedisStore):
        key = site.store.keys.identity("a")[0]
        site.store.read(lambda client: client.hset(key, "enrolled", "1"))
    else:
        site.store._state.living["a"].enrolled_by = {"a"}
    assert enrolled(site, "a") == ["a"]
    site.store.undo(merged.event_id, "alice")
    assert enrolled(site, "a", "b") == ["a", "b"]


def test_an_enrolled_picture_that_is_split_off_stays_enrolled(site):
    site.put("e1", camera_id="enrolled")
    site.put("s1", at_s=1)
    site.commit(site.decide("e1", "a"), site.decide("s1", "a"))
    site.store.enrol("a", "alice")
    split = site.store.split_identity("a", ["e1"], "n", "alice")
    assert site.store.get_event(split.event_id).payload["enrolled"] is True
    assert enrolled(site, "a", "n") == ["a", "n"]
    site.store.undo(split.event_id, "alice")
    site.store.enrol("a", "alice", enrolled=False)
    split = site.store.split_identity("a", ["e1"], "m", "alice")
    assert "enrolled" not in site.store.get_event(split.event_id).payload
    assert enrolled(site, "a", "m") == []


def test_a_split_by_hand_and_its_undo(site):
    site.assign(s1="a", s2="a", s3="a")
    split = site.store.split_identity("a", ["s2", "s3", "s2"], "n", "alice", "two vehicles")
    assert record(site, "a") == ("a", ("s1",), ())
    assert record(site, "n") == ("n", ("s2", "s3"), ())
    assert last_of(site, "identity.split").payload["actor"] == "alice"
    site.store.undo(split.event_id, "alice")
    assert record(site, "a") == record(site, "n") == ("a", ("s1", "s2", "s3"), ("n",))
    with pytest.raises(InputError, match="one identity already"):
        site.store.undo(split.event_id, "alice")


def test_a_split_by_the_associator_can_be_undone(site):
    site.assign(s1="a", s2="a", s3="b")
    site.commit(Split("a", "n", ("s2",), "far"))
    event = last_of(site, "identity.split")
    site.associator = site.store.acquire_lease("associator", "tester", 600)
    site.put("s4", at_s=9)
    site.commit(site.decide("s4", "n"))
    site.store.undo(event.event_id, "alice")
    assert record(site, "a") == ("a", ("s1", "s2"), ())
    assert record(site, "n") == ("n", ("s4",), ())
    with pytest.raises(InputError, match="nothing of n is left"):
        site.store.undo(event.event_id, "alice")


def test_a_merge_before_an_undone_split_can_be_undone_in_full(site):
    site.assign(s1="a", s2="b", s3="b", s4="a")
    merged = site.store.merge_identities("a", "b", "alice")
    split = site.store.split_identity("a", ["s2", "s4"], "n", "alice")
    assert site.store.get_event(split.event_id).payload["former_ids"] == ["b", "a"]
    site.store.undo(split.event_id, "alice")
    assert record(site, "a") == ("a", ("s1", "s2", "s3", "s4"), ("b", "n"))
    site.store.undo(merged.event_id, "alice")
    assert record(site, "a") == ("a", ("s1", "s4"), ("n",))
    assert record(site, "b") == ("b", ("s2", "s3"), ())


def test_a_merge_after_a_split_that_was_undone_since_can_be_undone_in_full(site):
    site.assign(s1="a", s2="b", s3="b")
    split = site.store.split_identity("b", ["s2"], "n", "alice")
    merged = site.store.merge_identities("a", "b", "alice")
    site.store.undo(split.event_id, "alice")
    site.store.undo(merged.event_id, "alice")
    assert record(site, "a") == ("a", ("s1",), ("n",))
    assert record(site, "b") == ("b", ("s2", "s3"), ())


def test_after_an_undone_split_a_sighting_is_not_of_who_left_meanwhile(site):
    site.assign(s1="a", s2="b", s3="b")
    merged = site.store.merge_identities("a", "b", "alice")
    split = site.store.split_identity("a", ["s2"], "n", "alice")
    site.store.undo(merged.event_id, "alice")
    site.store.undo(split.event_id, "alice")
    assert record(site, "a") == ("a", ("s1", "s2"), ("n",))
    assert record(site, "b") == ("b", ("s3",), ())


def test_an_undone_split_can_be_made_again_and_undone_again(site):
    site.assign(s1="a", s2="b", s3="a")
    merged = site.store.merge_identities("a", "b", "alice")
    split = site.store.split_identity("a", ["s2", "s3"], "n", "alice")
    site.store.enrol("n", "alice")
    undone = site.store.undo(split.event_id, "alice")
    for _ in range(2):
        assert record(site, "n") == ("a", ("s1", "s2", "s3"), ("b", "n"))
        again = site.store.undo(undone.event_id, "alice")
        assert record(site, "a") == ("a", ("s1",), ("b",))
        assert record(site, "n") == ("n", ("s2", "s3"), ())
        assert enrolled(site, "a", "n") == ["n"]
        assert last_undoable("n", site.store.read_events("0-0", 100, 0)) == again.event_id
        with pytest.raises(InputError, match="identity of its own already"):
            site.store.undo(undone.event_id, "alice")
        undone = site.store.undo(again.event_id, "alice")
        assert last_undoable("a", site.store.read_events("0-0", 100, 0)) == merged.event_id
    site.store.undo(merged.event_id, "alice")
    assert record(site, "b") == ("b", ("s2",), ())


def test_an_undone_split_that_left_something_is_made_again(site):
    site.assign(s1="a", s2="a", s3="a")
    split = site.store.split_identity("a", ["s2"], "n", "alice")
    site.associator = site.store.acquire_lease("associator", "tester", 600)
    site.commit(site.decide("s3", "n"))
    undone = site.store.undo(split.event_id, "alice")
    assert record(site, "n") == ("n", ("s3",), ())
    again = site.store.undo(undone.event_id, "alice")
    assert record(site, "n") == ("n", ("s2", "s3"), ())
    assert last_undoable("n", site.store.read_events("0-0", 100, 0)) == again.event_id


def test_what_cannot_be_corrected_changes_nothing(site):
    site.assign(s1="a", s2="a", s3="b", s4="c")
    site.commit(Merge("b", "c", "m"))
    site.store.delete_identity("b", "alice")
    before = site.events()
    token = site.associator.token
    store = site.store
    refused = [
        (NotFound, lambda: store.merge_identities("a", "?", "alice")),
        (NotFound, lambda: store.merge_identities("c", "a", "alice")),
        (InputError, lambda: store.merge_identities("a", "a", "alice")),
        (NotFound, lambda: store.split_identity("?", ["s1"], "n", "alice")),
        (InputError, lambda: store.split_identity("a", [], "n", "alice")),
        (InputError, lambda: store.split_identity("a", ["s3"], "n", "alice")),
        (InputError, lambda: store.split_identity("a", ["s1", "s2"], "n", "alice")),
        (InputError, lambda: store.split_identity("a", ["s1"], "b", "alice")),
        (InputError, lambda: store.split_identity("a", ["s1"], "a", "alice")),
        (NotFound, lambda: store.undo("1-1", "alice")),
        (NotFound, lambda: store.undo("nonsense", "alice")),
        (InputError, lambda: store.undo(store.read_events("0-0", 1, 0)[0].event_id, "alice")),
        (NotFound, lambda: store.undo(last_of(site, "identity.merged").event_id, "alice")),
        (NotFound, lambda: store.enrol("b", "alice")),
    ]
    for error, call in refused:
        with pytest.raises(error) as caught:
            call()
        assert "\n" not in str(caught.value)
    assert site.events() == before
    assert store.acquire_lease("associator", "tester", 600).token == token + 1


def test_an_emptied_identity_cannot_come_back(site):
    site.assign(s1="a", s2="b")
    site.commit(site.decide("s1", "b"))
    with pytest.raises(InputError, match="had no sighting left"):
        site.store.undo(last_of(site, "identity.merged").event_id, "alice")


def test_a_merge_whose_sightings_are_all_gone_cannot_be_undone(site):
    site.assign(s1="a", s2="b")
    merged = site.store.merge_identities("a", "b", "alice")
    site.store.delete_sighting("s2", "alice")
    with pytest.raises(InputError, match="nothing of b is left"):
        site.store.undo(merged.event_id, "alice")
    assert site.store.resolve("b") == "a"


def test_what_a_correction_was_about_is_told_while_it_lives(site):
    site.assign(s1="a", s2="a", s3="b", s4="c", s5="d")
    assert site.store.corrected_identities() == set()
    split = site.store.split_identity("a", ["s2"], "e", "alice")
    assert site.store.corrected_identities() == {"a", "e"}
    site.store.undo(split.event_id, "alice")
    assert site.store.corrected_identities() == {"a"}
    site.store.merge_identities("b", "c", "alice")
    assert site.store.corrected_identities() == {"a", "b"}
    site.associator = site.store.acquire_lease("associator", "tester", 600)
    site.commit(Merge("d", "b", "m"))
    assert site.store.corrected_identities() == {"a", "d"}
    site.store.undo(last_of(site, "identity.merged").event_id, "bob")
    assert site.store.corrected_identities() == {"a", "b", "d"}
    for name in "abd":
        site.store.delete_identity(name, "ann")
    assert site.store.corrected_identities() == set()


def test_a_refused_correction_was_about_nothing(site):
    site.assign(s1="a", s2="b")
    with pytest.raises(InputError):
        site.store.split_identity("a", ["s2"], "c", "alice")
    assert site.store.corrected_identities() == set()


def test_what_a_correction_left_without_sightings_is_not_told(site):
    site.assign(s1="a", s2="b")
    site.store.merge_identities("a", "b", "alice")
    site.associator = site.store.acquire_lease("associator", "tester", 600)
    site.commit(site.decide("s1", "c"), site.decide("s2", "c"))
    assert site.store.resolve("a") == "c"
    assert site.store.corrected_identities() == {"c"}


def test_the_audit_log_counts_what_a_correction_moved(site):
    site.assign(s1="a", s2="a", s3="a", s4="b")
    split = site.store.split_identity("a", ["s1", "s2"], "n", "alice")
    site.associator = site.store.acquire_lease("associator", "tester", 600)
    site.commit(site.decide("s1", "b"))
    site.store.undo(split.event_id, "alice")
    merged = site.store.merge_identities("a", "b", "alice")
    site.associator = site.store.acquire_lease("associator", "tester", 600)
    site.commit(site.decide("s4", "a"))
    site.store.undo(merged.event_id, "alice")
    found = [(e.action, e.sightings) for e in site.store.audit_log()]
    assert found == [("split", 2), ("undo", 1), ("merge", 0), ("undo", 2)]
    assert len(last_of(site, "identity.unmerged").payload["sighting_ids"]) == 2
