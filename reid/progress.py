"""What an interrupted run leaves behind and goes on from. Written whole or not at all, once per epoch."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from reid.config import TrainConfig
from reid.errors import TrainingError
from reid.journal import log
from reid.parts import Parts
from reid.start import Start, identity_of
from reid.whole import written_whole

PROGRESS_FILE = "last.pt"
#: Keys of a configuration that may differ when a run goes on: they do not change its result. Where the weights begun
#: with lie is one of them; what they are is compared by content.
_FREE = ("workers", "tensorboard", "start")


class _Stateful(Protocol):
    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


def require_same_run(folder: Path, config: TrainConfig, parts: Parts, start: Start) -> None:
    """Makes sure that the run which finished in a folder is the one wanted.

    Raises:
        TrainingError: It is another, or what says so is damaged or gone.
        ModelError: The weights to start from cannot be read.
    """
    path = folder / PROGRESS_FILE
    if not Progress(path, RunIdentity.of(config, parts, start), resume=True).exists:
        raise TrainingError(
            f"{folder} holds a run without {PROGRESS_FILE}, which says what it is; choose another folder"
        )


@dataclass(frozen=True, slots=True)
class RunIdentity:
    """What makes a run the one that it is; paths and how it is carried out are no part of it.

    Attributes:
        config: Its configuration, JSON.
        pictures: What it learns from.
        start: The weights that it began with, by content.
    """

    config: str
    pictures: str
    start: str

    @classmethod
    def of(cls, config: TrainConfig, parts: Parts, start: Start) -> RunIdentity:
        """That of a run.

        Raises:
            ModelError: The weights to start from cannot be read.
        """
        pictures = str([(sample.identity, sample.path.name) for sample in parts.fit])
        return cls(config.model_dump_json(exclude=set(_FREE)), pictures, identity_of(start))


class Progress:
    """The file `last.pt` of one run."""

    def __init__(self, path: Path, run: RunIdentity, *, resume: bool) -> None:
        """Looks whether there is something to go on from.

        Args:
            path: Of the file.
            run: The one that wants to go on; it must be the one that was interrupted.
            resume: Whether to go on.

        Raises:
            TrainingError: There is a run and ``resume`` is off, the file is damaged, or it is of another run.
        """
        self._path = path
        self._run = asdict(run)
        self._state: dict[str, Any] | None = None
        if not path.exists():
            return
        if not resume:
            raise TrainingError(f"{path.parent} holds a run already: resume it, or choose another folder")
        try:
            self._state = torch.load(path, map_location="cpu", weights_only=True)
        except Exception as exc:
            raise TrainingError(f"cannot resume from {path}: {exc}") from exc
        self._require_same_run(self._state)

    @property
    def exists(self) -> bool:
        """Whether there is something to go on from."""
        return self._state is not None

    def restore(self, **parts: _Stateful) -> int:
        """Puts back what the last finished epoch left, if any.

        Args:
            parts: What was given to `save`, by the same names.

        Returns:
            Epochs finished.
        """
        if self._state is None:
            return 0
        for name, part in parts.items():
            part.load_state_dict(self._state[name])
        epoch = int(self._state["epoch"])
        self._state = {}
        log.info("resuming after epoch %d", epoch)
        return epoch

    def save(self, epoch: int, **parts: _Stateful) -> None:
        """Writes the state of ``parts`` after ``epoch`` finished epochs."""
        state = {name: part.state_dict() for name, part in parts.items()}
        with written_whole(self._path) as draft:
            torch.save(state | self._run | {"epoch": epoch}, draft)

    def _require_same_run(self, state: dict[str, Any]) -> None:
        if not {*self._run, "epoch"} <= state.keys():
            raise TrainingError(f"cannot resume from {self._path}: it holds no run of this version")
        was, wanted = json.loads(state["config"]), json.loads(self._run["config"])
        changed = [key for key in wanted if was.get(key) != wanted[key]]
        if changed:
            raise TrainingError(
                f"{self._path.parent} was begun with another configuration: {', '.join(changed)} differ"
            )
        if state["pictures"] != self._run["pictures"]:
            raise TrainingError(f"{self._path.parent} was begun with other pictures")
        if state["start"] != self._run["start"]:
            raise TrainingError(f"{self._path.parent} was begun with other weights to start from")
