"""What looks wrong in the gallery, on demand: one vehicle under two ids, two under one, parked vehicles seen twice.

Shows and, where an operator says so, mends one by one. Decides nothing by itself.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from nicegui import ui

from services.client import MatcherClient
from services.errors import VreidError
from services.identity.codec import decode_sighting
from services.matcher.findings import Finding, findings
from services.web.drawing import short
from services.web.parts.cards import crop_picture
from services.web.parts.dialogs import heading
from services.web.parts.frame import told
from services.web.site import Site
from services.web.texts import _, counted
from services.web.visitor import Role, guarded, require

_NAMES = {
    "duplicate": _("Two ids look like one vehicle"),
    "bimodal": _("One id looks like two vehicles"),
    "parked": _("A parked vehicle was seen twice"),
    "stray": _("A picture looks unlike its sighting"),
}


def look(client: MatcherClient, identity_ids: Sequence[str]) -> list[tuple[Finding, tuple[str, ...]]]:
    """What looks wrong among some vehicles, each with sightings to show it by."""
    if not identity_ids:
        return []
    held = [
        (decode_sighting(exported.fields), exported.identity_id)
        for chunk in client.gallery_export(identity_ids)
        for exported in chunk.sightings
    ]
    best: dict[str, tuple[float, str]] = {}
    for sighting, identity_id in held:
        best[identity_id] = max(best.get(identity_id, (-1.0, "")), (sighting.quality, sighting.sighting_id))
    found = []
    for finding in findings(held, client.calibration()):
        shown = dict.fromkeys([*(best[i][1] for i in finding.identity_ids if i in best), *finding.sighting_ids])
        found.append((finding, tuple(shown)[:4]))
    return found


class FindingsPanel:
    """The part of the page that shows findings."""

    def __init__(self, site: Site, named: Callable[[], Awaitable[list[str]]]) -> None:
        """Looks at nothing yet.

        Args:
            site: To ask.
            named: Tells among which vehicles to look.
        """
        self._site = site
        self._named = named

    def build(self) -> None:
        """Draws the panel."""
        with ui.card().classes("w-full"):
            heading(_("What looks wrong"))
            ui.label(
                _("Looks among the vehicles chosen, or else the first that the filters show, for mistakes of identity.")
            ).classes("text-caption")
            with ui.row().classes("items-center"):
                start = ui.button(_("Look for mistakes"), icon="troubleshoot", on_click=self._look)
                guarded(start.props("outline dense no-caps"), Role.ADMIN)
                self._said = ui.label().props('role="status" aria-live="polite"')
            self._list = ui.column().classes("w-full")

    async def _look(self) -> None:
        self._said.text = _("Looking …")
        try:
            require(Role.ADMIN)
            names = await self._named()
            found = await self._site.ask(look, self._site.client, names)
        except VreidError as exc:
            self._said.text = ""
            told(exc)
            return
        among = counted("among {n} vehicle", "among {n} vehicles", len(names))
        self._said.text = f"{counted('{n} finding', '{n} findings', len(found))} {among}"
        self._list.clear()
        with self._list:
            for finding, pictures in found:
                self._finding(finding, pictures)

    def _finding(self, finding: Finding, pictures: Sequence[str]) -> None:
        with ui.row().classes("w-full items-center") as row:
            for sighting_id in pictures:
                with ui.element("div").style("width: 96px"):
                    crop_picture(sighting_id, _("Sighting") + " " + short(sighting_id)).classes("vr-small")
            with ui.column().classes("gap-0 grow"):
                ui.label(f"{_NAMES[finding.kind]} · {_('one vehicle with')} {finding.probability:.0%}")
                with ui.row().classes("gap-2"):
                    for identity_id in finding.identity_ids:
                        ui.link(short(identity_id), f"/identity/{identity_id}").classes("vr-link")
            mend = self._remedy(finding)
            if mend is not None:
                name, call = mend
                button = ui.button(name, on_click=partial(self._mend, row, call)).props("outline dense no-caps")
                guarded(button, Role.OPERATOR)

    def _remedy(self, finding: Finding) -> tuple[str, Callable[[], object]] | None:
        """What mends a finding, by name; None for what is only shown."""
        client, ids, sightings = self._site.client, finding.identity_ids, finding.sighting_ids
        match finding.kind:
            case "duplicate":
                return _("Merge"), partial(client.identity_merge, ids[0], ids[1], "console: looked like one")
            case "bimodal":
                return _("Split"), partial(client.identity_split, ids[0], sightings, "console: looked like two")
            case "parked":
                return _("Delete the shorter"), partial(client.gallery_delete_sighting, sightings[0])
        return None

    async def _mend(self, row: ui.row, call: Callable[[], object]) -> None:
        try:
            require(Role.OPERATOR)
            await self._site.ask(call)
        except VreidError as exc:
            told(exc)
            return
        ui.notify(_("Done; the audit log says so."), type="positive")
        row.delete()
