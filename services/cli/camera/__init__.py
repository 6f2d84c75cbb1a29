"""`vreid camera`: the cameras of a running system and how they fare."""

from __future__ import annotations

from typing import Any

import typer

from services.cli.camera import change, look
from services.cli.output import JsonFlag, emit, stdout, table
from services.cli.remote import DEFAULT_ADDRESS, AddressOption, connect, iso_time
from services.identity.store import CameraRecord
from tracker.multi_camera.topology.report import ClockWarning, LinkReport, TopologyReport

app = typer.Typer(no_args_is_help=True, help="Cameras and how they fare.")
app.command("add")(change.add)
app.command("remove")(change.remove)
app.command("test")(look.try_out)
app.command("snapshot")(look.snapshot)

#: Share of vehicles seen in two views at once from which these are said to overlap.
_OVERLAPS_FROM = 0.1


@app.callback()
def _group() -> None:
    """Cameras and how they fare."""


@app.command("list")
def list_cameras(address: AddressOption = DEFAULT_ADDRESS, as_json: JsonFlag = False) -> None:
    """All cameras with their state, rate and frame age."""
    with connect(address) as client:
        cameras = client.camera_list()
    emit([_document(camera) for camera in cameras], as_json=as_json, render=lambda _: _show(cameras))


@app.command()
def topology(address: AddressOption = DEFAULT_ADDRESS, as_json: JsonFlag = False) -> None:
    """What was learned: links, travel times, overlaps, clock offsets, and clocks that moved."""
    with connect(address) as client:
        report = client.camera_topology()
    emit(topology_document(report), as_json=as_json, render=lambda _: _show_topology(report))


def _document(camera: CameraRecord) -> dict[str, Any]:
    return {
        "camera_id": camera.camera_id,
        "url": camera.url,
        "origin": camera.origin,
        "state": camera.state,
        "detail": camera.detail,
        "updated_at": iso_time(camera.updated_at_ns),
        "stats": dict(camera.stats),
    }


def _show(cameras: list[CameraRecord]) -> None:
    if not cameras:
        stdout.print("No camera is known yet.")
        return
    shown = table("camera", "state", "frames/s", "frame age p99", "vehicles", "input", "address", "detail")
    for camera in cameras:
        shown.add_row(
            camera.camera_id,
            camera.state,
            f"{camera.stats.get('frames_per_s', 0.0):.1f}",
            f"{camera.stats.get('frame_age_p99_s', 0.0):.2f} s",
            f"{camera.stats.get('vehicles', 0.0):.0f}",
            _input(camera),
            camera.url,
            camera.detail,
        )
    stdout.print(shown)


def _input(camera: CameraRecord) -> str:
    """Width and height of the detector's input; empty where a process does not tell."""
    width, height = (camera.stats.get(f"input_{side}_px", 0.0) for side in ("width", "height"))
    return f"{width:.0f}x{height:.0f}" if width else ""


def topology_document(report: TopologyReport) -> dict[str, Any]:
    """A report as JSON; what is not known is null, an offset that cannot be told says so beside it."""
    return {
        "cameras": [
            {
                "camera_id": camera.camera_id,
                "arrivals_per_s": camera.arrivals_per_s,
                "new_share": camera.new_share,
                "returning_share": camera.returning_share,
            }
            for camera in report.cameras
        ],
        "links": [_link_document(link) for link in report.links],
        "overlaps": [{"cameras": list(pair), "share": share} for pair, share in sorted(_overlaps(report).items())],
        "warnings": [
            {
                "camera_id": warning.camera_id,
                "kind": warning.kind,
                "change_s": warning.change_s,
                "trips": warning.trips,
            }
            for warning in report.warnings
        ],
    }


def _link_document(link: LinkReport) -> dict[str, Any]:
    low_s, high_s = link.travel_interval_s or (None, None)
    return {
        "from": link.from_camera,
        "to": link.to_camera,
        "trips": link.trips,
        "share": link.share,
        "travel_s": None
        if link.travel_median_s is None
        else {"median": link.travel_median_s, "low": low_s, "high": high_s},
        "overlap": link.overlap,
        "offset_s": link.offset_s,
        "offset_error_s": link.offset_error_s,
        "offset_identifiable": link.offset_s is not None,
        "pinned": link.pinned,
    }


def _overlaps(report: TopologyReport) -> dict[tuple[str, str], float]:
    """Pairs of views that overlap, with the larger share of both directions."""
    found: dict[tuple[str, str], float] = {}
    for link in report.links:
        if link.from_camera != link.to_camera and link.overlap >= _OVERLAPS_FROM:
            pair = min(link.from_camera, link.to_camera), max(link.from_camera, link.to_camera)
            found[pair] = max(found.get(pair, 0.0), link.overlap)
    return found


def _show_topology(report: TopologyReport) -> None:
    if not report.links:
        stdout.print("No link has been learned yet.")
        return
    shown = table("from", "to", "trips", "share", "travel", "90 % within", "in both", "clock ahead by")
    for link in report.links:
        shown.add_row(
            link.from_camera,
            link.to_camera,
            f"{link.trips:.0f}",
            f"{link.share:.0%}",
            *_travel(link),
            f"{link.overlap:.0%}",
            _offset(link),
        )
    stdout.print(shown)
    for warning in report.warnings:
        stdout.print(_sentence(warning), style="yellow", highlight=False)


def _travel(link: LinkReport) -> tuple[str, str]:
    if link.travel_median_s is None or link.travel_interval_s is None:
        return "overlapping", "-"
    low_s, high_s = link.travel_interval_s
    return f"{link.travel_median_s:.1f} s{' (pinned)' if link.pinned else ''}", f"{low_s:.1f} to {high_s:.1f} s"


def _offset(link: LinkReport) -> str:
    if link.offset_s is None:
        return "not identifiable"
    return f"{link.offset_s:+.2f} s ± {link.offset_error_s or 0.0:.2f}"


def _sentence(warning: ClockWarning) -> str:
    how = "jumped by" if warning.kind == "step" else "has drifted by"
    return f"{warning.camera_id}: the clock {how} {warning.change_s:+.1f} s, as {warning.trips} trips show"
