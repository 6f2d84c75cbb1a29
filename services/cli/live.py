"""The live terminal view: cameras with rate, frame age and vehicles; newest identities with the cameras they passed.

Draws what it is given; reads nothing itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from services.identity.store import CameraRecord, IdentityRecord

STATE_STYLES = {"up": "green", "starting": "yellow", "down": "bold red", "ended": "dim"}
SHOWN_IDENTITIES = 12


@dataclass(frozen=True, slots=True)
class LiveState:
    """What the view shows at one moment.

    Attributes:
        title: Name of the run.
        cameras: All cameras.
        identities: Most recently seen first.
        identity_count: Of all identities known.
        multi_camera_count: Of those seen by two cameras or more.
        elapsed_s: Since the run began.
        duration_s: Of the whole run, None when it has no end.
        note: What to do next, under the title: a short terminal cuts off the end of the view.
    """

    title: str
    cameras: Sequence[CameraRecord]
    identities: Sequence[IdentityRecord]
    identity_count: int
    multi_camera_count: int
    elapsed_s: float
    duration_s: float | None
    note: str = ""


def draw(state: LiveState) -> RenderableType:
    """The whole view."""
    clock = f"{state.elapsed_s:5.0f} s" + (f" of {state.duration_s:.0f} s" if state.duration_s else "")
    head = Text.assemble(
        (state.title, "bold"),
        f"   {clock}   ",
        (f"{state.identity_count} vehicles", "bold cyan"),
        f", {state.multi_camera_count} of them in two cameras or more",
    )
    note = [Text(state.note, style="dim")] if state.note else []
    parts: list[RenderableType] = [head, *note, _cameras(state.cameras), _identities(state.identities)]
    return Panel(Group(*parts), border_style="cyan", padding=(0, 1))


def _cameras(cameras: Sequence[CameraRecord]) -> Table:
    table = Table(expand=True, box=None, header_style="dim")
    for name in ("camera", "state"):
        table.add_column(name)
    for name in ("frames/s", "frame age p99", "vehicles", "handled", "reconnects"):
        table.add_column(name, justify="right")
    for camera in cameras:
        stats = camera.stats
        offered = stats.get("frames_offered", 0.0)
        # A frame in which nothing moved was not lost either.
        handled = stats.get("frames_inferred", 0.0) + stats.get("frames_gated", 0.0)
        share = f"{handled / offered:.0%}" if offered else "-"
        state = Text(camera.state, style=STATE_STYLES[camera.state])
        if camera.detail:
            state.append(f"  {camera.detail}", style="dim")
        table.add_row(
            camera.camera_id,
            state,
            f"{stats.get('frames_per_s', 0.0):.1f}",
            f"{stats.get('frame_age_p99_s', 0.0):.2f} s",
            f"{stats.get('vehicles', 0.0):.0f}",
            share,
            f"{stats.get('reconnects', 0.0):.0f}",
        )
    return table


def _identities(identities: Sequence[IdentityRecord]) -> Table:
    table = Table(expand=True, box=None, header_style="dim", title="newest identities", title_justify="left")
    table.add_column("identity", no_wrap=True)
    table.add_column("route")
    table.add_column("sightings", justify="right")
    table.add_column("status")
    for identity in list(identities)[:SHOWN_IDENTITIES]:
        style = "bold" if len(identity.cameras) > 1 else ""
        table.add_row(
            Text(identity.identity_id, style=style),
            Text(" → ".join(identity.cameras), style=style),
            str(len(identity.sighting_ids)),
            identity.status,
        )
    return table
