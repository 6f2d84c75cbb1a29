"""Spreads blocks over processes, one renderer in each. Owns their lives: none outlives the caller.

The caller hands out blocks over a pipe; a process whose pipe breaks ends, so nothing is left behind by a killed run.
"""

from __future__ import annotations

import multiprocessing as mp
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from simulator.dataset.boxes import OpenDetect
from simulator.dataset.detection_block import DetectionBlock
from simulator.dataset.plan import Block, DatasetPlan, ReidPlan
from simulator.dataset.records import write_lines
from simulator.dataset.reid_block import ReidBlock
from simulator.dataset.studio import Studio
from simulator.errors import CityError, DatasetError

_PATIENCE_S = 5.0


@dataclass(frozen=True, slots=True)
class Task:
    """One block to render.

    Attributes:
        block: Which.
        pictures: Folder of its pictures.
        records: File of its records, written last.
    """

    block: Block
    pictures: Path
    records: Path


@dataclass(frozen=True, slots=True)
class _Failed:
    """What a process says before it ends because of an error."""

    message: str


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection


def render_blocks(
    plan: DatasetPlan,
    tasks: Sequence[Task],
    open_detect: OpenDetect | None,
    processes: int,
    written: Callable[[int], None],
) -> None:
    """Renders blocks until all are done.

    Args:
        plan: Of the set.
        tasks: What to render.
        open_detect: Makes the detector in each process; None for a set without one.
        processes: How many; fewer if there are fewer blocks.
        written: Called with the number of pictures written since the last call.

    Raises:
        DatasetError: A process failed or died; what it said.
    """
    waiting = deque(tasks)
    workers = [_start(plan, open_detect, processes) for _ in range(min(processes, len(tasks)))]
    try:
        busy = []
        for worker in workers:
            worker.pipe.send(waiting.popleft())
            busy.append(worker.pipe)
        while busy:
            for pipe in [pipe for pipe in busy if pipe in wait(busy)]:
                message = _receive(pipe)
                if isinstance(message, int):
                    written(message)
                elif waiting:
                    pipe.send(waiting.popleft())
                else:
                    busy.remove(pipe)
    finally:
        _stop(workers)


def _receive(pipe: Connection) -> int | None:
    """The next message: pictures written, or None for a block that is done."""
    try:
        message = pipe.recv()
    except EOFError as exc:
        raise DatasetError("a rendering process died: the same command goes on where it stopped") from exc
    if isinstance(message, _Failed):
        raise DatasetError(message.message)
    return message if isinstance(message, int) else None


def _start(plan: DatasetPlan, open_detect: OpenDetect | None, processes: int) -> _Worker:
    context = mp.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(
        target=_work, args=(theirs, plan, open_detect, processes), name="dataset-renderer", daemon=True
    )
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _stop(workers: list[_Worker]) -> None:
    for worker in workers:
        worker.pipe.close()
    for worker in workers:
        worker.process.join(0.1)
        if worker.process.is_alive():
            worker.process.terminate()
            worker.process.join(_PATIENCE_S)


def _work(pipe: Connection, plan: DatasetPlan, open_detect: OpenDetect | None, processes: int) -> None:
    """A process's whole life."""
    # Ctrl-C reaches all processes of a terminal; the one that started us decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if processes > 1:
        # The rasteriser's own threads would only wait for each other where every core has a process.
        os.environ.setdefault("LP_NUM_THREADS", "0")
    try:
        _render(pipe, plan, open_detect)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return
    except (CityError, OSError, RuntimeError) as exc:
        pipe.send(_Failed(str(exc) or type(exc).__name__))


def _render(pipe: Connection, plan: DatasetPlan, open_detect: OpenDetect | None) -> None:
    studio = Studio(open_detect() if open_detect else None)
    while True:
        task: Task = pipe.recv()
        if isinstance(plan, ReidPlan):
            block: ReidBlock | DetectionBlock = ReidBlock(plan, task.block, studio, task.pictures)
        else:
            block = DetectionBlock(plan, task.block, studio, task.pictures)
        for count in block.shoot():
            if count:
                pipe.send(count)
        write_lines(task.records, block.records)
        pipe.send(None)
