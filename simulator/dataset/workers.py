"""Renders blocks of a set in processes. Owns what a block's process does; their lives are in simulator.processes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from simulator.dataset.boxes import OpenDetect
from simulator.dataset.detection_block import DetectionBlock
from simulator.dataset.plan import Block, DatasetPlan, ReidPlan
from simulator.dataset.records import write_lines
from simulator.dataset.reid_block import ReidBlock
from simulator.dataset.studio import Studio
from simulator.errors import CityError, DatasetError
from simulator.processes import ProcessDied, Tell, run_jobs


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


def render_blocks(
    plan: DatasetPlan,
    tasks: Sequence[Task],
    open_detect: OpenDetect | None,
    processes: int | None,
    written: Callable[[int], None],
) -> None:
    """Renders blocks until all are done.

    Args:
        plan: Of the set.
        tasks: What to render.
        open_detect: Makes the detector in each process; None for a set without one.
        processes: How many; one per core by default, fewer if there are fewer blocks.
        written: Called with the number of pictures written since the last call.

    Raises:
        DatasetError: A process failed or died; what it said.
    """
    try:
        run_jobs(partial(_Blocks, plan, open_detect), tasks, processes, written)
    except ProcessDied as exc:
        raise DatasetError(f"{exc}: the same command goes on where it stopped") from exc
    except CityError as exc:
        raise DatasetError(str(exc)) from exc


class _Blocks:
    """Renders one block after the other in one process."""

    def __init__(self, plan: DatasetPlan, open_detect: OpenDetect | None) -> None:
        self._plan = plan
        self._studio = Studio(open_detect() if open_detect else None)

    def __call__(self, task: Task, tell: Tell) -> None:
        plan = self._plan
        if isinstance(plan, ReidPlan):
            block: ReidBlock | DetectionBlock = ReidBlock(plan, task.block, self._studio, task.pictures)
        else:
            block = DetectionBlock(plan, task.block, self._studio, task.pictures)
        for count in block.shoot():
            if count:
                tell(count)
        write_lines(task.records, block.records)
