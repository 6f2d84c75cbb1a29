"""Reads and augments the pictures of batches, in this process or in helpers. Chooses none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from reid.augment import AugmentSettings, augment
from reid.data import Sample, require_picture
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

    def __getitem__(self, place: Place) -> Image:
        """uint8 (*input_hw, 3), BGR.

        Raises:
            DataError: The picture cannot be read any more.
        """
        picture = require_picture(self.samples[place.index].path)
        rng = np.random.default_rng((self.seed, place.step, place.row))
        return augment(picture, self.input_hw, self.settings, rng)


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
        self._asked: list[Sequence[Place]] = []
        self._loader: DataLoader[Tensor] = DataLoader(
            pictures,
            batch_sampler=self._asked,
            collate_fn=_stack,
            num_workers=workers,
            multiprocessing_context="spawn" if workers else None,
            worker_init_fn=_one_thread if workers else None,
            persistent_workers=workers > 0,
            pin_memory=torch.cuda.is_available(),
        )

    def epoch(self, batches: Sequence[Sequence[Place]]) -> Iterator[Tensor]:
        """Yields one batch of pictures after another.

        Args:
            batches: What each holds.

        Yields:
            uint8 (B, H, W, 3), BGR.

        Raises:
            DataError: A picture cannot be read any more.
        """
        self._asked[:] = batches
        yield from self._loader


def _one_thread(_worker: int) -> None:
    """Readers share the processor among themselves: each opening threads of its own, they would stand in line."""
    cv2.setNumThreads(1)


def _stack(rows: Sequence[Image]) -> Tensor:
    return torch.from_numpy(np.stack(rows))
