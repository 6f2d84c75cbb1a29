"""What cameras can see of the ground: which points houses leave in view, and which cameras share a piece of road.

Works in plan view with the camera's horizontal field of view, a reach, and corridors that houses keep free.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from simulator.place.place import Place
from simulator.place.spec import CameraSpec

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Nothing further away counts as seen.
REACH_M = 75.0
_NEAREST_M = 3.0
#: Free ground beside the edge of the lanes: pavement and front gardens; parks and water hide nothing.
_FREE_BESIDE_M = {"houses": 4.5, "park": 40.0, "water": 60.0}
_FREE_AROUND_M = 10.0
_RAY_POINTS = 16
_MARGIN_DEG = 6.0
_OVERLAP_SPACING_M = 4.0


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two cameras that see a common piece of road.

    Attributes:
        cameras: Their names, in the place's order.
        share: Common road over the road that either sees, 0 to 1.
    """

    cameras: tuple[str, str]
    share: float


class Sight:
    """Lines of sight of one place."""

    def __init__(self, place: Place) -> None:
        self._place = place
        roads = list(place.roads.values())
        self._roads = cKDTree(np.concatenate([road.middle for road in roads]))
        self._beside_m = np.concatenate(
            [np.full(len(road.middle), road.half_width_m + _FREE_BESIDE_M[road.spec.bank]) for road in roads]
        )
        self._nodes = cKDTree(np.asarray(list(place.spec.nodes.values()), np.float64))
        self._around_m = np.array([place.trim_m(node) + _FREE_AROUND_M for node in place.spec.nodes])

    def sees(self, camera: CameraSpec, points: Floats, margin_deg: float = _MARGIN_DEG) -> Bools:
        """Whether ground points lie in a camera's view, near enough and not behind houses.

        Args:
            camera: Of this place.
            points: (N, 2).
            margin_deg: Added to the field of view on both sides, for bodies that reach into it.

        Returns:
            (N,).
        """
        eye, target, _ = self._place.camera_points(camera)
        start, axis = np.array([eye[0], eye[2]]), np.array([target[0] - eye[0], target[2] - eye[2]])
        towards = points - start
        distance = np.linalg.norm(towards, axis=1)
        cosine = (towards @ axis) / np.maximum(distance * np.linalg.norm(axis), 1e-9)
        angle = np.degrees(np.arccos(np.clip(cosine, -1.0, 1.0)))
        seen: Bools = (distance < REACH_M) & (distance > _NEAREST_M) & (angle < camera.fov_deg / 2 + margin_deg)
        near = np.flatnonzero(seen)
        seen[near] = self._clear(start, points[near])
        return seen

    def _clear(self, start: Floats, points: Floats) -> Bools:
        """Whether the whole line from a pole to each point runs over free ground."""
        if not len(points):
            return np.zeros(0, bool)
        shares = np.linspace(0.1, 0.95, _RAY_POINTS)[None, :, None]
        rays = start + shares * (points[:, None] - start)
        to_road, road = self._roads.query(rays.reshape(-1, 2))
        to_node, node = self._nodes.query(rays.reshape(-1, 2))
        free = (to_road <= self._beside_m[road]) | (to_node <= self._around_m[node])
        return np.asarray(free.reshape(len(points), -1).all(axis=1), bool)


def overlaps(place: Place) -> list[Overlap]:
    """The pairs of cameras that see a common piece of road, in the place's order."""
    sight = Sight(place)
    ground = np.concatenate(
        [
            np.array([road.point(along, side) for along in np.arange(0.0, road.length_m, _OVERLAP_SPACING_M)])
            for road in place.roads.values()
            for side in (-road.half_width_m / 2, road.half_width_m / 2)
        ]
    )
    seen = {camera.name: sight.sees(camera, ground, 0.0) for camera in place.spec.cameras}
    found = []
    for a, b in combinations(seen, 2):
        both, either = int((seen[a] & seen[b]).sum()), int((seen[a] | seen[b]).sum())
        if both:
            found.append(Overlap((a, b), both / either))
    return found
