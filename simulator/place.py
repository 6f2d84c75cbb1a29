"""A place: roads, cameras and routes, read from a small YAML file, and the geometry that follows from them.

Owns where things are; knows nothing of traffic, rendering or vehicles. Ground plane x, z in metres; y is up; traffic
keeps to the right.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from simulator.errors import PlaceError
from simulator.polyline import Line, Polyline, joining_curve, right_normals, smooth

PLACES = Path(__file__).parent / "places"
JUNCTION_M = 11.0


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class RoadSpec(_Strict):
    """A two-way road between two nodes."""

    name: str = Field(description="Unique name.")
    start: str = Field(description="Node where it begins.")
    end: str = Field(description="Node where it ends.")
    bend: tuple[tuple[float, float], ...] = Field((), description="Points it passes between its ends, metres.")
    lanes: int = Field(1, ge=1, le=3, description="Lanes per direction.")
    speed_m_s: float = Field(10.0, gt=1, le=30, description="Usual speed.")
    bank: str = Field("houses", pattern="^(houses|park|water)$", description="What lies beside it.")


class CameraSpec(_Strict):
    """A camera on a pole beside a road, placed in the road's own coordinates."""

    name: str = Field(description="Unique name.")
    road: str = Field(description="Road it watches.")
    at_m: float = Field(description="Where the pole stands, along the road from its start.")
    side_m: float = Field(description="How far right of the middle line it stands; negative is left.")
    height_m: float = Field(ge=2, le=30, description="Height of the lens.")
    look_m: float = Field(description="Point of the middle line that it looks at, along the road.")
    look_side_m: float = Field(0.0, description="That point's offset to the right.")
    fov_deg: float = Field(50.0, ge=10, le=100, description="Horizontal field of view.")
    light: str = Field("noon", description="Name of the light it sees.")
    gain: float = Field(1.0, gt=0.3, lt=3, description="Exposure relative to normal.")
    warmth: float = Field(0.0, ge=-0.3, le=0.3, description="White balance error: positive is redder.")
    noise: float = Field(2.5, ge=0, le=20, description="Sensor noise, standard deviation in grey levels.")


class RouteSpec(_Strict):
    """A way through the place, from edge to edge."""

    through: tuple[str, ...] = Field(min_length=2, description="Nodes passed, in order.")
    weight: float = Field(1.0, gt=0, description="How often it is driven, relative to others.")


class PlaceSpec(_Strict):
    """The YAML file."""

    name: str
    scenery_seed: int = Field(description="Settles houses, trees and street furniture.")
    lane_width_m: float = Field(3.4, ge=2.6, le=4.5)
    nodes: dict[str, tuple[float, float]]
    roads: tuple[RoadSpec, ...] = Field(min_length=1)
    cameras: tuple[CameraSpec, ...] = Field(min_length=1)
    routes: tuple[RouteSpec, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _known_names(self) -> PlaceSpec:
        for road in self.roads:
            for node in (road.start, road.end):
                if node not in self.nodes:
                    raise ValueError(f"road {road.name} names unknown node {node}")
        names = {road.name for road in self.roads}
        for camera in self.cameras:
            if camera.road not in names:
                raise ValueError(f"camera {camera.name} names unknown road {camera.road}")
        links = {frozenset((road.start, road.end)) for road in self.roads}
        for route in self.routes:
            for a, b in zip(route.through, route.through[1:], strict=False):
                if frozenset((a, b)) not in links:
                    raise ValueError(f"route {'-'.join(route.through)}: no road joins {a} and {b}")
        return self


@dataclass(frozen=True)
class Segment:
    """A stretch of lane that vehicles follow.

    Attributes:
        key: Unique name, e.g. ``quay>0`` (forward, lane 0), ``quay<1``, or a connector's.
        line: (N, 2) points, first to last in driving direction.
        speed_m_s: Usual speed.
    """

    key: str
    line: Line
    speed_m_s: float

    @cached_property
    def path(self) -> Polyline:
        """The line, to walk along."""
        return Polyline(self.line)

    @property
    def length_m(self) -> float:
        """Length along the line."""
        return self.path.length_m


class Road:
    """A road's middle line and lanes."""

    def __init__(self, spec: RoadSpec, place: PlaceSpec) -> None:
        self.spec = spec
        points = [place.nodes[spec.start], *spec.bend, place.nodes[spec.end]]
        self.path = Polyline(smooth(np.asarray(points, np.float64)))
        joins = [sum(node in (road.start, road.end) for road in place.roads) > 1 for node in (spec.start, spec.end)]
        #: Part of the middle line that is road and not junction.
        self.trim_m = tuple(JUNCTION_M if join else 0.0 for join in joins)
        self.half_width_m = spec.lanes * place.lane_width_m
        self._lane_width_m = place.lane_width_m

    @property
    def middle(self) -> Line:
        """The middle line from node to node, (N, 2)."""
        return self.path.points

    @property
    def length_m(self) -> float:
        """Length of the middle line between the nodes."""
        return self.path.length_m

    @cached_property
    def surface_line(self) -> Line:
        """The middle line without its junction ends."""
        return self.path.cut(self.trim_m[0], self.length_m - self.trim_m[1])

    def point(self, along_m: float, right_m: float = 0.0) -> tuple[float, float]:
        """Ground point at a distance from the road's start and an offset to the right; straight on beyond both ends."""
        (x, z), (dx, dz) = self.path.at(along_m)
        return x - dz * right_m, z + dx * right_m

    def lane(self, index: int, *, forward: bool) -> Segment:
        """One lane; index 0 is nearest the middle."""
        line = self.surface_line if forward else self.surface_line[::-1]
        offset = (index + 0.5) * self._lane_width_m
        key = f"{self.spec.name}{'>' if forward else '<'}{index}"
        return Segment(key, line + offset * right_normals(line), self.spec.speed_m_s)


class Place:
    """A validated place with its geometry."""

    def __init__(self, spec: PlaceSpec) -> None:
        self.spec = spec
        self.name = spec.name
        self.roads = {road.name: Road(road, spec) for road in spec.roads}

    @classmethod
    def load(cls, name_or_path: str) -> Place:
        """Reads a place by name (a file of ``simulator/places``) or path.

        Raises:
            PlaceError: There is no such place, or its file is not usable.
        """
        path = Path(name_or_path)
        if path.suffix != ".yaml":
            path = PLACES / f"{name_or_path}.yaml"
        if not path.is_file():
            known = ", ".join(sorted(file.stem for file in PLACES.glob("*.yaml")))
            raise PlaceError(f"no place {name_or_path!r}; known places: {known}")
        try:
            return cls(PlaceSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8"))))
        except (yaml.YAMLError, ValidationError) as exc:
            first = exc.errors()[0] if isinstance(exc, ValidationError) else None
            where = ".".join(str(part) for part in first["loc"]) if first else ""
            raise PlaceError(f"{path.name}: {where} {first['msg'] if first else exc}".replace("\n", " ")) from exc

    def road_between(self, a: str, b: str) -> tuple[Road, bool]:
        """The road from node a to node b, and whether that is its own direction."""
        for road in self.roads.values():
            if (road.spec.start, road.spec.end) == (a, b):
                return road, True
            if (road.spec.end, road.spec.start) == (a, b):
                return road, False
        raise PlaceError(f"{self.name}: no road joins {a} and {b}")

    def lanes_of(self, route: RouteSpec, choices: tuple[int, ...]) -> list[Segment]:
        """The segments a vehicle follows: lanes with connectors between them.

        Args:
            route: Nodes to pass.
            choices: A number per road that settles the lane, taken modulo its lanes.
        """
        segments: list[Segment] = []
        for (a, b), choice in zip(zip(route.through, route.through[1:], strict=False), choices, strict=False):
            road, forward = self.road_between(a, b)
            lane = road.lane(choice % road.spec.lanes, forward=forward)
            if segments:
                segments.append(_connector(segments[-1], lane))
            segments.append(lane)
        return segments

    def camera_points(
        self, camera: CameraSpec
    ) -> tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]:
        """Lens position, point looked at (at bonnet height), and the middle of what it sees on the ground."""
        road = self.roads[camera.road]
        x, z = road.point(camera.at_m, camera.side_m)
        look_x, look_z = road.point(camera.look_m, camera.look_side_m)
        return (x, camera.height_m, z), (look_x, 0.8, look_z), (look_x, 0.0, look_z)


def _connector(before: Segment, after: Segment) -> Segment:
    """A smooth curve across a junction; turning is slower than going straight."""
    out, into = before.line[-1] - before.line[-2], after.line[1] - after.line[0]
    straight = float(np.dot(out, into) / (np.linalg.norm(out) * np.linalg.norm(into)))
    speed = min(before.speed_m_s, after.speed_m_s) * (1.0 if straight > 0.8 else 0.6)
    return Segment(f"{before.key}|{after.key}", joining_curve(before.line, after.line), speed)
