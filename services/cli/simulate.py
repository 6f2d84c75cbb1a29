"""``vreid simulate``: renders cities and training crops. Speaks to the simulator and does nothing itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from services.cli.output import JsonFlag, emit, fail, stderr

app = typer.Typer(no_args_is_help=True, help="Make synthetic cities: clips with exact truth, and crops to train on.")


@app.command()
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
        with _progress("frames") as report:
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


@app.command()
def dataset(
    out: Annotated[Path, typer.Option(help="Folder to write the crops to.")],
    vehicles: Annotated[int, typer.Option(help="How many vehicles.", min=1, max=776)] = 300,
    split: Annotated[str, typer.Option(help="Whose seeds and places to use.")] = "train",
    as_json: JsonFlag = False,
) -> None:
    """Renders crops to train re-identification on, named as VeRi-776 names them."""
    from simulator.dataset import DatasetPlan, render_dataset
    from simulator.errors import CityError
    from simulator.splits import SPLITS

    if split not in SPLITS:
        fail(f"no split {split!r}; known splits: {', '.join(SPLITS)}")
    try:
        with _progress("vehicles") as report:
            crops = render_dataset(DatasetPlan(SPLITS[split], vehicles), out, report)
    except (CityError, OSError) as exc:
        fail(str(exc))
    emit({"dataset": str(out), "vehicles": vehicles, "crops": crops}, as_json=as_json)


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr; yields what to call with done and total."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=stderr) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
