"""Search by image: a picture is dropped, pasted or picked, the vehicle meant chosen, the answers judged by eye."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from nicegui import events, ui

from detector.types import COLOURS, VehicleClass
from services.client import ImageMode, Probe, SearchOptions
from services.errors import VreidError
from services.matcher.types import Grouping, SearchFilter
from services.rpc.convert_console import FoundVehicle
from services.types import Match
from services.web.drawing import DrawnBox, boxes_svg, short
from services.web.pages.alerts import watch_for
from services.web.parts.cards import fetch_early, match_card
from services.web.parts.dialogs import filter_select, labelled
from services.web.parts.drawn import Drawn
from services.web.parts.frame import told
from services.web.parts.markup import joined, picture_source
from services.web.parts.uploads import drop_zone
from services.web.site import Site
from services.web.texts import _, counted
from services.web.visitor import Role, guarded

Box = tuple[float, float, float, float]

_K = 24
#: Asked for beyond what is shown, so that what was put aside is replaced.
_SPARE = 76
_MAX_NEGATIVES = 16
#: A box drawn by hand is at least so wide and high, in px of the picture.
_LEAST_PX = 12
_WHOLE, _DRAWN = -1, -2
_CHOSEN, _OTHER = "hsl(130 90% 60%)", "hsl(45 95% 60%)"
_SPANS = {0: _("any time"), 1: _("last hour"), 24: _("last day"), 168: _("last week")}


@dataclass(slots=True)
class Asked:
    """What is asked for. ``chosen`` is a vehicle found, the whole picture, or a box drawn by hand."""

    image: bytes = b""
    name: str = ""
    size: tuple[int, int] = (0, 0)
    found: list[FoundVehicle] = field(default_factory=list)
    chosen: int = _WHOLE
    drawn: Box = (0, 0, 0, 0)
    sighting_id: str = ""
    aside: dict[str, Probe] = field(default_factory=dict)

    def probe(self) -> Probe | None:
        """What to search for; None while nothing is asked."""
        if self.sighting_id:
            return Probe(sighting_id=self.sighting_id)
        if not self.image:
            return None
        if self.chosen == _WHOLE:
            return Probe(image=self.image, mode=ImageMode.AS_IS)
        box_xyxy = self.drawn if self.chosen == _DRAWN else self.found[self.chosen].box_xyxy
        return Probe(image=self.image, mode=ImageMode.BOX, box_xyxy=box_xyxy)


class SearchPage:
    """The page's state and behaviour."""

    def __init__(self, site: Site, sighting_id: str = "", image: bytes = b"") -> None:
        """Begins with a sighting, a picture, or nothing."""
        self._site = site
        self._asked = Asked(sighting_id=sighting_id)
        self._begin_with = image
        self._pressed_at: tuple[float, float] | None = None
        self._shown: dict[str, Match] = {}

    async def build(self) -> None:
        """Draws the page."""
        try:
            cameras = [camera.camera_id for camera in await self._site.ask(self._site.client.camera_list)]
        except VreidError as exc:
            told(exc)
            cameras = []
        with ui.row().classes("w-full items-start gap-4 no-wrap vr-wrap-md"):
            with ui.column().classes("w-full vr-narrow-md"):
                self._question()
                self._filters(cameras)
            with ui.column().classes("w-full vr-wide-md"):
                with ui.row().classes("items-center w-full"):
                    self._said = ui.label(_("Nothing asked yet.")).props('role="status" aria-live="polite"')
                    ui.space()
                    self._back = ui.button(_("Bring back what was put aside"), on_click=self._bring_back)
                    self._back.props("flat dense no-caps").visible = False
                    self._watch = ui.button(_("Watch for it"), icon="notifications_active", on_click=self._watch_for)
                    guarded(self._watch.props("outline dense no-caps"), Role.OPERATOR).visible = False
                self._answers = Drawn({"not": self._not_this})
                self._answers.element.classes("vr-grid").style("--vr-least: 200px")
        if self._asked.sighting_id:
            self._picture.set_source(picture_source(self._asked.sighting_id))
            await self._search()
            fetch_early([self._asked.sighting_id, *self._shown])
        elif self._begin_with:
            await self._take(self._begin_with)

    def _question(self) -> None:
        """Where a picture is dropped and a vehicle chosen."""
        drop_zone(_("Drop or paste a picture, or pick one"), self._uploaded)
        self._picture = ui.interactive_image(
            on_mouse=self._mouse, events=["mousedown", "mouseup"], cross=False, sanitize=False
        ).classes("w-full vr-image")
        self._picture.props("role=group")
        labelled(self._picture, _("The picture asked with"))
        self._hint = ui.label().classes("text-caption")
        self._hint.visible = False
        self._choices = ui.row().classes("gap-1").props(f'role="group" aria-label="{_("Vehicles in the picture")}"')

    def _filters(self, cameras: list[str]) -> None:
        self._cameras = filter_select(cameras, _("Cameras"))
        self._kinds = filter_select({kind: kind.name.lower() for kind in VehicleClass}, _("Classes"))
        self._colours = filter_select(list(COLOURS), _("Colours"))
        self._span = ui.select(_SPANS, value=0, label=_("Time")).props("dense").classes("w-full")
        labelled(self._span, _("Time"))
        self._grouped = ui.switch(_("One answer per vehicle"))
        self._unlike = ui.switch(_("Leave out what looks more like those put aside"), value=True)
        for chosen in (self._cameras, self._kinds, self._colours, self._span):
            chosen.on_value_change(self._search)
        for switch in (self._grouped, self._unlike):
            switch.on_value_change(self._search)

    async def _uploaded(self, name: str, image: bytes) -> None:
        await self._take(image, name.rpartition(".")[0])

    async def _take(self, image: bytes, name: str = "") -> None:
        """Asks with a picture: with its largest vehicle at first."""
        try:
            found, size = await self._site.ask(self._site.client.find_vehicles, image)
        except VreidError as exc:
            told(exc)
            return
        self._asked = Asked(image=image, name=name, size=size, found=found, chosen=0 if found else _WHOLE)
        kind = "png" if image[:4] == b"\x89PNG" else "jpeg"
        self._picture.set_source(f"data:image/{kind};base64,{base64.b64encode(image).decode()}")
        self._hint.text = _("Click a vehicle, or draw a box around one.")
        if not found:
            self._hint.text = _("No vehicle stands out, so all of the picture is asked with; or draw a box around one.")
        self._hint.visible = True
        self._draw_choices()
        await self._search()

    def _draw_choices(self) -> None:
        asked = self._asked
        drawn = [
            DrawnBox(v.box_xyxy, f"{i + 1} {v.vehicle_class.name.lower()}", _CHOSEN if i == asked.chosen else _OTHER)
            for i, v in enumerate(asked.found)
        ]
        if asked.chosen == _DRAWN:
            drawn.append(DrawnBox(asked.drawn, _("drawn"), _CHOSEN))
        self._picture.content = boxes_svg(drawn, asked.size[0])
        self._choices.clear()
        with self._choices:
            for i, vehicle in enumerate(asked.found):
                name = f"{_('Vehicle')} {i + 1} ({vehicle.vehicle_class.name.lower()})"
                ui.button(name, on_click=partial(self._choose, i)).props(_pressed(i == asked.chosen))
            ui.button(_("Whole picture"), on_click=partial(self._choose, _WHOLE)).props(
                _pressed(asked.chosen == _WHOLE)
            )

    async def _choose(self, chosen: int) -> None:
        self._asked.chosen = chosen
        self._asked.aside.clear()
        self._draw_choices()
        await self._search()

    async def _mouse(self, event: events.MouseEventArguments) -> None:
        """A click chooses the vehicle under it, a drag a box of its own."""
        x, y = event.image_x, event.image_y
        if event.type == "mousedown":
            self._pressed_at = (x, y)
            return
        from_x, from_y = self._pressed_at or (x, y)
        self._pressed_at = None
        if min(abs(x - from_x), abs(y - from_y)) >= _LEAST_PX:
            self._asked.drawn = (min(x, from_x), min(y, from_y), max(x, from_x), max(y, from_y))
            await self._choose(_DRAWN)
            return
        hits = [
            i
            for i, v in enumerate(self._asked.found)
            if v.box_xyxy[0] <= x <= v.box_xyxy[2] and v.box_xyxy[1] <= y <= v.box_xyxy[3]
        ]
        if hits:  # the smallest, which lies in front of what is larger
            await self._choose(hits[-1])

    def _options(self) -> SearchOptions:
        hours = int(self._span.value or 0)
        since = int((datetime.now().astimezone() - timedelta(hours=hours)).timestamp() * 1e9) if hours else None
        wanted = SearchFilter(
            camera_ids=frozenset(self._cameras.value or ()),
            classes=frozenset(self._kinds.value or ()),
            colours=frozenset(self._colours.value or ()),
            from_ns=since,
        )
        spare = _SPARE if self._asked.aside else 0
        return SearchOptions(_K + spare, wanted, Grouping.IDENTITY if self._grouped.value else Grouping.SIGHTING)

    async def _search(self) -> None:
        asked, client = self._asked, self._site.client
        probe = asked.probe()
        if probe is None:
            return
        negatives = list(asked.aside.values())[-_MAX_NEGATIVES:] if self._unlike.value else []
        try:
            answer = await self._site.ask(client.search, [probe], self._options(), negatives=negatives)
            shown, more = self._left(answer.matches), ""
            if negatives and not shown:  # asked with what was put aside itself
                answer = await self._site.ask(client.search, [probe], self._options())
                shown = self._left(answer.matches)
                more = "; " + _("all of it looks more like what was put aside")
        except VreidError as exc:
            told(exc)
            return
        self._show(shown, more if shown else "")

    def _left(self, matches: Sequence[Match]) -> list[Match]:
        """What is shown of an answer."""
        aside = self._asked.aside
        return [m for m in matches if m.identity_id not in aside and m.sighting_id not in aside][:_K]

    def _show(self, shown: list[Match], more: str) -> None:
        words = counted("{n} answer, best first", "{n} answers, best first", len(shown))
        self._said.text = words + more if shown else _("Nothing like it was seen.")
        self._back.visible = bool(self._asked.aside)
        self._watch.visible = True
        self._shown = {match.sighting_id: match for match in shown}
        self._answers.show(joined(*(match_card(match, "not") for match in shown)))

    async def _not_this(self, sighting_id: str, _ticked: bool) -> None:
        """Leaves out this vehicle, its whole identity where it has one, and what looks more like it."""
        match = self._shown.get(sighting_id)
        if match is None:  # the answers have changed meanwhile
            return
        identity_id = match.identity_id
        probe = Probe(identity_id=identity_id) if identity_id else Probe(sighting_id=match.sighting_id)
        self._asked.aside[identity_id or match.sighting_id] = probe
        await self._search()

    async def _bring_back(self) -> None:
        self._asked.aside.clear()
        await self._search()

    async def _watch_for(self) -> None:
        probe = self._asked.probe()
        if probe is not None:
            name = self._asked.name or short(self._asked.sighting_id) or _("A vehicle")
            await watch_for(self._site, [probe], name, self._options().wanted)


def _pressed(pressed: bool) -> str:
    """Properties of one of several buttons of which one is chosen."""
    return f"no-caps dense {'' if pressed else 'outline'} aria-pressed={str(pressed).lower()}"
