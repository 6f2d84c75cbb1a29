"""What was learned of the ways between cameras: a graph, and a table with travel times, overlap and clocks."""

from __future__ import annotations

from nicegui import ui

from services.errors import VreidError
from services.web.drawing import topology_svg
from services.web.parts.dialogs import heading
from services.web.parts.frame import told
from services.web.parts.tables import table
from services.web.site import Site
from services.web.texts import _, counted
from tracker.multi_camera.topology.report import LinkReport, TopologyReport

#: Links with at least this share of the vehicles that leave a camera are drawn.
_LEAST_SHARE = 0.03


async def topology(site: Site) -> None:
    """The page's content."""
    bar = ui.row()
    content = ui.column().classes("w-full")

    async def refresh() -> None:
        try:
            cameras = [camera.camera_id for camera in await site.ask(site.client.camera_list)]
            report = await site.ask(site.client.camera_topology)
        except VreidError as exc:
            told(exc)
            return
        content.clear()
        with content:
            _draw(cameras, report)

    with bar:
        ui.button(_("Refresh"), icon="refresh", on_click=refresh).props("flat no-caps dense")
    await refresh()


def _draw(cameras: list[str], report: TopologyReport) -> None:
    for warning in report.warnings:
        moved = f"{warning.change_s:+.1f} s, {counted('{n} trip', '{n} trips', warning.trips)}"
        ui.label(f"{_('The clock of')} {warning.camera_id} {_('seems to have moved')}: {moved}").classes("vr-bad")
    if not report.links:
        ui.label(_("No link is learned yet: vehicles that pass from camera to camera teach them."))
    names = sorted({*cameras, *(c.camera_id for c in report.cameras)})
    drawn = [link for link in report.links if link.share >= _LEAST_SHARE and link.from_camera != link.to_camera]
    with ui.row().classes("w-full items-start gap-4 no-wrap vr-wrap-lg"):
        with ui.column().classes("w-full vr-narrow-lg"):
            ui.html(topology_svg(names, drawn), sanitize=False).classes("w-full").style("max-width: 640px")
            ui.label(_("Thicker where more vehicles go; dashed where the views overlap.")).classes("text-caption")
        with ui.column().classes("w-full vr-wide-lg"):
            heading(_("Links"))
            table(
                _("Links"),
                (
                    _("From"),
                    _("To"),
                    _("Trips"),
                    _("Share"),
                    _("Travel time"),
                    _("90 % within"),
                    _("Overlap"),
                    _("Clock ahead by"),
                ),
                [link_cells(link) for link in sorted(report.links, key=lambda x: (x.from_camera, -x.share))],
            )
            heading(_("Cameras"))
            table(
                _("Cameras"),
                (_("Camera"), _("Vehicles an hour"), _("Never seen before"), _("Seen again elsewhere")),
                [
                    (c.camera_id, f"{c.arrivals_per_s * 3600:.0f}", f"{c.new_share:.0%}", f"{c.returning_share:.0%}")
                    for c in report.cameras
                ],
            )


def link_cells(link: LinkReport) -> tuple[str, ...]:
    """A link as a row of the table."""
    travel = between = _("views overlap")
    if link.travel_median_s is not None and link.travel_interval_s is not None:
        travel = f"{link.travel_median_s:.1f} s" + (f" ({_('given')})" if link.pinned else "")
        between = f"{link.travel_interval_s[0]:.1f} - {link.travel_interval_s[1]:.1f} s"
    offset = _("not identifiable")
    if link.offset_s is not None:
        offset = f"{link.offset_s:+.2f} ± {link.offset_error_s or 0.0:.2f} s"
    return (
        link.from_camera,
        link.to_camera,
        f"{link.trips:.0f}",
        f"{link.share:.0%}",
        travel,
        between,
        f"{link.overlap:.0%}",
        offset,
    )
