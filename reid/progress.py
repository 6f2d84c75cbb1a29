"""What an interrupted run leaves behind and goes on from. Written whole or not at all, once per epoch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

import torch

from reid.config import TrainConfig
from reid.errors import TrainingError
from reid.journal import log
from reid.parts import Parts

PROGRESS_FILE = "last.pt"
#: Keys of a configuration that may differ when a run goes on: they do not change its result.
_FREE = ("workers", "tensorboard", "start")


class _Stateful(Protocol):
    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any], /) -> Any: ...


def require_same_run(folder: Path, config: TrainConfig, parts: Parts) -> None:
    """Makes sure that the run which finished in a folder is the one wanted.

    Raises:
        TrainingError: It is another, or what says so is damaged or gone.
    """
    path = folder / PROGRESS_FILE
    if not Progress(path, config, parts, resume=True).exists:
        raise TrainingError(
            f"{folder} holds a run without {PROGRESS_FILE}, which says what it is; choose another folder"
        )


class Progress:
    """The file `last.pt` of one run."""

    def __init__(self, path: Path, config: TrainConfig, parts: Parts, *, resume: bool) -> None:
        """Looks whether there is something to go on from.

        Args:
            path: Of the file.
            config: The run that wants to go on; it must be the one that was interrupted.
            parts: Its pictures; likewise.
            resume: Whether to go on.

        Raises:
            TrainingError: There is a run and ``resume`` is off, the file is damaged, or it is of another run.
        """
        self._path = path
        self._run = {
            "config": config.model_dump_json(exclude=set(_FREE)),
            "pictures": str([(sample.identity, sample.path.name) for sample in parts.fit]),
        }
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
        draft = self._path.with_suffix(".part")
        torch.save(state | self._run | {"epoch": epoch}, draft)
        draft.replace(self._path)

    def _require_same_run(self, state: dict[str, Any]) -> None:
        if not {"config", "pictures", "epoch"} <= state.keys():
            raise TrainingError(f"cannot resume from {self._path}: it holds no run of this version")
        was, wanted = json.loads(state["config"]), json.loads(self._run["config"])
        changed = [key for key in wanted if was.get(key) != wanted[key]]
        if changed:
            raise TrainingError(
                f"{self._path.parent} was begun with another configuration: {', '.join(changed)} differ"
            )
        if state["pictures"] != self._run["pictures"]:
            raise TrainingError(f"{self._path.parent} was begun with other pictures")
