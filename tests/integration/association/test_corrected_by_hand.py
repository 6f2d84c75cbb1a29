"""A person's correction reaches the associator: what it remembers is taken from the store again."""

from __future__ import annotations


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
