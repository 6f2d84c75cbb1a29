"""A person's correction reaches the associator: what it remembers is taken from the store again."""

from __future__ import annotations

import pytest

from services.identity.codec import encode_sighting
from services.identity.memory_store import MemoryStore
from services.matcher.enrolment import Enroller, Exported
from tracker.multi_camera.settings import AssociationSettings


def test_a_merge_by_hand_is_not_overturned_by_a_second_look(street, store, new_loop, settle):
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2)
    street.put("s2", 2, "b", 1, 3)
    settle(loop)
    one, two = store.identity_of("s1"), store.identity_of("s2")
    assert one != two
    store.merge_identities(one, two, "alice")
    for number, seconds in enumerate((20, 40)):
        street.put(f"later{number}", 3, "c", seconds, seconds + 2)
        settle(loop)
    assert store.identity_of("s1") == store.identity_of("s2") == store.resolve(two) == one
    assert loop.active == 2


def test_after_an_undo_both_are_remembered_apart(street, store, new_loop, settle):
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2)
    street.put("s2", 2, "b", 1, 3)
    settle(loop)
    one, two = store.identity_of("s1"), store.identity_of("s2")
    merged = store.merge_identities(one, two, "alice")
    street.put("s3", 3, "a", 10, 12)
    settle(loop)
    store.undo(merged.event_id, "alice")
    street.put("s4", 2, "a", 20, 22)
    settle(loop)
    assert store.identity_of("s4") == two
    assert loop.active == 3


def test_what_is_older_than_the_active_window_is_not_remembered(street, store, new_loop, settle, clock):
    street.put("s1", 1, "a", 0, 2)
    settle(new_loop())
    later = new_loop()
    later._active_window_s = 3600.0
    clock.pass_s(1)
    settle(later)
    assert later.active == 0
    assert store.identity_of("s1") is not None


@pytest.fixture
def forgetful(street, store, new_loop, settle, clock):
    """A loop that has forgotten two sightings which a person made one vehicle; with that vehicle."""
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2)
    street.put("s2", 2, "b", 1, 3)
    settle(loop)
    together = store.identity_of("s1")
    store.merge_identities(together, store.identity_of("s2"), "alice", "new paint")
    longest_s = AssociationSettings().max_trip_s
    for number in range(1, 9):
        street.put(f"later{number}", 5, "a", number * longest_s / 4, number * longest_s / 4 + 2)
        clock.pass_s(longest_s / 4)
        settle(loop)
    assert not loop._associator.knows("s2")
    return loop, together


def test_what_is_corrected_long_after_stays_with_its_vehicle(store, forgetful, settle):
    loop, together = forgetful
    Enroller(store, lambda: "m").update("s2", None, "blue")
    settle(loop)
    assert store.get_sighting("s2").colour == {"blue": 1.0}
    assert store.identity_of("s1") == store.identity_of("s2") == together
    assert store.work_cursor() == store.read_work("0-0", 1000, 1)[-1].entry_id


def test_what_is_imported_stays_with_its_vehicle(store, forgetful, settle, new_loop):
    _, together = forgetful
    other = MemoryStore()
    enroller, loop = Enroller(other, lambda: "m"), new_loop(over=other)
    settle(loop)
    for sighting, identity_id in store.scan_sightings():
        enroller.take(Exported(identity_id, encode_sighting(sighting)), "ann")
    settle(loop)
    assert other.identity_of("s1") == other.identity_of("s2") == together


def test_a_last_revision_from_an_outage_stays_with_its_vehicle(street, store, new_loop, settle):
    street.put("s1", 1, "a", 0, 2)
    street.put("s2", 2, "b", 1, 3, final=False)
    settle(new_loop())
    together = store.identity_of("s1")
    store.merge_identities(together, store.identity_of("s2"), "alice")
    street.put("s2", 2, "b", 1, 5, revision=2)
    later = new_loop()
    later._active_window_s = 3600.0
    settle(later)
    assert store.identity_of("s1") == store.identity_of("s2") == together
    assert [e.payload["revision"] for e in store.read_events("0-0", 100, 1) if e.kind == "sighting.decided"] == [1, 1]


def taken_apart(store, one, *sightings):
    """The fresh identity that a person gives sightings."""
    store.split_identity(store.identity_of(one), sightings, "by-hand", "alice", "not that car")
    return "by-hand"


def test_what_was_taken_apart_in_view_stays_so_whatever_its_next_revisions_show(street, store, new_loop, settle):
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2)
    street.put("s2", 1, "b", 10, 12, final=False)
    settle(loop)
    one = store.identity_of("s1")
    assert store.identity_of("s2") == one
    fresh = taken_apart(store, "s1", "s2")
    for revision, end_s in ((2, 13), (3, 15)):
        street.put("s2", 1, "b", 10, end_s, revision=revision, final=revision == 3)
        settle(loop)
        assert (store.identity_of("s1"), store.identity_of("s2")) == (one, fresh)


def test_no_later_sighting_makes_one_of_two_that_were_taken_apart(street, store, new_loop, settle):
    """Not as twins, not by another look at all of their sightings, and not after a restart."""
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2)
    street.put("s2", 1, "b", 10, 12)
    settle(loop)
    taken_apart(store, "s1", "s2")
    for number in range(6):
        if number == 3:
            loop = new_loop()
        street.put(f"t{number}", 1, "abc"[number % 3], 30 + 20 * number, 32 + 20 * number)
        settle(loop)
        assert store.resolve(store.identity_of("s1")) != store.resolve(store.identity_of("s2"))
    owners = {store.identity_of(f"t{number}") for number in range(6)}
    assert owners <= {store.identity_of("s1"), store.identity_of("s2")}


def test_a_merge_that_was_taken_back_is_not_made_again(street, store, new_loop, settle):
    loop = new_loop()
    street.put("s1", 1, "a", 0, 2)
    street.put("s2", 1, "b", 10, 12)
    settle(loop)
    one, fresh = store.identity_of("s1"), taken_apart(store, "s1", "s2")
    store.undo(store.merge_identities(one, fresh, "alice").event_id, "alice")
    for number in range(3):
        street.put(f"t{number}", 1, "c", 30 + 20 * number, 32 + 20 * number)
        settle(loop)
        assert store.identity_of("s1") != store.identity_of("s2")
