"""The script of a city: who drives where, frame by frame, before anything is drawn. Pure and seeded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.errors import CityError
from simulator.place import Place
from simulator.splits import DEMO, JUDGED, TEST, TRAIN
from simulator.traffic import Trip, VehicleState, drive
from simulator.traffic.bodies import barred
from simulator.vehicles.catalogue import MODELS
from simulator.vehicles.identity import Appearance, draw_fleet

_WARM_UP_S = 50.0
_LAST_DEPARTURE_BEFORE_END_S = 8.0
_SEEDS_PER_CITY = 10_000


@dataclass(frozen=True, slots=True)
class RenderRequest:
    """Which city to render.

    Attributes:
        seed: Settles fleet, traffic and noise.
        place: Name or YAML path of the place.
        name: Name of the city.
        seconds: Length of the clips.
        fps: Frames per second.
        size: Picture width and height, px.
        vehicles_per_minute: Departures.
        twins_share: Share of vehicles that copy another's model and colour.
        light: Name of the light that all cameras see by; None: each its own.
    """

    seed: int
    place: str
    name: str
    seconds: float = 75.0
    fps: int = 10
    size: tuple[int, int] = (640, 360)
    vehicles_per_minute: float = 34.0
    twins_share: float = 0.25
    light: str | None = None


@dataclass(frozen=True, slots=True)
class Script:
    """Everything about a city but its pictures.

    Attributes:
        place: Where.
        fleet: Vehicles by id.
        trips: Who drives where.
        frames: Per frame, who is where.
    """

    place: Place
    fleet: dict[int, Appearance]
    trips: dict[int, Trip]
    frames: list[list[VehicleState]]


def write_script(request: RenderRequest) -> Script:
    """Draws fleet and traffic.

    Raises:
        PlaceError: The place is unknown or not usable.
        CityError: The place or seed belongs to the training or test split.
    """
    place = Place.load(request.place)
    for split, name in ((TRAIN, "training"), (TEST, "test")):
        if place.name in split.places or request.seed in split.seeds:
            raise CityError(f"place {place.name} and seed {request.seed}: one of them belongs to the {name} split")
    count = round(request.vehicles_per_minute * (request.seconds + _WARM_UP_S) / 60) + len(place.bays)
    first_seed = request.seed if request.seed in DEMO.seeds else JUDGED.seeds.start + request.seed * _SEEDS_PER_CITY
    fleet = _fleet(first_seed, count, request.twins_share, barred(place.spec.longest_m))
    lengths = {vehicle_id: MODELS[look.model].length_m for vehicle_id, look in fleet.items()}
    rng = np.random.default_rng([request.seed, 1])
    drive_span = (-_WARM_UP_S, request.seconds - _LAST_DEPARTURE_BEFORE_END_S)
    trips, frames = drive(place, lengths, drive_span, (request.seconds, request.fps), rng)
    return Script(place, fleet, trips, frames)


def _fleet(first_seed: int, count: int, twins_share: float, without: tuple[str, ...]) -> dict[int, Appearance]:
    fleet: dict[int, Appearance] = {}
    for look in draw_fleet(first_seed, 2 * count, split=JUDGED, twins_share=twins_share):
        if look.model not in without and len(fleet) < count:
            fleet[look.vehicle_id] = look
    return fleet
