"""Who may enter a junction: one grant per crossing, never two that touch, lights and priority obeyed.

A vehicle near a gate (a piece of junction that other ways touch) asks; it is granted the gate if its light stays green
long enough, there is room behind the junction, no touching way is held, and nobody who asks for one goes first.
A grant lasts until the body is across, so bodies cannot meet in a junction; because room is reserved, whoever entered
gets out, so junctions do not lock.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.traffic.fleet import Fleet
from simulator.traffic.queues import Queues, rear_of
from simulator.traffic.ways import LONG_M

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

COMFORT_M_S2 = 2.5
_HARD_M_S2 = 6.0
_ROOM_M = 2.5
_AFTER_M = 1.0
_PATIENCE_S = 14.0
_ASKS_FROM_M = 9.0
_RANK = 1000.0


class RightOfWay:
    """Grants of one simulation."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        nothing = np.zeros(0, np.int64)
        self._trip, self._entry = nothing, nothing

    def line_m(self, trips: Ints) -> Floats:
        """Distance from the nose to the next line that a trip may not cross yet; infinite without one."""
        fleet = self._fleet
        entry = np.minimum(fleet.index[trips] + 1, fleet.paths.last[trips])
        stops = fleet.network.gate[fleet.paths.segment[entry]] & (entry > fleet.granted[trips])
        distance = fleet.paths.start_m[entry] - fleet.odometer_m[trips] - fleet.demand.length_m[trips] / 2
        return np.where(stops, distance, np.inf)

    def update(self, queues: Queues, now_s: float, step_s: float) -> None:
        """Ends what is over, takes back what the light forbids, grants what is possible."""
        fleet = self._fleet
        self._release()
        self._take_back(now_s)
        line = self.line_m(fleet.active)
        trips, line = _heads(fleet, fleet.active[np.isfinite(line)], line[np.isfinite(line)])
        gates = fleet.paths.segment[fleet.index[trips] + 1]
        asking = line < self._window_m(trips, gates)
        trips, gates, line = trips[asking], gates[asking], line[asking]
        if not len(trips):
            return
        eta = line / np.maximum(fleet.speed_m_s[trips], 2.0) + 0.7
        able = (fleet.network.signals.left_s(gates, now_s) > eta) & self._room(queues, trips, gates)
        trips, gates, eta = trips[able], gates[able], eta[able]
        key = fleet.network.rank[gates] * _RANK + eta + 1e-6 * np.arange(len(trips))
        patience = fleet.waited_s[trips]
        key = np.where(patience > _PATIENCE_S, -_RANK - patience - 1e-6 * np.arange(len(trips)), key)
        granted = self._first(trips, gates, key) & ~self._blocked(trips, gates)
        fleet.waited_s[trips[~granted & (fleet.speed_m_s[trips] < 1.0)]] += step_s
        self._grant(trips[granted])

    def _grant(self, trips: Ints) -> None:
        fleet = self._fleet
        entry = fleet.index[trips] + 1
        fleet.granted[trips] = entry
        fleet.waited_s[trips] = 0.0
        self._trip = np.concatenate([self._trip, trips])
        self._entry = np.concatenate([self._entry, entry])

    def _release(self) -> None:
        fleet, paths = self._fleet, self._fleet.paths
        end = paths.start_m[self._entry] + fleet.network.length_m[paths.segment[self._entry]]
        kept = fleet.odometer_m[self._trip] - fleet.demand.length_m[self._trip] / 2 < end + _AFTER_M
        self._trip, self._entry = self._trip[kept], self._entry[kept]

    def _take_back(self, now_s: float) -> None:
        """A light that turns red before a vehicle has passed the line takes its grant, if it can still stop."""
        fleet, paths = self._fleet, self._fleet.paths
        if not len(self._trip):
            return
        red = fleet.network.signals.left_s(paths.segment[self._entry], now_s) <= 0
        line = paths.start_m[self._entry] - fleet.odometer_m[self._trip] - fleet.demand.length_m[self._trip] / 2
        can_stop = line > fleet.speed_m_s[self._trip] ** 2 / (2 * _HARD_M_S2) + 0.2
        back = red & can_stop & (fleet.granted[self._trip] == self._entry)
        fleet.granted[self._trip[back]] = self._entry[back] - 1
        self._trip, self._entry = self._trip[~back], self._entry[~back]

    def _window_m(self, trips: Ints, gates: Ints) -> Floats:
        """From how far a vehicle asks: with right of way early enough not to brake, else when it has slowed down."""
        speed = self._fleet.speed_m_s[trips]
        early = speed**2 / (2 * COMFORT_M_S2) + 0.5 * speed + 4.0
        return np.where(self._fleet.network.rank[gates] == 0, early, _ASKS_FROM_M + 0.5 * speed)

    def _room(self, queues: Queues, trips: Ints, gates: Ints) -> Bools:
        """Whether the body will find room behind the junction, after all who were promised some."""
        fleet, paths = self._fleet, self._fleet.paths
        onto = fleet.network.onto
        coming = fleet.index[self._trip] <= self._entry
        promised = np.bincount(
            onto[paths.segment[self._entry[coming]]],
            fleet.demand.length_m[self._trip[coming]] + _ROOM_M,
            minlength=fleet.network.count,
        )
        rear, speed = rear_of(fleet, queues, onto[gates])
        moving = np.where(np.isfinite(speed), 2.0 * np.minimum(speed, 50.0), 0.0)
        beyond = np.minimum(rear, fleet.network.length_m[onto[gates]]) + moving - promised[onto[gates]]
        unpromised = promised[onto[gates]] == 0
        room = (~np.isfinite(speed) & unpromised) | (beyond > fleet.demand.length_m[trips] + _ROOM_M)
        return np.where(
            fleet.network.circulating[gates], True, room & self._ring_room(queues, trips, gates, unpromised)
        )

    def _ring_room(self, queues: Queues, trips: Ints, gates: Ints, unpromised: Bools) -> Bools:
        """Into a roundabout: whoever is on the piece behind the entry must be free to go on; long bodies need it all.

        Whoever entered then comes clear of the entry, so that those on the ring never wait for each other in a circle.
        """
        network = self._fleet.network
        result = np.ones(len(trips), bool)
        for index in np.flatnonzero(network.ring_of[gates] >= 0).tolist():
            ring = network.ring_pieces[int(network.ring_of[gates[index]])]
            if self._fleet.demand.length_m[trips[index]] > LONG_M:
                result[index] = unpromised[index] and not (queues.first_row[ring] >= 0).any()
                continue
            there = queues.trip[queues.segment == network.onto[gates[index]]]
            result[index] = unpromised[index] and bool(np.isinf(self.line_m(there)).all())
        return result

    def _blocked(self, trips: Ints, gates: Ints) -> Bools:
        """Whether somebody who was granted a touching way is not yet clear of this one."""
        fleet, conflicts = self._fleet, self._fleet.network.conflicts
        length = fleet.demand.length_m[self._trip]
        rear = fleet.odometer_m[self._trip] - length / 2 - fleet.paths.start_m[self._entry]
        held = fleet.paths.segment[self._entry]
        least = _least(held, rear, fleet.network.count)
        is_long = length > LONG_M
        least_long = _least(held[is_long], rear[is_long], fleet.network.count)
        long = fleet.demand.length_m[trips] > LONG_M
        wide, wide_m = conflicts.wide[gates], conflicts.wide_m[gates]
        blocked = (least[conflicts.narrow[gates]] < conflicts.narrow_m[gates]).any(axis=1)
        blocked |= (least_long[wide] < wide_m).any(axis=1)
        result: Bools = blocked | (long & (least[wide] < wide_m).any(axis=1))
        return result

    def _first(self, trips: Ints, gates: Ints, key: Floats) -> Bools:
        """Whether nobody who asks for a touching way goes before."""
        fleet, conflicts = self._fleet, self._fleet.network.conflicts
        long = fleet.demand.length_m[trips] > LONG_M
        asked = _least(gates, key, fleet.network.count)
        asked_long = _least(gates[long], key[long], fleet.network.count)
        wide = conflicts.wide[gates]
        before = np.minimum(asked[conflicts.narrow[gates]].min(axis=1), asked_long[wide].min(axis=1))
        before = np.where(long, np.minimum(before, asked[wide].min(axis=1)), before)
        goes: Bools = key < before
        return goes


def _least(segments: Ints, values: Floats, count: int) -> Floats:
    """Smallest value per segment, infinite where there is none, (count + 1,)."""
    least = np.full(count + 1, np.inf)
    np.minimum.at(least, segments, values)
    return least


def _heads(fleet: Fleet, trips: Ints, line_m: Floats) -> tuple[Ints, Floats]:
    """Of those who wait for a gate, the foremost of each segment."""
    segments = fleet.segment(trips)
    order = np.lexsort((line_m, segments))
    first = np.flatnonzero(np.diff(segments[order], prepend=-1))
    return trips[order[first]], line_m[order[first]]
