"""Judges the detector's precisions and input sizes: average precision on cities, agreement, speed. Prints nothing.

Speed is that of one picture at a time on one thread: wall and CPU seconds are the same and say what a core holds.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from detector.settings import DetectorSettings
from detector.types import VEHICLE_CLASSES, Detections, VehicleClass
from detector.yolo import OpenVinoDetector
from reid.data import read_picture
from services.ingest.cameras import IMAGE_SUFFIXES
from simulator.city import City, load_city
from simulator.truth import TruthBox, read_truth
from tracker.metrics.average_precision import Judged, agreement, average_precision, coco_ap
from tracker.metrics.mtmc import CITYFLOW_RULES

#: Truth boxes narrower or more hidden than this need not be found, as in the product's own rules of scoring.
MIN_WIDTH_PX, MIN_VISIBLE = CITYFLOW_RULES.min_width_px, CITYFLOW_RULES.min_visible
#: How far INT8 may fall behind FP32, in points of a hundred.
ALLOWED_POINTS = 1.5

Image = NDArray[np.uint8]
#: (precision, input width, input height) to a detector.
Opener = Callable[[DetectorSettings], OpenVinoDetector]


@dataclass(frozen=True, slots=True)
class DetectorBench:
    """What to judge on.

    Attributes:
        cities: Names or folders of cities; their truth is the detection set.
        real: Clips or folders of pictures without truth.
        sizes: Network input sizes, width and height in px.
        every: Of the frames of a clip, one in so many is looked at.
    """

    cities: tuple[str, ...] = ("demo",)
    real: tuple[Path, ...] = ()
    sizes: tuple[tuple[int, int], ...] = ((512, 288),)
    every: int = 10


@dataclass(frozen=True, slots=True)
class _Truth:
    boxes: tuple[TruthBox, ...]
    kinds: dict[int, str]


def judge_detectors(bench: DetectorBench, opener: Opener, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Judges FP32 and INT8 at every size.

    Args:
        bench: What to judge on.
        opener: Opens a detector by its settings, which name precision and size.
        progress: Called with steps done and in all.

    Returns:
        ``{pictures: {city, real}, sizes: {"512x288": {fp32, int8: {map, ap50, ap_vehicle, ms_per_frame},
        speedup, difference_points, agreement: {city, real}, within_allowed}}}``.

    Raises:
        CityError: A city cannot be loaded.
        FileNotFoundError: A clip or folder does not exist.
        VreidError: A detector cannot be opened.
    """
    city_set = [pair for name in bench.cities for pair in _city_pictures(load_city(name), bench.every)]
    real = [picture for path in bench.real for picture in real_pictures(path, bench.every)]
    sizes: dict[str, Any] = {}
    for number, (width, height) in enumerate(bench.sizes):
        sizes[f"{width}x{height}"] = _judge_size((width, height), city_set, real, opener)
        progress(number + 1, len(bench.sizes))
    return {"pictures": {"city": len(city_set), "real": len(real)}, "sizes": sizes}


def _judge_size(
    size: tuple[int, int], city_set: Sequence[tuple[Image, _Truth]], real: Sequence[Image], opener: Opener
) -> dict[str, Any]:
    pictures = [picture for picture, _ in city_set]
    truths = [truth for _, truth in city_set]
    rows: dict[str, dict[str, float]] = {}
    found: dict[str, tuple[list[Detections], list[Detections]]] = {}
    for precision in ("fp32", "int8"):
        settings = DetectorSettings.model_validate(
            {
                "precision": precision,
                "input_width_px": size[0],
                "input_height_px": size[1],
                "max_batch": 1,
                "threads": 1,
            }
        )
        detector = opener(settings)
        detector.detect(pictures[:1])  # the first inference allocates
        began_s = time.perf_counter()
        in_city = [detector.detect([picture])[0] for picture in pictures]
        ms = (time.perf_counter() - began_s) * 1000 / max(len(pictures), 1)
        found[precision] = (in_city, [detector.detect([picture])[0] for picture in real])
        rows[precision] = {**city_scores(in_city, truths), "ms_per_frame": round(ms, 2)}
    exact, rounded = rows["fp32"], rows["int8"]
    points = {name: round(100 * (exact[name] - rounded[name]), 2) for name in ("map", "ap50", "ap_vehicle")}
    agreed = {
        name: round(agreement(found["fp32"][at], found["int8"][at]), 4)
        for at, name in enumerate(("city", "real"))
        if found["fp32"][at]
    }
    return {
        **rows,
        "speedup": round(exact["ms_per_frame"] / max(rounded["ms_per_frame"], 1e-9), 2),
        "difference_points": points,
        "agreement": agreed,
        "within_allowed": max(points["map"], points["ap_vehicle"]) <= ALLOWED_POINTS
        and all(100 * (1 - value) <= ALLOWED_POINTS for value in agreed.values()),
    }


def city_scores(found: Sequence[Detections], truths: Sequence[_Truth]) -> dict[str, float]:
    """Average precision on a detection set.

    Returns:
        ``map``: COCO's, mean over the classes that there are; ``ap_vehicle``: COCO's with classes pooled, because the
        detector's classes are not the city's for vans; ``ap50``: pooled, at IoU 0.5 alone.
    """
    pooled = [_judged(each, truth, None) for each, truth in zip(found, truths, strict=True)]
    by_class = []
    for kind in VEHICLE_CLASSES:
        judged = [_judged(each, truth, kind) for each, truth in zip(found, truths, strict=True)]
        if any((~picture.ignored).any() for picture in judged):
            by_class.append(coco_ap(judged))
    return {
        "map": round(float(np.mean(by_class)) if by_class else 0.0, 4),
        "ap50": round(average_precision(pooled, 0.5), 4),
        "ap_vehicle": round(coco_ap(pooled), 4),
    }


def _judged(found: Detections, truth: _Truth, kind: VehicleClass | None) -> Judged:
    corners = [[box.left, box.top, box.left + box.width, box.top + box.height] for box in truth.boxes]
    small = [box.width < MIN_WIDTH_PX or box.visible < MIN_VISIBLE for box in truth.boxes]
    ignored = np.array(small, bool)
    keep = np.ones(len(found.scores), bool)
    if kind is not None:
        keep = found.class_ids == int(kind)
        mine = [truth.kinds[box.vehicle_id] == kind.name.lower() for box in truth.boxes]
        # Only small boxes of the class itself excuse a found one; other classes' boxes are simply not there.
        corners = [corner for corner, own in zip(corners, mine, strict=True) if own]
        ignored = ignored[np.array(mine, bool)]
    return Judged(
        found.boxes_xyxy[keep].astype(np.float64),
        found.scores[keep].astype(np.float64),
        np.array(corners, np.float64).reshape(-1, 4),
        ignored,
    )


def _city_pictures(city: City, every: int) -> Iterator[tuple[Image, _Truth]]:
    by_frame: dict[tuple[int, int], list[TruthBox]] = {}
    for box in read_truth(city.truth_path):
        by_frame.setdefault((box.camera, box.frame), []).append(box)
    kinds = {vehicle.id: vehicle.kind for vehicle in city.vehicles}
    for camera in city.cameras:
        for number, picture in _sampled(camera.path, every):
            yield picture, _Truth(tuple(by_frame.get((camera.number, number + 1), ())), kinds)


def real_pictures(path: Path, every: int) -> list[Image]:
    """Pictures of a clip, one in ``every``, or all of a folder.

    Raises:
        FileNotFoundError: There is no such clip or folder, or no picture in it.
    """
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in IMAGE_SUFFIXES)
        pictures = [picture for picture in map(read_picture, files) if picture is not None]
    else:
        pictures = [picture for _, picture in _sampled(path, every)] if path.is_file() else []
    if not pictures:
        raise FileNotFoundError(f"no picture in {path}")
    return pictures


def _sampled(clip: Path, every: int) -> Iterator[tuple[int, Image]]:
    """Frame number from 0 and picture, one in so many."""
    capture = cv2.VideoCapture(str(clip))
    try:
        number = 0
        while capture.grab():
            if number % every == 0:
                read, picture = capture.retrieve()
                if read:
                    yield number, np.asarray(picture, np.uint8)
            number += 1
    finally:
        capture.release()
