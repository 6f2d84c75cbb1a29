"""What ``--data`` and ``--set`` say, as changes to a configuration. Reads no pictures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from services.errors import InputError

DataOption = Annotated[
    list[str] | None,
    typer.Option(
        "--data",
        metavar="NAME=DIR[:FORMAT]",
        help="A data set: its name in the recipe, its folder, and how it is laid out where the recipe says otherwise: "
        "veri, vehicleid, veriwild, cityflow, market, inshop, pattern:veri or pattern:pairs.",
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
    """One ``--data``: a data set's name, folder, and format if given."""

    name: str
    folder: Path
    format: str | None


def parse_data(items: Iterable[str], *, named: bool = True) -> list[DataArgument]:
    """Reads ``--data`` arguments.

    Args:
        items: ``NAME=DIR[:FORMAT]`` each; ``DIR[:FORMAT]`` as well unless ``named``.
        named: Refuse what has no name.

    Raises:
        InputError: One is malformed, its folder or format does not exist, or a name occurs twice.
    """
    found: dict[str, DataArgument] = {}
    for item in items:
        name, equals, rest = item.partition("=")
        if not equals:
            name, rest = ("" if named else UNNAMED), item
        if not name or not rest:
            raise InputError(f"--data {item}: write NAME=DIR or NAME=DIR:FORMAT")
        if name in found:
            raise InputError(f"--data {item}: {name} was given before")
        found[name] = DataArgument(name, *_folder(item, rest))
    return list(found.values())


def _folder(item: str, rest: str) -> tuple[Path, str | None]:
    if Path(rest).is_dir():
        return Path(rest), None
    colons = [place for place, letter in enumerate(rest) if letter == ":"]
    for place in reversed(colons):  # Folders may have colons in their names, and formats as well.
        folder, named = Path(rest[:place]), rest[place + 1 :]
        if folder.is_dir():
            known = _formats()
            if named not in known:
                raise InputError(f"--data {item}: no format {named!r}; there are {', '.join(known)}")
            return folder, named
    raise InputError(f"--data {item}: no folder {rest}")


def _formats() -> dict[str, dict[str, str]]:
    """What each format means in a recipe's domain: a published layout, or a folder whose file names tell."""
    from reid.data import LAYOUTS, PATTERNS

    published = {layout: {"layout": str(layout)} for layout in LAYOUTS if layout != "pattern"}
    return published | {f"pattern:{name}": {"layout": "pattern", "pattern": name} for name in PATTERNS}


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

    With a format the recipe's pattern, split, labels and sub-folder are dropped: they belong to another folder.

    Args:
        arguments: As parsed.
        known: The configuration's domains.

    Raises:
        InputError: A data set is in no domain and its format was not said.
    """
    changes: dict[str, Any] = {}
    for argument in arguments:
        if argument.format is not None:
            dropped = {"pattern": None, "split": None, "labels": None, "pictures": "."}
            changes[argument.name] = dropped | _formats()[argument.format]
        elif argument.name not in known:
            raise InputError(
                f"--data {argument.name}={argument.folder}: the recipe knows {', '.join(map(str, known)) or 'none'}; "
                f"of another data set say the format: {argument.name}={argument.folder}:FORMAT"
            )
    return changes
