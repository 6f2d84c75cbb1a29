"""Cards that several pages show: an identity, a match."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from services.matcher.types import IdentityDetail
from services.types import Match
from services.web.drawing import clock, colour_of, short
from services.web.texts import _


def identity_card(detail: IdentityDetail) -> None:
    """A vehicle with its best picture, where it was and when."""
    record = detail.record
    with (
        ui.link(target=f"/identity/{record.identity_id}").classes("vr-plain"),
        ui.card().classes("q-pa-sm"),
    ):
        if detail.best_sighting_id:
            crop_picture(detail.best_sighting_id, _("Vehicle") + " " + short(record.identity_id))
        with ui.row().classes("items-center gap-1"):
            ui.icon("circle").style(f"color: {colour_of(record.identity_id)}")
            ui.label(short(record.identity_id)).classes("text-weight-medium")
            ui.badge(record.status or "?").props("outline color=primary")
        ui.label(" → ".join(record.cameras)).classes("text-caption")
        ui.label(f"{clock(record.first_seen_ns)} - {clock(record.last_seen_ns)}").classes("text-caption")


def match_card(match: Match, not_this: Callable[[Match], Awaitable[None]]) -> None:
    """A sighting that looks like what was asked for."""
    with ui.card().classes("q-pa-sm"):
        crop_picture(match.sighting_id, _("Match at") + " " + match.camera_id)
        with ui.row().classes("items-center w-full"):
            ui.label(f"{match.probability:.0%}").classes("text-h6")
            ui.label(f"{_('similarity')} {match.similarity:.2f}").classes("text-caption")
        ui.linear_progress(match.probability, show_value=False).props(f'aria-label="{_("probability")}"')
        ui.label(f"{match.camera_id} · {clock(match.first_seen_ns)} - {clock(match.last_seen_ns)}").classes(
            "text-caption"
        )
        with ui.row().classes("gap-1"):
            if match.identity_id:
                ui.button(short(match.identity_id), icon="directions_car").props(
                    f'flat dense no-caps type=a href="/identity/{match.identity_id}"'
                )
            ui.button(_("Not this one"), icon="block", on_click=lambda: not_this(match)).props("flat dense no-caps")


def crop_picture(sighting_id: str, alt: str, index: int = 0) -> ui.element:
    """A stored picture of a sighting."""
    image = ui.element("img").classes("vr-crop")
    image.props(f'src="/media/picture/{sighting_id}/{index}" alt="{alt}" loading=lazy')
    return image
