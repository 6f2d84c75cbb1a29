"""A place as flat arrays that the engine can index: segments, junction pieces, who must wait for whom, signals.

Owns the rules of junctions; knows no vehicles. Segments are numbered; number ``count`` stands for none.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from simulator.place import Place, Segment
from simulator.polyline import sampled
from simulator.traffic.conflicts import Conflicts, find_conflicts

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Hop = tuple[str, str]

YELLOW_S = 2.5
_ALL_RED_S = 2.0
_GREEN_S = 22.0
_SAMPLE_M = 1.0
_STRAIGHT, _LEFT, _RIGHT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Turn:
    """A movement from one road to another at a node.

    Attributes:
        hops: Numbers of the directed roads before and after.
        direction: 0 straight on, 1 left, 2 right.
        tightest_m: Smallest radius of its curves.
        pieces: By lane before and lane after: segment numbers across the junction.
    """

    hops: tuple[int, int]
    direction: int
    tightest_m: float
    pieces: dict[tuple[int, int], tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Signals:
    """Traffic lights, per segment; a cycle of 0 means none.

    Attributes:
        cycle_s: Length of the cycle, (S,).
        on_s: When green begins in the cycle, (S,).
        green_s: How long green and yellow last, (S,).
    """

    cycle_s: Floats
    on_s: Floats
    green_s: Floats

    def left_s(self, segments: Ints, now_s: float) -> Floats:
        """Seconds until red, 0 while it is red, infinite without lights; shape of ``segments``."""
        cycle = self.cycle_s[segments]
        phase = np.mod(now_s - self.on_s[segments], np.maximum(cycle, 1.0))
        return np.where(cycle > 0, np.maximum(self.green_s[segments] - phase, 0.0), np.inf)


class Network:
    """The arrays of one place. S is the number of segments, H that of directed roads.

    Attributes:
        hops: Directed roads as pairs of nodes.
        lanes: Segment numbers of each hop's lanes, innermost first.
        turns: By pair of hop numbers.
        length_m: (S,).
        speed_m_s: (S,).
        gate: Whether a segment may only be entered when the junction grants it, (S,).
        onto: The segment that a gate leads onto, (S,).
        rank: Class of priority of a gate, (S,); 0 goes first.
        signals: Traffic lights.
        conflicts: Which gates exclude each other.
        circulating: Whether a gate lies on a roundabout's ring, (S,).
        ring_of: For entries of roundabouts the ring's number, else -1, (S,).
        ring_pieces: Segments of each ring.
    """

    def __init__(self, place: Place) -> None:
        self.place = place
        self._segments: list[Segment] = []
        self._number: dict[str, int] = {}
        self._nodes: list[str] = []
        self.hops: list[Hop] = [
            hop for road in place.spec.roads for hop in ((road.start, road.end), (road.end, road.start))
        ]
        self.hop_number = {hop: number for number, hop in enumerate(self.hops)}
        self.lanes = [tuple(self._add(lane, "") for lane in self._lanes(hop)) for hop in self.hops]
        self._origin: dict[int, int] = {}
        self._onto: dict[int, int] = {}
        self._rank: dict[int, int] = {}
        self._kind: dict[int, str] = {}
        self._entry_of: dict[int, int] = {}
        self._road_before: dict[int, str] = {}
        self.turns = {turn.hops: turn for turn in self._all_turns()}
        self.count = len(self._segments)
        self.length_m = np.array([segment.length_m for segment in self._segments])
        self.speed_m_s = np.array([segment.speed_m_s for segment in self._segments])
        self.conflicts: Conflicts = find_conflicts(
            [segment.line for segment in self._segments],
            [
                (self._nodes[s], self._origin[s], self._onto[s], self._kind[s]) if s in self._origin else None
                for s in self._all()
            ],
        )
        self.onto = np.array([self._onto.get(s, s) for s in self._all()])
        self.rank = np.array([self._rank.get(s, 0) for s in self._all()])
        self.signals = self._signals()
        self.gate = self.conflicts.any_conflict | (self.signals.cycle_s > 0)
        self.ring_pieces = [
            np.array([s for s in self._all() if self._segments[s].key.startswith((f"{node}@", f"{node}+"))])
            for node in place.rings
        ]
        self.circulating = np.isin(np.arange(self.count), np.concatenate([[-1], *self.ring_pieces]))
        self.ring_of = np.array([self._entry_of.get(s, -1) for s in self._all()])
        self._points = _Samples(self._segments)

    def _all(self) -> range:
        return range(len(self._segments))

    @property
    def segments(self) -> list[Segment]:
        """All segments by number."""
        return self._segments

    def number(self, key: str) -> int:
        """A segment's number by its key."""
        return self._number[key]

    def at(self, segments: Ints, along_m: Floats) -> tuple[Floats, Floats]:
        """Ground points (N, 2) and unit tangents (N, 2); straight on beyond both ends of a segment."""
        return self._points.at(segments, along_m)

    def road_of_hop(self, hop: int) -> str:
        """Name of the road that a hop drives."""
        return self.place.road_between(*self.hops[hop])[0].spec.name

    def _lanes(self, hop: Hop) -> list[Segment]:
        road, forward = self.place.road_between(*hop)
        return [road.lane(index, forward=forward) for index in range(road.spec.lanes)]

    def _add(self, segment: Segment, node: str) -> int:
        if segment.key not in self._number:
            self._number[segment.key] = len(self._segments)
            self._segments.append(segment)
            self._nodes.append(node)
        return self._number[segment.key]

    def _all_turns(self) -> Iterator[Turn]:
        for before, (source, node) in enumerate(self.hops):
            for after, (start, target) in enumerate(self.hops):
                if start == node and target != source:
                    yield self._turn((before, after), (source, node, target))

    def _turn(self, hops: tuple[int, int], names: tuple[str, str, str]) -> Turn:
        lanes_before, lanes_after = self.lanes[hops[0]], self.lanes[hops[1]]
        direction = self._direction(self._segments[lanes_before[0]], self._segments[lanes_after[0]])
        pieces, tightest = {}, np.inf
        for i, j in product(range(len(lanes_before)), range(len(lanes_after))):
            lanes = (self._segments[lanes_before[i]], self._segments[lanes_after[j]])
            parts = self.place.crossing(*names, lanes)
            numbers = tuple(self._add(part, names[1]) for part in parts)
            pieces[i, j] = numbers
            self._note_movement(names, lanes_before[i], numbers, lanes_after[j], direction)
            tightest = min(tightest, *(_tightest_m(part) for part in parts))
        return Turn(hops, direction, float(tightest), pieces)

    def _note_movement(
        self, names: tuple[str, str, str], before: int, numbers: tuple[int, ...], after: int, direction: int
    ) -> None:
        """Remembers what each piece comes from and leads onto."""
        source, node, target = names
        chain = (before, *numbers, after)
        for index, piece in enumerate(numbers):
            circulating = node in self.place.rings and self._segments[piece].key.startswith(f"{node}+")
            if not circulating:
                on_ring = "exit" if index == len(numbers) - 1 else "ring"
                self._kind[piece] = on_ring if node in self.place.rings else "cross"
                self._origin[piece], self._onto[piece] = chain[index], chain[index + 2]
        if node in self.place.rings:
            self._entry_of[numbers[0]] = list(self.place.rings).index(node)
            self._rank[numbers[0]] = 1
            return
        self._road_before[numbers[0]] = self.place.road_between(source, node)[0].spec.name
        self._rank[numbers[0]] = self._rank_of(node, source, target, direction)

    def _rank_of(self, node: str, source: str, target: str, direction: int) -> int:
        junction = self.place.junction(node)
        if junction.kind == "open":
            return 0
        if junction.kind == "lights":
            return int(direction == _LEFT)
        main = junction.main or self._main(node)
        if self.place.road_between(source, node)[0].spec.name not in main:
            return {_RIGHT: 2, _STRAIGHT: 3, _LEFT: 4}[direction]
        follows_main = self.place.road_between(node, target)[0].spec.name in main
        return int(direction == _LEFT and not follows_main)

    def _main(self, node: str) -> tuple[str, ...]:
        """The widest, fastest two roads."""
        roads = sorted(self.place.spec.roads_at(node), key=lambda road: (-road.lanes, -road.speed_m_s))
        return tuple(road.name for road in roads[:2])

    @staticmethod
    def _direction(before: Segment, after: Segment) -> int:
        out, into = before.line[-1] - before.line[-2], after.line[1] - after.line[0]
        angle = np.arctan2(out[0] * into[1] - out[1] * into[0], out @ into)
        if abs(angle) < np.radians(40):
            return _STRAIGHT
        return _RIGHT if angle > 0 else _LEFT

    def _signals(self) -> Signals:
        cycle, on, green = (np.zeros(len(self._segments)) for _ in range(3))
        for segment, road in self._road_before.items():
            node = self._nodes[segment]
            junction = self.place.junction(node)
            if junction.kind != "lights" or len(self.place.spec.roads_at(node)) < 3:
                continue
            groups = junction.groups or self._groups(node)
            greens = junction.greens_s or (_GREEN_S,) * len(groups)
            cycle[segment] = sum(greens) + len(groups) * (YELLOW_S + _ALL_RED_S)
            index = next(number for number, group in enumerate(groups) if road in group)
            on[segment] = junction.offset_s + sum(greens[:index]) + index * (YELLOW_S + _ALL_RED_S)
            green[segment] = greens[index] + YELLOW_S
        return Signals(cycle, on, green)

    def _groups(self, node: str) -> tuple[tuple[str, ...], ...]:
        """Roads opposite each other together."""
        bearings = {}
        centre = np.asarray(self.place.spec.nodes[node])
        for spec in self.place.spec.roads_at(node):
            road = self.place.roads[spec.name]
            trim = self.place.trim_m(node)
            point = np.asarray(road.point(trim if spec.start == node else road.length_m - trim))
            bearings[spec.name] = float(np.arctan2(*(point - centre)[::-1]))
        groups: list[tuple[str, ...]] = []
        rest = list(bearings)
        while rest:
            first = rest.pop(0)
            opposite = [name for name in rest if np.cos(bearings[name] - bearings[first]) < -0.7]
            rest = [name for name in rest if name not in opposite[:1]]
            groups.append((first, *opposite[:1]))
        return tuple(groups)


class _Samples:
    """Every segment sampled at even distances."""

    def __init__(self, segments: list[Segment]) -> None:
        points, counts, steps = [], [], []
        for segment in segments:
            count = max(2, round(segment.length_m / _SAMPLE_M) + 1)
            points.append(sampled(segment.line, count))
            counts.append(count)
            steps.append(segment.length_m / (count - 1))
        self._points = np.concatenate(points)
        self._first = np.concatenate([[0], np.cumsum(counts)[:-1]])
        self._counts = np.array(counts)
        self._steps = np.array(steps)

    def at(self, segments: Ints, along_m: Floats) -> tuple[Floats, Floats]:
        step = self._steps[segments]
        index = np.clip((along_m / step).astype(np.int64), 0, self._counts[segments] - 2)
        start = self._points[self._first[segments] + index]
        towards = self._points[self._first[segments] + index + 1] - start
        tangent = towards / np.linalg.norm(towards, axis=-1, keepdims=True)
        return start + tangent * (along_m - index * step)[..., None], tangent


def _tightest_m(segment: Segment) -> float:
    """Smallest radius of curvature, smoothed over three metres or so."""
    count = max(4, round(segment.length_m / 2))
    points = sampled(segment.line, count)
    heading = np.unwrap(np.arctan2(*np.diff(points, axis=0).T))
    bend = float(np.abs(np.diff(heading)).max(initial=1e-6))
    return segment.length_m / (count - 1) / max(bend, 1e-6)
