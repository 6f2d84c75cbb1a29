"""How vehicles went from camera to camera lately: a graph and a table. Counts what identities say; learns nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from gettext import gettext as _
from itertools import pairwise
from statistics import median

from nicegui import ui

from services.errors import VreidError
from services.matcher.types import IdentityDetail
from services.web.drawing import Trips, topology_svg
from services.web.pages.frame import told
from services.web.site import Site

_LOOKED_AT = 300
_COUNTED = 100


def trips_of(identities: Iterable[IdentityDetail]) -> dict[tuple[str, str], Trips]:
    """Trips between cameras by (left, reached), from sightings that follow each other.

    The time is from the end of the one sighting to the start of the next: negative where the views overlap.
    Returning to the same camera is no trip.
    """
    gaps_s: dict[tuple[str, str], list[float]] = defaultdict(list)
    for identity in identities:
        ordered = sorted(identity.sightings, key=lambda sighting: sighting.start_ns)
        for before, after in pairwise(ordered):
            if before.camera_id != after.camera_id:
                gaps_s[before.camera_id, after.camera_id].append((after.start_ns - before.end_ns) / 1e9)
    return {link: Trips(len(found), median(found)) for link, found in gaps_s.items()}


async def topology(site: Site) -> None:
    """The page's content."""
    bar = ui.row()
    content = ui.column().classes("w-full")

    async def refresh() -> None:
        try:
            cameras = [camera.camera_id for camera in await site.ask(site.client.camera_list)]
            found, _total = await site.ask(site.client.identity_list, _LOOKED_AT)
            travelled = [detail for detail in found if len(detail.record.cameras) > 1][:_COUNTED]
            details = [await site.ask(site.client.identity_get, detail.record.identity_id) for detail in travelled]
        except VreidError as exc:
            told(exc)
            return
        trips = trips_of(details)
        content.clear()
        with content:
            _draw(cameras, trips, len(details))

    with bar:
        ui.button(_("Refresh"), icon="refresh", on_click=refresh).props("flat no-caps dense")
    await refresh()


def _draw(cameras: list[str], trips: dict[tuple[str, str], Trips], vehicles: int) -> None:
    ui.label(f"{vehicles} {_('vehicles seen last by more than one camera')}").classes("text-caption")
    with ui.row().classes("w-full items-start gap-4 no-wrap max-md:flex-wrap"):
        ui.html(topology_svg(cameras, trips), sanitize=False).classes("w-full md:w-1/2").style("max-width: 640px")
        columns = [
            {"name": "from", "label": _("From"), "field": "from", "align": "left", "sortable": True},
            {"name": "to", "label": _("To"), "field": "to", "align": "left", "sortable": True},
            {"name": "trips", "label": _("Trips"), "field": "trips", "sortable": True},
            {"name": "median", "label": _("Median, s"), "field": "median", "sortable": True},
        ]
        rows = [
            {"from": a, "to": b, "trips": found.count, "median": round(found.median_s, 1)}
            for (a, b), found in sorted(trips.items(), key=lambda item: -item[1].count)
        ]
        ui.table(columns=columns, rows=rows, pagination=20).classes("w-full md:w-1/2")
