"""Search by image: a picture is dropped or picked, the vehicle meant is chosen, the answers are judged by eye."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from gettext import gettext as _

from nicegui import events, ui

from detector.types import VehicleClass
from services.client import ImageMode, Probe, SearchOptions
from services.errors import VreidError
from services.matcher.types import Grouping, SearchFilter
from services.rpc.convert_console import FoundVehicle
from services.types import Match
from services.web.drawing import DrawnBox, boxes_svg
from services.web.pages.cards import match_card
from services.web.pages.frame import told
from services.web.site import Site

_LARGEST = 32 * 2**20
_K = 24
#: Asked for beyond what is shown, so that what was put aside is replaced.
_SPARE = 76
_CHOSEN, _OTHER = "hsl(130 90% 60%)", "hsl(45 95% 60%)"
_SPANS = {0: _("any time"), 1: _("last hour"), 24: _("last day"), 168: _("last week")}


@dataclass(slots=True)
class Asked:
    """What is asked for."""

    image: bytes = b""
    size: tuple[int, int] = (0, 0)
    found: list[FoundVehicle] = field(default_factory=list)
    chosen: int = -1
    sighting_id: str = ""
    aside: set[str] = field(default_factory=set)


class SearchPage:
    """The page's state and behaviour."""

    def __init__(self, site: Site, sighting_id: str = "") -> None:
        self._site = site
        self._asked = Asked(sighting_id=sighting_id)
        self._matches: tuple[Match, ...] = ()

    async def build(self) -> None:
        """Draws the page."""
        try:
            cameras = [camera.camera_id for camera in await self._site.ask(self._site.client.camera_list)]
        except VreidError as exc:
            told(exc)
            cameras = []
        with ui.row().classes("w-full items-start gap-4 no-wrap max-md:flex-wrap"):
            with ui.column().classes("w-full md:w-1/3"):
                self._upload = (
                    ui.upload(
                        on_upload=self._uploaded,
                        auto_upload=True,
                        max_file_size=_LARGEST,
                        max_files=1,
                        label=_("Drop a picture here, or pick one"),
                        on_rejected=lambda: ui.notify(_("No picture that can be taken")),
                    )
                    .props('accept="image/*" flat bordered')
                    .classes("w-full")
                )
                self._picture = ui.interactive_image(on_mouse=self._clicked, events=["click"], sanitize=False).classes(
                    "w-full"
                )
                self._choices = (
                    ui.row().classes("gap-1").props(f'role="group" aria-label="{_("Vehicles in the picture")}"')
                )
                self._cameras = (
                    ui.select(cameras, multiple=True, label=_("Cameras"), on_change=self._search)
                    .props("use-chips clearable")
                    .classes("w-full")
                )
                kinds = {kind: kind.name.lower() for kind in VehicleClass}
                self._kinds = (
                    ui.select(kinds, multiple=True, label=_("Classes"), on_change=self._search)
                    .props("use-chips clearable")
                    .classes("w-full")
                )
                self._span = ui.select(_SPANS, value=0, label=_("Time"), on_change=self._search).classes("w-full")
                self._grouped = ui.switch(_("One answer per vehicle"), on_change=self._search)
            with ui.column().classes("w-full md:w-2/3"):
                with ui.row().classes("items-center"):
                    self._said = ui.label(_("Nothing asked yet.")).props('role="status" aria-live="polite"')
                    self._back = ui.button(_("Bring back what was put aside"), on_click=self._bring_back).props(
                        "flat dense no-caps"
                    )
                    self._back.visible = False
                self._answers = ui.element("div").classes("vr-grid").style("--vr-least: 200px")
        if self._asked.sighting_id:
            await self._search()

    async def _uploaded(self, event: events.UploadEventArguments) -> None:
        image = await event.file.read()
        self._upload.reset()
        try:
            found, size = await self._site.ask(self._site.client.find_vehicles, image)
        except VreidError as exc:
            told(exc)
            return
        self._asked = Asked(image, size, found, 0 if found else -1)
        kind = "png" if image[:4] == b"\x89PNG" else "jpeg"
        self._picture.set_source(f"data:image/{kind};base64,{base64.b64encode(image).decode()}")
        self._draw_choices()
        await self._search()

    def _draw_choices(self) -> None:
        asked = self._asked
        drawn = [
            DrawnBox(v.box_xyxy, f"{i + 1} {v.vehicle_class.name.lower()}", _CHOSEN if i == asked.chosen else _OTHER)
            for i, v in enumerate(asked.found)
        ]
        self._picture.content = boxes_svg(drawn, asked.size[0])
        self._choices.clear()
        with self._choices:
            for i, vehicle in enumerate(asked.found):
                name = f"{_('Vehicle')} {i + 1} ({vehicle.vehicle_class.name.lower()})"
                ui.button(name, on_click=partial(self._choose, i)).props(_pressed(i == asked.chosen))
            ui.button(_("Whole picture"), on_click=partial(self._choose, -1)).props(_pressed(asked.chosen < 0))

    async def _choose(self, chosen: int) -> None:
        self._asked.chosen = chosen
        self._asked.aside.clear()
        self._draw_choices()
        await self._search()

    async def _clicked(self, event: events.MouseEventArguments) -> None:
        hits = [
            i
            for i, v in enumerate(self._asked.found)
            if v.box_xyxy[0] <= event.image_x <= v.box_xyxy[2] and v.box_xyxy[1] <= event.image_y <= v.box_xyxy[3]
        ]
        if hits:  # the smallest, which lies in front of what is larger
            await self._choose(hits[-1])

    def _options(self) -> SearchOptions:
        hours = int(self._span.value or 0)
        since = int((datetime.now().astimezone() - timedelta(hours=hours)).timestamp() * 1e9) if hours else None
        wanted = SearchFilter(
            camera_ids=frozenset(self._cameras.value or ()), classes=frozenset(self._kinds.value or ()), from_ns=since
        )
        spare = _SPARE if self._asked.aside else 0
        return SearchOptions(_K + spare, wanted, Grouping.IDENTITY if self._grouped.value else Grouping.SIGHTING)

    def _probe(self) -> Probe:
        asked = self._asked
        if not asked.image:
            return Probe(sighting_id=asked.sighting_id)
        if asked.chosen < 0:
            return Probe(image=asked.image, mode=ImageMode.AS_IS)
        return Probe(image=asked.image, mode=ImageMode.BOX, box_xyxy=asked.found[asked.chosen].box_xyxy)

    async def _search(self) -> None:
        asked, client = self._asked, self._site.client
        if not asked.image and not asked.sighting_id:
            return
        try:
            answer = await self._site.ask(client.search, [self._probe()], self._options())
        except VreidError as exc:
            told(exc)
            return
        self._matches = answer.matches
        self._show()

    def _show(self) -> None:
        aside = self._asked.aside
        shown = [m for m in self._matches if m.identity_id not in aside and m.sighting_id not in aside][:_K]
        self._said.text = f"{len(shown)} {_('answers, best first')}" if shown else _("Nothing like it was seen.")
        self._back.visible = bool(aside)
        self._answers.clear()
        with self._answers:
            for match in shown:
                match_card(match, self._not_this)

    async def _not_this(self, match: Match) -> None:
        """Leaves out this vehicle: its whole identity where it has one."""
        self._asked.aside.add(match.identity_id or match.sighting_id)
        await self._search()

    async def _bring_back(self) -> None:
        self._asked.aside.clear()
        await self._search()


def _pressed(pressed: bool) -> str:
    """Properties of one of several buttons of which one is chosen."""
    return f"no-caps dense {'' if pressed else 'outline'} aria-pressed={str(pressed).lower()}"
