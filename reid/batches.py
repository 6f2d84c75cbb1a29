"""Reads and augments the pictures of batches, in this process or in helpers. Chooses none."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from reid.augment import AugmentSettings, augment
from reid.data import Sample, require_picture
from reid.errors import DataError
from reid.types import Image


@dataclass(frozen=True, slots=True)
class Place:
    """Which picture is wanted, and where in the run it stands: all its chance comes from there.

    Attributes:
        index: Of the sample.
        step: Batch, counted from the start of the run.
        row: In the whole batch, over all processes.
    """

    index: int
    step: int
    row: int


@dataclass(frozen=True, slots=True)
class AugmentedPictures:
    """A picture for each place; equal for equal seed and place, so that a resumed run repeats."""

    samples: Sequence[Sample]
    input_hw: tuple[int, int]
    settings: AugmentSettings
    seed: int

    def __reduce__(self) -> tuple[object, ...]:
        """Helpers get paths and nothing else: 90,000 samples would take nine seconds to each, one after another."""
        return _of_paths, ([str(sample.path) for sample in self.samples], self.input_hw, self.settings, self.seed)

    def __getitem__(self, place: Place) -> Image:
        """uint8 (*input_hw, 3), BGR.

        Raises:
            DataError: The picture cannot be read any more.
        """
        picture = require_picture(self.samples[place.index].path)
        rng = np.random.default_rng((self.seed, place.step, place.row))
        return augment(picture, self.input_hw, self.settings, rng)

    def __getitems__(self, places: Sequence[Place]) -> list[Image] | DataError:
        """A batch, or why there is none: what a helper raises comes with its traceback for a message."""
        try:
            return [self[place] for place in places]
        except DataError as exc:
            return exc


def _of_paths(
    paths: Sequence[str], input_hw: tuple[int, int], settings: AugmentSettings, seed: int
) -> AugmentedPictures:
    return AugmentedPictures([Sample(Path(path), "", "", "") for path in paths], input_hw, settings, seed)


class _Asked:
    """What an epoch asks for, drawn as it is asked, so that nobody waits for the whole of it."""

    def __init__(self) -> None:
        self.epoch: Iterator[Sequence[Place]] = iter(())
        self.under_way: deque[Sequence[Place]] = deque()

    def __iter__(self) -> Iterator[Sequence[Place]]:
        for batch in self.epoch:
            self.under_way.append(batch)
            yield batch


class BatchLoader:
    """Yields batches of pictures, epoch after epoch; helpers are started once for all of them.

    Their start (each imports torch) would take longer than a short epoch of a GPU.
    """

    def __init__(self, pictures: AugmentedPictures, workers: int) -> None:
        """Starts nothing yet.

        Args:
            pictures: Where they come from.
            workers: Processes that read ahead; 0 reads here.
        """
        self._asked = _Asked()
        self._loader: DataLoader[Tensor | DataError] = DataLoader(
            pictures,
            batch_sampler=self._asked,
            collate_fn=_stack,
            num_workers=workers,
            multiprocessing_context="spawn" if workers else None,
            worker_init_fn=_one_thread if workers else None,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

    def epoch(self, batches: Iterable[Sequence[Place]]) -> Iterator[tuple[Sequence[Place], Tensor]]:
        """Yields one batch after another.

        Args:
            batches: What each holds; taken a few batches ahead of what is yielded.

        Yields:
            What it holds, and uint8 (B, H, W, 3) of it, BGR.

        Raises:
            DataError: A picture cannot be read any more.
        """
        self._asked.epoch = iter(batches)
        self._asked.under_way.clear()
        for pictures in self._loader:
            if isinstance(pictures, DataError):
                raise pictures
            yield self._asked.under_way.popleft(), pictures


def _one_thread(_worker: int) -> None:
    """Readers share the processor among themselves: each opening threads of its own, they would stand in line."""
    cv2.setNumThreads(1)


def _stack(rows: Sequence[Image] | DataError) -> Tensor | DataError:
    return rows if isinstance(rows, DataError) else torch.from_numpy(np.stack(rows))
