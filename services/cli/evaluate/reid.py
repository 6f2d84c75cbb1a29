"""``vreid evaluate reid``: a data set and a network in, one score document out. Never computes a measure itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.evaluate.comparing import METHODS, compare_reid
from services.cli.evaluate.judging import PROTOCOLS_OF, Asked, judge_reid
from services.cli.output import JsonFlag, emit, fail, stderr, stdout, table
from services.errors import VreidError

_PROTOCOLS = tuple(dict.fromkeys(name for names in PROTOCOLS_OF.values() for name in names))
_FIGURES = ("mAP", "mINP", "rank1", "rank5", "rank10", "rank1_macro_class", "mAP_macro_class", "chance_rank1")
_TABLE_NAMES = {"camera_pair": "camera pair", "view_pair": "view pair"}
_SHOWN_ROWS = 12
_RERANKED = 100


def reid(  # noqa: PLR0913, PLR0917 - the options of a command are its parameters
    data: Annotated[Path, typer.Option(help="Folder of the data set.")],
    layout: Annotated[str, typer.Option("--format", help=f"How its files are laid out: {', '.join(PROTOCOLS_OF)}.")],
    pattern: Annotated[
        str | None,
        typer.Option(
            help="For pattern: `pairs`, `veri`, or a regular expression with the groups vehicle and camera; "
            "the group kind is the class, any other a label."
        ),
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(
            help="A .safetensors checkpoint, an exported model's folder, a name in the manifest, or `imagenet`; "
            "default: the shipped model."
        ),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help=f"{', '.join(_PROTOCOLS)}; default: what the layout's papers use.")
    ] = None,
    part: Annotated[str, typer.Option(help="Which part to judge on: test or train.")] = "test",
    listed: Annotated[
        Path | None, typer.Option("--list", "--split", help="For pattern: file that names the pictures to take.")
    ] = None,
    classes: Annotated[
        Path | None, typer.Option(help="For pattern: JSON with the class of each vehicle, {vehicle: class}.")
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(min=2, help="Which test list of vehicleid or veriwild; of others, vehicles in a vehicleid draw."),
    ] = None,
    by: Annotated[
        list[str] | None, typer.Option(help="A label to set figures apart by, such as twin; may be repeated.")
    ] = None,
    rerank: Annotated[
        bool, typer.Option("--rerank", help="Re-rank each query's top answers by k-reciprocal neighbours.")
    ] = False,
    rerank_top: Annotated[
        int | None, typer.Option(min=1, help="With --rerank: how many answers to re-rank; default: 100.")
    ] = None,
    one_shot: Annotated[
        bool, typer.Option("--one-shot", help="Verify as well, each vehicle enrolled with one picture.")
    ] = False,
    report: Annotated[
        Path | None, typer.Option(help="HTML file to write; it holds pictures of the worst failures.")
    ] = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Compare methods, most of them without training: one row each.")
    ] = False,
    method: Annotated[
        list[str] | None,
        typer.Option(help=f"With --compare: {', '.join(METHODS)}, or a network as for --weights; default: all."),
    ] = None,
    vehicles: Annotated[
        int | None, typer.Option(min=2, help="With --compare: judge on so many vehicles, drawn at random.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of draws and of intervals.")] = 0,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; default: all.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Scores a re-identification network on a data set, under a named protocol; or compares methods on it."""
    asked = Asked(
        data=data,
        layout=layout,
        pattern=pattern,
        weights=weights,
        protocol=protocol,
        part=part,
        listed=listed,
        classes=classes,
        size=size,
        by=tuple(by or ()),
        rerank_top=(rerank_top or _RERANKED) if rerank else None,
        report=report,
        seed=seed,
        threads=threads,
        one_shot=one_shot,
    )
    if not compare and (method or vehicles is not None):
        fail("--method and --vehicles go with --compare")
    if rerank_top is not None and not rerank:
        fail("--rerank-top goes with --rerank")
    try:
        document, failure = (compare_reid(asked, method or [], vehicles), "") if compare else judge_reid(asked)
    except VreidError as exc:
        fail(str(exc))
    if document["unreadable"]:
        names = ", ".join(document["unreadable"][:5])
        stderr.print(f"left out {len(document['unreadable'])} unreadable pictures: {names}", highlight=False)
    if document["unmatched"]:
        stderr.print(f"left out {document['unmatched']} pictures whose name does not match", highlight=False)
    emit(document, as_json=as_json, render=_show_methods if compare else _show)
    if failure:
        fail(failure)


def _show(document: dict[str, Any]) -> None:
    heading = f"{document['protocol']}: {document['queries']} queries, gallery of {document['gallery']}"
    stdout.print(f"{heading}, {document['model']} ({document['ms_per_crop']:.1f} ms per picture)", highlight=False)
    figures = table("", "value", "95 %")
    for name in _FIGURES:
        interval = document["ci95"].get(name)
        between = f"{interval[0]:.3f} to {interval[1]:.3f}" if interval else ""
        figures.add_row(name, f"{document[name]:.3f}", between)
    stdout.print(figures)
    for name, rows in document["tables"].items():
        _show_table(_TABLE_NAMES.get(name, name), rows)
    if "one_shot" in document:
        once = document["one_shot"]
        shown = f"accuracy {once['accuracy']:.3f} at similarity {once['threshold']:.3f}"
        curve = ", ".join(f"{value:.3f} at {rate}" for rate, value in once["roc"].items())
        stdout.print(f"one-shot verification: {shown}; accepted by false acceptance: {curve}", highlight=False)
    if document["report"]:
        stdout.print(f"report: {document['report']}", highlight=False, soft_wrap=True)


def _show_methods(document: dict[str, Any]) -> None:
    heading = f"{document['protocol']}: {document['queries']} queries of {document['vehicles']} vehicles"
    stdout.print(f"{heading}, gallery of {document['gallery']}; chance {document['chance_rank1']:.3f}", highlight=False)
    shown = table("method", "rank-1", "95 %", "mAP", "ms per image", "ms per query")
    for row in document["methods"]:
        low, high = row["ci95"]["rank1"]
        shown.add_row(
            row["method"],
            f"{row['rank1']:.3f}",
            f"{low:.3f} to {high:.3f}",
            f"{row['mAP']:.3f}",
            f"{row['ms_per_image']:.1f}",
            f"{row['ms_per_query']:.1f}",
        )
    stdout.print(shown)


def _show_table(name: str, rows: dict[str, dict[str, Any]]) -> None:
    shown = table(name, "queries", "rank-1", "mAP")
    weakest = sorted(rows.items(), key=lambda item: (item[1]["rank1"], item[0]))
    for label, row in weakest[:_SHOWN_ROWS]:
        shown.add_row(label, str(row["queries"]), f"{row['rank1']:.3f}", f"{row['mAP']:.3f}")
    stdout.print()
    stdout.print(shown)
    if len(rows) > _SHOWN_ROWS:
        stdout.print(f"and {len(rows) - _SHOWN_ROWS} better ones", style="dim")
