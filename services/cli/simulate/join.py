"""``vreid simulate join``: several cities as one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from services.cli.output import JsonFlag, emit, fail


def join(
    city: Annotated[list[str], typer.Argument(help="Folders of cities, or names of bundled ones; two or more.")],
    out: Annotated[Path, typer.Option(help="Folder to write the joined city to.")],
    as_json: JsonFlag = False,
) -> None:
    """Makes one city of several, as the sites of one operator: all their cameras, none of their vehicles in common."""
    from simulator.city import load_city
    from simulator.errors import CityError
    from simulator.joining import join_cities

    try:
        joined = join_cities([load_city(name) for name in city], out)
    except (CityError, OSError) as exc:
        fail(str(exc))
    told = {
        "city": str(out),
        "cameras": [camera.id for camera in joined.cameras],
        "vehicles": len(joined.vehicles),
        "seconds": joined.duration_s,
    }
    emit(told, as_json=as_json)
