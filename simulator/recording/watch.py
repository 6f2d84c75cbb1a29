"""What cameras see of traffic: bodies projected as boxes, gathered into passages. Draws nothing.

Owns the geometry from a body on the road to a box in a picture; bodies are boxes in space, hidden only by houses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.place import Place, Sight
from simulator.renderer.optics import look_at, perspective
from simulator.traffic.fleet import Snapshot
from simulator.traffic.network import Network
from simulator.views import aspect_deg

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

LEAST_WIDTH_PX = 32.0
LEAST_HEIGHT_PX = 12.0
_NEAREST_M = 1.0
_SIGHT_CELL_M = 4.0
_CORNERS = np.array([(a, b, c) for a in (-0.5, 0.5) for b in (-0.5, 0.5) for c in (0.0, 1.0)])


@dataclass(frozen=True, slots=True)
class Sightings:
    """Boxes of bodies in pictures; K of them.

    Attributes:
        camera: Index of the camera, (K,).
        vehicle: Index of the vehicle, (K,).
        time_s: True time, (K,).
        box: Left, top, right, bottom within the picture, px, (K, 4).
        margin_px: By how much the box is large enough; negative: it is not seen, (K,).
        aspect_deg: From which side it is seen (see views), (K,).
    """

    camera: Ints
    vehicle: Ints
    time_s: Floats
    box: Floats
    margin_px: Floats
    aspect_deg: Floats

    def __len__(self) -> int:
        return len(self.camera)

    def take(self, chosen: Ints | Bools) -> Sightings:
        """Some of them, in the order given."""
        return Sightings(*(getattr(self, name)[chosen] for name in self.__slots__))


def joined(parts: list[Sightings]) -> Sightings:
    """All of them, one after another."""
    return Sightings(*(np.concatenate([getattr(part, name) for part in parts]) for name in Sightings.__slots__))


class Watch:
    """All cameras of a place."""

    def __init__(self, place: Place, network: Network, size_px: tuple[int, int]) -> None:
        self._place, self._network, self._size = place, network, size_px
        self._points = [place.camera_points(camera) for camera in place.spec.cameras]
        aspect = size_px[0] / size_px[1]
        self._matrices = np.array(
            [
                perspective(camera.fov_deg, aspect) @ look_at(eye, target)
                for camera, (eye, target, _) in zip(place.spec.cameras, self._points, strict=True)
            ]
        )
        self._eyes = np.array([eye for eye, _, _ in self._points])
        self._sight = Sight(place)
        self._first, self._watching = self._cells()

    def sightings(self, snapshots: list[Snapshot], vehicle_of: Ints, size_m: Floats) -> Sightings:
        """Boxes of everybody whom some camera may see.

        Args:
            snapshots: Moments.
            vehicle_of: Vehicle index of each trip, (T,).
            size_m: Length, width, height of each vehicle, (N, 3).
        """
        segment = np.concatenate([s.segment for s in snapshots])
        along = np.concatenate([s.along_m for s in snapshots])
        cells = self._first[segment] + np.clip(along / _SIGHT_CELL_M, 0, None).astype(np.int64)
        cells = np.minimum(cells, self._first[segment + 1] - 1)
        body, column = np.nonzero(self._watching[cells] >= 0)
        vehicle = vehicle_of[np.concatenate([s.trip for s in snapshots])]
        time_s = np.repeat([s.time_s for s in snapshots], [len(s.trip) for s in snapshots])
        xz = np.stack([np.concatenate([s.x_m for s in snapshots]), np.concatenate([s.z_m for s in snapshots])], axis=1)
        yaw = np.concatenate([s.yaw_rad for s in snapshots])
        camera = self._watching[cells[body], column]
        return self.project(camera, vehicle[body], time_s[body], (xz[body], yaw[body], size_m[vehicle[body]]))

    def standing(self, vehicle: Ints, size_m: Floats, pose: Floats, time_s: float) -> Sightings:
        """Boxes of bodies that stand; every camera whose view they lie in.

        Args:
            vehicle: Indices, (B,).
            size_m: Of these, (B, 3).
            pose: x, z, yaw, (B, 3).
            time_s: When.
        """
        seen = np.array([self._sight.sees(camera, pose[:, :2]) for camera in self._place.spec.cameras])
        camera, body = np.nonzero(seen)
        times = np.full(len(body), time_s)
        return self.project(camera, vehicle[body], times, (pose[body, :2], pose[body, 2], size_m[body]))

    def project(self, camera: Ints, vehicle: Ints, time_s: Floats, bodies: tuple[Floats, Floats, Floats]) -> Sightings:
        """Boxes of bodies in given cameras.

        Args:
            camera: Indices, (K,).
            vehicle: Indices, (K,).
            time_s: (K,).
            bodies: Middles x, z (K, 2); headings (K,); length, width, height (K, 3).
        """
        xz, yaw, size = bodies
        sine, cosine = np.sin(yaw)[:, None], np.cos(yaw)[:, None]
        ahead, aside = _CORNERS[:, 0] * size[:, :1], _CORNERS[:, 1] * size[:, 1:2]
        corners = np.ones((len(camera), 8, 4))
        corners[:, :, 0] = xz[:, :1] + sine * ahead - cosine * aside
        corners[:, :, 1] = _CORNERS[:, 2] * size[:, 2:]
        corners[:, :, 2] = xz[:, 1:] + cosine * ahead + sine * aside
        clip = np.einsum("kij,kcj->kci", self._matrices[camera], corners)
        depth = clip[:, :, 3]
        behind = (depth < _NEAREST_M).any(axis=1)
        scale = np.maximum(depth, _NEAREST_M)
        width, height = self._size
        x = (clip[:, :, 0] / scale + 1) * width / 2
        y = (1 - clip[:, :, 1] / scale) * height / 2
        box = np.stack([x.min(axis=1), y.min(axis=1), x.max(axis=1), y.max(axis=1)], axis=1)
        low, high = np.zeros(4), np.array([width, height, width, height])
        inside = np.clip(box, low, high)
        across = np.minimum(box[:, 2], width) - np.maximum(box[:, 0], 0)
        down = np.minimum(box[:, 3], height) - np.maximum(box[:, 1], 0)
        margin = np.minimum(across - LEAST_WIDTH_PX, down - LEAST_HEIGHT_PX)
        margin = np.where(behind, -LEAST_WIDTH_PX, margin)
        aspect = aspect_deg(self._eyes[camera][:, [0, 2]], xz, yaw)
        return Sightings(camera, vehicle, time_s, inside, margin, aspect)

    def _cells(self) -> tuple[Ints, Ints]:
        """Every segment cut into cells: first cell of each (S + 1,), and the cameras of each cell, padded by -1."""
        counts = np.maximum(1, np.ceil(self._network.length_m / _SIGHT_CELL_M)).astype(np.int64)
        first = np.concatenate([[0], np.cumsum(counts)])
        segment = np.repeat(np.arange(self._network.count), counts)
        along = (np.arange(len(segment)) - first[segment] + 0.5) * _SIGHT_CELL_M
        middles, _ = self._network.at(segment, along)
        rows: list[list[int]] = [[] for _ in range(len(segment))]
        for number, camera in enumerate(self._place.spec.cameras):
            for cell in np.flatnonzero(self._sight.sees(camera, middles)).tolist():
                rows[cell].append(number)
        table = np.full((len(rows), max(1, *map(len, rows))), -1)
        for cell, row in enumerate(rows):
            table[cell, : len(row)] = row
        return first, table
