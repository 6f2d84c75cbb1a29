"""What a place's YAML file may say: nodes, junctions, roads, cameras, routes, parking. Checks names, draws nothing.

Ground plane x, z in metres; y is up; traffic keeps to the right.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

JunctionKind = Literal["open", "priority", "lights", "roundabout"]
LightName = Literal["noon", "afternoon", "low_sun", "overcast", "rainy", "dusk", "night", "fog"]
Share = float


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


class JunctionSpec(_Strict):
    """How streams that cross at a node settle who goes first."""

    kind: JunctionKind = Field("priority", description="Rule; `open`: first come, first served.")
    main: tuple[str, ...] = Field((), description="priority: roads with right of way; none: the widest, fastest pair.")
    trim_m: float | None = Field(None, ge=6, le=60, description="Distance from the node at which roads end.")
    radius_m: float = Field(14.0, ge=9, le=40, description="roundabout: middle of the circulating lane.")
    groups: tuple[tuple[str, ...], ...] = Field((), description="lights: roads that get green together, in order.")
    greens_s: tuple[float, ...] = Field((), description="lights: green time of each group; none: 22 s each.")
    offset_s: float = Field(0.0, ge=0, description="lights: when the first group's first green begins.")


class CameraSpec(_Strict):
    """A camera on a pole: beside a road in the road's own coordinates, or anywhere in those of the place."""

    name: str = Field(description="Unique name.")
    road: str = Field("", description="Road it watches.")
    at_m: float = Field(0.0, description="Where the pole stands, along the road from its start.")
    side_m: float = Field(0.0, description="How far right of the middle line it stands; negative is left.")
    height_m: float = Field(6.0, ge=2, le=30, description="Height of the lens.")
    look_m: float = Field(0.0, description="Point of the middle line that it looks at, along the road.")
    look_side_m: float = Field(0.0, description="That point's offset to the right.")
    eye_m: tuple[float, float, float] | None = Field(None, description="Lens x, y, z; instead of at, side, height.")
    target_m: tuple[float, float, float] | None = Field(
        None, description="Point looked at; instead of look, look_side."
    )
    fov_deg: float = Field(50.0, ge=10, le=100, description="Horizontal field of view.")
    light: LightName = Field("noon", description="Name of the light it sees.")
    gain: float = Field(1.0, gt=0.3, lt=3, description="Exposure relative to normal.")
    warmth: float = Field(0.0, ge=-0.3, le=0.3, description="White balance error: positive is redder.")
    noise: float = Field(2.5, ge=0, le=20, description="Sensor noise, standard deviation in grey levels.")

    @model_validator(mode="after")
    def _one_pose(self) -> CameraSpec:
        if (self.eye_m is None) != (self.target_m is None):
            raise ValueError(f"camera {self.name}: give both eye_m and target_m, or neither")
        if self.eye_m is None:
            missing = [key for key in ("road", "at_m", "side_m", "look_m") if key not in self.model_fields_set]
            if missing:
                raise ValueError(f"camera {self.name} lacks {', '.join(missing)} (or eye_m and target_m)")
        elif self.eye_m[1] < 2:
            raise ValueError(f"camera {self.name}: eye_m stands {self.eye_m[1]:g} m high, it must be at least 2")
        if self.eye_m is not None and self.target_m is not None and self.eye_m[::2] == self.target_m[::2]:
            raise ValueError(f"camera {self.name} looks straight down; move target_m aside")
        return self


class RouteSpec(_Strict):
    """A way through the place, from edge to edge."""

    through: tuple[str, ...] = Field(min_length=2, description="Nodes passed, in order.")
    weight: float = Field(1.0, gt=0, description="How often it is driven, relative to others.")


class BeyondSpec(_Strict):
    """A way out of sight, from an edge where vehicles leave to one where some of them come back."""

    leave: str = Field(description="Edge node at which vehicles leave.")
    enter: str = Field(description="Edge node at which they return.")
    median_s: float = Field(300.0, gt=0, description="Median of the log-normal time away.")
    sigma: float = Field(0.4, ge=0, le=2, description="Standard deviation of its logarithm.")
    share: Share = Field(0.3, gt=0, le=1, description="Share of those leaving there that take this way.")


class ParkingSpec(_Strict):
    """A row of kerb bays."""

    road: str = Field(description="Road beside which it lies.")
    side: Literal["left", "right"] = Field("right", description="Side, seen from the road's start.")
    from_m: float = Field(ge=0, description="Where it begins, along the road.")
    to_m: float = Field(gt=0, description="Where it ends.")
    occupied: Share = Field(0.6, ge=0, le=1, description="Share of bays in which somebody stands all the time.")
    arrivals_per_hour: float = Field(0.0, ge=0, le=60, description="Vehicles that come, stand a while and leave.")
    stay_median_s: float = Field(240.0, gt=5, description="Median of the log-normal time they stand.")
    stay_sigma: float = Field(0.6, ge=0, le=2, description="Standard deviation of its logarithm.")


class PlaceSpec(_Strict):
    """The YAML file."""

    name: str
    scenery_seed: int = Field(description="Settles houses, trees and street furniture.")
    lane_width_m: float = Field(3.4, ge=2.6, le=4.5)
    longest_m: float = Field(20.0, ge=3, le=30, description="Longer bodies are never met here, as signs would see to.")
    nodes: dict[str, tuple[float, float]]
    junctions: dict[str, JunctionSpec] = Field({}, description="Rule of a node; those not named have `priority`.")
    roads: tuple[RoadSpec, ...] = Field(min_length=1)
    cameras: tuple[CameraSpec, ...] = Field(min_length=1)
    routes: tuple[RouteSpec, ...] = Field((), description="Ways driven; none: everybody roams by turns.")
    entries: dict[str, float] = Field({}, description="Where roaming vehicles enter, and how often; none: all edges.")
    turns: dict[str, dict[str, dict[str, float]]] = Field({}, description="Shares: at a node, from a node, to a node.")
    roaming: Share | None = Field(
        None, ge=0, le=1, description="Share of vehicles that roam although there are routes."
    )
    beyond: tuple[BeyondSpec, ...] = ()
    parking: tuple[ParkingSpec, ...] = ()

    @property
    def roaming_share(self) -> float:
        """Share of vehicles that follow turns rather than routes."""
        if not self.routes:
            return 1.0
        return self.roaming or 0.0

    def roads_at(self, node: str) -> tuple[RoadSpec, ...]:
        """Roads that end at a node."""
        return tuple(road for road in self.roads if node in (road.start, road.end))

    @model_validator(mode="after")
    def _known_names(self) -> PlaceSpec:
        for check in (_check_roads, _check_cameras, _check_junctions, _check_routes, _check_turns, _check_edges):
            problem = check(self)
            if problem:
                raise ValueError(problem)
        return self


def _doubled(names: list[str]) -> str | None:
    return next((name for name in names if names.count(name) > 1), None)


def _check_roads(spec: PlaceSpec) -> str | None:
    for road in spec.roads:
        for node in (road.start, road.end):
            if node not in spec.nodes:
                return f"road {road.name} names unknown node {node}"
        if road.start == road.end:
            return f"road {road.name} begins and ends at {road.start}"
    doubled = _doubled([road.name for road in spec.roads])
    if doubled:
        return f"two roads are named {doubled}"
    pairs = [frozenset((road.start, road.end)) for road in spec.roads]
    for road, pair in zip(spec.roads, pairs, strict=True):
        if pairs.count(pair) > 1:
            return f"two roads join {road.start} and {road.end}; put a node between"
    return None


def _check_cameras(spec: PlaceSpec) -> str | None:
    roads = {road.name for road in spec.roads}
    for camera in spec.cameras:
        if camera.road not in roads and (camera.road or camera.eye_m is None):
            return f"camera {camera.name} names unknown road {camera.road}"
    doubled = _doubled([camera.name for camera in spec.cameras])
    return f"two cameras are named {doubled}" if doubled else None


def _check_junctions(spec: PlaceSpec) -> str | None:
    for node, junction in spec.junctions.items():
        if node not in spec.nodes:
            return f"junctions names unknown node {node}"
        here = {road.name for road in spec.roads_at(node)}
        for road in (*junction.main, *(name for group in junction.groups for name in group)):
            if road not in here:
                return f"junction {node} names road {road}, which does not end there"
        if junction.groups and here != {name for group in junction.groups for name in group}:
            return f"junction {node}: groups must name each of {', '.join(sorted(here))}"
        if junction.greens_s and len(junction.greens_s) != len(junction.groups):
            return f"junction {node}: {len(junction.greens_s)} greens_s for {len(junction.groups)} groups"
    return None


def _check_routes(spec: PlaceSpec) -> str | None:
    links = {frozenset((road.start, road.end)) for road in spec.roads}
    for route in spec.routes:
        for a, b in zip(route.through, route.through[1:], strict=False):
            if frozenset((a, b)) not in links:
                return f"route {'-'.join(route.through)}: no road joins {a} and {b}"
        for a, b in zip(route.through, route.through[2:], strict=False):
            if a == b:
                return f"route {'-'.join(route.through)} turns back on itself at {a}"
    return None


def _check_turns(spec: PlaceSpec) -> str | None:
    for node, approaches in spec.turns.items():
        if node not in spec.nodes:
            return f"turns names unknown node {node}"
        beside = {other for road in spec.roads_at(node) for other in (road.start, road.end)} - {node}
        for source, exits in approaches.items():
            unknown = next((name for name in (source, *exits) if name not in beside), None)
            if unknown:
                return f"turns at {node}: no road leads to {unknown}"
            if source in exits or min(exits.values()) < 0 or sum(exits.values()) <= 0:
                return f"turns at {node} from {source}: shares must be positive and lead elsewhere"
    return None


def _check_edges(spec: PlaceSpec) -> str | None:
    edges = {node for node in spec.nodes if len(spec.roads_at(node)) == 1}
    if not edges:
        return "no node has a single road: vehicles can neither enter nor leave"
    for node in spec.entries:
        if node not in edges:
            return f"entries: {node} is not an edge of the network"
    for link in spec.beyond:
        for node in (link.leave, link.enter):
            if node not in edges:
                return f"beyond: {node} is not an edge of the network"
    lengths = {road.name for road in spec.roads}
    for row in spec.parking:
        if row.road not in lengths:
            return f"parking names unknown road {row.road}"
        if row.to_m - row.from_m < 7:
            return f"parking on {row.road}: {row.from_m:g} to {row.to_m:g} m holds no bay of 7 m"
    return None
