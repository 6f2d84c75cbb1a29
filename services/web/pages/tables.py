"""A plain table that a screen reader reads and that a narrow screen scrolls. Sorts and pages nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nicegui import ui

from services.web.pages.dialogs import labelled


def table(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Draws it.

    Args:
        name: For assistive technology.
        columns: Headings.
        rows: Texts, as many as columns.
    """
    with (
        labelled(ui.element("div").classes("vr-scroll").props('tabindex="0" role="region"'), name),
        labelled(ui.element("table").classes("vr-table"), name),
    ):
        with ui.element("thead"), ui.element("tr"):
            for column in columns:
                with ui.element("th").props('scope="col"'):
                    ui.label(column)
        with ui.element("tbody"):
            for row in rows:
                with ui.element("tr"):
                    for text in row:
                        with ui.element("td"):
                            ui.label(text)
