"""``vreid simulate traffic``: hours of truth tracklets without a picture."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import JsonFlag, emit, fail
from services.cli.simulate.progress import progress


def traffic(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    place: Annotated[str, typer.Option(help="Name of a place, the path of its YAML file, or grid:ROWSxCOLUMNS.")],
    out: Annotated[Path, typer.Option(help="Folder to write the recording to.")],
    seed: Annotated[int, typer.Option(help="Settles vehicles, trips and drivers.", min=0)] = 1,
    hours: Annotated[float, typer.Option(help="Length of the recording.", min=0.005, max=48)] = 1.0,
    vehicles: Annotated[int | None, typer.Option(help="How many vehicles, parked ones included.", min=1)] = None,
    per_minute: Annotated[
        float | None, typer.Option(help="Vehicles a minute, instead of their number.", min=0.001, max=1_000_000)
    ] = None,
    clock: Annotated[
        list[str] | None,
        typer.Option(help="A camera's clock: CAMERA=+5 (ahead, s), CAMERA=drift:40 (ppm), CAMERA=step:5@1800."),
    ] = None,
    boxes: Annotated[bool, typer.Option("--boxes", help="Also write a box per picture, as CityFlow does.")] = False,
    fps: Annotated[float, typer.Option(help="Pictures a second.", min=2, max=20)] = 10.0,
    as_json: JsonFlag = False,
) -> None:
    """Records traffic without pictures: what every camera would see, and the true topology."""
    from simulator.clock import merge, parse_clock
    from simulator.errors import CityError
    from simulator.place import Place
    from simulator.recording import (
        MOST_VEHICLES,
        TrafficRequest,
        record_traffic,
        require_room,
        write_boxes,
        write_recording,
    )

    if (vehicles is None) == (per_minute is None):
        fail("give either --vehicles or --per-minute")
    count = vehicles if vehicles is not None else round((per_minute or 0) * hours * 60)
    if vehicles is None and not 1 <= count <= MOST_VEHICLES:
        fail(f"--per-minute {per_minute:g} makes {count} vehicles in {hours:g} h; expected 1 to {MOST_VEHICLES}")
    begun = time.perf_counter()
    try:
        require_room(out)
        cameras = [camera.name for camera in Place.load(place).spec.cameras]
        clocks = merge([parse_clock(text) for text in clock or []], cameras)
        request = TrafficRequest(place, seed, hours, count, fps=fps, clocks=clocks)
        with progress("seconds of traffic") as report:
            outcome = record_traffic(request, report, with_boxes=boxes)
        write_recording(outcome.recording, out)
        if outcome.boxes is not None:
            write_boxes(outcome.boxes, fps, out / "ground_truth.txt")
    except (CityError, OSError) as exc:
        fail(str(exc))
    recording = outcome.recording
    emit(
        {
            "recording": str(out),
            "cameras": len(recording.cameras),
            "vehicles": len(recording.vehicles),
            "tracklets": len(recording.tracklets),
            "links": len(recording.links),
            "waiting_at_end": outcome.waiting,
            "seconds_used": round(time.perf_counter() - begun, 1),
        },
        as_json=as_json,
    )
