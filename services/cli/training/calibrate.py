"""``vreid calibrate``: fits a checkpoint's calibration anew, on vehicles that it has not seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stderr, stdout
from services.cli.training.data import DataOption
from services.cli.training.recipe import ConfigOption, RecipeOption, pictures_given
from services.errors import InputError

if TYPE_CHECKING:
    from reid.data import Sample


def calibrate(
    weights: Annotated[Path, typer.Option("--weights", help="Checkpoint, *.safetensors; its .json is rewritten.")],
    data: DataOption = None,
    recipe: RecipeOption = None,
    config: ConfigOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Fits how similarity is read as evidence. Vehicles learned from are left out; those selected on tell of means."""
    from detector.telemetry import forbid_telemetry

    forbid_telemetry()
    from reid.calibrate import calibrate_network
    from reid.checkpoint import load_checkpoint
    from reid.errors import ReidError
    from reid.finish import calibrated_figures
    from reid.metadata import CalibrationData, metadata_path, write_document

    try:
        if not data:
            raise InputError("no pictures: give --data NAME=DIR[:FORMAT]")
        net, metadata = load_checkpoint(weights)
        unseen, beside, left_out = _unseen(weights, pictures_given(data, recipe, config))
        fitted, judged = calibrate_network(net, metadata.preprocessing, unseen, beside)
        calibration = CalibrationData.of(fitted)
        figures = calibrated_figures(metadata.figures, judged)
        written = metadata.model_copy(update={"calibration": calibration, "figures": figures})
        write_document(metadata_path(weights), written)
    except (ReidError, InputError, OSError) as exc:
        fail(str(exc))
    document = {
        "weights": str(weights),
        "calibration": calibration.model_dump(),
        "before": metadata.calibration.model_dump(),
        "vehicles_left_out": left_out,
        "domains": judged,
    }
    emit(document, as_json=as_json, render=_show)


_ByDomain = dict[str, tuple["Sample", ...]]


def _unseen(weights: Path, samples: list[Sample]) -> tuple[_ByDomain, _ByDomain, int]:
    """Pictures without those of vehicles that the run beside the checkpoint learned from.

    Tells on stderr where nothing can be left out because nobody knows what the model learned from.

    Returns:
        By domain those that it was not chosen by either, and those that it was; the vehicles not among the first.
    """
    from reid.errors import DataError
    from reid.parts import VEHICLES_FILE, read_vehicles

    beside = weights.with_name(VEHICLES_FILE)
    known = read_vehicles(beside) if beside.exists() else {}
    _warn_of_strangers(beside, known, sorted({sample.domain for sample in samples}))
    fit, select = {*known.get("fit", ()), *known.get("before", ())}, set(known.get("select", ()))
    kept: dict[str, list[Sample]] = defaultdict(list)
    chosen_by: dict[str, list[Sample]] = defaultdict(list)
    left_out = set()
    for sample in samples:
        name = "/".join(sample.identity)
        if name in fit or name in select:
            left_out.add(sample.identity)
        if name in select:
            chosen_by[sample.domain].append(sample)
        elif name not in fit:
            kept[sample.domain].append(sample)
    if not kept:
        raise DataError(f"the model was trained on all {len(left_out)} vehicles given: calibrate on others")
    return _whole(kept), _whole(chosen_by), len(left_out)


def _warn_of_strangers(beside: Path, known: Mapping[str, list[str]], given: list[str]) -> None:
    called = sorted({name.partition("/")[0] for names in known.values() for name in names})
    if not called:
        told = f"no {beside}: vehicles that the model learned from are not left out"
    elif not set(called) & set(given):
        told = (
            f"{beside} tells of {', '.join(called)}, not of {', '.join(given)}: vehicles that the model learned from "
            "are not left out unless data sets are called as the run called them, --data NAME=DIR"
        )
    else:
        return
    stderr.print(told, highlight=False, markup=False, soft_wrap=True)


def _whole(part: Mapping[str, list[Sample]]) -> _ByDomain:
    return {domain: tuple(samples) for domain, samples in part.items()}


def _show(document: dict[str, Any]) -> None:
    now, before = document["calibration"], document["before"]
    stdout.print(
        f"slope {now['slope']:.2f} (was {before['slope']:.2f}), "
        f"offset {now['offset']:.2f} (was {before['offset']:.2f}), limit {now['limit']:.1f} nats",
        highlight=False,
    )
    stdout.print(f"{document['vehicles_left_out']} vehicles left out: learned from, or selected on", highlight=False)
    detail = now["detail"]
    if detail["sizes_px"]:
        left = ", ".join(f"{s:.0%} at {px:.0f} px" for px, s in zip(detail["sizes_px"], detail["shares"], strict=True))
        stdout.print(f"likeness left in small pictures: {left}", highlight=False)
    stdout.print(f"of each further sighting {now['independence']:.0%} tells something new", highlight=False)
    for domain, found in document["domains"].items():
        if views := found.get("views"):
            told = f"{domain}: {views['compared']} of {views['of']} views, those of vehicles drawn by chance"
            stdout.print(told, highlight=False)
        log_loss, top = found.get("log_loss"), found.get("top1")
        said = "no pairs" if log_loss is None else f"log loss {log_loss:.3f} nats"
        stdout.print(f"{domain}: {said}" + (f", first answers ECE {top['ece']:.3f}" if top else ""), highlight=False)
