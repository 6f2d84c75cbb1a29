"""Puts concurrent requests into one call: while a batch is being worked on, the next one gathers. Knows no vectors.

Who asks alone never waits for company. Those that cannot be answered before their deadline are refused at once, and
those whose deadline passes while they wait are not worked on.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from services.errors import DeadlinePassed, Overloaded, Unavailable
from services.observability import catalogue
from services.observability.instruments import histogram

Q = TypeVar("Q")
A = TypeVar("A")

#: Weight of the newest batch in the running estimate of how long one takes.
_NEWEST = 0.2
#: Whoever has not so many times as long as the last batch took is not made to wait for others.
_HURRY = 4.0


@dataclass(frozen=True, slots=True)
class BatchRules:
    """Bounds of a batcher.

    Attributes:
        max_batch: Most requests in one call.
        max_waiting: Most requests that wait; the next is refused.
        gathers: A batch that fewer wait for than were there a moment ago waits for the others, but no longer than the
            last one took. Worth it where a batch costs little more than one request.
    """

    max_batch: int = 64
    max_waiting: int = 512
    gathers: bool = False


@dataclass(slots=True)
class _Waiting(Generic[Q, A]):
    item: Q
    deadline_s: float
    answer: Future[A] = field(default_factory=Future)


class MicroBatcher(Generic[Q, A]):
    """One worker thread and its bounded queue. Safe for threads."""

    def __init__(
        self, name: str, work: Callable[[list[Q]], Sequence[A | Exception]], rules: BatchRules | None = None
    ) -> None:
        """Starts the worker.

        Args:
            name: Of the thread, and in messages: "searches".
            work: Answers a batch in order; an exception in the place of an answer is raised to that caller alone.
            rules: Bounds.
        """
        self._name = name
        self._work = work
        self._rules = rules or BatchRules()
        self._queue: deque[_Waiting[Q, A]] = deque()
        self._changed = threading.Condition()
        self._closed = False
        self._batch_s = 0.0
        #: So many that wait are worth waking the worker for.
        self._enough = 1
        #: How many the last batch and those that came during it were, and how long it took.
        self._last_crowd = 0
        self._last_s = 0.0
        self.batches = 0
        self.answered = 0
        self._sizes = histogram(catalogue.QUEUE_BATCH).labels(name)
        self._seconds = histogram(catalogue.QUEUE_SECONDS).labels(name)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def ask(self, item: Q, timeout_s: float = 60.0) -> A:
        """The answer to one request.

        Raises:
            Overloaded: Too many wait, or by the time lately taken it would be too late.
            DeadlinePassed: ``timeout_s`` went by.
            Unavailable: The batcher is closed.
            Exception: What ``work`` raised or put in its place.
        """
        waiting = self._waiting(item, timeout_s)
        try:
            return waiting.answer.result(max(0.0, waiting.deadline_s - time.monotonic()))
        except FutureTimeout as exc:
            if waiting.answer.done():  # the work itself ran into a time-out
                raise
            raise self._late(timeout_s) from exc

    async def coming(self, item: Q, timeout_s: float = 60.0) -> A:
        """As ``ask``, for who waits on an event loop; a request that nobody waits for any more is not worked on."""
        waiting = self._waiting(item, timeout_s)
        try:
            async with asyncio.timeout(max(0.0, waiting.deadline_s - time.monotonic())) as limit:
                return await asyncio.wrap_future(waiting.answer)
        except TimeoutError as exc:
            if not limit.expired():  # as above
                raise
            raise self._late(timeout_s) from exc

    def _late(self, timeout_s: float) -> DeadlinePassed:
        return DeadlinePassed(f"{self._name}: not answered within {timeout_s:.1f} s")

    def _waiting(self, item: Q, timeout_s: float) -> _Waiting[Q, A]:
        """Puts a request behind the others, or refuses it."""
        waiting: _Waiting[Q, A] = _Waiting(item, time.monotonic() + timeout_s)
        with self._changed:
            if self._closed:
                raise Unavailable(f"{self._name}: the matcher is ending")
            ahead = len(self._queue)
            if ahead >= self._rules.max_waiting:
                raise Overloaded(f"{ahead} {self._name} wait already; try again later")
            expected_s = self._batch_s * (1 + ahead // self._rules.max_batch)
            if ahead and expected_s > timeout_s:
                raise Overloaded(
                    f"{ahead} {self._name} wait already, this one would miss its deadline; try again later"
                )
            self._queue.append(waiting)
            if self._hurries(waiting):
                self._enough = 1
            if len(self._queue) >= self._enough:
                self._changed.notify()
        return waiting

    def close(self) -> None:
        """Refuses what waits and ends the worker after its batch."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(10)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._gather()
                if self._closed:
                    for left in self._queue:
                        if left.answer.set_running_or_notify_cancel():
                            left.answer.set_exception(Unavailable(f"{self._name}: the matcher is ending"))
                    self._queue.clear()
                    return
                batch = [self._queue.popleft() for _ in range(min(len(self._queue), self._rules.max_batch))]
            now = time.monotonic()
            living = [
                waiting
                for waiting in batch
                if waiting.deadline_s > now and waiting.answer.set_running_or_notify_cancel()
            ]
            if living:
                self._answer(living)
                took_s = time.monotonic() - now
                self._batch_s += (took_s - self._batch_s) * (_NEWEST if self.batches else 1.0)
                self.batches += 1
                self.answered += len(living)
                self._last_crowd, self._last_s = len(living) + len(self._queue), took_s
                self._sizes.observe(len(living))
                self._seconds.observe(took_s)
            del batch, living  # or the last picture would stay until the next comes

    def _gather(self) -> None:
        """Returns when a batch is worth beginning, or the batcher is closed; the caller holds the lock."""
        self._enough = 1
        self._changed.wait_for(lambda: self._queue or self._closed)
        crowd = min(self._rules.max_batch, self._last_crowd)
        if self._rules.gathers and len(self._queue) < crowd and not any(map(self._hurries, self._queue)):
            self._enough = crowd
            self._changed.wait_for(lambda: len(self._queue) >= self._enough or self._closed, self._last_s)

    def _hurries(self, waiting: _Waiting[Q, A]) -> bool:
        """Whether a request could miss its deadline by waiting for others."""
        return waiting.deadline_s - time.monotonic() < _HURRY * self._last_s

    def _answer(self, batch: list[_Waiting[Q, A]]) -> None:
        try:
            answers = self._work([waiting.item for waiting in batch])
        except Exception as exc:  # handed to every caller of the batch
            for waiting in batch:
                waiting.answer.set_exception(exc)
            return
        for waiting, answer in zip(batch, answers, strict=True):
            if isinstance(answer, Exception):
                waiting.answer.set_exception(answer)
            else:
                waiting.answer.set_result(answer)
