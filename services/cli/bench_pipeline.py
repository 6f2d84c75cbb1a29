"""``vreid bench detector``, ``pipeline``, ``faults`` and ``soak``: parse and print; `benchmarks.pipeline` measures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli.output import JsonFlag, emit, fail, stdout, table
from services.cli.simulate.progress import progress
from services.errors import VreidError

if TYPE_CHECKING:
    from detector.settings import DetectorSettings
    from detector.yolo import OpenVinoDetector


def detector(
    city: Annotated[list[str] | None, typer.Option(help="City whose truth is asked for; may be repeated.")] = None,
    real: Annotated[list[Path] | None, typer.Option(help="Clip or folder of pictures without truth.")] = None,
    size: Annotated[list[str] | None, typer.Option(help="Network input, e.g. 512x288; may be repeated.")] = None,
    every: Annotated[int, typer.Option(help="Of a clip's frames, look at one in so many.", min=1, max=1000)] = 10,
    as_json: JsonFlag = False,
) -> None:
    """Holds the INT8 detector against FP32: average precision on cities, agreement, speed, at each input size."""
    from benchmarks.pipeline.detection import DetectorBench, judge_detectors
    from simulator.errors import CityError

    bench = DetectorBench(
        tuple(city or ("demo",)), tuple(real or ()), tuple(_size(text) for text in size or ["512x288"]), every
    )
    try:
        with progress("sizes") as report:
            document = judge_detectors(bench, _open_detector, report)
    except (CityError, VreidError, OSError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show_detectors)


def _open_detector(settings: DetectorSettings) -> OpenVinoDetector:
    from services.models.networks import open_detector

    return open_detector(settings)


def _size(text: str) -> tuple[int, int]:
    """Width and height; ends the command if they are not usable."""
    found = re.fullmatch(r"(\d{2,4})x(\d{2,4})", text)
    width, height = (int(found[1]), int(found[2])) if found else (0, 0)
    if not found or width % 32 or height % 32 or min(width, height) < 64 or max(width, height) > 2048:
        fail(f"size {text!r} is not WIDTHxHEIGHT in multiples of 32 from 64 to 2048, e.g. 512x288")
    return width, height


def _show_detectors(document: dict[str, Any]) -> None:
    shown = table("input", "precision", "mAP", "AP50", "AP vehicle", "ms/frame", "speed-up", "agreement", "allowed")
    for size, row in document["sizes"].items():
        for precision in ("fp32", "int8"):
            scores = row[precision]
            compared = precision == "int8"
            agreed = ", ".join(f"{name} {value:.3f}" for name, value in row["agreement"].items())
            shown.add_row(
                size,
                precision,
                *(f"{scores[name]:.4f}" for name in ("map", "ap50", "ap_vehicle")),
                f"{scores['ms_per_frame']:.1f}",
                f"{row['speedup']:.2f}" if compared else "",
                agreed if compared else "",
                ("yes" if row["within_allowed"] else "no") if compared else "",
            )
    stdout.print(shown)
