"""The state of all trips under way, as arrays, and where their bodies are. Moves nobody."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.traffic.demand import Demand, lateral_m
from simulator.traffic.network import Network

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Distance from a bay's middle at which a body begins to move sideways, and at which it is in line.
_SHIFT_M = (11.0, 2.0)
#: Half of the distance between axles, as a share of the body.
_HALF_BASE = 0.3
_MOST_BACK = 4


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Who is where at one moment; B bodies on the road or in bays, by trip.

    Attributes:
        time_s: When.
        trip: Numbers of trips, (B,).
        x_m: Middle of the body, (B,).
        z_m: Middle of the body, (B,).
        yaw_rad: Heading, 0 is +z, towards +x positive, (B,).
        speed_m_s: (B,).
        segment: Segment of the body's middle, (B,).
        along_m: Where on it, (B,).
    """

    time_s: float
    trip: Ints
    x_m: Floats
    z_m: Floats
    yaw_rad: Floats
    speed_m_s: Floats
    segment: Ints
    along_m: Floats


class Fleet:
    """Positions and speeds of trips.

    Attributes:
        odometer_m: Middle of the body, from the trip's start, (T,).
        speed_m_s: (T,).
        index: Entry of the paths on which it is, (T,).
        granted: Last entry of the paths that it may enter, (T,).
        waited_s: How long it has stood at the head of a queue although it might go, (T,).
        bay_m: Where the own bay lies, from the trip's start; infinite without one, (T,).
        pulled_out: Whether it has left its bay, (T,).
        active: Trips that drive; sorted.
        standing: Trips in a bay, with the time at which they want to leave.
    """

    def __init__(self, network: Network, demand: Demand) -> None:
        self.network, self.demand, self.paths = network, demand, demand.paths
        count = len(demand.vehicle)
        self.odometer_m = np.zeros(count)
        self.speed_m_s = np.zeros(count)
        self.index = demand.paths.first.copy()
        self.granted = demand.paths.first.copy()
        self.waited_s = np.zeros(count)
        self.bay_m = demand.bay_m.copy()
        self.pulled_out = np.zeros(count, bool)
        self.active = np.zeros(0, np.int64)
        self.standing: dict[int, float] = {}
        self._lateral_m = lateral_m(network.place)

    def segment(self, trips: Ints) -> Ints:
        """Segments on which trips are."""
        return self.paths.segment[self.index[trips]]

    def along_m(self, trips: Ints) -> Floats:
        """Distance from the start of their segments."""
        return self.odometer_m[trips] - self.paths.start_m[self.index[trips]]

    def advance(self, trips: Ints, step_s: float) -> None:
        """Moves trips on by their speeds."""
        self.odometer_m[trips] += self.speed_m_s[trips] * step_s
        moved = trips
        while len(moved):
            following = np.minimum(self.index[moved] + 1, self.paths.last[moved])
            beyond = (following > self.index[moved]) & (self.odometer_m[moved] >= self.paths.start_m[following])
            moved = moved[beyond]
            self.index[moved] += 1

    def left(self, trips: Ints) -> NDArray[np.bool_]:
        """Whether trips have reached the end of their paths."""
        last = self.paths.last[trips]
        end = self.paths.start_m[last] + self.network.length_m[self.paths.segment[last]]
        beyond: NDArray[np.bool_] = self.odometer_m[trips] > end
        return beyond

    def snapshot(self, time_s: float) -> Snapshot:
        """Where everybody is; heading from the axles, so that long bodies cut corners as real ones do."""
        trips = np.sort(np.concatenate([self.active, np.fromiter(self.standing, np.int64, len(self.standing))]))
        half = _HALF_BASE * self.demand.length_m[trips]
        front, rear = self._axle(trips, half), self._axle(trips, -half)
        middle, towards = (front + rear) / 2, front - rear
        yaw = np.arctan2(towards[:, 0], towards[:, 1])
        speed = np.where(np.isin(trips, self.active), self.speed_m_s[trips], 0.0)
        x, z = middle[:, 0], middle[:, 1]
        return Snapshot(time_s, trips, x, z, yaw, speed, self.segment(trips), self.along_m(trips))

    def _axle(self, trips: Ints, ahead_m: Floats) -> Floats:
        """Ground points (N, 2) of axles."""
        along = self.odometer_m[trips] + ahead_m
        index = self.index[trips].copy()
        first, last = self.paths.first[trips], self.paths.last[trips]
        for _ in range(_MOST_BACK):
            back = (index > first) & (along < self.paths.start_m[index])
            on = (index < last) & (along >= self.paths.start_m[np.minimum(index + 1, last)])
            if not (back.any() or on.any()):
                break
            index += on.astype(np.int64) - back.astype(np.int64)
        points, tangents = self.network.at(self.paths.segment[index], along - self.paths.start_m[index])
        aside = self._aside_m(trips, along)
        points[:, 0] -= tangents[:, 1] * aside
        points[:, 1] += tangents[:, 0] * aside
        return points

    def _aside_m(self, trips: Ints, along_m: Floats) -> Floats:
        """How far right of the lane's middle, for those at a bay."""
        to_bay = self.bay_m[trips] - along_m
        far, near = _SHIFT_M
        beyond = np.where(self.pulled_out[trips], -to_bay, to_bay)
        share = np.clip((far - beyond) / (far - near), 0.0, 1.0)
        share = np.where(np.isfinite(to_bay), share, 0.0)
        return self._lateral_m * share * share * (3 - 2 * share)
