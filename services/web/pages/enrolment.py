"""The dialog that puts a vehicle into the gallery by hand. Asks and enrols; draws no list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from detector.types import COLOURS, VehicleClass
from services.errors import VreidError
from services.types import MAX_EXEMPLARS
from services.web.parts.dialogs import heading, labelled
from services.web.parts.frame import told
from services.web.parts.naming import meant
from services.web.parts.uploads import drop_zone
from services.web.site import Site
from services.web.texts import _, counted
from services.web.visitor import Role, require

_FOUND = ""


async def enrol_dialog(site: Site, enrolled: Callable[[], Awaitable[None]]) -> None:
    """Asks for pictures of one vehicle and enrols it; calls ``enrolled`` where that was done."""
    pictures: list[bytes] = []
    title = _("Enrol a vehicle")
    with labelled(ui.dialog(), title) as dialog, ui.card().classes("w-96"):
        heading(title)
        ui.label(_("It does not expire, and searches find it from now on.")).classes("text-caption")

        async def take(_name: str, image: bytes) -> None:
            pictures.append(image)
            said.text = counted("{n} picture", "{n} pictures", len(pictures))

        drop_zone(_("Pictures of the vehicle, at most 4"), take, most=MAX_EXEMPLARS, needed=Role.OPERATOR)
        said = ui.label().props('role="status" aria-live="polite"')
        identity = ui.input(_("Id, or its end, of a vehicle it belongs to; empty for a new one")).classes("w-full")
        kinds = {_FOUND: _("as found in the picture")} | {k.name: k.name.lower() for k in VehicleClass}
        kind = labelled(ui.select(kinds, value=_FOUND, label=_("Class")).classes("w-full"), _("Class"))
        shades = {_FOUND: _("as found in the picture")} | {c: c for c in COLOURS}
        colour = labelled(ui.select(shades, value=_FOUND, label=_("Colour")).classes("w-full"), _("Colour"))

        async def enrol() -> None:
            try:
                require(Role.OPERATOR)
                done = await site.ask(
                    site.client.gallery_enroll,
                    pictures[:MAX_EXEMPLARS],
                    identity_id=await meant(site, str(identity.value or "").strip()),
                    vehicle_class=VehicleClass[kind.value] if kind.value else None,
                    colour=str(colour.value or ""),
                )
            except VreidError as exc:
                told(exc)
                return
            dialog.submit(done.identity_id)

        with ui.row().classes("w-full justify-end"):
            ui.button(_("Cancel"), on_click=lambda: dialog.submit("")).props("flat no-caps")
            ui.button(_("Enrol"), icon="bookmark_add", on_click=enrol).props("no-caps")
    done = await dialog
    if not dialog.is_deleted:  # as it is when the page was left meanwhile
        dialog.delete()
    if done:
        ui.notify(f"{_('Enrolled as')} {done}", type="positive")
        await enrolled()
