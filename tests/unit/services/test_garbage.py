"""What has lasted is not looked at again and again, and still does not stay for ever once it is garbage."""

from __future__ import annotations

import gc
import weakref

import pytest

from services import garbage
from services.garbage import EVERYTHING_S, Collector


class Knot:
    """Holds itself: reference counts leave it behind."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def _let_go():
    yield
    gc.unfreeze()


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def collector(clock):
    return Collector(lambda: clock[0])


def gone(seen):
    return seen() is None


def test_garbage_goes_and_what_is_in_use_is_set_aside(collector):
    kept, dropped = Knot(), Knot()
    seen = weakref.ref(dropped)
    del dropped
    collector.everything()
    assert gone(seen)
    assert gc.get_freeze_count() > 0
    assert not any(found is kept for found in gc.get_objects())


def test_between_two_pieces_of_work_only_what_is_new_is_looked_at(collector, monkeypatch):
    old = Knot()
    collector.everything()
    monkeypatch.setattr(garbage, "NEW_ENOUGH", 0)
    new = Knot()
    seen_old, seen_new = weakref.ref(old), weakref.ref(new)
    del old, new
    collector.between(idle=True)
    assert gone(seen_new)
    assert not gone(seen_old)


def test_a_little_that_is_new_is_left_for_later(collector, monkeypatch):
    collector.everything()
    monkeypatch.setattr(garbage, "NEW_ENOUGH", 10**6)
    new = Knot()
    seen = weakref.ref(new)
    del new
    collector.between(idle=True)
    assert not gone(seen)


def test_what_was_set_aside_is_looked_at_again_when_time_has_passed_and_nobody_waits(collector, clock):
    knot = Knot()
    collector.everything()
    seen = weakref.ref(knot)
    del knot
    collector.between(idle=True)
    clock[0] = EVERYTHING_S
    collector.between(idle=False)
    assert not gone(seen)
    collector.between(idle=True)
    assert gone(seen)
