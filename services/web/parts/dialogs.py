"""Dialogs that several pages open: is this really meant, and what is to be watched for. They ask; pages act."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from nicegui import ui

from detector.types import COLOURS, VehicleClass
from services.matcher.types import SearchFilter
from services.web.texts import _

MAX_NAME = 80
MAX_REASON = 500


def heading(text: str, level: int = 2) -> ui.label:
    """A heading that assistive technology knows as one."""
    return ui.label(text).classes("text-h6").props(f'role="heading" aria-level="{level}"')


Labelled = TypeVar("Labelled", bound=ui.element)


def labelled(element: Labelled, text: str) -> Labelled:
    """Gives an element a name for assistive technology, whatever characters it holds."""
    element.props["aria-label"] = text
    return element


async def confirmed(title: str, text: str, action: str, *, reason: bool = False) -> str | None:
    """Asks whether something is really meant.

    Args:
        title: What is about to happen.
        text: What that means.
        action: On the button that does it.
        reason: A reason must be given.

    Returns:
        The reason, "" where none was asked for; None where it is not meant.
    """
    with labelled(ui.dialog(), title) as dialog, ui.card():
        heading(title)
        ui.label(text)
        why = ui.input(_("Reason, for the audit log")).props(f"autofocus maxlength={MAX_REASON}").classes("w-full")
        why.visible = reason

        def answer() -> None:
            given = " ".join(str(why.value or "").split())
            if reason and not given:
                ui.notify(_("Give a reason."))
                return
            dialog.submit(given)

        with ui.row().classes("w-full justify-end"):
            ui.button(_("Cancel"), on_click=lambda: dialog.submit(None)).props("flat no-caps")
            ui.button(action, on_click=answer).props("no-caps color=negative")
    said: str | None = await dialog
    if not dialog.is_deleted:  # as it is when the page was left meanwhile
        dialog.delete()
    return said


@dataclass(frozen=True, slots=True)
class Watch:
    """What a standing query is to be."""

    name: str
    min_probability: float
    wanted: SearchFilter


async def what_to_watch(cameras: list[str], suggested: str, begin: SearchFilter | None = None) -> Watch | None:
    """Asks how a standing query is to be called and what raises an alert.

    Args:
        cameras: Of the site.
        suggested: A name.
        begin: A filter to begin with; its span is left aside.

    Returns:
        None where nothing is to be watched.
    """
    begin = begin or SearchFilter()
    title = _("Watch for this vehicle")
    with labelled(ui.dialog(), title) as dialog, ui.card().classes("w-96"):
        heading(title)
        name = ui.input(_("Name"), value=suggested).props(f"autofocus maxlength={MAX_NAME}").classes("w-full")
        least = ui.number(_("Alert from this probability on, %"), value=80, min=1, max=100, step=1).classes("w-full")
        places = filter_select(cameras, _("Cameras"), sorted(begin.camera_ids))
        kinds = filter_select({k: k.name.lower() for k in VehicleClass}, _("Classes"), sorted(begin.classes))
        colours = filter_select(list(COLOURS), _("Colours"), sorted(begin.colours))

        def answer() -> None:
            called = " ".join(str(name.value or "").split())
            if not called or least.value is None or not 0 < least.value <= 100:
                ui.notify(_("Give a name and a probability."))
                return
            wanted = SearchFilter(
                camera_ids=frozenset(places.value or ()),
                classes=frozenset(kinds.value or ()),
                colours=frozenset(colours.value or ()),
            )
            dialog.submit(Watch(called, float(least.value) / 100, wanted))

        with ui.row().classes("w-full justify-end"):
            ui.button(_("Cancel"), on_click=lambda: dialog.submit(None)).props("flat no-caps")
            ui.button(_("Watch"), icon="notifications_active", on_click=answer).props("no-caps")
    said: Watch | None = await dialog
    if not dialog.is_deleted:  # as it is when the page was left meanwhile
        dialog.delete()
    return said


def filter_select(options: object, label: str, value: object = ()) -> ui.select:
    """A list of which any number may be chosen; none means all."""
    chosen = ui.select(options, multiple=True, label=label, value=value or [])  # type: ignore[arg-type]
    return chosen.props(f'use-chips clearable dense aria-label="{label}"').classes("w-full")
