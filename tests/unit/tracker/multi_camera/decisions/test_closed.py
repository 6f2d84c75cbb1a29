"""Closed sightings come due once, stay free for a while, and never both again after they were bound."""

from __future__ import annotations

from tracker.multi_camera.decisions.closed import FREE_S, REVIEW_AGE_S, Closed

SECOND = 1_000_000_000


def at(seconds):
    return int(seconds * SECOND)


def test_each_comes_due_once():
    closed = Closed()
    closed.put("a", at(10))
    seen = [closed.advance(at(10 + s))[0] for s in (0, REVIEW_AGE_S - 1, REVIEW_AGE_S, REVIEW_AGE_S + 1)]
    assert seen == [[], [], ["a"], []]


def test_what_was_prepared_for_it_may_go_after_it_came_due():
    closed = Closed()
    closed.put("a", at(10))
    past = [closed.advance(at(10 + s))[1] for s in (REVIEW_AGE_S, REVIEW_AGE_S + 1, REVIEW_AGE_S + 2)]
    assert past == [[], ["a"], []]


def test_what_closes_late_comes_due_at_once_while_it_may_move():
    """It parked, or was lost for a while: its last box is older than the age at which others are looked at again."""
    closed = Closed()
    closed.advance(at(10 + FREE_S - 1))
    closed.put("a", at(10))
    assert closed.advance(at(10 + FREE_S - 1)) == (["a"], [])
    assert closed.advance(at(10 + FREE_S)) == ([], ["a"])


def test_what_closes_when_it_cannot_move_any_more_is_not_looked_at():
    closed = Closed()
    closed.put("a", at(10))
    assert closed.advance(at(10 + FREE_S)) == ([], ["a"])
    assert closed.advance(at(20 + FREE_S)) == ([], [])


def test_it_may_leave_until_it_is_old():
    closed = Closed()
    closed.put("a", at(10))
    closed.advance(at(10 + FREE_S - 1))
    assert closed.free("a")
    closed.advance(at(10 + FREE_S))
    assert not closed.free("a")
    assert not closed.free("never seen")


def test_what_is_bound_is_neither_due_nor_free():
    closed = Closed()
    closed.put("a", at(10))
    closed.bind("a")
    assert not closed.free("a")
    assert closed.advance(at(10 + REVIEW_AGE_S)) == ([], [])
