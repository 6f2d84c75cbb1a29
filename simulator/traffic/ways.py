"""Which roads each trip drives: walks by turning shares, given routes, and the lanes that fit the next turn.

Draws whole crowds at once. Knows no time and no speed.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.place import RouteSpec
from simulator.traffic.network import Network

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

#: Shares of straight on, left, right where nothing is given.
_USUAL_SHARES = (0.72, 0.10, 0.18)
#: Bodies longer than this take a tight curve only if there is no other way.
LONG_M = 8.0
_TIGHT_M = 13.0
_WANDER_HOPS = 24
_MOST_HOPS = 80
_STRAIGHT, _LEFT, _RIGHT = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Paths:
    """Segments that trips follow, one after another.

    Attributes:
        first: Index of each trip's first entry, (N,).
        last: Index of its last entry, (N,).
        segment: Segment numbers, (P,).
        start_m: Distance from the trip's start at which each begins, (P,).
    """

    first: Ints
    last: Ints
    segment: Ints
    start_m: Floats


class Ways:
    """Draws ways through one network."""

    def __init__(self, network: Network) -> None:
        self._network = network
        count = len(network.hops)
        following: list[list[int]] = [[] for _ in range(count)]
        for before, after in network.turns:
            following[before].append(after)
        width = max(1, *map(len, following))
        self._next = np.full((count, width), -1)
        for hop, row in enumerate(following):
            self._next[hop, : len(row)] = row
        usual = np.array([self._shares(hop, row, width) for hop, row in enumerate(following)])
        self._easy = self._easy_hops(following)
        gentle = np.array([self._gentle(hop, row, width) for hop, row in enumerate(following)])
        careful = np.where((usual * gentle).sum(axis=1, keepdims=True) > 0, usual * gentle, usual)
        self._cumulative = np.stack([_cumulative(usual), _cumulative(careful)])
        self._way_out = self._ways_out(following)
        self._weights = {node: float(place_share) for node, place_share in self._entries().items()}

    def walks(self, starts: Ints, long: Bools, rng: np.random.Generator) -> Ints:
        """Hops of each trip, (N, K), padded with -1.

        Args:
            starts: First hop of each trip, (N,).
            long: Whether the body is long, (N,).
            rng: Source of chance.
        """
        columns, here = [starts], starts
        for column in range(_MOST_HOPS):
            going = (here >= 0) & (self._next[here, 0] >= 0)
            if not going.any():
                break
            draw = rng.random(len(starts))
            if column < _WANDER_HOPS:
                choice = (draw[:, None] >= self._cumulative[long.astype(int), here]).sum(axis=1)
                after = self._next[here, np.minimum(choice, self._next.shape[1] - 1)]
            else:
                after = self._way_out[here]
            here = np.where(going, after, -1)
            columns.append(here)
        return np.stack(columns, axis=1)

    def routes(self, count: int, long: Bools, rng: np.random.Generator) -> Ints:
        """Hops of trips along the place's routes, (N, K), padded with -1; long bodies avoid tight curves."""
        specs = self._network.place.spec.routes
        table = self.table(specs)
        usual = np.array([route.weight for route in specs])
        gentle = usual * np.array([self._is_gentle(row) for row in table])
        drawn = rng.choice(len(specs), size=count, p=usual / usual.sum())
        if gentle.sum() > 0:
            careful = rng.choice(len(specs), size=count, p=gentle / gentle.sum())
            drawn = np.where(long, careful, drawn)
        return table[drawn]

    def table(self, routes: tuple[RouteSpec, ...]) -> Ints:
        """Hops of routes, (R, K), padded with -1."""
        width = max(len(route.through) for route in routes) - 1
        table = np.full((len(routes), width), -1)
        for number, route in enumerate(routes):
            hops = zip(route.through, route.through[1:], strict=False)
            table[number, : len(route.through) - 1] = [self._network.hop_number[hop] for hop in hops]
        return table

    def starts(self, long: Bools, rng: np.random.Generator) -> Ints:
        """First hops by the entries' shares, (N,); long bodies enter where a way without tight curves begins."""
        nodes, count = list(self._weights), len(long)
        shares = np.array([self._weights[node] for node in nodes])
        hops = np.array([self.hop_from(node) for node in nodes])
        drawn = rng.choice(len(nodes), size=count, p=shares / shares.sum())
        easy = shares * np.isin(hops, list(self._easy))
        if easy.sum() > 0:
            drawn = np.where(long, rng.choice(len(nodes), size=count, p=easy / easy.sum()), drawn)
        return hops[drawn]

    def hop_from(self, edge: str) -> int:
        """The hop that begins at an edge node."""
        return next(number for number, hop in enumerate(self._network.hops) if hop[0] == edge)

    def paths(self, hops: Ints, rng: np.random.Generator) -> tuple[Paths, Ints]:
        """Chooses lanes and lists segments.

        Args:
            hops: (N, K), padded with -1.
            rng: Source of chance.

        Returns:
            The paths, and the lane on each hop, (N, K).
        """
        lanes = self._choose_lanes(hops, rng)
        network = self._network
        pieces: list[list[int]] = []
        lookup: dict[tuple[int, int, int, int], tuple[int, ...]] = {}
        for row, lane in zip(hops.tolist(), lanes.tolist(), strict=True):
            numbers = [network.lanes[row[0]][lane[0]]]
            for column in range(1, len(row)):
                if row[column] < 0:
                    break
                key = (row[column - 1], row[column], lane[column - 1], lane[column])
                found = lookup.get(key)
                if found is None:
                    across = network.turns[key[0], key[1]].pieces[key[2], key[3]]
                    found = lookup[key] = (*across, network.lanes[key[1]][key[3]])
                numbers += found
            pieces.append(numbers)
        counts = np.array([len(numbers) for numbers in pieces])
        first = np.cumsum(counts) - counts
        segment = np.fromiter((s for numbers in pieces for s in numbers), np.int64, int(counts.sum()))
        ends = np.cumsum(network.length_m[segment])
        start = ends - network.length_m[segment]
        start -= np.repeat(start[first], counts)
        return Paths(first, first + counts - 1, segment, start), lanes

    def _choose_lanes(self, hops: Ints, rng: np.random.Generator) -> Ints:
        """Left turns leave from the innermost lane, right turns from the outermost; else the lane is kept."""
        network = self._network
        most = np.array([len(lanes) for lanes in network.lanes])
        direction = np.zeros((len(network.hops), len(network.hops)), np.int8)
        for (before, after), turn in network.turns.items():
            direction[before, after] = turn.direction
        lanes = np.zeros_like(hops)
        lane = rng.integers(0, 6, len(hops)) % most[hops[:, 0]]
        for column in range(hops.shape[1]):
            hop = hops[:, column]
            lane = np.minimum(lane, most[hop] - 1)
            if column + 1 < hops.shape[1]:
                following = hops[:, column + 1]
                ways = np.where(following >= 0, direction[hop, following], _STRAIGHT)
                lane = np.where(ways == _LEFT, 0, np.where(ways == _RIGHT, most[hop] - 1, lane))
            lanes[:, column] = lane
        return lanes

    def _shares(self, hop: int, following: list[int], width: int) -> list[float]:
        source, node = self._network.hops[hop]
        given = self._network.place.spec.turns.get(node, {}).get(source)
        shares = []
        for after in following:
            target = self._network.hops[after][1]
            usual = _USUAL_SHARES[self._network.turns[hop, after].direction]
            shares.append(usual if given is None else given.get(target, 0.0))
        return shares + [0.0] * (width - len(following))

    def _gentle(self, hop: int, following: list[int], width: int) -> list[float]:
        fits = [float(after in self._easy and self._fits(hop, after)) for after in following]
        return fits + [0.0] * (width - len(fits))

    def _fits(self, hop: int, after: int) -> bool:
        return self._network.turns[hop, after].tightest_m >= _TIGHT_M

    def _easy_hops(self, following: list[list[int]]) -> set[int]:
        """Hops from which some way without tight curves leads to an edge."""
        easy = {hop for hop, row in enumerate(following) if not row}
        while True:
            more = {
                hop
                for hop, row in enumerate(following)
                if hop not in easy and any(after in easy and self._fits(hop, after) for after in row)
            }
            if not more:
                return easy
            easy |= more

    def _is_gentle(self, hops: Ints) -> bool:
        pairs = [(a, b) for a, b in zip(hops.tolist(), hops[1:].tolist(), strict=False) if b >= 0]
        return all(self._fits(a, b) for a, b in pairs)

    def _entries(self) -> dict[str, float]:
        place = self._network.place
        return {**place.spec.entries} or dict.fromkeys(place.edges, 1.0)

    def _ways_out(self, following: list[list[int]]) -> Ints:
        """The next hop of the shortest way to an edge, (H,)."""
        before: list[list[int]] = [[] for _ in following]
        for hop, row in enumerate(following):
            for after in row:
                before[after].append(hop)
        way = np.full(len(following), -1)
        queue = deque(hop for hop, row in enumerate(following) if not row)
        seen = set(queue)
        while queue:
            after = queue.popleft()
            for hop in before[after]:
                if hop not in seen:
                    seen.add(hop)
                    way[hop] = after
                    queue.append(hop)
        return way


def _cumulative(shares: Floats) -> Floats:
    total = shares.sum(axis=1, keepdims=True)
    summed: Floats = np.cumsum(shares, axis=1) / np.where(total > 0, total, 1.0)
    return summed
