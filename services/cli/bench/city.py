"""``vreid bench city``: parses and prints; `benchmarks.city` measures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.simulate.progress import progress

_PLACES = ("corridor", "grid", "roundabout", "junction", "riverside")
_LIGHTS = ("noon", "afternoon", "low_sun", "overcast", "dusk", "night", "rainy", "fog")


def city(  # noqa: PLR0913, PLR0917 - one option per setting
    place: Annotated[list[str] | None, typer.Option(help="Place to render; may be repeated.")] = None,
    light: Annotated[list[str] | None, typer.Option(help="Light to render in; may be repeated.")] = None,
    seed: Annotated[int, typer.Option(help="Of fleet and traffic.", min=0)] = 11,
    seconds: Annotated[float, typer.Option(help="Length of every clip.", min=2, max=600)] = 40.0,
    fps: Annotated[int, typer.Option(help="Frames per second that are rendered and judged.", min=1, max=10)] = 1,
    keep: Annotated[Path, typer.Option(help="Where rendered cities are kept and found again.")] = Path("runs/city"),
    speed: Annotated[bool, typer.Option("--speed", help="Measure the renderer's frames per second as well.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Has the published yolov8n judge rendered cities, and tells which faces of vehicles they show."""
    from benchmarks.city.run import CityBench, judge_cities
    from benchmarks.city.speed import renderer_speed
    from services.models.store import ModelStore
    from simulator.errors import CityError

    bench = CityBench(tuple(place or _PLACES), tuple(light or _LIGHTS), seed, seconds, fps, keep)
    try:
        with progress("cities") as report:
            document = judge_cities(bench, ModelStore().fetch("yolov8n"), report)
        if speed:
            document["renderer"] = renderer_speed()
    except ImportError as exc:
        fail(f"the published detector runs on torch, which is not installed ({exc}): pip install 'vreid[train]'")
    except (CityError, OSError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=show_city)


def show_city(document: dict[str, Any]) -> None:
    """Prints the tables."""
    detector = document["detector"]
    rows = {"day": detector["day"], "night": detector["night"], **detector["by_light"], **detector["by_place"]}
    found = table("", "asked", "recall", "precision", "class agreement")
    for name, row in rows.items():
        found.add_row(name, *("-" if value is None else f"{value:g}" for value in row.values()))
    stdout.print(found)
    shown = table("place", "passages", "front only", "rear only", "one face")
    for name, row in document["faces"].items():
        shown.add_row(name, *(f"{value:g}" for value in row.values()))
    stdout.print(shown)
    if "renderer" in document:
        speed = document["renderer"]
        lights = ", ".join(f"{value:g} at {name}" for name, value in speed["by_light"].items())
        width, height = speed["size"]
        each = f"{width}x{height}, {speed['vehicles']} vehicles, {speed['processes']} processes"
        stdout.print(f"renderer: {speed['frames_per_s']:g} frames/s ({lights}; {each})")
