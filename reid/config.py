"""What a training run is told: one frozen model per YAML file. Reads the file; starts nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from reid.augment import AugmentSettings
from reid.data import Layout
from reid.errors import DataError
from reid.metadata import Architecture, first_error
from reid.objective import ObjectiveSettings
from reid.preprocess import Preprocessing

Form = TypeVar("Form", bound=BaseModel)

RECIPES = Path(__file__).with_name("configs")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DomainConfig(_Section):
    """One data set."""

    layout: Layout = Field("pattern", description="How its files are laid out; only training parts are learned from.")
    pattern: str | None = Field(None, description="For `pattern`: name of one for file names, or a regular expression.")
    split: str | None = Field(None, description="For `pattern`: file below the data folder, names the pictures to use.")
    pictures: str = Field(".", description="For `pattern`: folder of pictures, below the data folder.")
    labels: str | None = Field(None, description="For `pattern`: JSON below the data folder, each vehicle's class.")
    share: float = Field(1.0, gt=0, description="Relative share of the pictures in a batch.")
    pictures_each: int | None = Field(None, ge=2, description="K here, where vehicles have fewer pictures than K.")
    select: int = Field(40, ge=0, description="Vehicles held out to follow and compare runs; 2 or more, or none.")
    calibrate: int = Field(40, ge=0, description="Vehicles held out to fit the calibration; 2 or more, or none.")
    drop_singletons: bool = Field(False, description="Leave out vehicles with one picture instead of refusing.")

    @model_validator(mode="after")
    def _one_vehicle_shows_nothing(self) -> Self:
        for key in ("select", "calibrate"):
            if getattr(self, key) == 1:
                raise ValueError(f"{key} must be 2 or more, or 0")
        return self

    @model_validator(mode="after")
    def _keys_belong_to_the_layout(self) -> Self:
        if self.layout == "pattern" and self.pattern is None:
            raise ValueError("the layout `pattern` needs a pattern")
        of_pattern = {"pattern": None, "split": None, "labels": None, "pictures": "."}
        strange = [key for key, absent in of_pattern.items() if getattr(self, key) != absent]
        if self.layout != "pattern" and strange:
            raise ValueError(f"{', '.join(strange)} belongs to the layout `pattern`, not to `{self.layout}`")
        return self


class TrainConfig(_Section):
    """A whole run."""

    name: str = Field(description="Of the checkpoint's file.")
    seed: int = Field(0, ge=0, description="Of everything random.")
    start: str = Field(
        "none",
        description="Weights to start from: none, torchreid-zoo (downloads), a name in the model manifest, or a file.",
    )
    architecture: Architecture
    preprocessing: Preprocessing
    domains: dict[str, DomainConfig] = Field(description="Data sets by name; folders come from the command line.")
    augment: AugmentSettings = AugmentSettings()

    vehicles: int = Field(16, ge=2, description="P: vehicles in a batch.")
    pictures: int = Field(4, ge=2, description="K: pictures of each.")
    block: int = Field(1, ge=1, description="Vehicles, of K pictures each, that come together because they look alike.")
    batches: int = Field(50, ge=1, description="In an epoch.")
    balance: float = Field(0.5, ge=0, le=1, description="How far rare classes are lifted towards equal shares.")
    epochs: int = Field(10, ge=1)
    frozen: tuple[str, ...] = Field((), description="Stages of the backbone left as they were, statistics included.")
    warm_up: float = Field(0.1, ge=0, lt=1, description="Share of all steps in which the rate rises linearly from 0.")
    learning_rate: float = Field(5e-4, gt=0, description="Highest, for the backbone.")
    head_rate: float = Field(2.0, gt=0, description="The head learns this many times faster.")
    weight_decay: float = Field(0.02, ge=0)
    objective: ObjectiveSettings = ObjectiveSettings()
    averaging: float = Field(0.99, ge=0, lt=1, description="Decay per step of the averaged weights; they are judged.")
    of_start: float = Field(0.0, ge=0, lt=1, description="Share that the weights begun with keep in what is made.")
    clip: float = Field(5.0, gt=0, description="Largest norm of the gradient.")
    judge_every: int = Field(2, ge=1, description="Epochs between looks at the held-out vehicles.")
    workers: int = Field(0, ge=0, description="Processes that read pictures ahead; 0 reads between steps.")
    mixed_precision: bool = Field(True, description="Compute in 16 bits where there is a GPU.")
    full_precision: tuple[str, ...] = Field((), description="Stages in 32 bits even so, beside frozen ones.")
    tensorboard: bool = Field(True, description="Write TensorBoard's events beside the log.")

    @model_validator(mode="after")
    def _batches_can_be_drawn(self) -> Self:
        fewer = {name: domain.pictures_each for name, domain in self.domains.items() if domain.pictures_each}
        for name, each in fewer.items():
            if each > self.pictures:
                raise ValueError(f"domains.{name}.pictures_each is {each}, more than pictures, {self.pictures}")
        return self


def read_config(path: Path, changes: Mapping[str, Any] | None = None, changed_by: str = "with changes") -> TrainConfig:
    """Reads a run's YAML file.

    Args:
        path: The file.
        changes: Values to put in place of the file's, nested as it is.
        changed_by: Whose they are, named instead of the file where the file alone can be used.

    Raises:
        DataError: The file is missing or malformed, or changes make it so; the message names the key.
    """
    document = read_yaml(path)
    try:
        return TrainConfig.model_validate(merged(document, changes or {}))
    except ValidationError as exc:
        source = f"{changed_by} " if changes and _can_be_used(document) else f"{path}: "
        raise DataError(f"{source}{first_error(exc)}") from exc


def _can_be_used(document: Mapping[str, Any]) -> bool:
    try:
        TrainConfig.model_validate(document)
    except ValidationError:
        return False
    return True


def read_shipped(name: str, folder: Path, called: str, form: type[Form]) -> Form:
    """A file of ours by its name, or somebody's by its path.

    Args:
        name: Of a YAML file in ``folder``, or the path of one.
        folder: Where ours lie.
        called: What such a file is called in messages.
        form: What it must hold.

    Raises:
        DataError: There is none, or it is malformed; the message names the key.
    """
    shipped = {path.stem: path for path in sorted(folder.glob("*.yaml"))}
    path = shipped.get(name, Path(name))
    if not path.is_file():
        raise DataError(f"no {called} {name!r}; there are {', '.join(shipped)}, or give a file")
    try:
        return form.model_validate(read_yaml(path))
    except ValidationError as exc:
        raise DataError(f"{path}: {first_error(exc)}") from exc


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that holds a mapping.

    Raises:
        DataError: The file is missing, no YAML, or holds something else.
    """
    try:
        document = yaml.safe_load(path.read_text())
    except OSError as exc:
        raise DataError(f"cannot read {path}: {exc.strerror}") from exc
    except (yaml.YAMLError, UnicodeDecodeError) as exc:
        raise DataError(f"{path} is no YAML: {' '.join(str(exc).split())}") from exc
    if not isinstance(document, dict):
        raise DataError(f"{path} holds no keys and values")
    return document


def merged(document: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """A document with some values replaced.

    >>> merged({"a": {"b": 1, "c": 2}, "d": 3}, {"a": {"b": 5}})
    {'a': {'b': 5, 'c': 2}, 'd': 3}
    """
    result = dict(document)
    for key, value in changes.items():
        known = result.get(key)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def recipe_names() -> list[str]:
    """The recipes that are shipped."""
    return sorted(path.stem for path in RECIPES.glob("*.yaml"))


def recipe_path(name: str) -> Path:
    """The file of a shipped recipe.

    Raises:
        DataError: There is none of that name.
    """
    if name not in recipe_names():
        raise DataError(f"no recipe {name!r}; there are {', '.join(recipe_names())}")
    return RECIPES / f"{name}.yaml"
