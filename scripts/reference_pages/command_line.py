"""The command line as one page, from the Typer application itself: every command, argument, option and default."""

from __future__ import annotations

import enum
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference_pages.cells import cell

HEAD = """# Command line

Every command of `vreid`, made from the program itself. `--json`, where there is one, prints one document on standard
output and nothing else there; logs and failures go to standard error. A failure is one line and a non-zero exit status.

"""


def page() -> str:
    """The page's Markdown."""
    commands = list(_commands())
    index = ["| Command | What it does |", "|---|---|"]
    index += [f"| [`{path}`](#{path.replace(' ', '-')}) | {cell(_first(command.help))} |" for path, command in commands]
    return HEAD + "\n".join(index) + "\n\n" + "\n".join(_section(path, command) for path, command in commands)


def _commands() -> Iterator[tuple[str, Any]]:
    """Every command that does something, with the words that call it, in the order of the program's own help."""
    import typer

    from services.cli.main import app

    def walk(path: str, command: Any) -> Iterator[tuple[str, Any]]:
        below = getattr(command, "commands", None)
        if below is None:
            yield path, command
            return
        for name, each in below.items():
            yield from walk(f"{path} {name}", each)

    yield from walk("vreid", typer.main.get_command(app))


def _section(path: str, command: Any) -> str:
    arguments = [each for each in command.params if _is_argument(each)]
    options = [each for each in command.params if not _is_argument(each) and not each.hidden]
    usage = " ".join([path, "[OPTIONS]" if options else "", *(_placeholder(each) for each in arguments)]).split()
    lines = [f"## {path}", "", _paragraphs(command.help), "", "```text", " ".join(usage), "```", ""]
    if arguments:
        lines += ["| Argument | Value | Meaning |", "|---|---|---|"]
        lines += [f"| `{_placeholder(each)}` | {_value(each)} | {cell(each.help or '')} |" for each in arguments]
        lines.append("")
    if options:
        lines += ["| Option | Value | Default | Meaning |", "|---|---|---|---|"]
        lines += [f"| {_spelling(o)} | {_value(o)} | {_default(o)} | {cell(o.help or '')} |" for o in options]
        lines.append("")
    return "\n".join(lines)


def _is_argument(parameter: Any) -> bool:
    return not any(each.startswith("-") for each in parameter.opts)


def _placeholder(argument: Any) -> str:
    name = (argument.metavar or argument.name).upper().strip("[]")
    name += "..." if argument.nargs == -1 or argument.multiple else ""
    return name if argument.required else f"[{name}]"


def _spelling(option: Any) -> str:
    return ", ".join(f"`{each}`" for each in (*option.opts, *option.secondary_opts))


def _value(parameter: Any) -> str:
    kind = _kind(parameter.type_descriptor.annotation)
    if getattr(parameter, "count", False) or kind == "bool":
        return "switch"
    if parameter.multiple or parameter.nargs == -1:
        return f"{kind}, repeatable"
    bounds = _bounds(parameter)
    return f"{kind} {bounds}" if bounds else kind


def _bounds(parameter: Any) -> str:
    low, high = getattr(parameter, "min", None), getattr(parameter, "max", None)
    if low is None and high is None:
        return ""
    if high is None:
        return f"≥ {low}"
    return f"≤ {high}" if low is None else f"{low} to {high}"


def _kind(annotation: Any) -> str:
    """Name of a value's type, or the words that it may be."""
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated or origin in (list, tuple):
        return _kind(inner[0])
    if origin in (typing.Union, types.UnionType):
        return _kind(next(each for each in inner if each is not type(None)))
    if origin is typing.Literal:
        return ", ".join(f"`{each}`" for each in inner)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return ", ".join(f"`{each.value}`" for each in annotation)
    names = {str: "text", int: "number", float: "number", Path: "path", bool: "bool"}
    return names.get(annotation, getattr(annotation, "__name__", "text").lower())


def _default(option: Any) -> str:
    if option.required:
        return "required"
    value = option.default
    if callable(value) or value is None or value is False or value in ("", [], ()):
        return ""
    if value is True:
        return f"`{option.opts[0]}`" if option.secondary_opts else "on"
    values = value if isinstance(value, (list, tuple)) else [value]
    return ", ".join(f"`{each.value if isinstance(each, enum.Enum) else each}`" for each in values)


def _first(text: str | None) -> str:
    return " ".join((text or "").split("\n\n", maxsplit=1)[0].split())


def _paragraphs(text: str | None) -> str:
    parts = (text or "").replace("\b", "").split("\n\n")
    return "\n\n".join(" ".join(part.split()) for part in parts if part.strip())
