"""Takes whole pictures for a detection set and says where the vehicles in them are. Deterministic by plan and block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from simulator.dataset.arranging import Passage, arrange
from simulator.dataset.plan import PARTS, Block, DetectionPlan
from simulator.dataset.standpoints import SMALL, Standpoint, standpoints
from simulator.dataset.studio import Seen, Studio
from simulator.renderer.looks import LIGHTS

LEAST_VISIBLE = 0.4
SMALLEST_PX = 8
_JPEG_QUALITY = 92
_CROWD = (0, 13)


class DetectionBlock:
    """One block under way."""

    def __init__(self, plan: DetectionPlan, block: Block, studio: Studio, folder: Path) -> None:
        """Draws the vehicles.

        Args:
            plan: Of the set.
            block: Which part of it.
            studio: Takes the pictures.
            folder: Where pictures are written.
        """
        self._block, self._studio, self._folder = block, studio, folder
        self._part = PARTS[block.part]
        self._rng = np.random.default_rng([plan.seed, self._part.number, block.index, 1])
        self._fleet = plan.fleet(self._part, block)
        self._records: list[dict[str, Any]] = []

    def shoot(self) -> Iterator[int]:
        """Takes all pictures; yields one for each."""
        points, lights = standpoints(self._part), tuple(LIGHTS)
        for number in range(self._block.first, self._block.first + self._block.count):
            # Cameras take turns picture by picture, and lights once all cameras had theirs: every pair comes up.
            index = number % len(points)
            self._picture(number, points[index], lights[(number // len(points) + index) % len(lights)])
            yield 1
        self._studio.tidy()

    def _picture(self, number: int, point: Standpoint, light: str) -> None:
        self._studio.go_to(point, light)
        stands = arrange(point, self._crowd(), self._studio.size_of, self._rng, SMALL)
        photo = self._studio.take(stands, self._rng)
        image = f"{self._part.name}_{number:06d}.jpg"
        encoded = cv2.imencode(".jpg", photo.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1]
        (self._folder / image).write_bytes(encoded.tobytes())
        self._records.append(
            {
                "image": image,
                "part": self._part.name,
                "camera": point.number,
                "place": point.place.name,
                "standpoint": point.spec.name,
                "light": light,
                "vehicles": [_vehicle(seen) for seen in photo.seen],
            }
        )

    def _crowd(self) -> list[Passage]:
        chosen = self._rng.permutation(len(self._fleet))[: int(self._rng.integers(*_CROWD))]
        return [
            Passage(self._fleet[int(i)], bool(self._rng.random() < 0.5), int(self._rng.integers(6)), 1) for i in chosen
        ]

    @property
    def records(self) -> list[dict[str, Any]]:
        """Of all pictures taken so far."""
        return self._records


def _vehicle(seen: Seen) -> dict[str, Any]:
    x1, y1, x2, y2 = seen.box
    look = seen.stand.passage.vehicle
    return {
        "class": look.kind,
        "model": look.model,
        "box_xyxy": [x1, y1, x2, y2],
        "visible": round(seen.visible, 3),
        "labelled": seen.visible >= LEAST_VISIBLE and min(x2 - x1, y2 - y1) >= SMALLEST_PX,
    }
