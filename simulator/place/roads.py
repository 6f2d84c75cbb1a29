"""Roads, lanes and the curves across junctions as lines on the ground. Knows no vehicles and no rules."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulator.place.spec import JunctionSpec, PlaceSpec, RoadSpec
from simulator.polyline import Line, Polyline, joining_curve, right_normals, smooth

JUNCTION_M = 11.0
#: How far the ends of a roundabout's roads lie outside the middle of its lane.
RING_MARGIN_M = 9.0
#: Angle between a roundabout's arm and the points where its lanes leave and join the ring, as seen from the middle.
_RING_JOIN_RAD = math.radians(24)
_ARMS_APART_RAD = math.radians(60)
_RING_SPEED_M_S = 6.0
_SHARP, _STRAIGHT = 0.5, 0.8


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
        #: Part of the middle line that is road and not junction.
        self.trim_m = (trim_of(spec.start, place), trim_of(spec.end, place))
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


def trim_of(node: str, place: PlaceSpec) -> float:
    """Distance from a node at which its roads end; 0 at the edges of the network."""
    if len(place.roads_at(node)) < 2:
        return 0.0
    junction = place.junctions.get(node, JunctionSpec())
    if junction.trim_m is not None:
        return junction.trim_m
    return junction.radius_m + RING_MARGIN_M if junction.kind == "roundabout" else JUNCTION_M


def connector(before: Segment, after: Segment) -> Segment:
    """A smooth curve across a junction; turning is slower than going straight."""
    straight = straightness(before, after)
    slower = 1.0 if straight > _STRAIGHT else (0.8 if straight > _SHARP else 0.7)
    speed = min(before.speed_m_s, after.speed_m_s) * slower
    return Segment(f"{before.key}|{after.key}", joining_curve(before.line, after.line), speed)


def straightness(before: Segment, after: Segment) -> float:
    """Cosine of the angle by which a vehicle turns from one lane to another: 1 is straight on."""
    out, into = before.line[-1] - before.line[-2], after.line[1] - after.line[0]
    return float(np.dot(out, into) / (np.linalg.norm(out) * np.linalg.norm(into)))


class Ring:
    """A roundabout's circulating lane, driven with the middle on the left.

    Each arm has a point where vehicles leave (``exit``) and, a little further round, one where they join (``entry``).
    """

    def __init__(self, node: str, centre: tuple[float, float], radius_m: float, arms: dict[str, float]) -> None:
        """Args: arms maps a name to its bearing ``atan2(z, x)`` from the middle."""
        self.node, self.centre, self.radius_m = node, centre, radius_m
        #: Names in driving order.
        self.order = sorted(arms, key=lambda name: -arms[name])
        self._arms = arms

    def too_close(self) -> tuple[str, str] | None:
        """Two arms between which there is no room to leave and join; None if all stand apart."""
        for arm in self.order:
            following = self.after(arm)
            apart = (self._arms[arm] - self._arms[following]) % (2 * math.pi)
            if following != arm and apart < _ARMS_APART_RAD:
                first, second = sorted((arm, following))
                return first, second
        return None

    def waiting(self, arm: str) -> Segment:
        """The piece before an arm's entry, from its exit."""
        return self._arc(f"{self.node}@{arm}", self._arms[arm] + _RING_JOIN_RAD, 2 * _RING_JOIN_RAD)

    def onward(self, arm: str) -> Segment:
        """The piece from an arm's entry to the next arm's exit."""
        start = self._arms[arm] - _RING_JOIN_RAD
        end = self._arms[self.after(arm)] + _RING_JOIN_RAD
        return self._arc(f"{self.node}+{arm}", start, (start - end) % (2 * math.pi))

    def after(self, arm: str) -> str:
        """The arm that comes next."""
        return self.order[(self.order.index(arm) + 1) % len(self.order)]

    def entry(self, arm: str, lane: Segment) -> Segment:
        """The curve from an arm's lane onto the ring."""
        return Segment(f"{lane.key}|{self.node}", joining_curve(lane.line, self.onward(arm).line), _RING_SPEED_M_S)

    def exit(self, arm: str, lane: Segment) -> Segment:
        """The curve from the ring to an arm's lane."""
        before = self._arc("", self._arms[arm] + _RING_JOIN_RAD + 0.3, 0.3)
        return Segment(f"{self.node}|{lane.key}", joining_curve(before.line, lane.line), _RING_SPEED_M_S)

    def passage(self, source: str, target: str, lanes: tuple[Segment, Segment]) -> list[Segment]:
        """All pieces from an arm's lane to another arm's lane."""
        pieces, arm = [self.entry(source, lanes[0]), self.onward(source)], self.after(source)
        while arm != target:
            pieces += [self.waiting(arm), self.onward(arm)]
            arm = self.after(arm)
        return [*pieces, self.exit(target, lanes[1])]

    def _arc(self, key: str, start_rad: float, sweep_rad: float) -> Segment:
        count = max(3, round(self.radius_m * sweep_rad) + 1)
        angles = start_rad - np.linspace(0, sweep_rad, count)
        line = np.asarray(self.centre) + self.radius_m * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        return Segment(key, line, _RING_SPEED_M_S)
