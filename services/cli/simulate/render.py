"""``vreid simulate render``: a whole city, clips and truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import JsonFlag, emit, fail
from services.cli.simulate.progress import progress


def render(
    seed: Annotated[int, typer.Option(help="Settles fleet, traffic and noise.", min=0)],
    place: Annotated[str, typer.Option(help="Name of a place, or the path of its YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder to write the city to.")],
    seconds: Annotated[float, typer.Option(help="Length of every clip.", min=0.1, max=3600)] = 75.0,
    as_json: JsonFlag = False,
) -> None:
    """Renders a city: one clip per camera, truth, attribution, all frozen by hash."""
    from simulator.errors import CityError
    from simulator.render import RenderRequest, render_city

    request = RenderRequest(seed=seed, place=place, name=out.name, seconds=seconds)
    try:
        with progress("frames") as report:
            city = render_city(request, out, report)
    except (CityError, OSError) as exc:
        fail(str(exc))
    emit(
        {
            "city": str(out),
            "cameras": [camera.id for camera in city.cameras],
            "vehicles": len(city.vehicles),
            "seconds": city.duration_s,
        },
        as_json=as_json,
    )
