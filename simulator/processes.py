"""Spreads jobs over processes, a renderer in each. Owns their lives: none outlives the caller. Draws nothing itself.

The caller hands out jobs over a pipe; a process whose pipe breaks ends, so nothing is left behind by a killed run.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from simulator.errors import CityError

Job = TypeVar("Job")
Result = TypeVar("Result")
#: Is told how much more is done.
Tell = Callable[[int], None]
#: Does a job; made in each process.
Worker = Callable[[Job, Tell], Result]

_PATIENCE_S = 5.0


class ProcessDied(CityError):  # noqa: N818
    """A rendering process ended without a word, killed by someone or something."""


@dataclass(frozen=True, slots=True)
class _Done:
    """What a process says after a job."""

    result: Any


@dataclass(slots=True)
class _Process(Generic[Job]):
    process: BaseProcess
    pipe: Connection
    job: int = field(default=-1)

    def give(self, number: int, job: Job) -> None:
        self.job = number
        try:
            self.pipe.send(job)
        except (BrokenPipeError, ConnectionResetError) as exc:
            raise ProcessDied("a rendering process died") from exc


def run_jobs(
    open_worker: Callable[[], Worker[Job, Result]],
    jobs: Sequence[Job],
    processes: int | None = None,
    told: Tell = lambda more: None,
) -> list[Result]:
    """Does jobs until all are done.

    Args:
        open_worker: Makes what does the jobs; called once in each process, so that it can be pickled.
        jobs: What to do; each can be pickled.
        processes: How many; one per core by default, fewer if there are fewer jobs.
        told: Called with what the jobs tell.

    Returns:
        Results in the order of the jobs.

    Raises:
        CityError: A process failed; its own error where it was a city's, else one with its words.
        ProcessDied: A process died.
    """
    waiting = deque(enumerate(jobs))
    results: dict[int, Result] = {}
    count = min(processes or os.cpu_count() or 1, len(jobs))
    crew: list[_Process[Job]] = []
    try:
        for _ in range(count):
            crew.append(_start(open_worker, count))
            crew[-1].give(*waiting.popleft())
        busy = {one.pipe: one for one in crew}
        while busy:
            for pipe in [pipe for pipe in busy if pipe in wait(list(busy))]:
                message = _receive(pipe)
                if not isinstance(message, _Done):
                    told(message)
                    continue
                results[busy[pipe].job] = message.result
                if waiting:
                    busy[pipe].give(*waiting.popleft())
                else:
                    del busy[pipe]
    finally:
        _stop(crew)
    return [results[number] for number in range(len(jobs))]


def _receive(pipe: Connection) -> int | _Done:
    """The next message: how much more is done, or a result."""
    try:
        message = pipe.recv()
    except (EOFError, ConnectionResetError) as exc:
        raise ProcessDied("a rendering process died") from exc
    if isinstance(message, CityError):
        raise message
    return message if isinstance(message, _Done) else int(message)


def _start(open_worker: Callable[[], Worker[Job, Result]], count: int) -> _Process[Job]:
    context = mp.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(theirs, open_worker, count), name="city-renderer", daemon=True)
    process.start()
    theirs.close()
    return _Process(process, ours)


def _stop(crew: list[_Process[Job]]) -> None:
    for one in crew:
        one.pipe.close()
    for one in crew:
        one.process.join(0.1)
        if one.process.is_alive():
            one.process.terminate()
            one.process.join(_PATIENCE_S)


def rasteriser_threads(cores: int, processes: int) -> int:
    """How many threads each process's software rasteriser gets; 0: it draws in the thread that asks.

    Where every core has a process, a thread of the rasteriser's own would only be waited for.

    >>> rasteriser_threads(2, 2), rasteriser_threads(2, 1), rasteriser_threads(8, 3)
    (0, 2, 2)
    """
    each = cores // max(1, processes)
    return each if each > 1 else 0


def _work(pipe: Connection, open_worker: Callable[[], Worker[Job, Result]], count: int) -> None:
    """A process's whole life."""
    # Ctrl-C reaches all processes of a terminal; the one that started us decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.setdefault("LP_NUM_THREADS", str(rasteriser_threads(os.cpu_count() or 1, count)))
    try:
        worker = open_worker()
        while True:
            pipe.send(_Done(worker(pipe.recv(), pipe.send)))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except CityError as exc:
        pipe.send(exc)
    except (OSError, RuntimeError) as exc:
        pipe.send(CityError(str(exc) or type(exc).__name__))
