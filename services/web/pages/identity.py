"""One vehicle: its way through the cameras, its pictures, why its sightings belong together, and corrections."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from nicegui import ui

from services.client import Probe
from services.errors import NotFound, VreidError
from services.matcher.types import IdentityDetail, SightingSummary
from services.web.drawing import Visit, clock, clock_span, colour_of, route_svg, short
from services.web.pages.alerts import RECENT_NS, expected, watch_for
from services.web.pages.decisions import Decisions
from services.web.pages.evidence import EvidenceTable, Link
from services.web.parts.cards import crop_picture
from services.web.parts.frame import told
from services.web.parts.naming import meant
from services.web.site import Site
from services.web.texts import _, counted
from services.web.visitor import Role, guarded

_PICTURES = 12
_ALIASES = 8


def best_of_each_camera(sightings: Sequence[SightingSummary], most: int) -> list[SightingSummary]:
    """Sightings by quality, the cameras in turn, so that a vehicle shows from several sides."""
    ordered = sorted(sightings, key=lambda sighting: -sighting.quality)
    places: Counter[str] = Counter()
    ranked: list[tuple[int, int, SightingSummary]] = []
    for n, sighting in enumerate(ordered):
        ranked.append((places[sighting.camera_id], n, sighting))
        places[sighting.camera_id] += 1
    return [sighting for _turn, _n, sighting in sorted(ranked, key=lambda row: row[:2])[:most]]


class IdentityPage:
    """The page's state and behaviour."""

    def __init__(self, site: Site, identity_id: str, *, may_correct: bool) -> None:
        self._site = site
        self._identity_id = identity_id
        self._may_correct = may_correct and site.corrections is not None
        self._shown: tuple[object, ...] = ()
        self._decisions = Decisions(site)
        self._reading = False
        self._detail: IdentityDetail
        self._other: ui.input

    async def build(self) -> None:
        """Draws the page."""
        self._content = ui.column().classes("w-full")
        with ui.column().classes("w-full") as self._below:
            if self._may_correct:
                self._corrections()
            elif self._site.corrections is None:
                ui.label(_("This matcher cannot correct identities.")).classes("text-caption")
            else:
                ui.label(_("Merging, splitting and undoing need the operator's token.")).classes("text-caption")
            self._table = EvidenceTable(may_choose=self._may_correct)
        await self._refresh()
        ui.timer(2.0, self._refresh)

    async def _refresh(self) -> None:
        try:
            detail = await self._site.ask(self._site.client.identity_get, self._identity_id)
        except NotFound:
            self._below.visible = False
            self._content.clear()
            with self._content:
                ui.label(_("There is no such vehicle (any more)."))
            return
        except VreidError:
            return
        now = (detail.record, *((s.sighting_id, s.revision) for s in detail.sightings))
        if now == self._shown:
            return
        self._shown, self._detail = now, detail
        self._below.visible = True
        following = await self._next(detail)
        self._content.clear()
        with self._content:
            self._head(detail)
            if following:
                ui.label(following).classes("text-caption")
            visits = [Visit(s.camera_id, s.start_ns, s.end_ns) for s in detail.sightings]
            ui.html(route_svg(visits, colour_of(detail.record.identity_id)), sanitize=False).classes("w-full")
            self._pictures(detail)
        self._table.show(detail.sightings, self._seen(detail))
        if self._site.corrections is not None:
            # History may reach far back; the page does not wait for it.
            ui.timer(0.05, partial(self._read_history, detail), once=True)

    async def _read_history(self, detail: IdentityDetail) -> None:
        """Shows how each sighting was decided, as far as history is kept."""
        if self._reading:
            return
        self._reading = True
        try:
            said = await self._decisions.read_on(detail)
        except VreidError:
            return
        finally:
            self._reading = False
        if said and not self._content.is_deleted:
            self._table.show(self._detail.sightings, self._seen(self._detail))

    def _seen(self, detail: IdentityDetail) -> dict[str, Link]:
        """Why sightings belong, by what the console saw being decided and by what it has read of that."""
        seen = {s.sighting_id: self._site.decision(s.sighting_id) for s in detail.sightings}
        now = {name: Link(e.status, e.probability, e.evidence) for name, e in seen.items() if e is not None}
        return now | self._decisions.links

    def _head(self, detail: IdentityDetail) -> None:
        record = detail.record
        with ui.row().classes("items-center"):
            ui.icon("circle").style(f"color: {colour_of(record.identity_id)}")
            ui.label(record.identity_id).classes("text-subtitle1")
            ui.badge(record.status or "?").props("outline color=primary")
            first = detail.best_sighting_id or (detail.sightings[0].sighting_id if detail.sightings else "")
            ui.button(_("Search what looks like it"), icon="image_search").props(
                f'flat dense no-caps type=a href="/search?sighting={first}"'
            )
            watch = ui.button(_("Watch for it"), icon="notifications_active", on_click=self._watch)
            guarded(watch.props("flat dense no-caps"), Role.OPERATOR)
        ui.label(f"{' → '.join(record.cameras)} · {clock_span(record.first_seen_ns, record.last_seen_ns, date=True)}")
        if record.aliases:
            names = ", ".join(short(alias) for alias in record.aliases[:_ALIASES])
            if (more := len(record.aliases) - _ALIASES) > 0:
                names += " " + counted("and {n} more", "and {n} more", more)
            ui.label(_("Also known as") + " " + names).classes("text-caption")

    async def _watch(self) -> None:
        await watch_for(self._site, [Probe(identity_id=self._identity_id)], short(self._identity_id))

    async def _next(self, detail: IdentityDetail) -> str:
        """Where it is expected next, while it is recent; empty otherwise."""
        last = max(detail.sightings, key=lambda sighting: sighting.end_ns, default=None)
        if last is None or time.time_ns() - last.end_ns > RECENT_NS:
            return ""
        with contextlib.suppress(VreidError):
            return expected(await self._site.forecast(last.camera_id, last.end_ns))
        return ""

    def _pictures(self, detail: IdentityDetail) -> None:
        with ui.element("div").classes("vr-grid").style("--vr-least: 150px"):
            for sighting in best_of_each_camera(detail.sightings, _PICTURES):
                with ui.column().classes("gap-0"):
                    crop_picture(sighting.sighting_id, f"{_('Picture at')} {sighting.camera_id}")
                    ui.label(f"{sighting.camera_id} {clock(sighting.start_ns)}").classes("text-caption")

    def _corrections(self) -> None:
        with ui.card().classes("w-full"):
            ui.label(_("Corrections")).classes("text-h6").props('role="heading" aria-level="2"')
            with ui.row().classes("items-center"):
                other = self._other = (
                    ui.input(_("Id, or its end, of who is this vehicle too")).props("dense").classes("w-96")
                )
                ui.button(
                    _("Merge"), icon="call_merge", on_click=lambda: self._merge(str(other.value or "").strip())
                ).props("no-caps")
                ui.button(_("Split off chosen sightings"), icon="call_split", on_click=self._split).props(
                    "no-caps outline"
                )
                ui.button(_("Undo last correction"), icon="undo", on_click=self._undo).props("no-caps outline")

    async def _merge(self, other: str) -> None:
        if (corrections := self._site.corrections) is None or not other:
            ui.notify(_("Name the other vehicle."))
            return
        try:
            named = await meant(self._site, other)
        except VreidError as exc:
            told(exc)
            return
        call = partial(self._site.ask, corrections.identity_merge, self._identity_id, named, "console")
        await self._correct(call, _("Merged; undo takes it back."))

    async def _split(self) -> None:
        if (corrections := self._site.corrections) is None or not self._table.chosen:
            ui.notify(_("Choose the sightings of the other vehicle."))
            return
        call = partial(
            self._site.ask, corrections.identity_split, self._identity_id, sorted(self._table.chosen), "console"
        )
        await self._correct(call, _("Split; undo takes it back."))

    async def _undo(self) -> None:
        if (corrections := self._site.corrections) is not None:
            call = partial(self._site.ask, corrections.identity_undo_last, self._identity_id, "console")
            await self._correct(call, _("Taken back."))

    async def _correct(self, call: Callable[[], Awaitable[Any]], done: str) -> None:
        try:
            answer = await call()
        except VreidError as exc:
            told(exc)
            return
        ui.notify(done, type="positive")
        self._table.chosen.clear()
        self._other.value = ""
        self._shown = ()
        await self._refresh()
        if fresh := getattr(answer, "new_identity_id", ""):
            ui.navigate.to(f"/identity/{fresh}", new_tab=True)
