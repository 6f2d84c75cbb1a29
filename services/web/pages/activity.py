"""What happens now: the vehicles seen last, and the newest events. Reads, changes nothing."""

from __future__ import annotations

from nicegui import ui

from services.errors import VreidError
from services.rpc.convert_console import SiteEvent
from services.web.drawing import clock, short
from services.web.pages.cards import identity_card
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
    "identity.deleted": _("vehicle removed"),
    "model.rolled": _("model of the site changed"),
}
_ICONS = {"identity.merged": "call_merge", "identity.split": "call_split", "identity.created": "fiber_new"}


async def activity(site: Site) -> None:
    """The page's content."""
    follows = ui.switch(_("Follow what happens"), value=True)
    with ui.row().classes("w-full no-wrap items-start gap-4 vr-wrap-lg"):
        with ui.column().classes("w-full vr-wide-lg"):
            ui.label(_("Vehicles seen last")).classes("text-h6").props('role="heading" aria-level="2"')
            vehicles = ui.element("div").classes("vr-grid").style("--vr-least: 200px")
        with ui.column().classes("w-full vr-narrow-lg"):
            ui.label(_("Events")).classes("text-h6").props('role="heading" aria-level="2"')
            events = ui.list().props("dense separator").classes("w-full")
    shown = [-1]

    async def refresh() -> None:
        if shown[0] >= 0 and (site.changes == shown[0] or not follows.value):
            return
        shown[0] = site.changes
        try:
            pictured, _total = await site.ask(site.client.identity_list, _VEHICLES)
        except VreidError:
            return
        vehicles.clear()
        with vehicles:
            for detail in pictured:
                identity_card(detail)
            if not pictured:
                ui.label(_("No vehicle has been seen yet."))
        events.clear()
        with events:
            for event in list(site.events)[:_EVENTS]:
                _event(event)

    await refresh()
    ui.timer(1.5, refresh)


def _event(event: SiteEvent) -> None:
    with ui.item():
        with ui.item_section().props("side"):
            ui.icon(_ICONS.get(event.kind, "directions_car"))
        with ui.item_section():
            with ui.item_label():
                ui.label(_NAMES.get(event.kind, event.kind) + (f" · {event.status}" if event.status else ""))
            if event.identity_id:
                other = f" ← {short(event.other_identity_id)}" if event.other_identity_id else ""
                ui.link(short(event.identity_id) + other, f"/identity/{event.identity_id}").classes("vr-link")
        with ui.item_section().props("side"):
            ui.label(clock(event.at_ns)).classes("text-caption")
