"""`vreid models adapt`: goes on training a detector on pictures with boxes, and tells what that gained and cost."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import typer

from detector.adapt.plan import AdaptPlan
from detector.settings import DetectorSettings
from services.cli.output import JsonFlag, emit, fail, stderr, stdout
from services.errors import ModelFileError, VreidError

if TYPE_CHECKING:
    from detector.adapt.labelled import LabelledSet
    from detector.yolo import OpenVinoDetector
    from services.models.store import ModelStore

#: Pictures taken from footage; every tenth is kept back to judge by.
_MOST_PICTURES, _KEPT_BACK = 600, 10
_TOLD_EVERY = 25
_DEFAULTS = AdaptPlan()


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
    steps: Annotated[int, typer.Option(min=1, max=1_000_000, help="Batches of 16 pictures.")] = _DEFAULTS.steps,
    kept: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Share kept of the way that the weights have gone; less forgets less."),
    ] = _DEFAULTS.kept,
    seed: Annotated[int, typer.Option(min=0, help="Settles everything drawn.")] = _DEFAULTS.seed,
    as_json: JsonFlag = False,
) -> None:
    """Goes on training a detector on pictures of your cameras, without unlearning the rest; minutes on two cores."""
    if out.suffix != ".pt" or not out.parent.is_dir():
        fail(f"--out: expected a .pt file in a folder that exists, got {out}")
    try:
        document = _adapted(folder, out, footage or [], start, AdaptPlan(steps=steps, kept=kept, seed=seed))
    except (VreidError, OSError, ValueError) as exc:
        fail(str(exc))
    except ImportError as exc:
        fail(f"needs {exc.name or exc}, which comes with the 'train' extra")
    except KeyboardInterrupt:
        fail("interrupted: nothing was written", code=130)
    emit(document, as_json=as_json, render=_show)


def _adapted(folder: Path, out: Path, footage: Sequence[Path], start: str, plan: AdaptPlan) -> dict[str, Any]:
    from detector.telemetry import forbid_telemetry

    forbid_telemetry()
    from detector.adapt.checkpoint import write_checkpoint
    from detector.adapt.labelled import LabelledSet
    from detector.adapt.loop import adapt as run
    from reid.memory import keep_freed_memory
    from services.models.footage import spread_pictures
    from services.models.store import ModelStore
    from tracker.metrics.average_precision import agreement

    store = ModelStore(report=lambda line: stderr.print(line, highlight=False, soft_wrap=True))
    learned = LabelledSet(folder)
    begun = _start(store, start)
    judging = _judging(folder)
    pictures = list(spread_pictures(footage, _MOST_PICTURES)) if footage else []
    back = pictures[::_KEPT_BACK]
    shown = [picture for number, picture in enumerate(pictures) if number % _KEPT_BACK]
    keep_freed_memory()
    write_checkpoint(run(begun, learned, shown, plan, _tell(plan.steps)), begun, out)
    before, after = (_opened(store, str(model)) for model in (start, out))
    return {
        "out": str(out),
        "start": start,
        "pictures": {"labelled": len(learned), "footage": len(shown)},
        "plan": {"steps": plan.steps, "kept": plan.kept, "seed": plan.seed},
        "ap50": None if judging is None else _precision(judging, before=before, after=after),
        "footage_agreement": round(agreement(before.detect(back), after.detect(back)), 4) if back else None,
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


def _opened(store: ModelStore, model: str) -> OpenVinoDetector:
    from services.models.networks import open_form

    settings = DetectorSettings(model=model)
    # A `.pt` given here was named by the user as trusted, or was just written.
    return open_form(store.prepare(model, settings.input_hw, trust=True), settings)


def _precision(judging: LabelledSet, **detectors: OpenVinoDetector) -> dict[str, float]:
    """Average precision of each detector at an overlap of one half, all classes pooled."""
    from tracker.metrics.average_precision import Judged, average_precision

    judged: dict[str, list[Judged]] = {name: [] for name in detectors}
    for number in range(len(judging)):
        known = judging[number]
        truth = np.concatenate([known.boxes, known.ignored]).astype(np.float64)
        ignored = np.arange(len(truth)) >= len(known.boxes)
        for name, detector in detectors.items():
            found = detector.detect([known.image])[0]
            boxes, scores = found.boxes_xyxy.astype(np.float64), found.scores.astype(np.float64)
            judged[name].append(Judged(boxes, scores, truth, ignored))
    return {name: round(average_precision(pictures, 0.5), 4) for name, pictures in judged.items()}


def _show(document: dict[str, Any]) -> None:
    stdout.print(f"written: {document['out']}", soft_wrap=True)
    if document["ap50"] is not None:
        before, after = document["ap50"]["before"], document["ap50"]["after"]
        stdout.print(f"pictures kept for judging: average precision {before:.3f} before, {after:.3f} now")
    if document["footage_agreement"] is not None:
        stdout.print(f"footage kept back: agrees with before to {document['footage_agreement']:.3f}")
    stdout.print(f"take it into use: vreid models fetch {document['out']} --trust, then detector.model", soft_wrap=True)
