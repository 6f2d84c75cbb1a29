"""Owns what single-camera tracking is judged on: truth with detections drawn, or found in a city's clips."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from services.cli.evaluate.truth_files import read_text
from tracker.metrics.cityflow import CityFlowTracks, parse_cityflow
from tracker.metrics.frame_rate import Detected, DetectedFrame, DetectorNoise, Material, simulate_detections
from tracker.metrics.mtmc import refuse_doubles

if TYPE_CHECKING:
    from simulator.city import City


@dataclass(frozen=True, slots=True)
class Scene:
    """What every draw is judged on.

    Attributes:
        truth: The boxes.
        fps: Of their frame numbers.
        found: What a detector found, the same in every draw; None to draw detections.
    """

    truth: CityFlowTracks
    fps: float
    found: Detected | None = None

    def material(self, rng: np.random.Generator) -> Material:
        """The truth with detections: those found, or a draw."""
        found = simulate_detections(self.truth, DetectorNoise(), rng) if self.found is None else self.found
        return Material(self.truth, found, self.fps)


def truth_scene(path: Path, fps: float) -> Scene:
    """Truth of any recording.

    Args:
        path: CityFlow text.
        fps: Of its frame numbers.

    Raises:
        ValueError: It does not read, holds no box, or two of one vehicle in one frame of a camera.
        InputError: It cannot be opened or is no text.
    """
    return Scene(_read(path), fps)


def city_scene(city_name: str, *, detect: bool) -> Scene:
    """Truth of a rendered city, with what the default detector finds in its clips where that is asked for.

    Raises:
        ValueError: There is no such city, or its truth is not what it should be.
        VreidError: The truth cannot be opened or is no text, or the detector cannot be opened.
        OSError: A file of the city cannot be read, or a clip not decoded.
    """
    from simulator.city import load_city
    from simulator.errors import CityError

    try:
        city = load_city(city_name)
    except CityError as error:
        raise ValueError(str(error)) from error
    return Scene(_read(city.truth_path), city.fps, _found(city) if detect else None)


def _found(city: City) -> Detected:
    """Detections in every frame of every clip, by camera number."""
    import av

    from detector.settings import DetectorSettings
    from services.models.networks import open_detector

    detector = open_detector(DetectorSettings())
    result = {}
    for camera in city.cameras:
        frames = []
        with av.open(str(camera.path)) as container:
            for k, picture in enumerate(container.decode(video=0), start=1):
                found = detector.detect([picture.to_ndarray(format="bgr24")])[0]
                frames.append(DetectedFrame(k, found.boxes_xyxy.astype(np.float64), found.scores.astype(np.float64)))
        result[camera.number] = frames
    return result


def _read(path: Path) -> CityFlowTracks:
    truth = parse_cityflow(read_text(path), str(path))
    if not len(truth):
        raise ValueError(f"{path}: no boxes: there is nothing to score against")
    try:
        refuse_doubles(truth)
    except ValueError as exc:
        raise ValueError(f"{path}: {exc}") from exc
    return truth
