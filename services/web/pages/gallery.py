"""What the gallery holds, page by page, with filters, and what an operator does to many vehicles at once."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlencode

from nicegui import ui

from detector.types import COLOURS, VehicleClass
from services.errors import VreidError
from services.matcher.types import IdentityDetail, IdentityFilter
from services.web.drawing import clock, colour_of, short
from services.web.pages.enrolment import enrol_dialog
from services.web.pages.findings import FindingsPanel
from services.web.parts.cards import fetch_early
from services.web.parts.dialogs import confirmed, filter_select, labelled
from services.web.parts.drawn import Drawn
from services.web.parts.frame import told
from services.web.parts.markup import Html, cells, dot, joined, link, stored_picture, table_of, tag, tick_box
from services.web.site import Site
from services.web.texts import _, counted
from services.web.visitor import Role, guarded, require

_SIZES = (25, 50, 100)
_SPANS = {0: _("any time"), 1: _("last hour"), 24: _("last day"), 168: _("last week"), 720: _("last 30 days")}
_STATUSES = {"matched": _("matched"), "new": _("new"), "ambiguous": _("ambiguous")}
_MOST_NAMED = 200


class GalleryPage:
    """The page's state and behaviour."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._offset = 0
        self._shown: list[IdentityDetail] = []
        self._chosen: set[str] = set()

    async def build(self) -> None:
        """Draws the page."""
        try:
            cameras = [camera.camera_id for camera in await self._site.ask(self._site.client.camera_list)]
        except VreidError as exc:
            told(exc)
            cameras = []
        self._filters(cameras)
        self._actions()
        self._table = Drawn({"choose": self._choose, "all": self._choose_all})
        self._table.element.classes("vr-scroll")
        with ui.row().classes("items-center"):
            self._back = ui.button(_("Newer"), icon="chevron_left", on_click=partial(self._turn, -1))
            self._on = ui.button(_("Older"), icon="chevron_right", on_click=partial(self._turn, 1))
            for button in (self._back, self._on):
                button.props("flat dense no-caps")
            self._size = ui.select({n: counted("{n} row", "{n} rows", n) for n in _SIZES}, value=_SIZES[0])
            labelled(self._size.props("dense"), _("Rows a page"))
            self._size.on_value_change(self._restart)
        self._findings = FindingsPanel(self._site, self._named)
        self._findings.build()
        await self._refresh()
        fetch_early(detail.best_sighting_id for detail in self._shown)

    def _filters(self, cameras: list[str]) -> None:
        with ui.element("div").classes("vr-grid items-end").style("--vr-least: 170px"):
            self._cameras = filter_select(cameras, _("Cameras"))
            self._kinds = filter_select({k: k.name.lower() for k in VehicleClass}, _("Classes"))
            self._colours = filter_select(list(COLOURS), _("Colours"))
            self._statuses = filter_select(_STATUSES, _("Decision"))
            self._span = labelled(ui.select(_SPANS, value=0, label=_("Seen within")).props("dense"), _("Seen within"))
            self._several = ui.switch(_("Several cameras"))
            self._kept = ui.switch(_("Enrolled"))
        for chosen in (self._cameras, self._kinds, self._colours, self._statuses, self._span):
            chosen.on_value_change(self._restart)
        for switch in (self._several, self._kept):
            switch.on_value_change(self._restart)

    def _actions(self) -> None:
        with ui.row().classes("w-full items-center gap-2").props(f'role="toolbar" aria-label="{_("Actions")}"'):
            self._said = ui.label().props('role="status" aria-live="polite"')
            ui.space()
            actions = (
                (_("Enrol a vehicle"), "add_a_photo", partial(enrol_dialog, self._site, self._refresh), Role.OPERATOR),
                (_("Keep"), "bookmark_add", partial(self._keep, True), Role.OPERATOR),
                (_("Keep no longer"), "bookmark_remove", partial(self._keep, False), Role.OPERATOR),
                (_("Merge"), "call_merge", self._merge, Role.OPERATOR),
                (_("Export"), "download", self._export, Role.ADMIN),
                (_("Delete"), "delete", partial(self._delete, False), Role.OPERATOR),
                (_("Erase"), "delete_forever", partial(self._delete, True), Role.ADMIN),
            )
            for name, icon, act, needed in actions:
                guarded(ui.button(name, icon=icon, on_click=act).props("outline dense no-caps"), needed)

    def _wanted(self) -> IdentityFilter:
        hours = int(self._span.value or 0)
        since = int((datetime.now().astimezone() - timedelta(hours=hours)).timestamp() * 1e9) if hours else None
        return IdentityFilter(
            camera_ids=frozenset(self._cameras.value or ()),
            from_ns=since,
            statuses=frozenset(self._statuses.value or ()),
            min_cameras=2 if self._several.value else 0,
            classes=frozenset(self._kinds.value or ()),
            colours=frozenset(self._colours.value or ()),
            enrolled=bool(self._kept.value),
        )

    async def _named(self) -> list[str]:
        """What actions without a choice are about: the vehicles chosen, or the first that the filters show."""
        if self._chosen:
            return sorted(self._chosen)
        found, _total = await self._site.ask(self._site.client.identity_list, _MOST_NAMED, 0, self._wanted())
        return [detail.record.identity_id for detail in found]

    async def _restart(self) -> None:
        self._offset = 0
        await self._refresh()

    async def _turn(self, by: int) -> None:
        self._offset = max(0, self._offset + by * int(self._size.value))
        await self._refresh()

    async def _refresh(self) -> None:
        limit = int(self._size.value)
        client = self._site.client
        try:
            self._shown, total = await self._site.ask(client.identity_list, limit, self._offset, self._wanted())
        except VreidError as exc:
            told(exc)
            return
        self._total = total
        self._back.set_enabled(self._offset > 0)
        self._on.set_enabled(self._offset + len(self._shown) < total)
        self._tell()
        self._draw()

    def _tell(self) -> None:
        words = counted("{n} vehicle", "{n} vehicles", self._total)
        if self._shown:
            words += f", {_('shown')} {self._offset + 1:,} - {self._offset + len(self._shown):,}"
        if self._chosen:
            words += ", " + counted("{n} chosen", "{n} chosen", len(self._chosen))
        self._said.text = words

    def _draw(self) -> None:
        if not self._shown:
            self._table.show(tag("div", _("No vehicle passes these filters.")))
            return
        names = (
            _("Picture"),
            _("Vehicle"),
            _("Decision"),
            _("Class"),
            _("Colour"),
            _("Cameras"),
            _("First seen"),
            _("Last seen"),
            _("Sightings"),
        )
        every = all(detail.record.identity_id in self._chosen for detail in self._shown)
        box = tick_box(_("Choose all shown"), "all", ticked=every, for_all="choose")
        self._table.show(table_of(_("Vehicles"), (box, *names), joined(*map(self._row, self._shown))))

    def _row(self, detail: IdentityDetail) -> Html:
        record = detail.record
        name = record.identity_id
        picture = stored_picture(detail.best_sighting_id, _("Vehicle") + " " + short(name), small=True)
        return tag(
            "tr",
            tag("td", tick_box(f"{_('Choose')} {name}", "choose", name, ticked=name in self._chosen)),
            tag("td", picture, style="width: 96px"),
            tag("td", dot(colour_of(name)), " ", link(short(name), f"/identity/{name}"), class_="vr-close"),
            cells(
                _STATUSES.get(record.status, record.status) + (f" · {_('enrolled')}" if record.enrolled else ""),
                detail.vehicle_class.name.lower(),
                detail.colour,
                " → ".join(record.cameras),
                clock(record.first_seen_ns, date=True),
                clock(record.last_seen_ns, date=True),
                f"{detail.sighting_count:,}",
            ),
        )

    def _choose(self, name: str, ticked: bool) -> None:
        if name in {detail.record.identity_id for detail in self._shown}:
            (self._chosen.add if ticked else self._chosen.discard)(name)
        self._tell()

    def _choose_all(self, _of: str, ticked: bool) -> None:
        names = {detail.record.identity_id for detail in self._shown}
        self._chosen = self._chosen | names if ticked else self._chosen - names
        self._tell()

    def _some(self, least: int = 1) -> list[str]:
        """The vehicles chosen; none, with a word about it, where they are too few."""
        if len(self._chosen) < least:
            ui.notify(counted("Choose a vehicle first.", "Choose at least {n} vehicles first.", least))
            return []
        return sorted(self._chosen)

    async def _keep(self, enrolled: bool) -> None:
        done = _("Kept; they do not expire.") if enrolled else _("They expire as others do.")
        client = self._site.client
        await self._each(partial(client.identity_set_enrolled, enrolled=enrolled), self._some(), Role.OPERATOR, done)

    async def _merge(self) -> None:
        names = self._some(2)
        if not names:
            return
        text = _("They become one vehicle under the oldest of their ids. Undo on its page takes that back.")
        if await confirmed(_("Merge") + f" {len(names)}?", text, _("Merge")) is None:
            return
        survivor, client = names[0], self._site.client
        merge = partial(client.identity_merge, survivor, reason="console")
        await self._each(merge, names[1:], Role.OPERATOR, _("Merged; undo takes it back."), gone=True)

    async def _delete(self, erase: bool) -> None:
        names = self._some()
        if not names:
            return
        title = counted("Erase {n} vehicle?", "Erase {n} vehicles?", len(names))
        text = _("Sightings, pictures and vectors go for good, from snapshots and logs as well.")
        if not erase:
            title = counted("Delete {n} vehicle?", "Delete {n} vehicles?", len(names))
            text = _("Their sightings and pictures go. Nothing brings them back.")
        reason = await confirmed(title, text, _("Erase") if erase else _("Delete"), reason=True)
        if reason is None:
            return
        client = self._site.client
        call = partial(client.gallery_erase, reason=reason) if erase else partial(client.gallery_delete, reason=reason)
        needed = Role.ADMIN if erase else Role.OPERATOR
        await self._each(call, names, needed, _("Gone; the audit log says why."), gone=True)

    async def _each(self, call: object, names: list[str], needed: Role, done: str, *, gone: bool = False) -> None:
        """Does something to each vehicle; the first failure ends it, and is told with how many were done."""
        finished = 0
        try:
            require(needed)
            for name in names:
                await self._site.ask(call, name)  # type: ignore[arg-type]
                finished += 1
                if gone:
                    self._chosen.discard(name)
        except VreidError as exc:
            told(exc)
        if finished:
            ui.notify(f"{counted('{n} vehicle', '{n} vehicles', finished)}: {done}", type="positive")
        await self._refresh()

    async def _export(self) -> None:
        try:
            require(Role.ADMIN)
        except VreidError as exc:
            told(exc)
            return
        text = _("No vehicle is chosen. All of the gallery is exported, vectors and decisions without pictures.")
        if not self._chosen and await confirmed(_("Export everything?"), text, _("Export")) is None:
            return
        ui.navigate.to("/media/export?" + urlencode([("identity", name) for name in sorted(self._chosen)]))
