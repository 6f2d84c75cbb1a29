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


def pipeline(
    frames: Annotated[int, typer.Option(help="Frames of each camera, from the published list.", min=10, max=750)] = 750,
    only: Annotated[list[str] | None, typer.Option(help="Contender to run; may be repeated; default all.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Speed, CPU, memory and single-camera IDF1 of this pipeline, of others on the same frames, and bounds."""
    from benchmarks.pipeline.contender import NAMES
    from benchmarks.pipeline.contest import run_contest
    from simulator.errors import CityError

    try:
        with progress("contenders") as report:
            document = run_contest(only or NAMES, frames, report)
    except (CityError, OSError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json, render=_show_contest)


def faults(
    kind: Annotated[list[str] | None, typer.Option(help="Kind of fault; may be repeated; default all.")] = None,
    copies: Annotated[int, typer.Option(help="Play each of the four cameras so often.", min=1, max=16)] = 2,
    trials: Annotated[int, typer.Option(help="How often each kind befalls its camera.", min=1, max=100)] = 3,
    before_s: Annotated[float, typer.Option(help="Time without faults to compare with.", min=3, max=300)] = 30.0,
    fault_s: Annotated[float, typer.Option(help="How long a fault holds.", min=3, max=300)] = 15.0,
    as_json: JsonFlag = False,
) -> None:
    """Lets faults befall one camera and tells what the others notice, when it is back and what leaks."""
    from benchmarks.pipeline.faults import SCRIPT, FaultBench, run_faults
    from simulator.errors import CityError

    try:
        with progress("faults") as report:
            document = run_faults(FaultBench(copies, tuple(kind or SCRIPT), trials, before_s, fault_s), report)
    except (CityError, VreidError, RuntimeError, OSError, ValueError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json)


def cameras(
    city: Annotated[list[str] | None, typer.Option(help="City whose cameras are played; may be repeated.")] = None,
    copies: Annotated[str, typer.Option(help="How often each camera is played, one run each.")] = "1,2,3,4,6",
    seconds: Annotated[float, typer.Option(help="How long each run is watched.", min=5, max=3600)] = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Plays more and more live cameras and tells how many this machine holds: rate and age of their frames."""
    from benchmarks.pipeline.capacity import run_capacity
    from simulator.errors import CityError

    counts = [int(text) if text.strip().isdigit() else 0 for text in copies.split(",")]
    if not all(1 <= count <= 64 for count in counts):
        fail(f"copies {copies!r} are not numbers from 1 to 64 separated by commas, e.g. 1,3,6")
    try:
        with progress("runs") as report:
            document = run_capacity(tuple(city or ("demo",)), counts, seconds, report)
    except (CityError, VreidError, RuntimeError, OSError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json)


def outage(
    seconds: Annotated[float, typer.Option(help="How long there is no store.", min=1, max=3600)] = 60.0,
    as_json: JsonFlag = False,
) -> None:
    """Kills the store while vehicles are seen, brings it back and counts what is missing, doubled or out of order."""
    from benchmarks.pipeline.footage import published
    from benchmarks.pipeline.outage import outage as run_outage

    try:
        with progress("seconds") as report:
            document = run_outage(published(), seconds, report)
    except (VreidError, RuntimeError, OSError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json)


def soak(
    frames: Annotated[int, typer.Option(help="Frames in all.", min=100)] = 1_000_000,
    per_camera: Annotated[int, typer.Option(help="Frames of each clip in a round.", min=10, max=750)] = 750,
    as_json: JsonFlag = False,
) -> None:
    """Runs very many frames with the detector's answers replayed and all else real; tells how the memory grew."""
    from benchmarks.pipeline.footage import published
    from benchmarks.pipeline.soak import soak as run_soak

    try:
        with progress("frames") as report:
            document = run_soak(published(per_camera), frames, report)
    except (VreidError, RuntimeError, OSError) as exc:
        fail(str(exc))
    emit(document, as_json=as_json)


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


def _show_contest(document: dict[str, Any]) -> None:
    shown = table("contender", "frames/s", "CPU s/frame", "peak MB", "IDF1 per camera")
    for name, row in document.items():
        if isinstance(row, dict):
            idf1 = "" if row["idf1"] is None else f"{row['idf1']:.3f}"
            figures = (f"{row['frames_per_s']:.1f}", f"{row['cpu_s_per_frame']:.4f}", f"{row['peak_mb']:.0f}", idf1)
            shown.add_row(name, *figures)
    stdout.print(shown)
    for name in ("ratio_to_naive", "ratio_to_same_detector", "share_of_bound"):
        if document[name] is not None:
            stdout.print(f"{name}: {document[name]:g}")
