"""How commands speak: one JSON document on stdout, or words; a failure is one line on stderr and a non-zero exit."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

JsonFlag = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout; logs go to stderr.")]

#: Of a line that is never wrapped.
_ENDLESS = 1_000_000
_INDENT = " " * 4

# Reasons, actors and names come from outside: what they hold in brackets or between colons is text, never markup.
# In a pipe or a file a row stays on one line, so that it can be searched.
stdout = Console(markup=False, emoji=False, width=None if sys.stdout.isatty() else _ENDLESS)
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


def print_entries(columns: Sequence[str], rows: Iterable[Sequence[str]], below: Collection[str]) -> None:
    """Prints the entries of a log, each whole: what people copy out of it is never cut or folded.

    Where every row fits on a line, as in a pipe or a file, they are a table. On a narrower terminal each is a line of
    its short cells, and indented below it the others, broken between words only.

    Args:
        columns: Headings.
        rows: Cells, one per column each.
        below: Headings of the cells that go below.
    """
    entries = [[" ".join(cell.splitlines()) for cell in row] for row in rows]
    shown = table(*columns, whole=columns)
    for entry in entries:
        shown.add_row(*entry)
    if Measurement.get(stdout, stdout.options.update(width=_ENDLESS), shown).maximum <= stdout.width:
        stdout.print(shown)
        return
    for number, shown_cells in enumerate([columns, *entries]):
        cells = list(zip(columns, shown_cells, strict=True))
        first = "  ".join(cell for name, cell in cells if name not in below)
        others = "  ".join(cell for name, cell in cells if name in below)
        lines = textwrap.wrap(
            others,
            stdout.width,
            initial_indent=_INDENT,
            subsequent_indent=_INDENT,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in (first, *lines):
            stdout.print(line, style="" if number else "dim", soft_wrap=True)


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
