"""``vreid bench association``: parses and prints; `benchmarks.association` measures."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, stdout, table
from services.cli.simulate.progress import progress

_ACTIVE = (1000, 10_000, 100_000)


def association(  # noqa: PLR0913, PLR0917 - one option per setting
    active: Annotated[
        list[int] | None, typer.Option(min=1, help="Identities remembered; may be repeated. Default: 1 k, 10 k, 100 k.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="How long the load lasts.", min=0.5, max=3600)] = 30.0,
    per_s: Annotated[float, typer.Option(help="Sightings offered a second.", min=1, max=10_000)] = 200.0,
    burst: Annotated[int, typer.Option(help="Sightings that arrive at once.", min=1, max=5000)] = 50,
    revisions: Annotated[
        int, typer.Option(help="How often each sighting comes: once, or open and closed.", min=1, max=2)
    ] = 1,
    seed: Annotated[int, typer.Option(help="Of vehicles and trips.", min=0)] = 0,
    as_json: JsonFlag = False,
) -> None:
    """Times decisions with many identities in memory, under an offered load."""
    from benchmarks.association.load import LoadPlan
    from benchmarks.association.measure import bench_association

    plans = [
        LoadPlan(count, seconds, burst=burst, per_s=per_s, revisions=revisions, seed=seed)
        for count in dict.fromkeys(active or _ACTIVE)
    ]
    with progress("sizes") as report:
        document = bench_association(plans, report)
    emit(document, as_json=as_json, render=_show_association)


def _show_association(document: dict[str, Any]) -> None:
    columns = {
        "p50 ms": "p50_ms",
        "p99 ms": "p99_ms",
        "peak MB": "peak_mb",
        "grown by MB": "growth_mb",
        "busy": "busy_share",
        "second looks ms": "second_looks_ms_per_decision",
        "precision": "precision",
        "recall": "recall",
    }
    shown = table("active", *columns, "kept up")
    for size, row in document["active"].items():
        shown.add_row(size, *(f"{row[name]:g}" for name in columns.values()), "yes" if row["sustained"] else "no")
    stdout.print(shown)
    load = document["load"]
    offered = f"{load['per_s']:g} sightings/s in bursts of {load['burst']} for {load['seconds']:g} s"
    stdout.print(f"{offered}, {load['cameras']} cameras", highlight=False)
