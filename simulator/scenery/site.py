"""Where things may stand: clear of roads and lenses, out of lines of sight. Places nothing itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.place import Place, Road
from simulator.place.place import BAY_LENGTH_M, BAY_OFFSET_M, BAY_WIDTH_M
from simulator.renderer.surface import MeshBuilder

Vector = NDArray[np.float64]

PAVEMENT_M = 4.2
KERB_HEIGHT_M = 0.12
GUTTER_M = 0.4
#: Beyond this distance from every camera nothing is drawn, and beyond the other only what is large.
_OUT_OF_SIGHT_M = 230.0
_DETAIL_M = 95.0
#: With more cameras than this, each is given less: what is seen in all would grow with their number.
_MANY_CAMERAS = 12
_LEAST_REACH = 0.35


@dataclass(frozen=True, slots=True)
class Spot:
    """A place to stand, and the direction to face."""

    x_m: float
    z_m: float
    yaw_rad: float


class Site:
    """A place under construction."""

    def __init__(self, place: Place, builder: MeshBuilder) -> None:
        self.place, self.builder = place, builder
        poses = [place.camera_points(camera) for camera in place.spec.cameras]
        self._reach = max(_LEAST_REACH, min(1.0, (_MANY_CAMERAS / len(place.spec.cameras)) ** 0.5))
        self._eyes = np.array([(eye[0], eye[2]) for eye, _, _ in poses])
        self._targets = np.array([(target[0], target[2]) for _, target, _ in poses])
        self._middle = np.concatenate([road.middle[::2] for road in place.roads.values()])
        self._half = np.concatenate(
            [np.full(len(road.middle[::2]), road.half_width_m) for road in place.roads.values()]
        )
        hubs = [(node, self.hub_radius_m(node)) for node in place.spec.nodes]
        self._hubs = np.array([(*place.spec.nodes[node], radius) for node, radius in hubs if radius > 0]).reshape(-1, 3)
        self._bays: dict[tuple[str, bool], list[float]] = {(bay.road, bay.forward): [] for bay in place.bays}
        for bay in place.bays:
            self._bays[bay.road, bay.forward].append(bay.along_m)

    def hub_radius_m(self, node: str) -> float:
        """Radius of the paved disc where roads meet; 0 at the edges of the network."""
        if len(self.place.spec.roads_at(node)) < 2:
            return 0.0
        widest = max(self.place.roads[road.name].half_width_m for road in self.place.spec.roads_at(node))
        return max(widest + 4.0, self.place.trim_m(node) + 1.5)

    def kerb_m(self, road: Road, side: int, along_m: float) -> float:
        """Distance of the kerb from the middle line: further out where vehicles park."""
        bays = self._bays.get((road.spec.name, side > 0), [])
        if any(abs(along_m - bay) <= BAY_LENGTH_M / 2 + 0.6 for bay in bays):
            return road.half_width_m + BAY_OFFSET_M + BAY_WIDTH_M / 2 + 0.15
        return road.half_width_m + GUTTER_M

    def outer_m(self, road: Road) -> float:
        """Distance of the pavement's far edge from the middle line."""
        return road.half_width_m + GUTTER_M + PAVEMENT_M

    def spot(self, road: Road, along_m: float, right_m: float) -> Spot:
        """A spot beside a road, facing it."""
        x, z = road.point(along_m, right_m)
        _, (dx, dz) = road.path.at(along_m)
        side = math.copysign(1.0, right_m)
        return Spot(x, z, math.atan2(side * dz, -side * dx))

    def in_sight(self, x: float, z: float) -> bool:
        """Whether any camera is near enough to see something large there."""
        return bool(self._camera_gap(x, z) < _OUT_OF_SIGHT_M * self._reach)

    def in_detail(self, x: float, z: float) -> bool:
        """Whether any camera is near enough to see something small there."""
        return bool(self._camera_gap(x, z) < _DETAIL_M * self._reach)

    def _camera_gap(self, x: float, z: float) -> float:
        both = np.concatenate([self._eyes, self._targets])
        return float(np.hypot(both[:, 0] - x, both[:, 1] - z).min())

    def off_road(self, x: float, z: float, clear_m: float) -> bool:
        """Whether a spot keeps its distance from every lane and junction."""
        gap = np.hypot(self._middle[:, 0] - x, self._middle[:, 1] - z) - self._half
        if gap.min() < clear_m:
            return False
        hub = np.hypot(self._hubs[:, 0] - x, self._hubs[:, 1] - z) - self._hubs[:, 2]
        return bool(not len(hub) or hub.min() > min(clear_m, PAVEMENT_M) - 0.5)

    def free(self, x: float, z: float, clear_m: float) -> bool:
        """Whether a spot keeps its distance from roads, lenses and what they look at."""
        if not self.off_road(x, z, clear_m) or not self.clear_of_lenses(x, z, clear_m + 5):
            return False
        return self.clear_of_sight(x, z, clear_m)

    def clear_of_sight(self, x: float, z: float, clear_m: float) -> bool:
        """Whether a spot keeps its distance from the lines between cameras and what they look at."""
        spot = np.array([x, z])
        towards = self._targets - self._eyes
        share = ((spot - self._eyes) * towards).sum(axis=1) / (towards**2).sum(axis=1)
        foot = self._eyes + np.clip(share, -0.1, 0.95)[:, None] * towards
        return bool(np.hypot(*(foot - spot).T).min() >= clear_m)

    def clear_of_lenses(self, x: float, z: float, clear_m: float) -> bool:
        """Whether a spot keeps its distance from every camera."""
        return bool(np.hypot(self._eyes[:, 0] - x, self._eyes[:, 1] - z).min() >= clear_m)
