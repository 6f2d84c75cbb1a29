"""How the site fares: processes, store, retention, disk, gallery, cameras, audit log. Reads, changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from nicegui import ui

from services.errors import VreidError
from services.identity.store import CameraRecord
from services.matcher.types import GalleryStats
from services.rpc.convert_standing import SiteReport
from services.web.drawing import clock
from services.web.machine import Machine, Running
from services.web.parts.dialogs import heading
from services.web.parts.frame import told
from services.web.parts.tables import table
from services.web.site import Site
from services.web.texts import _, counted
from services.web.visitor import Role, guarded, may, require

_EVERY_S = 2.0
_SLOW_EVERY_S = 15.0
_PAGE = 50


class SystemPage:
    """The page's state and behaviour."""

    def __init__(self, site: Site, machine: Machine) -> None:
        self._site = site
        self._machine = machine
        self._before: list[str] = [""]

    async def build(self) -> None:
        """Draws the page."""
        self._tiles = ui.element("div").classes("vr-grid").style("--vr-least: 160px")
        heading(_("Cameras"))
        self._cameras = ui.column().classes("w-full")
        with ui.element("div").classes("vr-grid").style("--vr-least: 340px"):
            self._processes = _panel(_("Processes"))
            self._store = _panel(_("Store and retention"))
            self._checks = _panel(_("Checks"))
        with self._checks:
            self._said = ui.label(_("What this machine has and lacks; takes some seconds.")).classes("text-caption")
            look = ui.button(_("Run the doctor"), icon="health_and_safety", on_click=self._doctor)
            guarded(look.props("outline dense no-caps"), Role.OPERATOR)
        self._found = ui.column().classes("w-full")
        self._audit = ui.column().classes("w-full")
        self._shown: object = None
        await self._refresh()
        await self._refresh_slowly()
        ui.timer(_EVERY_S, self._refresh)
        ui.timer(_SLOW_EVERY_S, self._refresh_slowly)

    async def _refresh(self) -> None:
        client = self._site.client
        try:
            stats = await self._site.ask(client.gallery_stats)
            cameras = await self._site.ask(client.camera_list)
        except VreidError:
            return
        rows = [camera_cells(camera) for camera in cameras]
        if (shown := (stats, rows)) == self._shown:
            return
        self._shown = shown
        self._tiles.clear()
        with self._tiles:
            _figures(stats)
        names = (_("Camera"), _("State"), _("Frames/s"), _("Frame age p99, s"), _("Dropped"), _("Reconnects"))
        self._cameras.clear()
        with self._cameras:
            table(_("Cameras"), (*names, _("Address"), _("Detail")), rows)

    async def _refresh_slowly(self) -> None:
        running = self._machine.processes()
        self._processes.clear()
        with self._processes:
            _running(running, self._machine.disk())
        try:
            report = await self._site.ask(self._site.client.site)
        except VreidError as exc:
            told(exc)
            return
        with self._processes:
            ui.label(f"{_('Matcher')} {report.version}, {report.process}, {_('since')} {_day(report.started_ns)}")
        self._store.clear()
        with self._store:
            _kept(report)
        if may(Role.OPERATOR) and len(self._before) == 1:
            await self._show_audit()

    async def _show_audit(self) -> None:
        try:
            entries = await self._site.ask(self._site.client.audit, _PAGE, self._before[-1])
        except VreidError as exc:
            told(exc)
            return
        self._audit.clear()
        with self._audit:
            heading(_("Who changed what"))
            table(
                _("Audit log"),
                (_("At"), _("By"), _("Action"), _("Subject"), _("Sightings"), _("Detail")),
                [(_day(e.at_ns), e.actor, e.action, e.subject, str(e.sightings), e.detail) for e in entries],
            )
            if not entries:
                ui.label(_("Nothing yet.") if len(self._before) == 1 else _("Nothing older is kept."))
            with ui.row():
                newer = ui.button(_("Newest"), on_click=self._newest).props("flat dense no-caps")
                newer.set_enabled(len(self._before) > 1)
                last = entries[-1].entry_id if entries else ""
                older = ui.button(_("Older"), on_click=lambda: self._older(last)).props("flat dense no-caps")
                older.set_enabled(len(entries) == _PAGE)

    async def _newest(self) -> None:
        del self._before[1:]
        await self._show_audit()

    async def _older(self, entry_id: str) -> None:
        self._before.append(entry_id)
        await self._show_audit()

    async def _doctor(self) -> None:
        try:
            require(Role.OPERATOR)
        except VreidError as exc:
            told(exc)
            return
        self._said.text = _("Looking …")
        checks = await self._machine.doctor()
        self._said.text = counted("{n} check", "{n} checks", len(checks))
        self._found.clear()
        with self._found:
            table(_("Checks"), (_("Check"), _("Status"), _("Detail")), checks)


def _panel(name: str) -> ui.column:
    """A card with a heading and room below it."""
    with ui.card().classes("w-full"):
        heading(name)
        return ui.column().classes("w-full gap-1")


def _day(ns: int) -> str:
    return clock(ns, date=True)


def _figures(stats: GalleryStats) -> None:
    figures = (
        (_("Vehicles"), f"{stats.identities:,}"),
        (_("Sightings"), f"{stats.sightings:,}"),
        (_("Vectors"), f"{stats.vectors:,}"),
        (_("Memory of vectors"), f"{stats.bytes / 1e6:.1f} MB"),
        (_("Search"), f"{stats.backend}, {stats.tier}"),
        (_("Model"), stats.model_id[:12]),
        (_("vreid"), version("vreid")),
    )
    for name, value in figures:
        with ui.card().classes("q-pa-sm"):
            ui.label(name).classes("text-caption")
            ui.label(value).classes("text-subtitle1")


def _running(running: list[Running], disk: tuple[float, float]) -> None:
    if running:
        table(
            _("Processes"),
            (_("Role"), _("Process"), _("State"), _("Memory")),
            [(r.role, str(r.pid), _("runs") if r.alive else _("ended"), f"{r.memory_mb:.0f} MB") for r in running],
        )
    else:
        ui.label(_("No supervisor runs on this data folder; processes are started by something else."))
    free_gb, total_gb = disk
    ui.label(f"{_('Data folder')}: {free_gb:.1f} GB {_('free of')} {total_gb:.0f} GB")


def _kept(report: SiteReport) -> None:
    facts = [(_(name), value) for name, value in report.store.items()]
    facts += [(f"{_('Kept')}: {_(name)}", span(seconds)) for name, seconds in report.retention_s.items()]
    if report.oldest_event_ns is not None:
        facts.append((_("History since"), _day(report.oldest_event_ns)))
    facts += [
        (f"{_('View')} {name}", f"{silent_s:.0f} s {_('ago')}") for name, silent_s in report.views_silent_s.items()
    ]
    table(_("Store and retention"), (_("What"), _("How")), facts)
    for number, words in (
        (report.overdue, counted("{n} sighting is past its time", "{n} sightings are past their time", report.overdue)),
        (
            report.unacknowledged,
            counted(
                "{n} deleted sighting is still held", "{n} deleted sightings are still held", report.unacknowledged
            ),
        ),
    ):
        more = _("at least") + " " if number >= report.counted_most else ""
        ui.label(more + words).classes("vr-bad" if number else "text-caption")


def span(seconds: float) -> str:
    """A length of time for a person.

    >>> span(30 * 86400), span(5400), span(90), span(1)
    ('30 days', '1.5 hours', '1.5 minutes', '1 second')
    """
    units: tuple[tuple[float, Callable[[float], str]], ...] = (
        (86_400, lambda n: _("1 day") if n == 1 else f"{n:g} {_('days')}"),
        (3600, lambda n: _("1 hour") if n == 1 else f"{n:g} {_('hours')}"),
        (60, lambda n: _("1 minute") if n == 1 else f"{n:g} {_('minutes')}"),
    )
    for size, say in units:
        if seconds >= size:
            return say(round(seconds / size, 1))
    return _("1 second") if seconds == 1 else f"{seconds:g} {_('seconds')}"


def camera_cells(camera: CameraRecord) -> tuple[str, ...]:
    """A camera as a row of the table."""
    figures = camera.stats
    return (
        camera.camera_id,
        camera.state,
        f"{figures.get('frames_per_s', 0):.1f}",
        f"{figures.get('frame_age_p99_s', 0):.2f}",
        f"{figures.get('frames_dropped', 0):.0f}",
        f"{figures.get('reconnects', 0):.0f}",
        camera.url,
        camera.detail or f"{_('as of')} {clock(camera.updated_at_ns)}",
    )
