"""What a run says of itself: `log.jsonl` with a line per epoch, and TensorBoard's events. Decides nothing."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger("reid.train")

LOG_FILE = "log.jsonl"
EVENTS_FOLDER = "tensorboard"


class Journal:
    """Open for the length of a run. Without a folder it keeps nothing (all processes but the first)."""

    def __init__(
        self, out: Path | None, *, first_epoch: int = 0, first_step: int = 0, tensorboard: bool = True
    ) -> None:
        """Opens the files; what an interrupted run wrote of epochs that are to be repeated, or half, is dropped.

        Args:
            out: Existing folder of the run.
            first_epoch: Epochs finished before.
            first_step: Batches finished before.
            tensorboard: Write TensorBoard's events as well.
        """
        self._path = None if out is None else out / LOG_FILE
        self._events: Any = None
        if self._path is None or out is None:
            return
        lines = self._path.read_text().splitlines() if self._path.exists() else []
        kept = [line for line in lines if 0 < _epoch(line) <= first_epoch]
        self._path.write_text("".join(f"{line}\n" for line in kept))
        if tensorboard:
            with warnings.catch_warnings():  # Its imports warn of what it depends on.
                warnings.simplefilter("ignore")
                from torch.utils.tensorboard import SummaryWriter

                self._events = SummaryWriter(str(out / EVENTS_FOLDER), purge_step=first_step or None)

    def batch(self, step: int, values: Mapping[str, float]) -> None:
        """Keeps the figures of one batch."""
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(f"batch/{name}", value, step)

    def epoch(self, record: Mapping[str, Any], step: int) -> None:
        """Keeps the figures of one epoch; nested ones (by domain) are named with slashes in TensorBoard."""
        if self._path is None:
            return
        rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in record.items()}
        log.info("%s", json.dumps(rounded))
        with self._path.open("a") as file:
            file.write(json.dumps(rounded) + "\n")
        if self._events is not None:
            for name, value in _flat("epoch", record).items():
                self._events.add_scalar(name, value, step)
            self._events.flush()

    def close(self) -> None:
        """Writes what is still held back."""
        if self._events is not None:
            self._events.close()


def _epoch(line: str) -> int:
    """The epoch that a line of the log is about, from 1; 0 where it was not written to its end."""
    try:
        return int(json.loads(line)["epoch"])
    except ValueError:
        return 0


def _flat(name: str, value: Any) -> dict[str, float]:
    if isinstance(value, Mapping):
        return {key: v for k, inner in value.items() for key, v in _flat(f"{name}/{k}", inner).items()}
    return {name: float(value)} if isinstance(value, int | float) else {}
