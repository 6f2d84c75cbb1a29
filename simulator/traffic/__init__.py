"""Traffic: one engine for pictures (``drive``) and for recordings without them (``Network``, ``Simulation``)."""

from simulator.traffic.bodies import Bodies, draw_bodies
from simulator.traffic.demand import Demand, draw_demand
from simulator.traffic.engine import Simulation
from simulator.traffic.fleet import Snapshot
from simulator.traffic.network import Network
from simulator.traffic.script import Trip, VehicleState, drive

__all__ = [
    "Bodies",
    "Demand",
    "Network",
    "Simulation",
    "Snapshot",
    "Trip",
    "VehicleState",
    "draw_bodies",
    "draw_demand",
    "drive",
]
