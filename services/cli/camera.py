"""`vreid camera`: the cameras of a running system and how they fare."""

from __future__ import annotations

from typing import Any

import typer

from services.cli import camera_change, camera_look
from services.cli.output import JsonFlag, emit, stdout, table
from services.cli.remote import DEFAULT_ADDRESS, AddressOption, connect, iso_time
from services.identity.store import CameraRecord

app = typer.Typer(no_args_is_help=True, help="Cameras and how they fare.")
app.command("add")(camera_change.add)
app.command("remove")(camera_change.remove)
app.command("test")(camera_look.try_out)
app.command("snapshot")(camera_look.snapshot)


@app.callback()
def _group() -> None:
    """Cameras and how they fare."""


@app.command("list")
def list_cameras(address: AddressOption = DEFAULT_ADDRESS, as_json: JsonFlag = False) -> None:
    """All cameras with their state, rate and frame age."""
    with connect(address) as client:
        cameras = client.camera_list()
    emit([_document(camera) for camera in cameras], as_json=as_json, render=lambda _: _show(cameras))


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
    shown = table("camera", "state", "frames/s", "frame age p99", "vehicles", "address", "detail")
    for camera in cameras:
        shown.add_row(
            camera.camera_id,
            camera.state,
            f"{camera.stats.get('frames_per_s', 0.0):.1f}",
            f"{camera.stats.get('frame_age_p99_s', 0.0):.2f} s",
            f"{camera.stats.get('vehicles', 0.0):.0f}",
            camera.url,
            camera.detail,
        )
    stdout.print(shown)
