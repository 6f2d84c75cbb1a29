"""Owns what single-camera tracking is judged on: truth with detections drawn, or found in a city's clips."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from tracker.metrics.cityflow import CityFlowTracks, parse_cityflow
from tracker.metrics.frame_rate import DetectedFrame, DetectorNoise, Material, simulate_detections


def truth_material(path: Path, fps: float, rng: np.random.Generator) -> Material:
    """Truth of any recording, with detections drawn.

    Args:
        path: CityFlow text.
        fps: Of its frame numbers.
        rng: Draws the detections.

    Raises:
        ValueError: It does not read, or holds no box.
        OSError: It cannot be opened.
    """
    truth = _read(path)
    return Material(truth, simulate_detections(truth, DetectorNoise(), rng), fps)


def city_material(city_name: str, *, detect: bool, rng: np.random.Generator) -> Material:
    """Truth of a rendered city, with detections drawn, or found in its clips by the default detector.

    Raises:
        ValueError: Its truth does not read.
        VreidError: The detector cannot be opened.
        OSError: There is no such city, a file of it is damaged or a clip cannot be decoded.
    """
    from simulator.city import load_city
    from simulator.errors import CityError

    try:
        city = load_city(city_name)
    except CityError as error:
        raise ValueError(str(error)) from error
    truth = _read(city.truth_path)
    if not detect:
        return Material(truth, simulate_detections(truth, DetectorNoise(), rng), city.fps)
    clips = tuple((camera.number, camera.path) for camera in city.cameras)
    return Material(truth, dict(_found(clips)), city.fps)


@cache
def _found(clips: tuple[tuple[int, Path], ...]) -> tuple[tuple[int, tuple[DetectedFrame, ...]], ...]:
    """Detections in every frame of every clip, by camera number; the same for every seed."""
    import av

    from detector.settings import DetectorSettings
    from services.models.networks import open_detector

    detector = open_detector(DetectorSettings())
    result = []
    for number, path in clips:
        frames = []
        with av.open(str(path)) as container:
            for k, picture in enumerate(container.decode(video=0), start=1):
                found = detector.detect([picture.to_ndarray(format="bgr24")])[0]
                frames.append(DetectedFrame(k, found.boxes_xyxy.astype(np.float64), found.scores.astype(np.float64)))
        result.append((number, tuple(frames)))
    return tuple(result)


def _read(path: Path) -> CityFlowTracks:
    try:
        truth = parse_cityflow(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError:
        raise ValueError(f"{path}: not a text file") from None
    if not len(truth):
        raise ValueError(f"{path}: no boxes: there is nothing to score against")
    return truth
