"""What happens now: the vehicles seen last, and the newest events. Reads, changes nothing."""

from __future__ import annotations

from nicegui import ui

from services.errors import VreidError
from services.rpc.convert_console import SiteEvent
from services.web.drawing import clock, short
from services.web.parts.cards import fetch_early, identity_card
from services.web.parts.drawn import Drawn
from services.web.parts.markup import Html, icon, joined, link, tag
from services.web.site import Site
from services.web.texts import _

_VEHICLES = 24
_EVENTS = 60
_NAMES = {
    "sighting.decided": _("decided"),
    "sighting.deleted": _("sighting removed"),
    "identity.created": _("new vehicle"),
    "identity.merged": _("merged"),
    "identity.split": _("split"),
    "identity.unmerged": _("apart again"),
    "identity.enrolled": _("kept, or no longer"),
    "identity.deleted": _("vehicle removed"),
    "model.rolled": _("model of the site changed"),
}
_ICONS = {
    "identity.merged": "call_merge",
    "identity.split": "call_split",
    "identity.unmerged": "undo",
    "identity.created": "fiber_new",
}
#: Where something goes to the other vehicle; elsewhere it comes from there.
_AWAY = {"identity.split", "identity.unmerged"}


async def activity(site: Site) -> None:
    """The page's content."""
    follows = ui.switch(_("Follow what happens"), value=True)
    with ui.row().classes("w-full no-wrap items-start gap-4 vr-wrap-lg"):
        with ui.column().classes("w-full vr-wide-lg"):
            ui.label(_("Vehicles seen last")).classes("text-h6").props('role="heading" aria-level="2"')
            vehicles = Drawn()
            vehicles.element.classes("vr-grid").style("--vr-least: 200px")
        with ui.column().classes("w-full vr-narrow-lg"):
            ui.label(_("Events")).classes("text-h6").props('role="heading" aria-level="2"')
            events = Drawn()
            events.element.classes("w-full").props("role=list")
    shown = [-1]

    async def refresh() -> None:
        if shown[0] >= 0 and (site.changes == shown[0] or not follows.value):
            return
        first, shown[0] = shown[0] < 0, site.changes
        try:
            pictured, _total = await site.ask(site.client.identity_list, _VEHICLES)
        except VreidError:
            return
        if first:
            fetch_early(detail.best_sighting_id for detail in pictured)
        none = tag("div", _("No vehicle has been seen yet."))
        vehicles.show(joined(*map(identity_card, pictured)) if pictured else none)
        events.show(joined(*map(_event, list(site.events)[:_EVENTS])))

    await refresh()
    ui.timer(1.5, refresh)


def _event(event: SiteEvent) -> Html:
    said = _NAMES.get(event.kind, event.kind) + (f" · {event.status}" if event.status else "")
    arrow = "→" if event.kind in _AWAY else "←"
    other = f" {arrow} {short(event.other_identity_id)}" if event.other_identity_id else ""
    vehicle = link(short(event.identity_id) + other, f"/identity/{event.identity_id}") if event.identity_id else ""
    return tag(
        "div",
        icon(_ICONS.get(event.kind, "directions_car")),
        tag("div", tag("div", said), vehicle, class_="grow"),
        tag("span", clock(event.at_ns), class_="text-caption"),
        class_="vr-event",
        role="listitem",
    )
