"""How the site fares: matcher, gallery, cameras. Reads, changes nothing."""

from __future__ import annotations

from gettext import gettext as _
from importlib.metadata import version

from nicegui import ui

from services.errors import VreidError
from services.identity.store import CameraRecord
from services.matcher.types import GalleryStats
from services.web.drawing import clock
from services.web.site import Site

_EVERY_S = 2.0


async def system(site: Site) -> None:
    """The page's content."""
    tiles = ui.element("div").classes("vr-grid").style("--vr-least: 160px")
    ui.label(_("Cameras")).classes("text-h6").props('role="heading" aria-level="2"')
    names = (
        ("camera", _("Camera")),
        ("state", _("State")),
        ("rate", _("Frames/s")),
        ("age", _("Frame age p99, s")),
        ("dropped", _("Dropped")),
        ("reconnects", _("Reconnects")),
        ("url", _("Address")),
        ("detail", _("Detail")),
    )
    columns = [{"name": key, "label": label, "field": key, "align": "left"} for key, label in names]
    table = ui.table(columns=columns, rows=[], row_key="camera").classes("w-full")

    async def refresh() -> None:
        try:
            stats = await site.ask(site.client.gallery_stats)
            cameras = await site.ask(site.client.camera_list)
        except VreidError:
            return
        table.rows = [_row(camera) for camera in cameras]
        tiles.clear()
        with tiles:
            _figures(stats)

    await refresh()
    ui.timer(_EVERY_S, refresh)


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


def _row(camera: CameraRecord) -> dict[str, str]:
    figures = camera.stats
    return {
        "camera": camera.camera_id,
        "state": camera.state,
        "rate": f"{figures.get('frames_per_s', 0):.1f}",
        "age": f"{figures.get('frame_age_p99_s', 0):.2f}",
        "dropped": f"{figures.get('frames_dropped', 0):.0f}",
        "reconnects": f"{figures.get('reconnects', 0):.0f}",
        "url": camera.url,
        "detail": camera.detail or clock(camera.updated_at_ns),
    }
