"""Pictures of the city's vehicles, cut from its clips along the truth: what an investigator would ask with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from tracker.metrics.cityflow import CityFlowTracks
from tracker.metrics.mtmc import CITYFLOW_RULES, plain_boxes

if TYPE_CHECKING:
    from simulator.city import City

#: A margin as the default network was trained with.
PADDING = 0.02


@dataclass(frozen=True, slots=True)
class Picture:
    """One vehicle as one camera saw it best: uint8 (H, W, 3) BGR."""

    vehicle: int
    camera_id: str
    frame: int
    image: NDArray[np.uint8]

    def encoded(self) -> bytes:
        """As PNG."""
        return bytes(cv2.imencode(".png", self.image)[1])

    @property
    def file_name(self) -> str:
        """What the picture is called when it is written."""
        return f"vehicle{self.vehicle:03d}-{self.camera_id}.png"


def largest_boxes(truth: CityFlowTracks) -> dict[tuple[int, int], int]:
    """Row of the largest box that counts, by (vehicle, camera), of vehicles with such boxes in two cameras or more."""
    plain = plain_boxes(truth)
    best: dict[tuple[int, int], int] = {}
    area = truth.xywh[:, 2] * truth.xywh[:, 3]
    for row in np.flatnonzero(plain):
        key = (int(truth.identity[row]), int(truth.camera[row]))
        if key not in best or area[row] > area[best[key]]:
            best[key] = int(row)
    cameras: dict[int, int] = {}
    for vehicle, _ in best:
        cameras[vehicle] = cameras.get(vehicle, 0) + 1
    return {key: row for key, row in best.items() if cameras[key[0]] >= CITYFLOW_RULES.min_cameras}


def cut_pictures(city: City, truth: CityFlowTracks) -> list[Picture]:
    """The largest valid picture of every multi-camera vehicle in each of its cameras, by vehicle, then camera."""
    best = largest_boxes(truth)
    pictures: list[Picture] = []
    for camera in city.cameras:
        wanted: dict[int, list[int]] = {}
        for (_, number), row in best.items():
            if number == camera.number:
                wanted.setdefault(int(truth.frame[row]), []).append(row)
        for frame, image in _frames(camera.path, wanted):
            pictures += [
                Picture(int(truth.identity[row]), camera.id, frame, _cut(image, truth.xywh[row]))
                for row in wanted[frame]
            ]
    return sorted(pictures, key=lambda picture: (picture.vehicle, picture.camera_id))


def _frames(path: Path, wanted: Mapping[int, object]) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """The wanted frames of a clip (numbered from 1), in order."""
    last = max(wanted, default=0)
    with av.open(str(path)) as container:
        for number, frame in enumerate(container.decode(video=0), start=1):
            if number in wanted:
                yield number, frame.to_ndarray(format="bgr24")
            if number >= last:
                return


def _cut(image: NDArray[np.uint8], xywh: NDArray[np.float64]) -> NDArray[np.uint8]:
    x, y, w, h = xywh
    height, width = image.shape[:2]
    x1, y1 = max(0, int(x - PADDING * w)), max(0, int(y - PADDING * h))
    x2, y2 = min(width, int(np.ceil(x + (1 + PADDING) * w))), min(height, int(np.ceil(y + (1 + PADDING) * h)))
    return image[y1:y2, x1:x2].copy()
