"""The published list of frames that every contender sees, and how their tracks are scored. Runs no network."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from detector.types import Frame
from services.ids import uuid7
from services.ingest.cameras import CameraSettings
from services.ingest.source import open_source
from simulator.city import City, load_city
from tracker.metrics.cityflow import CityFlowTracks, parse_cityflow
from tracker.metrics.mtmc import MtmcRules, evaluate_mtmc
from tracker.metrics.tracklets import TrackletBoxes, labelled_tracks

FRAME_LIST = Path(__file__).parent / "frames.json"
#: Vehicles and tracks of different cameras are different: this keeps their numbers apart.
_APART = 1_000_000
#: One row per box: camera number, track, frame from 0, x1, y1, x2, y2.
TrackRow = tuple[int, int, int, float, float, float, float]


@dataclass(frozen=True, slots=True)
class Footage:
    """Which frames are seen.

    Attributes:
        city: Whose clips.
        cameras: Ids, in order.
        first: First frame of each camera, from 0.
        count: Frames of each camera.
    """

    city: str
    cameras: tuple[str, ...]
    first: int
    count: int

    @property
    def frames(self) -> int:
        """Frames of all cameras together."""
        return self.count * len(self.cameras)

    def load(self) -> City:
        """The city.

        Raises:
            CityError: It is damaged, or there is none of that name.
        """
        return _city(self.city)


@functools.cache
def _city(name: str) -> City:
    """Loaded once: checking the hashes of its files is no part of what is measured."""
    return load_city(name)


def published(count: int | None = None) -> Footage:
    """The published list.

    Args:
        count: Frames of each camera, from the list's first on; None for all.
    """
    said = json.loads(FRAME_LIST.read_text(encoding="utf-8"))
    most = int(said["count"])
    return Footage(said["city"], tuple(said["cameras"]), int(said["first"]), min(count or most, most))


def frames_of(footage: Footage, camera_id: str) -> Iterator[Frame]:
    """Frames of one camera, decoded as the product decodes."""
    settings = CameraSettings(id=camera_id, url=str(footage.load().camera(camera_id).path))
    source = open_source(settings, uuid7)
    try:
        for frame in source:
            if frame.index >= footage.first + footage.count:
                return
            if frame.index >= footage.first:
                yield frame
    finally:
        source.close()


def rounds(footage: Footage) -> Iterator[list[Frame]]:
    """One frame of every camera at a time, as live cameras give them."""
    for frames in zip(*(frames_of(footage, camera_id) for camera_id in footage.cameras), strict=True):
        yield list(frames)


def single_camera_idf1(footage: Footage, rows: Sequence[TrackRow]) -> float:
    """IDF1 of tracks within their cameras, all cameras pooled; gaps up to a second are filled for everybody.

    Truth boxes too small or too hidden are not asked for, as everywhere in the product; a vehicle is another one in
    every camera.

    Args:
        footage: What was seen.
        rows: Boxes of all tracks, any order.

    Returns:
        In [0, 1].
    """
    city = footage.load()
    truth = parse_cityflow(city.truth_path.read_text(encoding="utf-8"), city.truth_path.name)
    seen = (truth.frame > footage.first) & (truth.frame <= footage.first + footage.count)
    numbers = [city.camera(camera_id).number for camera_id in footage.cameras]
    truth = truth.select(seen & np.isin(truth.camera, numbers))
    truth = CityFlowTracks(truth.camera, truth.camera * _APART + truth.identity, truth.frame, truth.xywh, truth.visible)
    tracklets = _tracklets(rows, city.fps)
    predicted = labelled_tracks(tracklets, {each.key: each.key for each in tracklets})
    return evaluate_mtmc(truth, predicted, MtmcRules(min_cameras=1)).idf1


def _tracklets(rows: Sequence[TrackRow], fps: float) -> list[TrackletBoxes]:
    tracks: dict[tuple[int, int], dict[int, tuple[float, float, float, float]]] = {}
    for camera, track, frame, x1, y1, x2, y2 in rows:
        tracks.setdefault((camera, track), {})[frame + 1] = (x1, y1, x2 - x1, y2 - y1)
    found = []
    for (camera, track), boxes in tracks.items():
        frames = np.array(sorted(boxes), np.int64)
        xywh = np.array([boxes[frame] for frame in frames.tolist()], np.float64)
        found.append(TrackletBoxes(f"{camera}-{track}", camera, frames, xywh).interpolated(fps))
    return found
