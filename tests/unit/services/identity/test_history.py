"""What happened and what was believed, folded from hand-made events."""

from __future__ import annotations

import pytest

from services.identity.history import believed, concerning, label_history, last_undoable, sightings_of
from services.identity.store import Event
from tracker.metrics.latency import labels_at


def story(*said):
    return [Event(f"{n}-0", kind, n * 10**9, payload) for n, (kind, payload) in enumerate(said, 1)]


def decided(sighting_id, identity_id):
    return "sighting.decided", {"sighting_id": sighting_id, "identity_id": identity_id, "status": "new"}


def merged(survivor, absorbed, **more):
    return "identity.merged", {"survivor_id": survivor, "absorbed_id": absorbed, "reason": "m", **more}


def unmerged(survivor, restored, *names, **more):
    said = {"identity_id": survivor, "restored_id": restored, "sighting_ids": list(names), "status": "new"}
    return "identity.unmerged", {**said, **more}


EVENTS = story(
    decided("s1", "a"),
    decided("s2", "b"),
    decided("s3", "c"),
    merged("b", "c"),
    merged("a", "b"),
    unmerged("a", "b", "s2", "s3", undoes="5-0"),
    ("identity.split", {"identity_id": "b", "new_identity_id": "n", "sighting_ids": ["s3"], "reason": "x"}),
    ("sighting.deleted", {"sighting_id": "s1", "identity_id": "a"}),
    ("identity.deleted", {"identity_id": "a"}),
)


@pytest.mark.parametrize(
    ("upto", "expected"),
    [
        (3, {"s1": "a", "s2": "b", "s3": "c"}),
        (4, {"s1": "a", "s2": "b", "s3": "b"}),
        (5, {"s1": "a", "s2": "a", "s3": "a"}),
        (6, {"s1": "a", "s2": "b", "s3": "b"}),
        (7, {"s1": "a", "s2": "b", "s3": "n"}),
        (9, {"s2": "b", "s3": "n"}),
    ],
)
def test_what_was_believed_after_each_event(upto, expected):
    belief = believed(EVENTS[:upto])
    assert {s: belief.resolve(i) for s, i in belief.labels.items()} == expected
    assert belief.resolve("never") is None


def test_members_and_aliases_at_a_moment():
    belief = believed(EVENTS[:5])
    assert belief.members("c") == ("s1", "s2", "s3")
    assert belief.aliases("a") == ("b", "c")
    belief = believed(EVENTS)
    assert belief.resolve("a") is None
    assert belief.members("a") == ()
    assert belief.aliases("b") == ("c",)


def test_labels_over_time_follow_an_undone_merge():
    closed = dict.fromkeys(("s2", "s3"), 0)
    history = label_history(EVENTS)
    assert labels_at(closed, history, 5.5) == {"s2": "a", "s3": "a"}
    assert labels_at(closed, history, 6.5) == {"s2": "b", "s3": "b"}


def test_events_that_concern_an_identity_and_what_it_absorbed():
    assert [e.event_id for e in concerning("b", EVENTS)] == ["2-0", "3-0", "4-0", "5-0", "6-0", "7-0"]
    assert [e.event_id for e in concerning("n", EVENTS)] == ["7-0"]
    assert concerning("never", EVENTS) == []


def test_the_latest_change_that_was_not_taken_back():
    assert last_undoable("b", EVENTS) == "7-0"
    assert last_undoable("b", EVENTS[:6]) == "4-0"
    assert last_undoable("a", story(decided("s1", "a"), merged("a", "b", reason="emptied"))) is None


def test_a_change_of_what_is_no_longer_part_of_it_is_not_its_latest():
    events = story(
        decided("s1", "a"),
        ("identity.split", {"identity_id": "a", "new_identity_id": "n", "sighting_ids": ["s4"], "reason": "x"}),
        merged("a", "b"),
        unmerged("a", "b", "s2", undoes="3-0"),
        merged("b", "d"),
    )
    assert last_undoable("a", events) == "2-0"
    assert last_undoable("b", events) == "5-0"


def test_a_merge_made_again_is_a_merge_and_a_split_taken_back_is_none():
    said = [
        merged("a", "c"),
        merged("a", "b"),
        unmerged("a", "b", "s2", undoes="2-0"),
        merged("a", "b", undoes="3-0"),
        ("identity.split", {"identity_id": "a", "new_identity_id": "n", "sighting_ids": ["s4"], "reason": "x"}),
        ("identity.split", {"identity_id": "n", "new_identity_id": "a", "sighting_ids": ["s4"], "undoes": "5-0"}),
    ]
    assert last_undoable("a", story(*said)) == "4-0"
    assert last_undoable("a", story(*said, unmerged("a", "b", "s2", undoes="4-0"))) == "1-0"


def test_an_event_that_lists_nothing_is_refused():
    with pytest.raises(ValueError, match="names no sightings"):
        sightings_of(Event("1-0", "identity.split", 0, {"sighting_ids": "s1"}))
