"""Reads and augments the pictures of batches, in this process or in helpers. Chooses none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

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


def load_batches(pictures: AugmentedPictures, batches: Sequence[Sequence[Place]], workers: int) -> Iterator[Tensor]:
    """Yields one batch of pictures after another.

    Args:
        pictures: Where they come from.
        batches: What each holds.
        workers: Processes that read ahead; 0 reads here.

    Yields:
        uint8 (B, H, W, 3), BGR.

    Raises:
        DataError: A picture cannot be read any more.
    """
    yield from DataLoader(
        pictures,
        batch_sampler=batches,
        collate_fn=_stack,
        num_workers=workers,
        multiprocessing_context="spawn" if workers else None,
        pin_memory=torch.cuda.is_available(),
    )


def _stack(rows: Sequence[Image]) -> Tensor:
    return torch.from_numpy(np.stack(rows))
