"""`vreid models adapt`: goes on training a detector on pictures with boxes, and tells what that gained and cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from detector.settings import DetectorSettings
from services.cli.output import JsonFlag, emit, fail, stderr, stdout
from services.errors import ModelFileError, VreidError

if TYPE_CHECKING:
    from detector.adapt.labelled import LabelledSet
    from detector.types import Detections
    from services.models.own_int8 import Image
    from services.models.store import ModelStore

#: Pictures taken from footage; every tenth is kept back to judge by.
_MOST_PICTURES, _KEPT_BACK = 600, 10
_TOLD_EVERY = 25
_DEFAULTS = DetectorSettings()


def adapt(  # noqa: PLR0913 - one option per setting
    folder: Annotated[
        Path, typer.Argument(metavar="SET", help="Pictures with boxes in YOLO's layout: images/, labels/, data.yaml.")
    ],
    *,
    out: Annotated[Path, typer.Option("--out", help="The new detector, a .pt file.")],
    footage: Annotated[
        list[Path] | None,
        typer.Option(help="Clip or folder of pictures that it must go on to see as before; repeatable."),
    ] = None,
    start: Annotated[
        str, typer.Option("--start", help="Where it begins: in the manifest, or a .pt file that you trust.")
    ] = "yolov8n",
    steps: Annotated[int, typer.Option(min=1, max=1_000_000, help="Batches of 16 pictures.")] = 900,
    kept: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Share kept of the way that the weights have gone; less forgets less."),
    ] = 0.5,
    seed: Annotated[int, typer.Option(min=0, help="Settles everything drawn.")] = 7,
    as_json: JsonFlag = False,
) -> None:
    """Goes on training a detector on pictures of your cameras, without unlearning the rest; minutes on two cores."""
    if out.suffix != ".pt" or not out.parent.is_dir():
        fail(f"--out: expected a .pt file in a folder that exists, got {out}")
    try:
        document = _adapted(folder, out, footage or [], start, (steps, kept, seed))
    except (VreidError, OSError, ValueError) as exc:
        fail(str(exc))
    except ImportError as exc:
        fail(f"needs {exc.name or exc}, which comes with the 'train' extra")
    except KeyboardInterrupt:
        fail("interrupted: nothing was written", code=130)
    emit(document, as_json=as_json, render=_show)


def _adapted(
    folder: Path, out: Path, footage: Sequence[Path], start: str, how: tuple[int, float, int]
) -> dict[str, Any]:
    from detector.telemetry import forbid_telemetry

    forbid_telemetry()
    from detector.adapt.checkpoint import write_checkpoint
    from detector.adapt.labelled import LabelledSet
    from detector.adapt.loop import AdaptPlan
    from detector.adapt.loop import adapt as run
    from reid.memory import keep_freed_memory
    from services.models.footage import spread_pictures
    from services.models.store import ModelStore

    store = ModelStore(report=lambda line: stderr.print(line, highlight=False, soft_wrap=True))
    learned = LabelledSet(folder)
    begun = _start(store, start)
    judging = _judging(folder)
    pictures = list(spread_pictures(footage, _MOST_PICTURES)) if footage else []
    back = pictures[::_KEPT_BACK]
    shown = [picture for number, picture in enumerate(pictures) if number % _KEPT_BACK]
    plan = AdaptPlan(steps=how[0], kept=how[1], seed=how[2])
    keep_freed_memory()
    write_checkpoint(run(begun, learned, shown, plan, _tell(plan.steps)), begun, out)
    before, after = (_found(store, str(model), judging, back) for model in (start, out))
    return {
        "out": str(out),
        "start": start,
        "pictures": {"labelled": len(learned), "footage": len(shown)},
        "plan": {"steps": plan.steps, "kept": plan.kept, "seed": plan.seed},
        "ap50": None
        if judging is None
        else {k: _precision(judging, f[0]) for k, f in (("before", before), ("after", after))},
        "footage_agreement": _agreement(before[1], after[1]) if back else None,
    }


def _start(store: ModelStore, start: str) -> Path:
    if start.endswith(".pt"):
        if not Path(start).is_file():
            raise ModelFileError(f"no such file: {start}")
        return Path(start)
    if store.manifest.get(start).kind != "yolo":
        raise ModelFileError(f"{start} is no detector")
    return store.fetch(start)


def _tell(steps: int) -> Any:
    def report(step: int, losses: dict[str, float]) -> None:
        if step % _TOLD_EVERY == 0 or step == steps:
            told = ", ".join(f"{name} {value:.3f}" for name, value in losses.items())
            stderr.print(f"step {step} of {steps}: {told}", highlight=False, soft_wrap=True)

    return report


def _judging(folder: Path) -> LabelledSet | None:
    """The pictures kept for judging, if the set has any."""
    from detector.adapt.labelled import LabelledSet

    return LabelledSet(folder, "val") if (folder / "images" / "val").is_dir() else None


def _found(
    store: ModelStore, model: str, judging: LabelledSet | None, back: Sequence[Image]
) -> tuple[list[Detections], list[Detections]]:
    """What a detector finds in the set's pictures and in those of footage."""
    from services.models.networks import open_form

    settings = DetectorSettings(model=model)
    # A `.pt` given here was named by the user as trusted, or was just written.
    detector = open_form(store.prepare(model, settings.input_hw, trust=True), settings)
    there = [] if judging is None else [judging[number].image for number in range(len(judging))]
    return detector.detect(there), detector.detect(list(back))


def _precision(judging: LabelledSet, found: Sequence[Detections]) -> float:
    """Average precision at an overlap of one half, all classes pooled."""
    from tracker.metrics.average_precision import Judged, average_precision

    pictures = []
    for number, detections in enumerate(found):
        known = judging[number]
        pictures.append(
            Judged(
                detections.boxes_xyxy.astype(np.float64),
                detections.scores.astype(np.float64),
                np.concatenate([known.boxes, known.ignored]).astype(np.float64),
                np.arange(len(known.boxes) + len(known.ignored)) >= len(known.boxes),
            )
        )
    return round(average_precision(pictures, 0.5), 4)


def _agreement(before: Sequence[Detections], after: Sequence[Detections]) -> float:
    from tracker.metrics.average_precision import agreement

    return round(agreement(before, after), 4)


def _show(document: dict[str, Any]) -> None:
    stdout.print(f"written: {document['out']}", soft_wrap=True)
    if document["ap50"] is not None:
        before, after = document["ap50"]["before"], document["ap50"]["after"]
        stdout.print(f"pictures kept for judging: average precision {before:.3f} before, {after:.3f} now")
    if document["footage_agreement"] is not None:
        stdout.print(f"footage kept back: agrees with before to {document['footage_agreement']:.3f}")
    stdout.print(f"take it into use: vreid models fetch {document['out']} --trust, then detector.model", soft_wrap=True)
