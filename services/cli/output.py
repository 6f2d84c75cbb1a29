"""How commands speak: one JSON document on stdout, or words; a failure is one line on stderr and a non-zero exit."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.table import Table

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout; logs go to stderr.")]

# Reasons, actors and names come from outside: what they hold in brackets or between colons is text, never markup.
stdout = Console(markup=False, emoji=False)
stderr = Console(stderr=True, markup=False, emoji=False)


def table(*columns: str, whole: Collection[str] = ("identity", "sighting")) -> Table:
    """A table without rules, so that it fits a terminal of 80 columns.

    Args:
        columns: Headings; none for a table of names and values.
        whole: Headings whose cells are never cut or folded: what a person copies.
    """
    made = Table(box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0), show_header=bool(columns))
    for name in columns:
        made.add_column(name, no_wrap=name in whole, overflow="fold")
    return made


def emit(document: Any, *, as_json: bool, render: Callable[[Any], None] | None = None) -> None:
    """Prints a result.

    Args:
        document: JSON-serialisable.
        as_json: Print it as JSON; otherwise hand it to ``render``.
        render: Shows it to a person; without one the JSON is pretty-printed.
    """
    if as_json:
        sys.stdout.write(json.dumps(document, allow_nan=False) + "\n")
    elif render is not None:
        render(document)
    else:
        stdout.print_json(data=document)


def fail(message: str, *, code: int = 1) -> NoReturn:
    """Ends the command with a one-line message on stderr."""
    sys.stderr.write(f"vreid: {' '.join(message.split())}\n")
    raise typer.Exit(code)
