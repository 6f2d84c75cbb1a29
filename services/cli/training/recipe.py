"""What a command works with: a shipped recipe or a file, with what the command line changes, and the pictures given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.training.data import DataArgument, domain_changes, parse_data, parse_settings
from services.errors import InputError

if TYPE_CHECKING:
    from reid.config import TrainConfig
    from reid.data import Sample

RecipeOption = Annotated[str | None, typer.Option("--recipe", metavar="NAME", help="A recipe that is shipped.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="A recipe of your own, YAML.")]


def recipe_file(recipe: str | None, config: Path | None) -> Path:
    """The YAML file meant; the default recipe where neither is given.

    Raises:
        InputError: Both are given.
        reid.errors.DataError: There is no such recipe.
    """
    from reid.config import recipe_path

    if recipe is not None and config is not None:
        raise InputError("give --recipe or --config, not both")
    return config if config is not None else recipe_path(recipe or "default")


def configured(path: Path, arguments: Sequence[DataArgument], settings: Sequence[str]) -> TrainConfig:
    """The configuration in a file, with what ``--data`` and ``--set`` change.

    Raises:
        InputError: An argument is malformed, a data set is in no domain, or the file has no domains by name.
        reid.errors.DataError: The file, or the result, is malformed.
    """
    from reid.config import read_config, read_yaml

    domains = read_yaml(path).get("domains") or {}
    if not isinstance(domains, dict):
        raise InputError(f"{path}: domains must be data sets by name")
    changes = changes_of(arguments, settings, domains)
    return read_config(path, changes, "--set" if settings else "--data")


def changes_of(arguments: Sequence[DataArgument], settings: Sequence[str], domains: dict[str, Any]) -> dict[str, Any]:
    """What ``--data`` and ``--set`` change in a configuration that knows ``domains``.

    Raises:
        InputError: An argument is malformed, or a data set is in no domain.
    """
    from reid.config import merged

    return merged({"domains": domain_changes(arguments, domains)}, parse_settings(settings))


def pictures_given(data: Sequence[str], recipe: str | None, config: Path | None) -> list[Sample]:
    """The pictures that ``--data`` names and that may be learned from, each set read as its domain in the recipe says.

    Raises:
        InputError: An argument is malformed, or a data set is in no domain.
        reid.errors.DataError: There is no such recipe, or a data set cannot be used.
    """
    from reid.parts import read_domain

    arguments = parse_data(data, named=False)
    domains = configured(recipe_file(recipe, config), arguments, []).domains
    return [sample for a in arguments for sample in read_domain(a.name, a.folder, domains[a.name])]
