"""Every `vreid …` in any document is one that the program knows: command, options, number of arguments."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import typer
from documents import ROOT, commands, documents, guides, spans, words


@cache
def program() -> Any:
    from services.cli.main import app

    return typer.main.get_command(app)


def complaint(line: list[str], *, whole: bool) -> str:
    """What is wrong with a command line; empty where nothing is. Of a fragment arguments may be missing."""
    command, rest = program(), line[1:]
    while hasattr(command, "commands"):
        if not rest or rest[0].startswith("-"):
            # `vreid --version`, `vreid bench --help`; a group named in running text
            return "" if not whole or rest[:1] in (["--help"], ["--version"]) else "no command"
        if rest[0] not in command.commands:
            return "" if not whole and rest[0] in ("…", "...") else f"no command {rest[0]!r}"
        command, rest = command.commands[rest[0]], rest[1:]
    return _options(command, rest, whole=whole)


def _options(command: Any, rest: list[str], *, whole: bool) -> str:
    flags = {name: p for p in command.params for name in (*p.opts, *p.secondary_opts) if name.startswith("-")}
    given, seen, position = 0, set(), 0
    while position < len(rest):
        name, equals, _ = rest[position].partition("=")
        position += 1
        if not name.startswith("-") or re.match(r"-\d", name):
            given += 1
        elif name in ("--help", "-h"):
            return ""
        elif name not in flags:
            return f"no option {name}"
        else:
            seen.add(flags[name].name)
            position += 0 if equals or flags[name].type_descriptor.annotation is bool else 1
    if position > len(rest) and whole:
        return "an option has no value"
    return _count(command, given, seen, whole=whole)


def _count(command: Any, given: int, seen: set[str], *, whole: bool) -> str:
    """What is wrong with the number of arguments, or which option that must be is not."""
    wanted = [p for p in command.params if not p.opts[0].startswith("-")]
    if given > len(wanted) and not any(p.nargs == -1 or p.multiple for p in wanted):
        return f"{given} arguments, at most {len(wanted)}"
    if whole and given < sum(p.required for p in wanted):
        return "an argument is missing"
    missing = [p.opts[0] for p in command.params if p not in wanted and p.required and p.name not in seen]
    return f"{missing[0]} is missing" if whole and missing else ""


def alternatives(text: str) -> list[str]:
    """The commands that running text means by `vreid bench a|b` and `vreid a [--json]`."""
    text = text.removeprefix(".venv/bin/").replace("[", "").replace("]", "")
    several = re.search(r"[\w-]+(?:\|[\w-]+)+", text)
    return [text.replace(several[0], each, 1) for each in several[0].split("|")] if several else [text]


@pytest.mark.parametrize("path", guides(), ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_blocks(path: Path) -> None:
    said = [(line, words(line.text)) for line in commands(path) if line.text.startswith("vreid ")]
    wrong = [(f"{line}", complaint(each, whole=True)) for line, each in said]
    assert [each for each in wrong if each[1]] == []


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_in_text(path: Path) -> None:
    said = [(span, words(each.replace(" …", ""))) for span in spans(path) for each in alternatives(span.text)]
    wrong = [(f"{span}", complaint(each, whole=False)) for span, each in said]
    assert [each for each in wrong if each[1]] == []


def test_every_command_says_what_it_does() -> None:
    """Each has help of its own, and each option and argument too."""

    def walk(name: str, command: Any) -> list[str]:
        below = getattr(command, "commands", {})
        silent = [f"{name}: no help"] if not command.help else []
        if not below:
            silent += [f"{name} {p.name}: no help" for p in command.params if not p.help and not p.hidden]
        return silent + [each for key, value in below.items() for each in walk(f"{name} {key}", value)]

    assert walk("vreid", program()) == []


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("vreid query a.png -k 3", ""),
        ("vreid query", "an argument is missing"),
        ("vreid query a.png --wrong", "no option --wrong"),
        ("vreid qwery a.png", "no command 'qwery'"),
        ("vreid identity merge a b c", "3 arguments, at most 2"),
        ("vreid evaluate mtmc --truth a", "--predicted is missing"),
        ("vreid query a.png -k", "an option has no value"),
    ],
)
def test_what_is_wrong_is_seen(line: str, wrong: str) -> None:
    assert complaint(line.split(), whole=True) == wrong
