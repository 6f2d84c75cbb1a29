"""``vreid bench console``: parses and prints; `benchmarks.console` measures."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.simulate.progress import progress
from services.errors import VreidError


def console(
    sightings: Annotated[int, typer.Option(min=10, max=10_000_000, help="In the store.")] = 100_000,
    cameras: Annotated[int, typer.Option(min=1, max=64, help="On the wall.")] = 4,
    loads: Annotated[int, typer.Option(min=1, max=100, help="Of each page, each by a new browser.")] = 5,
    seconds: Annotated[float, typer.Option(min=1, max=600, help="With a viewer, and with none.")] = 30.0,
    as_json: JsonFlag = False,
) -> None:
    """Times the console's pages over a large gallery, and what a wall of live cameras costs, in a real browser."""
    from benchmarks.console.run import ConsoleBench, bench_console

    try:
        with progress("sightings") as report:
            document = bench_console(ConsoleBench(sightings, cameras, loads, seconds), report)
    except VreidError as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show)


def _show(document: dict[str, Any]) -> None:
    shown = table("page", "first visit s", "at most", "next visit s", "at most")
    for path, row in document["pages"].items():
        names = ("first_median_s", "first_max_s", "again_median_s", "again_max_s")
        shown.add_row(path, *(f"{row[name]:.2f}" for name in names))
    stdout.print(shown)
    wall = document["wall"]
    stdout.print(
        f"a wall of {wall['cameras']:.0f} cameras costs {wall['viewer_share']:.1%} of one core for a viewer; console "
        f"{wall['console_viewed']:.1%} viewed, {wall['console_idle']:.1%} idle; cameras "
        f"{wall['cameras_viewed']:.1%} viewed, {wall['cameras_idle']:.1%} idle"
    )
