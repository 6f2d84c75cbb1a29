"""``vreid simulate render``: a whole city, clips and truth."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import JsonFlag, emit, fail
from services.cli.simulate.progress import progress

_LARGEST_PX = 4096


def render(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    seed: Annotated[int, typer.Option(help="Settles fleet, traffic and noise.", min=0)],
    place: Annotated[str, typer.Option(help="Name of a place, or the path of its YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder to write the city to.")],
    seconds: Annotated[float, typer.Option(help="Length of every clip.", min=0.1, max=3600)] = 75.0,
    light: Annotated[
        str | None, typer.Option(help="Light that all cameras see by, e.g. night; default: each camera's own.")
    ] = None,
    size: Annotated[str, typer.Option(help="Picture width and height, both even, e.g. 960x540.")] = "640x360",
    fps: Annotated[int, typer.Option(help="Frames per second.", min=1, max=60)] = 10,
    vehicles_per_minute: Annotated[float, typer.Option(help="Departures.", min=0, max=600)] = 34.0,
    processes: Annotated[
        int | None, typer.Option(help="Cameras rendered at once; one per core by default.", min=1, max=64)
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Renders a city: one clip per camera, truth, attribution, all frozen by hash."""
    from simulator.errors import CityError
    from simulator.render import render_city
    from simulator.script import RenderRequest

    request = RenderRequest(
        seed=seed,
        place=place,
        name=out.name,
        seconds=seconds,
        fps=fps,
        size=_size(size),
        vehicles_per_minute=vehicles_per_minute,
        light=light,
    )
    try:
        with progress("frames") as report:
            city = render_city(request, out, report, processes)
    except (CityError, OSError) as exc:
        fail(str(exc))
    except KeyboardInterrupt:
        fail("interrupted: the city is not finished", code=130)
    emit(
        {
            "city": str(out),
            "cameras": [camera.id for camera in city.cameras],
            "vehicles": len(city.vehicles),
            "seconds": city.duration_s,
        },
        as_json=as_json,
    )


def _size(text: str) -> tuple[int, int]:
    """Width and height; ends the command if they are not usable."""
    found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not found or width % 2 or height % 2 or max(width, height) > _LARGEST_PX:
        fail(f"size {text!r} is not WIDTHxHEIGHT in even pixels up to {_LARGEST_PX}, e.g. 960x540")
    return width, height
