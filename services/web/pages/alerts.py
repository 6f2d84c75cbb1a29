"""Standing queries and the alerts that they raised, with where the vehicle comes next. Alerts come by themselves."""

from __future__ import annotations

import base64
import contextlib
import time
from functools import partial

from nicegui import ui

from services.client import Probe
from services.errors import VreidError
from services.matcher.types import SearchFilter
from services.rpc.convert_standing import AlertView, Forecast, StandingQueryView
from services.web.drawing import clock, clock_span, short
from services.web.parts.cards import crop_picture
from services.web.parts.dialogs import confirmed, heading, what_to_watch
from services.web.parts.frame import told
from services.web.parts.naming import meant
from services.web.parts.uploads import drop_zone
from services.web.site import Site
from services.web.texts import _, counted
from services.web.visitor import Role, guarded, require

_PAGE = 20
_EVERY_S = 1.5
_QUERIES_EVERY_S = 4.0
#: So long after a vehicle was seen it is said where it comes next.
RECENT_NS = 30 * 60 * 10**9
_FORECASTS = 3
_LEAST_PROBABILITY = 0.05


class AlertsPage:
    """The page's state and behaviour."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._queries: list[StandingQueryView] = []
        self._alerts: list[AlertView] = []
        self._total = 0
        self._offset = 0
        self._shown: object = None
        self._best: dict[str, str] = {}

    async def build(self) -> None:
        """Draws the page."""
        with ui.row().classes("w-full items-start gap-4 no-wrap vr-wrap-md"):
            with ui.column().classes("w-full vr-wide-md"):
                self._alerts_head()
                self._list = ui.column().classes("w-full gap-2").props(f'role="region" aria-label="{_("Alerts")}"')
                with ui.row().classes("items-center"):
                    self._newer = ui.button(_("Newer"), icon="chevron_left", on_click=partial(self._turn, -_PAGE))
                    self._older = ui.button(_("Older"), icon="chevron_right", on_click=partial(self._turn, _PAGE))
                    for button in (self._newer, self._older):
                        button.props("flat dense no-caps")
            with ui.column().classes("w-full vr-narrow-md"):
                heading(_("Standing queries"))
                self._new_query()
                self._query_list = ui.column().classes("w-full gap-2")
        await self._refresh_queries()
        await self._refresh()
        ui.timer(_EVERY_S, self._refresh)
        ui.timer(_QUERIES_EVERY_S, self._refresh_queries)

    def _alerts_head(self) -> None:
        with ui.row().classes("items-center w-full"):
            self._said = ui.label().props('role="status" aria-live="polite"').classes("text-subtitle1")
            ui.space()
            self._all = ui.switch(_("Also those taken note of"), on_change=self._restart)
            take = ui.button(_("Take note of all shown"), icon="done_all", on_click=self._take_all)
            guarded(take.props("outline no-caps dense"), Role.OPERATOR)

    def _new_query(self) -> None:
        with ui.card().classes("w-full"):
            ui.label(_("Watch for a vehicle by a picture, here or from a search, or by its page.")).classes(
                "text-caption"
            )
            drop_zone(_("Drop or paste a picture, or pick one"), self._by_picture, needed=Role.OPERATOR)
            with ui.row().classes("items-center w-full no-wrap"):
                named = ui.input(_("Or the id of a vehicle, or its end")).props("dense").classes("grow")
                watch = ui.button(_("Watch"), on_click=lambda: self._by_identity(str(named.value or "").strip()))
                guarded(watch.props("outline no-caps"), Role.OPERATOR)

    async def _by_picture(self, name: str, image: bytes) -> None:
        await watch_for(self._site, [Probe(image=image)], name.rpartition(".")[0] or _("A vehicle"))
        await self._refresh_queries()

    async def _by_identity(self, identity_id: str) -> None:
        if not identity_id:
            ui.notify(_("Name the vehicle."))
            return
        try:
            identity_id = await meant(self._site, identity_id)
        except VreidError as exc:
            told(exc)
            return
        await watch_for(self._site, [Probe(identity_id=identity_id)], short(identity_id))
        await self._refresh_queries()

    async def _refresh_queries(self) -> None:
        try:
            found = await self._site.ask(self._site.client.standing_list)
        except VreidError:
            return
        if found == self._queries and self._query_list.default_slot.children:
            return
        self._queries = found
        await self._find_pictures(found)
        self._query_list.clear()
        with self._query_list:
            for query in found:
                self._query(query)
            if not found:
                ui.label(_("Nothing is watched for yet."))

    async def _find_pictures(self, queries: list[StandingQueryView]) -> None:
        """Finds a sighting to show each query by that was made of a vehicle."""
        for query in queries:
            if query.picture or not query.identity_ids or query.standing_id in self._best:
                continue
            with contextlib.suppress(VreidError):  # such as of a vehicle that was removed
                vehicle = await self._site.ask(self._site.client.identity_page, query.identity_ids[0], 1)
                self._best[query.standing_id] = vehicle.best_sighting_id

    def _query(self, query: StandingQueryView) -> None:
        with ui.card().classes("w-full q-pa-sm"):
            with ui.row().classes("items-start no-wrap w-full"):
                _query_picture(query, self._best.get(query.standing_id, ""))
                with ui.column().classes("gap-0 grow"):
                    ui.label(query.name).classes("text-subtitle1").props('role="heading" aria-level="3"')
                    ui.badge(_("watching") if query.active else _("paused")).props(
                        f"color={'positive' if query.active else 'grey-8'}"
                    )
                    ui.label(_said_of(query)).classes("text-caption")
                    if query.fault:
                        ui.label(query.fault).classes("text-caption vr-bad")
            with ui.row().classes("gap-1"):
                turn = ui.button(
                    _("Pause") if query.active else _("Go on"),
                    icon="pause" if query.active else "play_arrow",
                    on_click=partial(self._set_active, query, not query.active),
                )
                drop = ui.button(_("Remove"), icon="delete", on_click=partial(self._remove, query))
                for button in (turn, drop):
                    guarded(button.props("flat dense no-caps"), Role.OPERATOR)

    async def _set_active(self, query: StandingQueryView, active: bool) -> None:
        try:
            require(Role.OPERATOR)
            await self._site.ask(self._site.client.standing_set_active, query.standing_id, active=active)
        except VreidError as exc:
            told(exc)
        await self._refresh_queries()

    async def _remove(self, query: StandingQueryView) -> None:
        text = _("The standing query goes, and with it the alerts that it raised.")
        if await confirmed(_("Remove") + f" “{query.name}”?", text, _("Remove")) is None:
            return
        try:
            require(Role.OPERATOR)
            await self._site.ask(self._site.client.standing_delete, query.standing_id)
        except VreidError as exc:
            told(exc)
        await self._refresh_queries()
        await self._refresh()

    async def _turn(self, by: int) -> None:
        self._offset = max(0, self._offset + by)
        await self._refresh()

    async def _restart(self) -> None:
        self._offset = 0
        await self._refresh()

    async def _refresh(self) -> None:
        open_only = not self._all.value
        try:
            found, total = await self._read(open_only=open_only)
            forecasts = await self._forecasts(found)
        except VreidError:
            return
        shown = (found, total, forecasts, self._offset)
        if shown == self._shown:
            return
        self._shown, self._alerts, self._total = shown, found, total
        self._newer.set_enabled(self._offset > 0)
        self._older.set_enabled(self._offset + len(found) < total)
        words = counted("{n} alert to take note of", "{n} alerts to take note of", total)
        self._said.text = words if open_only else counted("{n} alert in all", "{n} alerts in all", total)
        self._list.clear()
        with self._list:
            for alert in found:
                self._alert(alert, forecasts.get(alert.alert_id))
            if not found:
                ui.label(_("Nothing to take note of.") if open_only else _("No alert was raised yet."))

    async def _read(self, *, open_only: bool) -> tuple[list[AlertView], int]:
        """The alerts of the page, and of how many; of the last one where note was taken of all that stood beyond."""
        client = self._site.client
        found, total = await self._site.ask(client.alerts, _PAGE, self._offset, open_only=open_only)
        if not found and self._offset:
            self._offset = max(0, (total - 1) // _PAGE * _PAGE)
            found, total = await self._site.ask(client.alerts, _PAGE, self._offset, open_only=open_only)
        return found, total

    async def _forecasts(self, alerts: list[AlertView]) -> dict[str, Forecast]:
        """Where the vehicles of recent alerts come next, by alert."""
        now_ns, found = time.time_ns(), {}
        for alert in alerts:
            camera_id, left_ns = _left(alert)
            if now_ns - left_ns < RECENT_NS:
                with contextlib.suppress(VreidError):  # an alert is shown without
                    found[alert.alert_id] = await self._site.forecast(camera_id, left_ns)
        return found

    def _alert(self, alert: AlertView, forecast: Forecast | None) -> None:
        match = alert.match
        with ui.card().classes("w-full q-pa-sm"), ui.row().classes("w-full no-wrap"):
            with ui.element("div").style("width: 150px; flex: none"):
                crop_picture(match.sighting_id, _("Alert at") + " " + match.camera_id)
            with ui.column().classes("gap-1 grow"):
                with ui.row().classes("items-center"):
                    ui.label(alert.name or short(alert.standing_id)).classes("text-subtitle1")
                    ui.badge(f"{match.probability:.0%}").props("color=primary")
                ui.label(f"{match.camera_id} · {clock(match.first_seen_ns, date=True)}")
                _next_line(alert, forecast)
                with ui.row().classes("gap-1 items-center"):
                    if match.identity_id:
                        ui.button(short(match.identity_id), icon="directions_car").props(
                            f'flat dense no-caps type=a href="/identity/{match.identity_id}"'
                        )
                    else:
                        ui.label(_("not decided yet")).classes("text-caption")
                    if alert.acknowledged_by:
                        ui.label(
                            f"{_('taken note of by')} {alert.acknowledged_by} {clock(alert.acknowledged_ns)}"
                        ).classes("text-caption")
                    else:
                        take = ui.button(_("Take note"), icon="done", on_click=partial(self._take, [alert.alert_id]))
                        guarded(take.props("outline dense no-caps"), Role.OPERATOR)

    async def _take_all(self) -> None:
        await self._take([alert.alert_id for alert in self._alerts if not alert.acknowledged_by])

    async def _take(self, alert_ids: list[str]) -> None:
        if not alert_ids:
            return
        try:
            require(Role.OPERATOR)
            await self._site.ask(self._site.client.alerts_acknowledge, alert_ids)
        except VreidError as exc:
            told(exc)
        await self._refresh()


async def watch_for(site: Site, probes: list[Probe], suggested: str, begin: SearchFilter | None = None) -> bool:
    """Asks how to watch for a vehicle and does so; returns whether that was wanted and possible."""
    try:
        require(Role.OPERATOR)
        cameras = [camera.camera_id for camera in await site.ask(site.client.camera_list)]
        watch = await what_to_watch(cameras, suggested, begin)
        if watch is None:
            return False
        await site.ask(site.client.standing_create, watch.name, probes, watch.wanted, watch.min_probability)
    except VreidError as exc:
        told(exc)
        return False
    ui.notify(_("Watched for from now on; alerts stand on the page Alerts."), type="positive")
    return True


def _left(alert: AlertView) -> tuple[str, int]:
    """Where and when its vehicle was seen last."""
    if alert.latest is not None:
        return alert.latest.camera_id, alert.latest.end_ns
    return alert.match.camera_id, alert.match.last_seen_ns


def _next_line(alert: AlertView, forecast: Forecast | None) -> None:
    """Where the vehicle was seen since, and where it is expected."""
    camera_id, left_ns = _left(alert)
    if camera_id != alert.match.camera_id:
        ui.label(f"{_('seen since at')} {camera_id}, {clock(left_ns)}").classes("text-caption")
    if forecast is not None:
        ui.label(expected(forecast)).classes("text-caption")


def expected(forecast: Forecast) -> str:
    """Where a vehicle comes next, in one line."""
    known = [a for a in forecast.arrivals if a.trips >= 1]
    likely = [a for a in known if a.probability >= _LEAST_PROBABILITY][:_FORECASTS]
    if not known:
        return _("Nothing is learned yet of where vehicles go from here.")
    if not likely:
        return f"{_('Not expected any more; not seen again')} {forecast.not_again:.0%}"
    words = [f"{a.camera_id} {a.probability:.0%} ({clock_span(a.from_ns, a.to_ns)})" for a in likely]
    return f"{_('Expected next')}: {', '.join(words)}; {_('not seen again')} {forecast.not_again:.0%}"


def _query_picture(query: StandingQueryView, best_sighting_id: str) -> None:
    with ui.element("div").style("width: 96px; flex: none"):
        if query.picture:
            source = f"data:image/jpeg;base64,{base64.b64encode(query.picture).decode()}"
            ui.element("img").classes("vr-crop vr-small").props(f'src="{source}" alt="{_("What is watched for")}"')
        elif sighting_id := next(iter(query.sighting_ids), best_sighting_id):
            crop_picture(sighting_id, _("What is watched for")).classes("vr-small")
        else:
            ui.icon("directions_car", size="48px")


def _said_of(query: StandingQueryView) -> str:
    """What a standing query looks at, in one line."""
    wanted = query.wanted
    parts = [_("from") + f" {query.min_probability:.0%}"]
    parts += [short(name) for name in query.identity_ids]
    parts += sorted(wanted.camera_ids)
    parts += [kind.name.lower() for kind in sorted(wanted.classes)]
    parts += sorted(wanted.colours)
    return f"{' · '.join(parts)} · {query.created_by} {clock(query.created_ns, date=True)}"
