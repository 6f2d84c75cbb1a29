"""Runs the published YOLO, through its publisher's own code, over the clips of rendered cities. Renders nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.city.detection import DetectionCount, count_frame, moving
from detector.telemetry import forbid_telemetry
from detector.types import VEHICLE_CLASSES, VehicleClass
from simulator.city import City
from simulator.truth import read_truth

CONFIDENCE = 0.25


class PublishedYolo:
    """Ultralytics' own prediction with its defaults, but for the confidence."""

    def __init__(self, weights: Path) -> None:
        """Loads a checkpoint, a pickle: its hash was checked by whoever hands it over.

        Raises:
            ImportError: torch or ultralytics is not installed.
        """
        forbid_telemetry()
        from ultralytics import YOLO

        self._yolo = YOLO(str(weights), task="detect")

    def boxes(self, image: NDArray[np.uint8]) -> tuple[NDArray[np.float32], list[str]]:
        """Vehicles of one picture, uint8 (H, W, 3) BGR: boxes (N, 4) in px and their classes."""
        wanted = [int(kind) for kind in VEHICLE_CLASSES]
        result: Any = self._yolo.predict(image, conf=CONFIDENCE, classes=wanted, verbose=False, device="cpu")[0]
        kinds = [VehicleClass(int(index)).name.lower() for index in result.boxes.cls.tolist()]
        return result.boxes.xyxy.cpu().numpy().astype(np.float32), kinds


def judge_city(city: City, yolo: PublishedYolo) -> dict[str, DetectionCount]:
    """Counts of every camera of a city, by camera id."""
    truth = read_truth(city.truth_path)
    moves = moving(truth)
    kinds = {vehicle.id: vehicle.kind for vehicle in city.vehicles}
    by_frame: dict[tuple[int, int], list[Any]] = {}
    for box in truth:
        by_frame.setdefault((box.camera, box.frame), []).append(box)
    counts: dict[str, DetectionCount] = {}
    for camera in city.cameras:
        total = counts.setdefault(camera.id, DetectionCount())
        for number, image in enumerate(_pictures(camera.path), 1):
            boxes, given = yolo.boxes(image)
            total.add(count_frame(by_frame.get((camera.number, number), []), moves, kinds, boxes, given))
    return counts


def _pictures(clip: Path) -> Iterator[NDArray[np.uint8]]:
    """The frames of a clip, BGR."""
    capture = cv2.VideoCapture(str(clip))
    try:
        while True:
            read, image = capture.read()
            if not read:
                return
            yield np.asarray(image, np.uint8)
    finally:
        capture.release()
