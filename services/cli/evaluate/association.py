"""``vreid evaluate association``: truth tracklets in, one score document out. Never computes a measure itself."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.evaluate.associating import Asked, judge_association
from services.cli.evaluate.truth_files import SceneOptions
from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.errors import VreidError


def association(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    truth: Annotated[
        Path, typer.Option(help="CityFlow text: camera id frame x y width height …; or a traffic recording's folder.")
    ],
    offsets: Annotated[
        list[Path] | None,
        typer.Option(help="Lines `c001 1.64`: seconds by which a camera starts later. Only cameras named are read."),
    ] = None,
    fps: Annotated[list[str] | None, typer.Option(help="CAMERA=FRAMES, where it is not 10; may be repeated.")] = None,
    rank1: Annotated[float, typer.Option(help="That embeddings have between tracklets of different cameras.")] = 0.75,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="How many draws of embeddings.")] = 20,
    first_seed: Annotated[int, typer.Option(min=0, help="The first of them.")] = 0,
    learn: Annotated[
        Path | None, typer.Option(help="A recording, or boxes by --offsets and --fps, of these cameras to learn from.")
    ] = None,
    baseline: Annotated[
        list[str] | None, typer.Option(help="Baseline to run, or `none`; may be repeated. Default: all.")
    ] = None,
    flat_time: Annotated[
        bool, typer.Option("--flat-time", help="Also with nothing learned of time and links: what learning gains.")
    ] = False,
    skew: Annotated[float, typer.Option(min=0, max=3600, help="Also with clocks ahead or behind by so many s.")] = 0.0,
    step: Annotated[
        str | None, typer.Option(help="Also with a clock that jumps: CAMERA=5@900, by 5 s after 900 s.")
    ] = None,
    components: Annotated[
        Path | None, typer.Option(help="Sizes of the embeddings' parts, of `evaluate components`; default: packaged.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=64, help="Seeds played at once; default: one per core.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Scores association on truth tracklets with simulated embeddings, beside its baselines."""
    asked = Asked(
        truth=truth,
        scene=SceneOptions(tuple(offsets or ()), tuple(fps or ())),
        rank1=rank1,
        seeds=seeds,
        first_seed=first_seed,
        learn=learn,
        baselines=None if baseline is None else tuple(name for name in baseline if name != "none"),
        flat_time=flat_time,
        skew_s=skew,
        step=step,
        components=components,
        processes=processes or os.cpu_count() or 1,
    )
    try:
        document = judge_association(asked)
    except VreidError as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show)


def _show(document: dict[str, Any]) -> None:
    size = f"{document['tracklets']} tracklets, {document['vehicles']} vehicles, {document['cameras']} cameras"
    reached = document["rank1"]["reached"]
    stdout.print(f"{size}; rank-1 {reached:.3f}; {len(document['seeds'])} seeds", highlight=False)
    shown = table("", "idf1", "95 %", "ours ahead by", "95 %")
    shown.add_row("ours, 10 s", _figure(document["idf1"]), _between(document["ci95"]), "", "")
    for name, value in document["baselines"].items():
        paired = document["paired"][name]
        ahead = _figure(paired["difference"]), _between(paired["difference_ci95"])
        shown.add_row(name.replace("_", " "), _figure(value), _between(paired["ci95"]), *ahead)
    for name, what in (("flat_time", "gain"), ("skewed", "loss"), ("stepped", "loss")):
        if name in document:
            other = document[name]
            ahead = _figure(other[what]), _between(other[f"{what}_ci95"])
            shown.add_row(f"ours, {name.replace('_', ' ')}", _figure(other["idf1"]), _between(other["ci95"]), *ahead)
    stdout.print(shown)
    when = ", ".join(f"{name} {_figure(value)}" for name, value in document["idf1_at"].items())
    stdout.print(f"idf1 at {when}; without the camera rule {_figure(document['idf1_all'])}", highlight=False)
    _show_topology(document["topology"], "learned")
    if "skewed" in document:
        _show_topology(document["skewed"]["topology"], "learned by wrong clocks")
    if "stepped" in document:
        _show_step(document["stepped"])
    for name, new in document["new_vehicle"].items():
        figures = f"precision {_figure(new['precision'])}, recall {_figure(new['recall'])}"
        stdout.print(f"new vehicles after {name}: {figures}", highlight=False)
    if (said := document["decisions"]) is not None:
        how = (
            f"{_figure(said['stated'])} sure and right in {_figure(said['right'])}, calibration error {said['ece']:.3f}"
        )
        stdout.print(f"decisions as taken: {how}", highlight=False)


def _show_topology(topology: dict[str, Any], heading: str) -> None:
    travel = f"travel times right {_figure(topology['travel_right'])} of {topology['links']:g} links"
    offsets = f"offsets right {_figure(topology['offsets_right'])} of {topology['overlaps']:g} overlaps"
    stdout.print(f"{heading}: {travel}, {offsets}; clock warnings {topology['warnings']:g}", highlight=False)


def _show_step(stepped: dict[str, Any]) -> None:
    after = stepped["flagged_after"]
    when = f"after {after['median']:g} transitions, at worst {after['worst']}" if after else "never"
    share = f"in {stepped['flagged_share']:.0%} of seeds"
    what = f"step of {stepped['by_s']:+g} s of {stepped['camera_id']} at {stepped['at_s']:g} s"
    stdout.print(f"{what}: told {share}, {when}", highlight=False)


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _between(interval: list[float | None]) -> str:
    low, high = interval
    return "-" if low is None else f"{_figure(low)} to {_figure(high)}"
