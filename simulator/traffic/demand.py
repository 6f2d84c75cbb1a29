"""Who drives when: trips with drivers, vehicles that come back, vehicles that park. Drawn from a seed, all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.place import BAY_OFFSET_M, Place
from simulator.traffic.network import Network
from simulator.traffic.ways import LONG_M, Paths, Ways

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

#: Median and spread of a driver's own speed over the usual one, and of the time gap kept.
_EAGERNESS_SIGMA = 0.12
_HEADWAY_S = (1.3, 0.25)
_MOST_LEGS = 6
#: Bodies that fit a bay.
BAY_BODY_M = 5.0
#: Bays either side of one that is used for coming and going stay free: room to steer.
_SPACING = 3


@dataclass(frozen=True, slots=True)
class Demand:
    """All trips; T of them, of N vehicles.

    Attributes:
        vehicle: Index of the vehicle, (T,).
        depart_s: When it wants to enter, (T,); infinite for trips that follow another.
        eagerness: Own speed over the usual one, (T,).
        headway_s: Time gap kept, (T,).
        length_m: Of the body, (T,).
        hops: Numbers of directed roads, (T, K), padded with -1.
        paths: Segments.
        following: The trip that the vehicle makes next, or -1, (T,).
        pause_s: How long after this trip that one begins, (T,).
        bay: Bay in which the trip is interrupted, or -1, (T,).
        bay_m: Distance from the trip's start at which that bay lies, (T,); infinite without one.
        stay_s: How long it stands there, (T,).
        standing: Pairs of vehicle and bay for those that never move, (M, 2).
    """

    vehicle: Ints
    depart_s: Floats
    eagerness: Floats
    headway_s: Floats
    length_m: Floats
    hops: Ints
    paths: Paths
    following: Ints
    pause_s: Floats
    bay: Ints
    bay_m: Floats
    stay_s: Floats
    standing: Ints


def lateral_m(place: Place) -> float:
    """How far right of the outermost lane's middle a parked body stands."""
    return place.spec.lane_width_m / 2 + BAY_OFFSET_M


def draw_demand(network: Network, lengths_m: Floats, span_s: tuple[float, float], rng: np.random.Generator) -> Demand:
    """Draws trips for vehicles.

    Args:
        network: Where.
        lengths_m: Body lengths, (N,); the first that fit are parked, as the place asks.
        span_s: Departures fall evenly into this span.
        rng: Source of chance.
    """
    ways = Ways(network)
    standing, moving = _park(network.place, lengths_m, rng)
    count = len(moving)
    long = lengths_m[moving] > LONG_M
    slots = np.linspace(*span_s, count, endpoint=False)
    depart = slots + rng.uniform(0, 1, count) * (span_s[1] - span_s[0]) / max(count, 1)
    vehicle = rng.permutation(moving)
    long = lengths_m[vehicle] > LONG_M
    hops = _first_hops(network, ways, long, rng)
    legs = _come_back(network, ways, (vehicle, depart, hops), lengths_m, rng)
    trips = len(legs.vehicle)
    paths, lanes = ways.paths(legs.hops, rng)
    base = np.clip(rng.lognormal(0.0, _EAGERNESS_SIGMA, len(lengths_m)), 0.7, 1.45)
    base *= np.where(lengths_m > LONG_M, 0.92, 1.0)
    gap = np.clip(rng.lognormal(np.log(_HEADWAY_S[0]), _HEADWAY_S[1], len(lengths_m)), 0.9, 2.5)
    demand = Demand(
        vehicle=legs.vehicle,
        depart_s=legs.depart_s,
        eagerness=base[legs.vehicle],
        headway_s=gap[legs.vehicle],
        length_m=lengths_m[legs.vehicle],
        hops=legs.hops,
        paths=paths,
        following=legs.following,
        pause_s=legs.pause_s,
        bay=np.full(trips, -1),
        bay_m=np.full(trips, np.inf),
        stay_s=np.zeros(trips),
        standing=standing,
    )
    _stop_over(network, demand, lanes, span_s, rng)
    return demand


@dataclass(frozen=True, slots=True)
class _Legs:
    vehicle: Ints
    depart_s: Floats
    hops: Ints
    following: Ints
    pause_s: Floats


def _first_hops(network: Network, ways: Ways, long: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    spec = network.place.spec
    count = len(long)
    walked = ways.walks(ways.starts(long, rng), long, rng)
    if not spec.routes:
        return walked
    routed = ways.routes(count, long, rng)
    width = max(walked.shape[1], routed.shape[1])
    roams = rng.random(count) < spec.roaming_share
    return np.where(roams[:, None], _widened(walked, width), _widened(routed, width))


def _widened(hops: Ints, width: int) -> Ints:
    return np.pad(hops, ((0, 0), (0, width - hops.shape[1])), constant_values=-1)


def _come_back(
    network: Network, ways: Ways, first: tuple[Ints, Floats, Ints], lengths_m: Floats, rng: np.random.Generator
) -> _Legs:
    """Adds the trips of vehicles that leave by a way out of sight and return."""
    vehicles, departs, hops = [first[0]], [first[1]], [first[2]]
    following, pauses = [np.full(len(first[0]), -1)], [np.zeros(len(first[0]))]
    total = len(first[0])
    for _ in range(_MOST_LEGS - 1):
        leave, enter, pause = _returns(network, ways, hops[-1], rng)
        back = np.flatnonzero(leave)
        if not len(back):
            break
        following[-1][back] = total + np.arange(len(back))
        pauses[-1][back] = pause[back]
        vehicle = vehicles[-1][back]
        vehicles.append(vehicle)
        departs.append(np.full(len(back), np.inf))
        hops.append(ways.walks(enter[back], lengths_m[vehicle] > LONG_M, rng))
        following.append(np.full(len(back), -1))
        pauses.append(np.zeros(len(back)))
        total += len(back)
    width = max(block.shape[1] for block in hops)
    return _Legs(
        np.concatenate(vehicles),
        np.concatenate(departs),
        np.concatenate([_widened(block, width) for block in hops]),
        np.concatenate(following),
        np.concatenate(pauses),
    )


def _returns(
    network: Network, ways: Ways, hops: Ints, rng: np.random.Generator
) -> tuple[NDArray[np.bool_], Ints, Floats]:
    """Who comes back, by which hop, after how long."""
    count = len(hops)
    last = hops[np.arange(count), (hops >= 0).sum(axis=1) - 1]
    leaves, enter, pause = np.zeros(count, bool), np.full(count, -1), np.zeros(count)
    draw = rng.random(count)
    taken: dict[str, float] = {}
    for link in network.place.spec.beyond:
        low = taken.get(link.leave, 0.0)
        taken[link.leave] = low + link.share
        out = np.array([hop[1] == link.leave for hop in network.hops])
        mine = out[last] & (draw >= low) & (draw < low + link.share)
        leaves |= mine
        enter[mine] = ways.hop_from(link.enter)
        pause[mine] = rng.lognormal(np.log(link.median_s), link.sigma, int(mine.sum()))
    return leaves, enter, pause


def _coming_and_going(place: Place) -> dict[int, list[int]]:
    """Bays that are used by those who come and go, by row; their neighbours stay free."""
    found: dict[int, list[int]] = {}
    for number, row in enumerate(place.spec.parking):
        bays = [index for index, bay in enumerate(place.bays) if bay.row == number]
        if row.arrivals_per_hour > 0:
            most = max(1, round(len(bays) * (1 - row.occupied) / _SPACING))
            found[number] = bays[1 : len(bays) - 1 : _SPACING][:most]
    return found


def _park(place: Place, lengths_m: Floats, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Who stands all the time, as pairs of vehicle and bay, and who drives."""
    kept = {bay + shift for bays in _coming_and_going(place).values() for bay in bays for shift in (-1, 0, 1)}
    pairs: list[tuple[int, int]] = []
    short = np.flatnonzero(lengths_m <= BAY_BODY_M).tolist()
    for number, row in enumerate(place.spec.parking):
        bays = [index for index, bay in enumerate(place.bays) if bay.row == number]
        wanted = round(row.occupied * len(bays))
        free = [index for index in bays if index not in kept]
        for bay in sorted(rng.permutation(free)[:wanted].tolist()):
            if len(pairs) < len(short) // 2:
                pairs.append((short[len(pairs)], bay))
    standing = np.array(pairs, np.int64).reshape(-1, 2)
    return standing, np.setdiff1d(np.arange(len(lengths_m)), standing[:, 0])


def _stop_over(
    network: Network, demand: Demand, lanes: Ints, span_s: tuple[float, float], rng: np.random.Generator
) -> None:
    """Interrupts some trips at bays."""
    place = network.place
    for number, bays in _coming_and_going(place).items():
        row = place.spec.parking[number]
        road = place.roads[row.road]
        ends = (road.spec.start, road.spec.end)
        hop = network.hop_number[ends if row.side == "right" else ends[::-1]]
        passes = (demand.hops == hop) & (lanes == road.spec.lanes - 1)
        able = np.flatnonzero(passes.any(axis=1) & (demand.length_m <= BAY_BODY_M) & (demand.bay < 0))
        wanted = round(row.arrivals_per_hour * (span_s[1] - span_s[0]) / 3600)
        chosen = np.sort(rng.permutation(able)[:wanted])
        lane = network.lanes[hop][-1]
        for turn, trip in enumerate(chosen.tolist()):
            bay = bays[turn % len(bays)]
            entries = slice(int(demand.paths.first[trip]), int(demand.paths.last[trip]) + 1)
            where = int(np.flatnonzero(demand.paths.segment[entries] == lane)[0]) + entries.start
            along = _along(network, lane, place.bays[bay].x_m, place.bays[bay].z_m)
            demand.bay[trip] = bay
            demand.bay_m[trip] = demand.paths.start_m[where] + along
            demand.stay_s[trip] = rng.lognormal(np.log(row.stay_median_s), row.stay_sigma)


def _along(network: Network, lane: int, x_m: float, z_m: float) -> float:
    """Distance along a lane of the point nearest to a spot."""
    along = np.arange(0.0, network.length_m[lane], 0.25)
    points, _ = network.at(np.full(len(along), lane), along)
    return float(along[np.linalg.norm(points - (x_m, z_m), axis=1).argmin()])
