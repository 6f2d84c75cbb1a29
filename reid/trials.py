"""Hyper-parameter trials: runs of one configuration, with values that a sampler proposes. Moves no weights itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from reid.config import RECIPES, TrainConfig, merged, read_shipped
from reid.errors import DataError, TrainingError
from reid.metadata import CheckpointMetadata, first_error, metadata_path, read_document
from reid.parts import Parts, read_parts
from reid.progress import require_same_run
from reid.run import RunOptions
from reid.train import train
from reid.whole import written_whole

if TYPE_CHECKING:
    import optuna

SPACES = RECIPES / "trials"
#: Of each trial, in its folder: what was proposed.
PROPOSED_FILE = "proposed.json"


class Range(BaseModel):
    """Where a value may lie: among choices, or between two numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    low: float | None = Field(None, description="Smallest value.")
    high: float | None = Field(None, description="Greatest value.")
    log: bool = Field(False, description="Proposed evenly on a logarithmic scale.")
    choices: tuple[str | int | float | bool | None, ...] = Field((), description="Instead of numbers between two.")

    @model_validator(mode="after")
    def _one_kind(self) -> Range:
        numbers = self.low is not None and self.high is not None
        if numbers == bool(self.choices) or (numbers and not _ordered(self)):
            raise ValueError("give low < high (above 0 if log), or choices")
        return self

    def propose(self, trial: optuna.Trial, key: str) -> Any:
        """A value from the trial's sampler."""
        if self.choices:
            return trial.suggest_categorical(key, self.choices)
        return trial.suggest_float(key, float(self.low or 0.0), float(self.high or 0.0), log=self.log)


def _ordered(asked: Range) -> bool:
    low, high = asked.low or 0.0, asked.high or 0.0
    return low < high and (low > 0 or not asked.log)


class Space(BaseModel):
    """What trials may change."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    changes: dict[str, Any] = Field(default_factory=dict, description="What is different in all trials.")
    ranges: dict[str, Range] = Field(min_length=1, description="Dotted keys of the recipe, and where each may lie.")

    @model_validator(mode="after")
    def _no_key_within_another(self) -> Space:
        for key in self.ranges:
            within = [other for other in self.ranges if other.startswith(f"{key}.")]
            if within:
                raise ValueError(f"ranges has both {key} and {within[0]}, which is part of it")
        return self


def read_space(name: str) -> Space:
    """A space of trials.

    Args:
        name: Of a shipped one, or the path of a YAML file.

    Raises:
        DataError: There is none, or it is malformed; the message names the key.
    """
    return read_shipped(name, SPACES, "space of trials", Space)


def run_trials(
    config: TrainConfig,
    space: Space,
    folders: Mapping[str, Path],
    out: Path,
    count: int,
    options_for: Callable[[int, TrainConfig], RunOptions],
) -> Iterator[dict[str, Any]]:
    """Trains ``count`` configurations, the later ones where the earlier ones did well, and yields one row each.

    Trials that finished in ``out`` are told to the sampler and not repeated, so that a call which was killed goes on.
    Figures are those of the vehicles held out to select on: what wins here is still to be judged on others.

    Args:
        config: What is changed.
        space: Where its values may lie.
        folders: Data folder by domain.
        out: Folder for all trials, ``trial-000`` and on.
        count: Trials in all, those finished before included.
        options_for: How to carry out a trial.

    Yields:
        ``trial``, ``score`` (mean over domains of (rank-1 + mAP) / 2), ``values`` by key, ``weights``.

    Raises:
        DataError: A key is none of the configuration's, or a value is refused by it.
        TrainingError: Optuna is not installed; or a folder holds a trial of another space, seed, configuration,
            set or start.
        ReidError: A run cannot be carried out.

    Source:
        Bergstra et al. 2011, "Algorithms for Hyper-Parameter Optimization", section 4 (TPE), as Optuna has it.
    """
    study = _study(config.seed)
    divided: dict[str, Parts] = {}  # Few spaces change what is read.
    for number in range(count):
        trial = study.ask()
        values = {key: asked.propose(trial, key) for key, asked in space.ranges.items()}
        folder = out / f"trial-{number:03d}"
        proposed = _configured(config, space, values)
        weights = folder / f"{config.name}.safetensors"
        _require_same(folder, values)
        what = proposed.model_dump_json(include={"domains", "seed"})
        if what not in divided:
            divided[what] = read_parts(proposed, folders)
        parts = divided[what]
        options = replace(options_for(number, proposed), resume=True)  # One that was killed goes on.
        if weights.exists():
            require_same_run(folder, proposed, parts, options.start)
        else:
            folder.mkdir(parents=True, exist_ok=True)
            with written_whole(folder / PROPOSED_FILE) as draft:  # A trial that was killed is known by it.
                draft.write_text(json.dumps(dict(values), indent=1) + "\n")
            train(proposed, parts, folder, options)
        score = float(read_document(metadata_path(weights), CheckpointMetadata).figures["select"]["score"])
        study.tell(trial, score)
        yield {"trial": number, "score": round(score, 4), "values": values, "weights": str(weights)}


def _study(seed: int) -> optuna.Study:
    try:
        import optuna
    except ModuleNotFoundError as exc:
        raise TrainingError("trials need Optuna; install vreid[trials]") from exc
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))


def _configured(config: TrainConfig, space: Space, values: Mapping[str, Any]) -> TrainConfig:
    changes: dict[str, Any] = {}
    for key, value in values.items():
        *path, last = key.split(".")
        section = changes
        for part in path:
            section = section.setdefault(part, {})
        section[last] = value
    document = merged(merged(config.model_dump(mode="json"), space.changes), changes)
    try:
        return TrainConfig.model_validate(document)
    except ValidationError as exc:
        raise DataError(f"a trial proposes {dict(values)}: {first_error(exc)}") from exc


def _require_same(folder: Path, values: Mapping[str, Any]) -> None:
    file = folder / PROPOSED_FILE
    if file.exists() and json.loads(file.read_text()) != json.loads(json.dumps(dict(values))):
        raise TrainingError(f"{folder} holds a trial of another space or seed; choose another folder")
