"""``vreid evaluate tracking``: how tracks hold at other frame rates. Never computes a measure itself."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from services.cli.evaluate.detecting import city_scene, truth_scene
from services.cli.output import JsonFlag, emit, fail, stdout
from services.errors import VreidError
from tracker.metrics.frame_rate import Rate, score_at_rate
from tracker.metrics.mtmc import MtmcScore
from tracker.single_camera.settings import TrackerSettings

_MEASURES = ("idf1", "idp", "idr", "hota")


class Algorithm(StrEnum):
    """Association within one camera."""

    BYTETRACK = "bytetrack"
    OCSORT = "ocsort"


def tracking(  # noqa: PLR0913, PLR0917 - options of a command
    city: Annotated[str, typer.Option(help="A rendered city, by folder or name: its truth, and its clips.")] = "demo",
    truth: Annotated[Path | None, typer.Option(help="CityFlow text instead of a city; detections are drawn.")] = None,
    truth_fps: Annotated[float, typer.Option(min=0.1, max=1000, help="Frames a second of --truth.")] = 10.0,
    detect: Annotated[bool, typer.Option(help="Run the detector on the city's clips instead of drawing.")] = False,
    fps: Annotated[
        str, typer.Option(help="Frame rates to judge, the first being what falls are taken from.")
    ] = "10,5,4",
    drop: Annotated[float, typer.Option(min=0.0, max=0.9, help="Share of frames that is lost at random.")] = 0.1,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Draws of detections and losses to average over.")] = 3,
    tracker: Annotated[list[Algorithm] | None, typer.Option(help="Algorithm to judge; may be repeated.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Scores single-camera tracking at several frame rates: IDF1 and HOTA, and how much slower ones lose."""
    rates = _rates(fps, drop)
    if truth is not None and detect:
        fail("--detect needs the clips of a city, --truth has none")
    trackers: dict[str, Any] = {}
    scores: dict[tuple[str, float], list[MtmcScore]] = {}
    algorithms = [str(algorithm) for algorithm in tracker or list(Algorithm)]
    try:
        scene = city_scene(city, detect=detect) if truth is None else truth_scene(truth, truth_fps)
        for seed in range(seeds):
            material = scene.material(np.random.default_rng([seed, 0]))
            for name in algorithms:
                for rate in rates:
                    score = score_at_rate(
                        material, rate, TrackerSettings(algorithm=name), np.random.default_rng([seed, 1])
                    )
                    scores.setdefault((name, rate.fps), []).append(score)
    except (ValueError, OSError, VreidError) as error:
        fail(str(error))
    for name in algorithms:
        trackers[name] = _table([(rate.fps, scores[name, rate.fps]) for rate in rates])
    document = {
        "detections": "detector" if detect else "simulated",
        "drop": drop,
        "seeds": seeds,
        "vehicles": scores[algorithms[0], rates[0].fps][0].vehicles,
        "trackers": trackers,
    }
    emit(document, as_json=as_json, render=_show)


def _rates(text: str, drop: float) -> list[Rate]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        fail(f"--fps: expected numbers like 10,5,4, got {text!r}")
    if any(not value > 0 for value in values):
        fail(f"--fps: frame rates must be > 0, got {text!r}")
    return [Rate(value, drop) for value in dict.fromkeys(values)]


def _table(rows: list[tuple[float, list[MtmcScore]]]) -> dict[str, dict[str, float]]:
    """Means over seeds by frame rate, with the fall of IDF1 and HOTA from the first."""
    table: dict[str, dict[str, float]] = {}
    for fps, scores in rows:
        means = {name: float(np.mean([getattr(score, name) for score in scores])) for name in _MEASURES}
        means["tracks"] = float(np.mean([score.identities for score in scores]))
        first = next(iter(table.values()), means)
        falls = {f"{name}_fall": first[name] - means[name] for name in ("idf1", "hota")}
        table[f"{fps:g}"] = {name: round(value, 4) for name, value in (means | falls).items()}
    return table


def _show(document: dict[str, Any]) -> None:
    stdout.print(
        f"{document['vehicles']} passages, {document['detections']} detections, {document['drop']:.0%} dropped"
    )
    for name, table in document["trackers"].items():
        for fps, row in table.items():
            stdout.print(
                f"{name:<10} {fps:>4} frames/s  IDF1 {row['idf1']:.4f} ({-row['idf1_fall']:+.4f})"
                f"  HOTA {row['hota']:.4f} ({-row['hota_fall']:+.4f})  {row['tracks']:.0f} tracks"
            )
