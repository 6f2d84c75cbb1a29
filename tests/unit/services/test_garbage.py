"""What has lasted is not looked at again and again, and still does not stay for ever once it is garbage."""

from __future__ import annotations

import gc
import weakref

import pytest

from services.garbage import EVERYTHING_S, RECENT_S, Collector


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


def test_what_is_new_and_dropped_goes_between_two_pieces_of_work(collector):
    old = Knot()
    collector.everything()
    new = Knot()
    seen_old, seen_new = weakref.ref(old), weakref.ref(new)
    del old, new
    collector.between(idle=True)
    assert gone(seen_new)
    assert not gone(seen_old)


def test_what_has_lasted_a_while_is_set_aside(collector, clock):
    collector.everything()
    kept = Knot()
    collector.between(idle=False)
    assert any(found is kept for found in gc.get_objects())
    clock[0] = RECENT_S
    collector.between(idle=False)
    assert not any(found is kept for found in gc.get_objects())


@pytest.mark.parametrize(("idle", "after_s"), [(True, EVERYTHING_S), (False, 2 * EVERYTHING_S)])
def test_what_was_set_aside_is_looked_at_again(collector, clock, idle, after_s):
    knot = Knot()
    collector.everything()
    seen = weakref.ref(knot)
    del knot
    clock[0] = after_s - 1.0
    collector.between(idle=idle)
    assert not gone(seen)
    clock[0] = after_s
    collector.between(idle=idle)
    assert gone(seen)
