"""What ``--data`` and ``--set`` say, as changes to a configuration. Reads no pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
import yaml

from services.errors import InputError

if TYPE_CHECKING:
    from reid.config import DomainConfig
    from reid.data import Sample

DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="NAME=DIR[:FORMAT]",
        help="A data set: its name in the recipe, its folder, and the format of its file names where that is another.",
    ),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Replace a value of the recipe, e.g. objective.miner=batch-all."),
]

#: Name of a data set that is given without one.
UNNAMED = "data"


@dataclass(frozen=True, slots=True)
class DataArgument:
    """One ``--data``: a data set's name, folder, and file-name format if given."""

    name: str
    folder: Path
    format: str | None


def parse_data(items: Iterable[str], formats: Iterable[str], *, named: bool = True) -> list[DataArgument]:
    """Reads ``--data`` arguments.

    Args:
        items: ``NAME=DIR[:FORMAT]`` each; ``DIR[:FORMAT]`` as well unless ``named``.
        formats: Names that may stand behind the colon.
        named: Refuse what has no name.

    Raises:
        InputError: One is malformed, its folder or format does not exist, or a name occurs twice.
    """
    known = list(formats)
    found: dict[str, DataArgument] = {}
    for item in items:
        name, equals, rest = item.partition("=")
        if not equals:
            name, rest = ("" if named else UNNAMED), item
        if not name or not rest:
            raise InputError(f"--data {item}: write NAME=DIR or NAME=DIR:FORMAT")
        if name in found:
            raise InputError(f"--data {item}: {name} was given before")
        found[name] = DataArgument(name, *_folder(item, rest, known))
    return list(found.values())


def _folder(item: str, rest: str, known: Sequence[str]) -> tuple[Path, str | None]:
    if Path(rest).is_dir():
        return Path(rest), None
    head, colon, format_name = rest.rpartition(":")
    if not colon or not Path(head).is_dir():
        raise InputError(f"--data {item}: no folder {head or rest}")
    if format_name not in known:
        raise InputError(f"--data {item}: no format {format_name!r}; there are {', '.join(known)}")
    return Path(head), format_name


def parse_settings(items: Iterable[str]) -> dict[str, Any]:
    """Reads ``--set`` arguments: dotted keys, YAML values.

    Raises:
        InputError: One is malformed.

    >>> parse_settings(["epochs=3", "objective.miner=batch-all"])
    {'epochs': 3, 'objective': {'miner': 'batch-all'}}
    """
    changes: dict[str, Any] = {}
    for item in items:
        key, equals, text = item.partition("=")
        if not equals or not all(key.split(".")):
            raise InputError(f"--set {item}: write KEY=VALUE")
        try:
            value = yaml.safe_load(text)
        except yaml.YAMLError as exc:
            raise InputError(f"--set {item}: the value is no YAML") from exc
        *path, last = key.split(".")
        section = changes
        for part in path:
            section = section.setdefault(part, {})
            if not isinstance(section, dict):
                raise InputError(f"--set {item}: {part} was given a value before")
        section[last] = value
    return changes


def domain_changes(arguments: Iterable[DataArgument], known: Mapping[str, Any]) -> dict[str, Any]:
    """What the data sets given change in a configuration's ``domains``.

    A format stands for a plain folder of pictures: the recipe's split, labels and sub-folder are dropped with it.

    Args:
        arguments: As parsed.
        known: The configuration's domains.

    Raises:
        InputError: A data set is in no domain and its format was not said.
    """
    changes: dict[str, Any] = {}
    for argument in arguments:
        if argument.format is not None:
            changes[argument.name] = {"pattern": argument.format}
            if argument.name in known:
                changes[argument.name] |= {"split": None, "labels": None, "pictures": "."}
        elif argument.name not in known:
            raise InputError(
                f"--data {argument.name}={argument.folder}: the recipe knows {', '.join(known)}; "
                f"of another data set say the format: {argument.name}={argument.folder}:FORMAT"
            )
    return changes


def read_pictures(arguments: Iterable[DataArgument], domains: Mapping[str, DomainConfig]) -> list[Sample]:
    """All pictures of the data sets given, each read as its domain says.

    Raises:
        reid.errors.DataError: A data set cannot be used.
    """
    from reid.parts import read_domain

    return [s for argument in arguments for s in read_domain(argument.name, argument.folder, domains[argument.name])]
