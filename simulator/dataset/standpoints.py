"""The numbered cameras of a data set, and where on their road a vehicle is seen well. Geometry only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulator.dataset.plan import MOST_CAMERAS, PICTURE_PX, TEST_PART, TRAIN_PART, Part
from simulator.errors import DatasetError
from simulator.place import CameraSpec, Place
from simulator.polyline import Polyline
from simulator.renderer.optics import Matrix, Point, look_at, perspective

#: Training places have more cameras than VeRi-776's twenty leave room for: these are taken, by place.
TRAINING_CAMERAS: dict[str, tuple[str, ...]] = {
    "oldtown": ("gable", "bakery", "well", "stairs"),
    "parkway": ("kiosk", "bench", "fountain", "jetty"),
    "station": ("ramp", "office", "siding", "hotel"),
}
#: Least longer and shorter side of a box, px.
Extent = tuple[float, float]
#: Of what is visible of a vehicle that shall be told from others; a motorcycle from the front is narrow.
LEAST_PX: Extent = (48, 20)
#: Of the whole body, to have that, or just to be found.
LARGE: Extent = (54, 23)
SMALL: Extent = (10, 8)
_STEP_M = 0.5
_NEAREST_M = 1.0
_WIDEST = 0.85

Size = tuple[float, float, float]
Boxes = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lane:
    """One lane before a camera.

    Attributes:
        forward: Whether it runs from the road's start to its end.
        index: From the middle of the road.
        path: To walk along.
        along_m: (N,) distances from its start, half a metre apart.
        ground: (N, 3) x, z and heading (radians) there.
    """

    forward: bool
    index: int
    path: Polyline
    along_m: NDArray[np.float64]
    ground: NDArray[np.float64]


@dataclass(frozen=True)
class Standpoint:
    """One camera of a data set.

    Attributes:
        number: VeRi's camera number, from 1.
        place: Where it stands.
        spec: How.
    """

    number: int
    place: Place
    spec: CameraSpec

    @cached_property
    def points(self) -> tuple[Point, Point, Point]:
        """Lens, point looked at, middle of the ground it sees."""
        return self.place.camera_points(self.spec)

    @cached_property
    def projection(self) -> Matrix:
        """World to clip space."""
        eye, target, _ = self.points
        return perspective(self.spec.fov_deg, PICTURE_PX[0] / PICTURE_PX[1]) @ look_at(eye, target)

    @cached_property
    def lanes(self) -> tuple[Lane, ...]:
        """All lanes of its road, both directions."""
        road = self.place.roads[self.spec.road]
        both = [(forward, index) for forward in (True, False) for index in range(road.spec.lanes)]
        return tuple(_lane(road.lane(index, forward=forward).path, forward, index) for forward, index in both)

    @cached_property
    def _good(self) -> dict[tuple[bool, int, Size, float, Extent], tuple[NDArray[np.float64], NDArray[np.float64]]]:
        return {}

    def good_places(
        self, lane: Lane, size_m: Size, inside: float, least_px: Extent = LARGE
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Where along a lane a body is seen large enough and not too much cut off by the picture's edge.

        Args:
            lane: Of this camera.
            size_m: Width, height, length of the body.
            inside: Least share of its box within the picture.
            least_px: Least longer and shorter side of its box.

        Returns:
            (M,) distances along the lane and (M,) chances of drawing them, which favour near ones so that sizes
            spread; both empty if there is no such place.
        """
        key = (lane.forward, lane.index, size_m, inside, least_px)
        if key not in self._good:
            boxes, seen = project_bodies(self.projection, lane.ground, size_m)
            width, height = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
            cut = np.clip(boxes, 0, [PICTURE_PX[0], PICTURE_PX[1]] * 2)
            share = (cut[:, 2] - cut[:, 0]) * (cut[:, 3] - cut[:, 1]) / np.maximum(width * height, 1e-9)
            sides = np.sort(cut[:, 2:] - cut[:, :2], axis=1)
            good = seen & (share >= inside) & (sides[:, 1] >= least_px[0]) & (sides[:, 0] >= least_px[1])
            good &= width <= _WIDEST * PICTURE_PX[0] / inside
            weight = np.sqrt(width[good])
            self._good[key] = (lane.along_m[good], weight / weight.sum() if weight.size else weight)
        return self._good[key]


def project_bodies(projection: Matrix, ground: NDArray[np.float64], size_m: Size) -> tuple[Boxes, NDArray[np.bool_]]:
    """Pixel boxes of a body standing in several spots.

    Args:
        projection: World to clip space.
        ground: (N, 3) x, z, heading.
        size_m: Width, height, length.

    Returns:
        (N, 4) x1, y1, x2, y2, not clipped; (N,) whether the whole body lies before the lens.
    """
    half_width, height, half_length = size_m[0] / 2, size_m[1], size_m[2] / 2
    corners = np.array([(x, y, z) for x in (-half_width, half_width) for y in (0, height) for z in (-1, 1)], float)
    corners[:, 2] *= half_length
    cosine, sine = np.cos(ground[:, 2:3]), np.sin(ground[:, 2:3])  # (N, 1)
    x = ground[:, 0:1] + cosine * corners[:, 0] + sine * corners[:, 2]  # (N, 8)
    z = ground[:, 1:2] - sine * corners[:, 0] + cosine * corners[:, 2]
    y = np.broadcast_to(corners[:, 1], x.shape)
    clip = np.stack([x, y, z, np.ones_like(x)], axis=-1) @ projection.T  # (N, 8, 4)
    depth = clip[..., 3]
    safe = np.maximum(depth, 1e-6)
    across = (clip[..., 0] / safe + 1) / 2 * PICTURE_PX[0]
    down = (1 - clip[..., 1] / safe) / 2 * PICTURE_PX[1]
    boxes = np.stack([across.min(1), down.min(1), across.max(1), down.max(1)], axis=1)
    before: NDArray[np.bool_] = np.all(depth > _NEAREST_M, axis=1)
    return boxes, before


def standpoints(part: Part) -> tuple[Standpoint, ...]:
    """The numbered cameras of a part; test cameras are numbered after those of training.

    Raises:
        PlaceError: A place of the split is not there.
        DatasetError: There are more cameras than VeRi-776 has numbers.
    """
    first = 1 if part is TRAIN_PART else 1 + sum(len(names) for names in TRAINING_CAMERAS.values())
    chosen = [pair for name in part.split.places for pair in _cameras_of(Place.load(name))]
    if first + len(chosen) - 1 > MOST_CAMERAS:
        raise DatasetError(f"VeRi-776's layout numbers {MOST_CAMERAS} cameras, the places have more")
    return tuple(Standpoint(first + index, place, spec) for index, (place, spec) in enumerate(chosen))


def all_standpoints() -> tuple[Standpoint, ...]:
    """Those of training, then those of the test."""
    return standpoints(TRAIN_PART) + standpoints(TEST_PART)


def _cameras_of(place: Place) -> list[tuple[Place, CameraSpec]]:
    names = TRAINING_CAMERAS.get(place.name)
    return [(place, spec) for spec in place.spec.cameras if names is None or spec.name in names]


def _lane(path: Polyline, forward: bool, index: int) -> Lane:
    along = np.arange(1.0, path.length_m - 1.0, _STEP_M)
    walked = [path.at(float(distance)) for distance in along]
    ground = np.array([(x, z, np.arctan2(dx, dz)) for (x, z), (dx, dz) in walked])
    return Lane(forward, index, path, along, ground)
