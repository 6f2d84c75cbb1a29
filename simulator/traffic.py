"""Who drives where and when: trips through a place, car-following, no two bodies in one spot. Pure and seeded.

A vehicle follows its route's lane segments. Its leader is whoever is ahead on its segment, or on or bound for its next
one: vehicles that are about to merge queue up as if they were on one lane already.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from simulator.place import Place, RouteSpec, Segment

_STEP_S = 0.1
_MIN_GAP_M = 2.5
_ACCELERATION = 1.8
_BRAKING = 3.0
_HARDEST_BRAKING = 8.0
_LOOKAHEAD_M = 60.0
_NO_LEADER_M = 1e3


@dataclass(frozen=True, slots=True)
class Trip:
    """One vehicle's way through the place.

    Attributes:
        vehicle_id: Whose.
        route: Nodes to pass.
        lanes: Number per road that settles the lane (see Place.lanes_of).
        depart_s: When it wants to enter; it waits for room.
        length_m: Of the body.
        eagerness: Own speed over the usual one.
        headway_s: Time gap it keeps.
    """

    vehicle_id: int
    route: RouteSpec
    lanes: tuple[int, ...]
    depart_s: float
    length_m: float
    eagerness: float
    headway_s: float


@dataclass(frozen=True, slots=True)
class VehicleState:
    """Where a vehicle is.

    Attributes:
        vehicle_id: Which.
        x_m: Middle of the body.
        z_m: Middle of the body.
        yaw_rad: Heading; 0 is +z, towards +x positive.
        speed_m_s: Along its way.
    """

    vehicle_id: int
    x_m: float
    z_m: float
    yaw_rad: float
    speed_m_s: float


@dataclass(slots=True)
class _Driver:
    """A trip under way."""

    trip: Trip
    segments: list[Segment]
    starts_m: list[float]
    length_m: float
    position_m: float = 0.0
    speed_m_s: float = 0.0
    entered: bool = False
    index: int = 0

    @property
    def left(self) -> bool:
        return self.position_m > self.length_m

    def advance(self, acceleration: float) -> None:
        self.speed_m_s = max(0.0, self.speed_m_s + acceleration * _STEP_S)
        self.position_m += self.speed_m_s * _STEP_S
        while self.index + 1 < len(self.segments) and self.position_m >= self.starts_m[self.index + 1]:
            self.index += 1

    def state(self) -> VehicleState:
        """Middle of the body; heading from its axles, so that long bodies cut corners as real ones do."""
        half_base = 0.3 * self.trip.length_m
        (x1, z1), (x0, z0) = self._at(self.position_m + half_base), self._at(self.position_m - half_base)
        yaw = math.atan2(x1 - x0, z1 - z0)
        return VehicleState(self.trip.vehicle_id, (x0 + x1) / 2, (z0 + z1) / 2, yaw, self.speed_m_s)

    def _at(self, along_m: float) -> tuple[float, float]:
        index = max(0, bisect_right(self.starts_m, along_m) - 1)
        return self.segments[index].path.at(along_m - self.starts_m[index])[0]


def draw_trips(
    place: Place, lengths_m: dict[int, float], span_s: tuple[float, float], rng: np.random.Generator
) -> list[Trip]:
    """Draws one trip per vehicle.

    Args:
        place: Whose routes are driven, by weight.
        lengths_m: Body length by vehicle id.
        span_s: Departures fall evenly into this span.
        rng: Source of chance.

    Returns:
        Trips by departure.
    """
    routes = place.spec.routes
    weights = np.array([route.weight for route in routes])
    count = len(lengths_m)
    slots = np.linspace(*span_s, count, endpoint=False)
    departures = np.sort(slots + rng.uniform(0, (span_s[1] - span_s[0]) / count, count))
    order = rng.permutation(list(lengths_m))
    trips = []
    for vehicle_id, depart_s in zip(order.tolist(), departures.tolist(), strict=True):
        route = routes[int(rng.choice(len(routes), p=weights / weights.sum()))]
        long_body = lengths_m[vehicle_id] > 8
        trips.append(
            Trip(
                vehicle_id=vehicle_id,
                route=route,
                lanes=tuple(int(n) for n in rng.integers(0, 6, len(route.through) - 1)),
                depart_s=depart_s,
                length_m=lengths_m[vehicle_id],
                eagerness=float(np.clip(rng.lognormal(-0.08 if long_body else 0.0, 0.12), 0.75, 1.35)),
                headway_s=float(np.clip(rng.lognormal(np.log(1.3), 0.25), 0.9, 2.5)),
            )
        )
    return trips


def simulate(place: Place, trips: list[Trip], span_s: tuple[float, float], fps: float) -> list[list[VehicleState]]:
    """Drives all trips.

    Args:
        place: Roads.
        trips: Sorted by departure; the simulation starts at the first one.
        span_s: Time that is wanted.
        fps: States per second; must divide 10.

    Returns:
        For every frame of the span, the vehicles on the road, by id.

    Raises:
        ValueError: fps does not divide the step rate.
    """
    every = round(1 / (_STEP_S * fps))
    if abs(every * _STEP_S * fps - 1) > 1e-6:
        raise ValueError(f"fps must divide {1 / _STEP_S:g}, got {fps}")
    drivers = [_driver(place, trip) for trip in trips]
    first = min([span_s[0], *(trip.depart_s for trip in trips)])
    start = int(np.floor((first - span_s[0]) / _STEP_S))
    frames: list[list[VehicleState]] = []
    for step in range(start, round((span_s[1] - span_s[0]) / _STEP_S)):
        _enter(drivers, span_s[0] + step * _STEP_S)
        active = [driver for driver in drivers if driver.entered and not driver.left]
        if step >= 0 and step % every == 0:
            frames.append(sorted((driver.state() for driver in active), key=lambda state: state.vehicle_id))
        leaders = _leaders(active)
        accelerations = [_acceleration(driver, *leaders[id(driver)]) for driver in active]
        for driver, acceleration in zip(active, accelerations, strict=True):
            driver.advance(acceleration)
    return frames


def _driver(place: Place, trip: Trip) -> _Driver:
    segments = place.lanes_of(trip.route, trip.lanes)
    ends = list(accumulate(segment.length_m for segment in segments))
    return _Driver(trip, segments, [0.0, *ends[:-1]], ends[-1])


def _enter(drivers: list[_Driver], now_s: float) -> None:
    """Lets waiting vehicles in where the first stretch of their lane is free."""
    for driver in drivers:
        if driver.entered or driver.trip.depart_s > now_s:
            continue
        lane = driver.segments[0].key
        tails = [
            other.position_m - other.trip.length_m / 2
            for other in drivers
            if other.entered and not other.left and other.segments[0].key == lane and other.index == 0
        ]
        speed = driver.segments[0].speed_m_s * driver.trip.eagerness
        room = _MIN_GAP_M + driver.trip.length_m / 2 + speed * driver.trip.headway_s
        if not tails or min(tails) > room:
            driver.entered = True
            driver.speed_m_s = speed


def _leaders(active: list[_Driver]) -> dict[int, tuple[float, float]]:
    """Bumper gap and speed of each vehicle's leader."""
    lanes: dict[str, list[tuple[float, _Driver]]] = defaultdict(list)
    for driver in active:
        for ahead in range(driver.index, min(driver.index + 3, len(driver.segments))):
            offset = driver.position_m - driver.starts_m[ahead]
            if offset > -_LOOKAHEAD_M:
                lanes[driver.segments[ahead].key].append((offset, driver))
        if driver.index > 0:  # the tail may still be on the segment before
            before = driver.index - 1
            lanes[driver.segments[before].key].append((driver.position_m - driver.starts_m[before], driver))
    found = {id(driver): (_NO_LEADER_M, driver.speed_m_s) for driver in active}
    for queue in lanes.values():
        queue.sort(key=lambda entry: (entry[0], -entry[1].trip.vehicle_id))
        for (back, follower), (front, leader) in pairwise(queue):
            gap = front - back - (leader.trip.length_m + follower.trip.length_m) / 2
            if gap < found[id(follower)][0]:
                found[id(follower)] = (gap, leader.speed_m_s)
    return found


def _acceleration(driver: _Driver, gap_m: float, leader_m_s: float) -> float:
    """Intelligent driver model (Treiber et al. 2000, eq. 3), braking bounded."""
    wished = _wished_speed(driver)
    speed = driver.speed_m_s
    closing = speed - leader_m_s
    braking: float = speed * closing / (2 * (_ACCELERATION * _BRAKING) ** 0.5)
    safe = _MIN_GAP_M + max(0.0, speed * driver.trip.headway_s + braking)
    free = 1 - (speed / wished) ** 4
    acceleration: float = _ACCELERATION * (free - (safe / max(gap_m, 0.1)) ** 2)
    return min(max(acceleration, -_HARDEST_BRAKING), _ACCELERATION)


def _wished_speed(driver: _Driver) -> float:
    """Own usual speed, slower already when the curve ahead is near."""
    speed = driver.segments[driver.index].speed_m_s
    if driver.index + 1 < len(driver.segments):
        to_next = driver.starts_m[driver.index + 1] - driver.position_m
        following = driver.segments[driver.index + 1].speed_m_s
        if following < speed and to_next < 25:
            speed = following + (speed - following) * to_next / 25
    return speed * driver.trip.eagerness
