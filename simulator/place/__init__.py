"""Places: what their files say, and the geometry of roads, junctions, bays and cameras that follows."""

from simulator.place.place import BAY_LENGTH_M, BAY_OFFSET_M, BAY_WIDTH_M, PLACES, Bay, Place
from simulator.place.roads import JUNCTION_M, Ring, Road, Segment
from simulator.place.sight import Overlap, Sight, overlaps
from simulator.place.spec import (
    BeyondSpec,
    CameraSpec,
    JunctionSpec,
    ParkingSpec,
    PlaceSpec,
    RoadSpec,
    RouteSpec,
)

__all__ = [
    "BAY_LENGTH_M",
    "BAY_OFFSET_M",
    "BAY_WIDTH_M",
    "JUNCTION_M",
    "PLACES",
    "Bay",
    "BeyondSpec",
    "CameraSpec",
    "JunctionSpec",
    "Overlap",
    "ParkingSpec",
    "Place",
    "PlaceSpec",
    "Ring",
    "Road",
    "RoadSpec",
    "RouteSpec",
    "Segment",
    "Sight",
    "overlaps",
]
