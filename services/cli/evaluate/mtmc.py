"""``vreid evaluate mtmc``: CityFlow text in, one score document out. Never computes a measure itself."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.evaluate.truth_files import read_text
from services.cli.output import JsonFlag, emit, fail, stdout
from services.errors import InputError
from tracker.metrics.cityflow import CityFlowTracks, parse_cityflow
from tracker.metrics.mtmc import evaluate_mtmc


def mtmc(
    truth: Annotated[
        Path, typer.Option(help="CityFlow text: camera id frame x y width height [visible share, -1 unknown].")
    ],
    predicted: Annotated[Path, typer.Option(help="CityFlow text with predicted identities; column 8 is ignored.")],
    as_json: JsonFlag = False,
) -> None:
    """Scores multi-camera identities: IDF1, IDP, IDR and HOTA under CityFlow's rules."""
    wanted = _read(truth, read_visible=True)
    if not len(wanted):
        fail(f"{truth}: no boxes: there is nothing to score against")
    given = _read(predicted, read_visible=False)
    try:
        score = evaluate_mtmc(wanted, given)
    except ValueError as error:
        fail(f"{truth}: {error}")
    names = ("idf1", "idf1_all", "idp", "idr", "hota")
    emit({name: getattr(score, name) for name in names}, as_json=as_json, render=_show)


def _read(path: Path, *, read_visible: bool) -> CityFlowTracks:
    try:
        return parse_cityflow(read_text(path), str(path), read_visible=read_visible)
    except (InputError, ValueError) as error:
        fail(str(error))


def _show(document: dict[str, Any]) -> None:
    for name, value in document.items():
        stdout.print(f"{name:<9} {value:.4f}")
