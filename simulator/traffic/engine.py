"""Drives all trips: car-following, lines, curves, bays, entering and leaving. Deterministic; draws nothing.

Car-following is the intelligent driver model (Treiber, Hennecke and Helbing 2000, eq. 3) with braking bounded and the
step limited so that nobody can reach a leader or a line within it.
"""

from __future__ import annotations

import heapq
from collections import defaultdict, deque
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from simulator.traffic.demand import Demand
from simulator.traffic.fleet import Fleet, Snapshot
from simulator.traffic.network import Network
from simulator.traffic.queues import Queues, leaders, queues_of, rear_of
from simulator.traffic.right_of_way import COMFORT_M_S2, RightOfWay

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

_MIN_GAP_M = 2.5
_ACCELERATION = 2.2
_BRAKING = 3.0
_HARDEST_BRAKING = 8.0
_STOP_BEFORE_LINE_M = 2.0
_NEVER_NEARER_M = 0.8
_SLOWS_FROM_M = 25.0
_BAY_ZONE_M = 12.0
_BAY_SPEED_M_S = 2.5
_BAY_CLAIM_M = 40.0
_BAY_REACHED_M = 0.4
_BAY_PASSED_M = 20.0
_PULL_OUT_AHEAD_M = 16.0
_PULL_OUT_BEHIND_M = 14.0
_PULL_OUT_BEHIND_S = 4.0


class Simulation:
    """One run of one demand."""

    def __init__(self, network: Network, demand: Demand, step_s: float) -> None:
        """Args: step_s between 0.05 and 1."""
        if not 0.05 <= step_s <= 1.0:
            raise ValueError(f"step_s must lie between 0.05 and 1, got {step_s}")
        self.fleet = Fleet(network, demand)
        self._step_s = step_s
        self._rights = RightOfWay(self.fleet)
        first = np.flatnonzero(np.isfinite(demand.depart_s))
        self._due = [(float(demand.depart_s[trip]), int(trip)) for trip in first]
        heapq.heapify(self._due)
        self._waiting: dict[int, deque[int]] = defaultdict(deque)
        self._holder: dict[int, int] = {}
        self._has_bay = bool((demand.bay >= 0).any())

    @property
    def waiting(self) -> int:
        """How many stand before the edges because there is no room to enter."""
        return sum(map(len, self._waiting.values()))

    def run(self, start_s: float, end_s: float, every: int, sample_from_s: float) -> Iterator[Snapshot]:
        """Drives from start to end.

        Args:
            start_s: Time of the first step; earlier departures enter then.
            end_s: Time at which it ends.
            every: Steps from one snapshot to the next.
            sample_from_s: Time of the first snapshot; a multiple of the step after start_s.
        """
        first = round((sample_from_s - start_s) / self._step_s)
        for number in range(round((end_s - start_s) / self._step_s)):
            now_s = sample_from_s + (number - first) * self._step_s
            queues = queues_of(self.fleet)
            self._enter(queues, now_s)
            if number >= first and (number - first) % every == 0:
                yield self.fleet.snapshot(now_s)
            self._step(queues, now_s)

    def _step(self, queues: Queues, now_s: float) -> None:
        fleet = self.fleet
        if self._has_bay:
            queues = queues_of(fleet) if self._use_bays(queues, now_s) else queues
        trips = fleet.active
        self._rights.update(queues, now_s, self._step_s)
        gap, leader = leaders(fleet, queues)
        speed = fleet.speed_m_s[trips]
        acceleration = self._follow(trips, speed, gap, leader)
        line = self._rights.line_m(trips) - _STOP_BEFORE_LINE_M
        if self._has_bay:
            line = np.minimum(line, self._to_bay_m(trips))
        needed = speed**2 / (2 * np.maximum(line - speed * self._step_s / 2, 0.1))
        acceleration = np.where(needed > COMFORT_M_S2, np.minimum(acceleration, -needed), acceleration)
        acceleration = np.clip(acceleration, -_HARDEST_BRAKING, _ACCELERATION)
        most = np.minimum(np.maximum(gap - _NEVER_NEARER_M, 0.0), np.maximum(line, 0.0)) / self._step_s
        fleet.speed_m_s[trips] = np.clip(speed + acceleration * self._step_s, 0.0, most)
        fleet.advance(trips, self._step_s)
        self._leave(now_s)

    def _follow(self, trips: Ints, speed: Floats, gap: Floats, leader: Floats) -> Floats:
        wished = self._wished(trips)
        braking = speed * (speed - leader) / (2 * (_ACCELERATION * _BRAKING) ** 0.5)
        safe = _MIN_GAP_M + np.maximum(0.0, speed * self.fleet.demand.headway_s[trips] + braking)
        free = 1 - (speed / wished) ** 4
        result: Floats = _ACCELERATION * (np.maximum(free, -2.0) - (safe / np.maximum(gap, 0.1)) ** 2)
        return result

    def _wished(self, trips: Ints) -> Floats:
        """Own usual speed, slower already when a curve or the own bay is near."""
        fleet, paths = self.fleet, self.fleet.paths
        usual = fleet.network.speed_m_s
        index = fleet.index[trips]
        speed = usual[paths.segment[index]]
        entry = np.minimum(index + 1, paths.last[trips])
        following = usual[paths.segment[entry]]
        to_next = np.clip(paths.start_m[entry] - fleet.odometer_m[trips], 0.0, _SLOWS_FROM_M)
        slower = np.minimum(speed, following + np.maximum(speed - following, 0) * to_next / _SLOWS_FROM_M)
        wished = np.where(following < speed, slower, speed) * fleet.demand.eagerness[trips]
        if self._has_bay:
            at_bay = np.abs(fleet.bay_m[trips] - fleet.odometer_m[trips]) < _BAY_ZONE_M
            wished = np.where(at_bay, np.minimum(wished, _BAY_SPEED_M_S), wished)
        return wished

    def _enter(self, queues: Queues, now_s: float) -> None:
        """Lets those in who are due, where the first stretch of their lane is free; at most one a lane and step."""
        fleet, demand = self.fleet, self.fleet.demand
        while self._due and self._due[0][0] <= now_s:
            _, trip = heapq.heappop(self._due)
            self._waiting[int(fleet.paths.segment[fleet.paths.first[trip]])].append(trip)
        lanes = [lane for lane, queue in self._waiting.items() if queue]
        if not lanes:
            return
        segments = np.array(lanes)
        trips = np.array([self._waiting[lane][0] for lane in lanes])
        rear, ahead = rear_of(fleet, queues, segments)
        empty = ~np.isfinite(ahead)
        wished = fleet.network.speed_m_s[segments] * demand.eagerness[trips]
        speed = np.where(empty, wished, np.minimum(wished, ahead + 1.0))
        room = _MIN_GAP_M + demand.length_m[trips] / 2 + speed * demand.headway_s[trips]
        enters = empty | (rear > room)
        for lane in segments[enters].tolist():
            self._waiting[lane].popleft()
        fleet.speed_m_s[trips[enters]] = speed[enters]
        fleet.active = np.sort(np.concatenate([fleet.active, trips[enters]]))

    def _leave(self, now_s: float) -> None:
        fleet, demand = self.fleet, self.fleet.demand
        gone = fleet.left(fleet.active)
        if not gone.any():
            return
        for trip in fleet.active[gone].tolist():
            following = int(demand.following[trip])
            if following >= 0:
                heapq.heappush(self._due, (now_s + float(demand.pause_s[trip]), following))
        fleet.active = fleet.active[~gone]

    def _to_bay_m(self, trips: Ints) -> Floats:
        fleet = self.fleet
        return np.where(fleet.pulled_out[trips], np.inf, fleet.bay_m[trips] - fleet.odometer_m[trips])

    def _use_bays(self, queues: Queues, now_s: float) -> bool:
        """Claims bays for those who come near, stands those still who have arrived, lets out those who leave."""
        fleet = self.fleet
        ahead = self._to_bay_m(fleet.active)
        for trip in fleet.active[ahead < _BAY_CLAIM_M].tolist():
            if self._holder.setdefault(int(fleet.demand.bay[trip]), trip) != trip:
                fleet.bay_m[trip] = np.inf
        arrived = fleet.active[self._to_bay_m(fleet.active) < _BAY_REACHED_M]
        for trip in arrived.tolist():
            fleet.bay_m[trip] = fleet.odometer_m[trip]
            fleet.standing[trip] = now_s + float(fleet.demand.stay_s[trip])
            fleet.speed_m_s[trip] = 0.0
        fleet.active = np.setdiff1d(fleet.active, arrived)
        leaving = [trip for trip, until_s in fleet.standing.items() if until_s <= now_s and self._gap(queues, trip)]
        for trip in leaving:
            del fleet.standing[trip]
            fleet.pulled_out[trip] = True
        fleet.active = np.sort(np.concatenate([fleet.active, np.array(leaving, np.int64)]))
        for bay, trip in list(self._holder.items()):
            if fleet.pulled_out[trip] and fleet.odometer_m[trip] > fleet.bay_m[trip] + _BAY_PASSED_M:
                fleet.bay_m[trip] = np.inf
                del self._holder[bay]
        return bool(len(arrived) or leaving)

    def _gap(self, queues: Queues, trip: int) -> bool:
        """Whether the lane beside a bay is free enough to pull out."""
        fleet = self.fleet
        one = np.array([trip])
        on_lane = queues.segment == fleet.segment(one)[0]
        ahead = queues.along_m[on_lane] - fleet.along_m(one)[0]
        speed = fleet.speed_m_s[queues.trip[on_lane]]
        near = (ahead < _PULL_OUT_AHEAD_M) & (ahead > -_PULL_OUT_BEHIND_M - _PULL_OUT_BEHIND_S * speed)
        return not near.any()
