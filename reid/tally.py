"""Figures of an epoch's batches, read late: at once, the processor would wait for the GPU and the GPU then for it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from reid.collapse import CollapseWatch
from reid.errors import TrainingError

#: Figures of a batch, in the order in which the loop tells them, after the loss itself.
BATCH_FIGURES = ("metric", "cross_entropy", "accuracy", "active", "spread")


class Tally:
    """Sums up batches. A batch is read when the next one is told, or at the end.

    Attributes:
        collapsed: In some batch so far all features were one point.
    """

    def __init__(self, watch: CollapseWatch, heard: Callable[[int, dict[str, float]], None]) -> None:
        """Starts at nothing; ``watch`` sees every batch, ``heard`` is called with it and its figures, in order."""
        self.collapsed = False
        self._sums: NDArray[np.float64] = np.zeros(len(BATCH_FIGURES))
        self._watch = watch
        self._heard = heard
        self._waiting: tuple[int, Tensor] | None = None

    def tell(self, step: int, figures: Tensor) -> None:
        """Takes a batch's loss and BATCH_FIGURES, (6,), and reads those of the batch before.

        Raises:
            TrainingError: The loss of the batch before is no number.
        """
        self.read()
        self._waiting = step, figures

    def read(self) -> None:
        """Reads what is still waiting.

        Raises:
            TrainingError: The loss is no number.
        """
        if self._waiting is None:
            return
        step, figures = self._waiting
        self._waiting = None
        loss, *told = figures.tolist()
        if not np.isfinite(loss):
            raise TrainingError(f"the loss is {loss} at batch {step}; lower the learning rate")
        self._sums += told
        figures_of = dict(zip(BATCH_FIGURES, told, strict=True))
        self.collapsed |= self._watch.see(figures_of["metric"], figures_of["spread"])
        self._heard(step, figures_of)

    def means(self, batches: int) -> dict[str, float]:
        """Of an epoch of so many batches."""
        return dict(zip(BATCH_FIGURES, (self._sums / batches).tolist(), strict=True))
