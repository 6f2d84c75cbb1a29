"""A place: a validated description and the geometry that follows from it.

Owns where things are; knows nothing of traffic, rendering or vehicles.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from simulator.errors import PlaceError
from simulator.place.generate import generated
from simulator.place.reach import unreachable
from simulator.place.roads import Ring, Road, Segment, connector, trim_of
from simulator.place.spec import CameraSpec, JunctionSpec, PlaceSpec, RouteSpec

PLACES = Path(__file__).parents[1] / "places"
BAY_LENGTH_M = 7.0
#: Middle of a parked body, outside the edge of the lanes.
BAY_OFFSET_M = 1.35
BAY_WIDTH_M = 2.3


@dataclass(frozen=True, slots=True)
class Bay:
    """Room for one vehicle at the kerb.

    Attributes:
        row: Index of its row in the place's ``parking``.
        road: Whose kerb.
        forward: Whether it lies beside the lanes in the road's own direction.
        along_m: Its middle, along the road from its start.
        x_m: Its middle.
        z_m: Its middle.
        yaw_rad: Heading of who stands there; 0 is +z, towards +x positive.
    """

    row: int
    road: str
    forward: bool
    along_m: float
    x_m: float
    z_m: float
    yaw_rad: float


class Place:
    """A validated place with its geometry."""

    def __init__(self, spec: PlaceSpec) -> None:
        """Raises: PlaceError, if part of the network cannot be reached or left, or a road is too short."""
        self.spec = spec
        self.name = spec.name
        self.roads = {road.name: Road(road, spec) for road in spec.roads}
        self._between = {(road.spec.start, road.spec.end): (road, True) for road in self.roads.values()}
        self._between |= {(road.spec.end, road.spec.start): (road, False) for road in self.roads.values()}
        for road in self.roads.values():
            if road.length_m - sum(road.trim_m) < 10:
                raise PlaceError(
                    f"{spec.name}: road {road.spec.name} is too short: junctions leave less than 10 m of it"
                )
        for row in spec.parking:
            road = self.roads[row.road]
            if row.from_m < road.trim_m[0] or row.to_m > road.length_m - road.trim_m[1]:
                raise PlaceError(f"{spec.name}: parking on {row.road} reaches into a junction or beyond the road's end")
        for ring in self.rings.values():
            close = ring.too_close()
            if close:
                raise PlaceError(
                    f"{spec.name}: arms of roundabout {ring.node} to {close[0]} and {close[1]} need 60 degrees"
                )
        problem = unreachable(spec)
        if problem:
            raise PlaceError(f"{spec.name}: {problem}")

    @classmethod
    def load(cls, name_or_path: str) -> Place:
        """Reads a place by name (a file of ``simulator/places``) or path, or makes one (``grid:10x10``).

        Raises:
            PlaceError: There is no such place, or its file is not usable.
        """
        made = generated(name_or_path)
        if made is not None:
            return cls._validated(made, name_or_path)
        path = Path(name_or_path)
        if path.suffix != ".yaml":
            path = PLACES / f"{name_or_path}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in PLACES.glob("*.yaml")))
            raise PlaceError(f"no place {name_or_path!r}; known places: {known}; or grid:ROWSxCOLUMNS")
        try:
            return cls._validated(yaml.safe_load(path.read_text(encoding="utf-8")), path.name)
        except (yaml.YAMLError, UnicodeDecodeError) as exc:
            raise PlaceError(f"{path.name}: {exc}".replace("\n", " ")) from exc

    @classmethod
    def _validated(cls, content: Any, source: str) -> Place:
        try:
            return cls(PlaceSpec.model_validate(content))
        except ValidationError as exc:
            unknown = [error for error in exc.errors() if error["type"] == "extra_forbidden"]
            first = (unknown or exc.errors())[0]
            where = ".".join(str(part) for part in first["loc"])
            says = "is no key of a place; remove or mend it" if unknown else first["msg"].removeprefix("Value error, ")
            raise PlaceError(f"{source}: {where} {says}".replace("\n", " ")) from exc

    @property
    def edges(self) -> tuple[str, ...]:
        """Nodes at which vehicles enter and leave."""
        return tuple(node for node in self.spec.nodes if len(self.spec.roads_at(node)) == 1)

    def junction(self, node: str) -> JunctionSpec:
        """The rule at a node."""
        return self.spec.junctions.get(node, JunctionSpec())

    def trim_m(self, node: str) -> float:
        """Distance from a node at which its roads end."""
        return trim_of(node, self.spec)

    @cached_property
    def rings(self) -> dict[str, Ring]:
        """The roundabouts by node; arms are named by the node at their other end."""
        rings = {}
        for node, centre in self.spec.nodes.items():
            roads = self.spec.roads_at(node)
            if self.junction(node).kind != "roundabout" or len(roads) < 2:
                continue
            arms = {}
            for spec in roads:
                road, other = self.roads[spec.name], spec.end if spec.start == node else spec.start
                trim = self.trim_m(node)
                x, z = road.point(trim if spec.start == node else road.length_m - trim)
                arms[other] = math.atan2(z - centre[1], x - centre[0])
            rings[node] = Ring(node, centre, self.junction(node).radius_m, arms)
        return rings

    def road_between(self, a: str, b: str) -> tuple[Road, bool]:
        """The road from node a to node b, and whether that is its own direction."""
        try:
            return self._between[a, b]
        except KeyError:
            raise PlaceError(f"{self.name}: no road joins {a} and {b}") from None

    def lanes_of(self, route: RouteSpec, choices: tuple[int, ...]) -> list[Segment]:
        """The segments a vehicle follows: lanes with the pieces of junctions between them.

        Args:
            route: Nodes to pass.
            choices: A number per road that settles the lane, taken modulo its lanes.
        """
        segments: list[Segment] = []
        hops = list(zip(route.through, route.through[1:], strict=False))
        for (a, b), source, choice in zip(hops, ("", *route.through), choices, strict=False):
            road, forward = self.road_between(a, b)
            lane = road.lane(choice % road.spec.lanes, forward=forward)
            if segments:
                segments += self.crossing(source, a, b, (segments[-1], lane))
            segments.append(lane)
        return segments

    def crossing(self, source: str, node: str, target: str, lanes: tuple[Segment, Segment]) -> list[Segment]:
        """The pieces of a junction between two lanes.

        Args:
            source: Node that the first lane comes from.
            node: The junction.
            target: Node that the second lane leads to.
            lanes: Both.
        """
        if node in self.rings:
            return self.rings[node].passage(source, target, lanes)
        return [connector(*lanes)]

    @cached_property
    def bays(self) -> tuple[Bay, ...]:
        """Every parking bay, row by row."""
        bays = []
        for number, row in enumerate(self.spec.parking):
            road, forward = self.roads[row.road], row.side == "right"
            for index in range(int((row.to_m - row.from_m) // BAY_LENGTH_M)):
                along = row.from_m + (index + 0.5) * BAY_LENGTH_M
                side = (1 if forward else -1) * (road.half_width_m + BAY_OFFSET_M)
                (x, z), (_, (dx, dz)) = road.point(along, side), road.path.at(along)
                yaw = math.atan2(dx, dz) if forward else math.atan2(-dx, -dz)
                bays.append(Bay(number, row.road, forward, along, x, z, yaw))
        return tuple(bays)

    def camera_points(
        self, camera: CameraSpec
    ) -> tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]:
        """Lens position, point looked at (at bonnet height), and the middle of what it sees on the ground."""
        if camera.eye_m is not None and camera.target_m is not None:
            return camera.eye_m, camera.target_m, (camera.target_m[0], 0.0, camera.target_m[2])
        road = self.roads[camera.road]
        x, z = road.point(camera.at_m, camera.side_m)
        look_x, look_z = road.point(camera.look_m, camera.look_side_m)
        return (x, camera.height_m, z), (look_x, 0.8, look_z), (look_x, 0.0, look_z)
