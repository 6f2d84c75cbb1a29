"""``vreid bench model``: parses and prints; `benchmarks.model` makes and judges."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.simulate.progress import progress
from services.errors import VreidError


def model(  # noqa: PLR0913
    out: Annotated[Path, typer.Option(help="Folder for sets, models and figures; a run cut off goes on.")],
    pairs: Annotated[
        Path | None, typer.Option(help="The real photographs that docs/training.md names; without it the city alone.")
    ] = None,
    train: Annotated[int | None, typer.Option(help="Vehicles of each rendered set to train on.", min=4)] = None,
    test: Annotated[int | None, typer.Option(help="Vehicles of the city to judge on.", min=2)] = None,
    changes: Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="As in vreid train.")] = None,
    *,
    recipe: Annotated[
        str, typer.Option(help="Of the training: default, or gpu, by which the shipped model was made.")
    ] = "default",
    then: Annotated[
        list[str] | None,
        typer.Option(help="Recipes that go on from what was made before them: far for the shipped one; shapes."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Makes the default model from ImageNet weights and takes every figure of its card."""
    from benchmarks.model.run import ModelBench, make_and_judge
    from reid.errors import ReidError

    try:
        with progress("commands") as report:
            bench = ModelBench(out, pairs, train, test, tuple(changes or ()), recipe, tuple(then or ()))
            document = make_and_judge(bench, report)
    except (VreidError, ReidError, OSError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show_model)


def _show_model(document: dict[str, Any]) -> None:
    found = table("", "queries", "rank-1", "mAP", "rank-1 over classes")
    for name, row in document["figures"].items():
        found.add_row(name, str(row["queries"]), *(f"{row[key]:.3f}" for key in ("rank1", "mAP", "rank1_macro_class")))
    stdout.print(found)
    stdout.print(f"{sum(document['seconds'].values()) / 60:.0f} minutes", highlight=False)
