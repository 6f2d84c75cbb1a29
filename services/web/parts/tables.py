"""A plain table that a screen reader reads and that a narrow screen scrolls. Sorts and pages nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.web.parts.dialogs import labelled
from services.web.parts.drawn import Drawn
from services.web.parts.markup import cells, joined, table_of, tag


def table(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Draws it.

    Args:
        name: For assistive technology.
        columns: Headings.
        rows: Texts, as many as columns.
    """
    drawn = Drawn()
    labelled(drawn.element.classes("vr-scroll").props('tabindex="0" role="region"'), name)
    drawn.show(table_of(name, tuple(columns), joined(*(tag("tr", cells(*row)) for row in rows))))
