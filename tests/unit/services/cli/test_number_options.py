"""Options that take a number: no command goes on with one that is not finite, or ends in a traceback over it."""

from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from services.cli.main import app

ROOT = typer.main.get_command(app)
#: Options without bounds of their own: the command's settings refuse what they cannot use.
REFUSED_BY_SETTINGS = {("camera add", "--max-fps"), ("evaluate association", "--rank1")}


def options(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    for child, found in getattr(command, "commands", {}).items():
        yield from options(found, f"{name} {child}".strip())
    yield from ((name, option) for option in command.params)


def test_numbers_have_bounds_at_both_ends():
    numbers = [(name, option) for name, option in options(ROOT) if "float" in str(option.type_descriptor)]

    open_ended = {(name, option.opts[0]) for name, option in numbers if None in (option.min, option.max)}

    assert len(numbers) > 20
    assert open_ended == REFUSED_BY_SETTINGS


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "-4", "0"])
def test_vehicles_a_minute_are_a_positive_number(tmp_path, value):
    asked = ["simulate", "traffic", "--place", "corridor", "--per-minute", value, "--out", str(tmp_path / "out")]

    result = CliRunner().invoke(app, asked)

    assert result.exit_code == 2
    assert "--per-minute" in result.stderr
