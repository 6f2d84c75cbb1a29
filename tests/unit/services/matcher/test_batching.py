from __future__ import annotations

import asyncio
import threading
import weakref

import pytest

from services.errors import DeadlinePassed, InputError, Overloaded, Unavailable
from services.matcher.batching import BatchRules, MicroBatcher


class Gate:
    """Work that waits to be let through, and remembers its batches."""

    def __init__(self) -> None:
        self.entered, self.open = threading.Event(), threading.Event()
        self.batches: list[list[int]] = []

    def __call__(self, items: list[int]) -> list[int | Exception]:
        self.batches.append(items)
        self.entered.set()
        assert self.open.wait(20)
        return [InputError(f"{item} is odd") if item % 2 else item * 10 for item in items]


@pytest.fixture
def gate():
    return Gate()


@pytest.fixture
def batcher(gate):
    batcher: MicroBatcher[int, int] = MicroBatcher("tests", gate, BatchRules(max_batch=4, max_waiting=6))
    yield batcher
    gate.open.set()
    batcher.close()


def ask_all(batcher, items, timeout_s=20.0) -> tuple[list[threading.Thread], dict[int, object]]:
    answers: dict[int, object] = {}

    def ask(item: int) -> None:
        try:
            answers[item] = batcher.ask(item, timeout_s)
        except Exception as exc:  # what it raised is what is asserted on
            answers[item] = exc

    threads = [threading.Thread(target=ask, args=(item,)) for item in items]
    for thread in threads:
        thread.start()
    return threads, answers


def waiting(batcher, count: int) -> None:
    while len(batcher._queue) < count:
        threading.Event().wait(0.005)


def test_what_waits_goes_together_and_each_gets_its_own_answer(batcher, gate) -> None:
    first, one = ask_all(batcher, [0])
    assert gate.entered.wait(20)
    rest, answers = ask_all(batcher, [2, 3, 4, 6, 8])
    waiting(batcher, 5)
    gate.open.set()
    for thread in first + rest:
        thread.join(20)
    assert one == {0: 0}
    assert {k: v for k, v in answers.items() if k != 3} == {2: 20, 4: 40, 6: 60, 8: 80}
    assert isinstance(answers[3], InputError)
    assert [len(batch) for batch in gate.batches] == [1, 4, 1]


def test_beyond_the_bound_the_next_is_refused_at_once(batcher, gate) -> None:
    threads, _ = ask_all(batcher, [0])
    assert gate.entered.wait(20)
    more, _ = ask_all(batcher, [2, 4, 6, 8, 10, 12])
    waiting(batcher, 6)
    with pytest.raises(Overloaded, match="6 tests wait already"):
        batcher.ask(14, 20)
    gate.open.set()
    for thread in threads + more:
        thread.join(20)


def test_what_would_come_too_late_is_refused_at_once(batcher, gate) -> None:
    gate.open.set()
    batcher.ask(0)
    batcher._batch_s = 5.0  # as if batches had lately taken as long
    gate.open.clear()
    gate.entered.clear()
    threads, _ = ask_all(batcher, [2])
    assert gate.entered.wait(20)
    more, _ = ask_all(batcher, [4])
    waiting(batcher, 1)
    with pytest.raises(Overloaded, match="miss its deadline"):
        batcher.ask(6, 1.0)
    gate.open.set()
    for thread in threads + more:
        thread.join(20)


def test_nobody_works_on_what_is_late(batcher, gate) -> None:
    threads, _ = ask_all(batcher, [0])
    assert gate.entered.wait(20)
    with pytest.raises(DeadlinePassed):
        batcher.ask(2, 0.01)
    gate.open.set()
    for thread in threads:
        thread.join(20)
    assert batcher.ask(4) == 40
    assert [2] not in gate.batches


def test_failed_work_fails_everyone_and_the_next_is_served(gate) -> None:
    def broken(items: list[int]) -> list[int]:
        if items[0] == 0:
            raise ValueError("no")
        return items

    batcher: MicroBatcher[int, int] = MicroBatcher("tests", broken)
    with pytest.raises(ValueError, match="no"):
        batcher.ask(0)
    assert batcher.ask(1) == 1
    batcher.close()
    with pytest.raises(Unavailable, match="ending"):
        batcher.ask(2)


def test_what_was_asked_with_is_kept_no_longer_than_its_answer() -> None:
    class Heavy:
        """What a test can see go."""

    gone = threading.Event()
    batcher: MicroBatcher[Heavy, int] = MicroBatcher("heavy", lambda items: [1 for _ in items])
    item = Heavy()
    weakref.finalize(item, gone.set)
    assert batcher.ask(item) == 1
    del item
    assert gone.wait(30)
    batcher.close()


@pytest.fixture
def gathering(gate):
    """A batcher that waits for those who were there a moment ago; a batch seems to take long enough for that."""
    batcher: MicroBatcher[int, int] = MicroBatcher("tests", gate, BatchRules(4, 6, gathers=True))
    yield batcher
    gate.open.set()
    batcher.close()


def test_a_batch_waits_for_those_who_were_there_a_moment_ago(gathering, gate) -> None:
    gate.open.set()
    gathering.ask(0)
    gathering._last_crowd, gathering._last_s = 3, 20.0
    first, _ = ask_all(gathering, [2, 4], timeout_s=500.0)
    waiting(gathering, 2)
    last, _ = ask_all(gathering, [6], timeout_s=500.0)
    for thread in first + last:
        thread.join(10)
    assert [sorted(batch) for batch in gate.batches] == [[0], [2, 4, 6]]


def test_who_asks_alone_waits_for_nobody(gathering, gate) -> None:
    gate.open.set()
    for number in range(3):
        assert gathering.ask(2 * number) == 20 * number
        assert gathering._last_crowd == 1
        gathering._last_s = 20.0  # a wait would be seen


def test_others_that_do_not_come_are_not_waited_for_longer_than_a_batch_takes(gathering, gate) -> None:
    gate.open.set()
    gathering.ask(0)
    gathering._last_crowd, gathering._last_s = 4, 0.01
    assert gathering.ask(2) == 20


def test_who_is_in_a_hurry_does_not_wait_and_takes_the_others_along(gathering, gate) -> None:
    gate.open.set()
    gathering.ask(0)
    gathering._last_crowd, gathering._last_s = 4, 20.0
    patient, _ = ask_all(gathering, [2], timeout_s=500.0)
    waiting(gathering, 1)
    assert gathering.ask(4, timeout_s=30.0) == 40
    patient[0].join(10)
    assert gate.batches == [[0], [2, 4]]


def test_on_a_loop_answers_and_failures_come_as_in_a_thread(batcher, gate) -> None:
    gate.open.set()

    async def ask() -> tuple[object, ...]:
        return tuple(await asyncio.gather(*(batcher.coming(n) for n in (2, 3, 4)), return_exceptions=True))

    two, three, four = asyncio.run(ask())
    assert (two, four) == (20, 40)
    assert isinstance(three, InputError)


def test_what_nobody_waits_for_on_a_loop_is_not_worked_on(batcher, gate) -> None:
    first, _ = ask_all(batcher, [0])
    assert gate.entered.wait(20)

    async def give_up() -> None:
        with pytest.raises(DeadlinePassed, match=r"not answered within 0\.0 s"):
            await batcher.coming(2, 0.02)
        left = asyncio.ensure_future(batcher.coming(4))
        await asyncio.sleep(0)
        left.cancel()
        with pytest.raises(asyncio.CancelledError):
            await left

    asyncio.run(give_up())
    gate.open.set()
    first[0].join(20)
    assert batcher.ask(6) == 60
    assert gate.batches == [[0], [6]]
