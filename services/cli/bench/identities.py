"""``vreid bench identities``: parses and prints; `benchmarks.identities` measures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.simulate.progress import progress
from services.errors import VreidError

_OWN = "own"
_SHOWN = (
    "cameras",
    "idf1",
    "oracle_idf1",
    "share_of_oracle",
    "greedy_idf1",
    "query_rank1",
    "frame_age_p99_s",
    "inferred",
)


def identities(  # noqa: PLR0913, PLR0917 - one option per setting
    place: Annotated[list[str] | None, typer.Option(help="Place to render and play; may be repeated.")] = None,
    light: Annotated[
        list[str] | None, typer.Option(help="Light that all cameras see by, or own; may be repeated.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of the first place; the next place has the next.", min=0)] = 1_400_021,
    seconds: Annotated[float, typer.Option(help="Length of every clip.", min=5, max=3600)] = 75.0,
    together: Annotated[bool, typer.Option("--together", help="Play all places at once as well.")] = False,
    keep: Annotated[Path, typer.Option(help="Where rendered cities are kept and found.")] = Path("runs/identities"),
    as_json: JsonFlag = False,
) -> None:
    """Scores identities of the whole product on cities that nothing was developed on, by place and light."""
    from benchmarks.identities.playing import play
    from benchmarks.identities.run import IdentitiesBench, score_identities
    from simulator.errors import CityError
    from simulator.splits import WHOLE

    lights = tuple(None if name == _OWN else name for name in light or [_OWN])
    bench = IdentitiesBench(tuple(place or WHOLE), lights, seed, seconds, keep, together)
    try:
        with progress("cities") as report:
            document = score_identities(bench, play, report)
    except (CityError, VreidError, RuntimeError, OSError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show)


def _show(document: dict[str, Any]) -> None:
    shown = table("city", *(name.replace("_", " ") for name in _SHOWN))
    rows = {f"{row['place']}, {row['light']}": row for row in document["cities"]}
    if document["together"]:
        rows["all at once"] = document["together"]
    for name, row in rows.items():
        shown.add_row(name, *(f"{row[figure]:g}" for figure in _SHOWN))
    stdout.print(shown)
    for light, means in {**document["by_light"], "all": document["mean"]}.items():
        told = (f"{figure.replace('_', ' ')} {value:g}" for figure, value in means.items())
        stdout.print(f"{light}: {', '.join(told)}")
    if document["together"]:
        stdout.print(f"all at once is {document['together']['fall']:g} of IDF1 below the mean of each alone")
