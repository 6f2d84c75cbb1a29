"""Traffic for pictures: who stands or drives where in every frame. Vehicles by their numbers, parked ones included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.place import Place, RouteSpec
from simulator.traffic.demand import Demand, draw_demand
from simulator.traffic.engine import Simulation
from simulator.traffic.fleet import Snapshot
from simulator.traffic.network import Network

Floats = NDArray[np.float64]
STEP_S = 0.1


@dataclass(frozen=True, slots=True)
class Trip:
    """One vehicle's way through the place.

    Attributes:
        vehicle_id: Whose.
        route: Nodes passed; for parked vehicles the ends of their road. Later trips of those who return are left out.
        depart_s: When it wants to enter; it waits for room. Minus infinity for parked vehicles.
        length_m: Of the body.
        parked: Whether it stands all the time.
    """

    vehicle_id: int
    route: RouteSpec
    depart_s: float
    length_m: float
    parked: bool = False


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


def drive(
    place: Place,
    lengths_m: dict[int, float],
    depart_span_s: tuple[float, float],
    clip: tuple[float, float],
    rng: np.random.Generator,
) -> tuple[dict[int, Trip], list[list[VehicleState]]]:
    """Draws and drives traffic.

    Args:
        place: Where.
        lengths_m: Body length by vehicle number.
        depart_span_s: Departures fall evenly into this span; time 0 is the first frame.
        clip: Seconds wanted, and frames a second, which must divide 10.
        rng: Source of chance.

    Returns:
        Trips by vehicle number, and for every frame the vehicles in the place, by number.

    Raises:
        ValueError: The frame rate does not divide the step rate.
    """
    seconds, fps = clip
    every = round(1 / (STEP_S * fps))
    if every < 1 or abs(every * STEP_S * fps - 1) > 1e-6:
        raise ValueError(f"fps must divide {1 / STEP_S:g}, got {fps:g}")
    ids = np.array(list(lengths_m))
    lengths = np.array(list(lengths_m.values()))
    network = Network(place)
    demand = draw_demand(network, lengths, depart_span_s, rng)
    simulation = Simulation(network, demand, STEP_S)
    start_s = float(np.floor(min(0.0, depart_span_s[0]) / STEP_S) * STEP_S)
    parked = _parked(place, demand, ids)
    frames = [_states(snapshot, demand, ids, parked) for snapshot in simulation.run(start_s, seconds, every, 0.0)]
    return _trips(network, demand, ids, lengths), frames


def _parked(place: Place, demand: Demand, ids: NDArray[np.int64]) -> list[VehicleState]:
    states = []
    for vehicle, number in demand.standing.tolist():
        bay = place.bays[number]
        states.append(VehicleState(int(ids[vehicle]), bay.x_m, bay.z_m, bay.yaw_rad, 0.0))
    return states


def _states(
    snapshot: Snapshot, demand: Demand, ids: NDArray[np.int64], parked: list[VehicleState]
) -> list[VehicleState]:
    rows = zip(
        ids[demand.vehicle[snapshot.trip]].tolist(),
        snapshot.x_m.tolist(),
        snapshot.z_m.tolist(),
        snapshot.yaw_rad.tolist(),
        snapshot.speed_m_s.tolist(),
        strict=True,
    )
    return sorted([*parked, *(VehicleState(*row) for row in rows)], key=lambda state: state.vehicle_id)


def _trips(network: Network, demand: Demand, ids: NDArray[np.int64], lengths: Floats) -> dict[int, Trip]:
    trips: dict[int, Trip] = {}
    for trip in np.flatnonzero(np.isfinite(demand.depart_s)).tolist():
        hops = [network.hops[hop] for hop in demand.hops[trip].tolist() if hop >= 0]
        vehicle = int(ids[demand.vehicle[trip]])
        route = RouteSpec(through=(hops[0][0], *(hop[1] for hop in hops)))
        trips[vehicle] = Trip(vehicle, route, float(demand.depart_s[trip]), float(demand.length_m[trip]))
    for index, bay in demand.standing.tolist():
        road = network.place.roads[network.place.bays[bay].road].spec
        route = RouteSpec(through=(road.start, road.end))
        vehicle = int(ids[index])
        trips[vehicle] = Trip(vehicle, route, -np.inf, float(lengths[index]), parked=True)
    return dict(sorted(trips.items()))
