"""Renders a whole city: traffic, one clip per camera, exact truth, attribution, frozen hashes.

Owns the order of things. Deterministic: the same request gives the same truth and the same rendered pixels.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from simulator.camera_clips import Clip, render_clips
from simulator.catalogue import MODELS
from simulator.city import City, CityCamera, CityVehicle, load_city, write_city
from simulator.credits import credit_lines
from simulator.errors import CityError
from simulator.frame_rate import frame_rate_probe
from simulator.frames import CityRenderer, RenderedFrame, light_of
from simulator.identity import Appearance, draw_fleet
from simulator.meshes import MeshLibrary
from simulator.place import Place
from simulator.splits import DEMO, JUDGED, TEST, TRAIN
from simulator.traffic import Trip, VehicleState, drive
from simulator.truth import write_truth

__all__ = [
    "CityRenderer",
    "RenderRequest",
    "RenderedFrame",
    "Script",
    "frame_rate_probe",
    "pixel_hash",
    "render_city",
    "write_script",
]

_WARM_UP_S = 50.0
_LAST_DEPARTURE_BEFORE_END_S = 8.0
_SEEDS_PER_CITY = 10_000
#: Bodies that a street detector rarely takes for a vehicle, or that fill the picture.
_NEVER_IN_CITIES = ("peterbilt",)


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
    fleet = _fleet(first_seed, count, request.twins_share)
    lengths = {vehicle_id: MODELS[look.model].length_m for vehicle_id, look in fleet.items()}
    rng = np.random.default_rng([request.seed, 1])
    drive_span = (-_WARM_UP_S, request.seconds - _LAST_DEPARTURE_BEFORE_END_S)
    trips, frames = drive(place, lengths, drive_span, (request.seconds, request.fps), rng)
    return Script(place, fleet, trips, frames)


def _fleet(first_seed: int, count: int, twins_share: float) -> dict[int, Appearance]:
    fleet: dict[int, Appearance] = {}
    for look in draw_fleet(first_seed, 2 * count, split=JUDGED, twins_share=twins_share):
        if look.model not in _NEVER_IN_CITIES and len(fleet) < count:
            fleet[look.vehicle_id] = look
    return fleet


def render_city(
    request: RenderRequest,
    out: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
    processes: int | None = None,
) -> City:
    """Renders a city into a folder, its cameras beside each other; the files do not depend on how many at once.

    Args:
        request: Which.
        out: Folder; made if missing, its city files overwritten.
        progress: Called with frames done and in all.
        processes: How many cameras are rendered at once; one per core by default.

    Raises:
        CityError: Place, seed, meshes or renderer are not usable, or a rendering process failed or died.
        OSError: The folder cannot be written.
    """
    script = write_script(request)
    specs = script.place.spec.cameras
    for spec in specs:
        light_of(spec, request.light)
    library = MeshLibrary.open()
    out.mkdir(parents=True, exist_ok=True)
    clips = [Clip(number, spec, out / f"{spec.name}.mp4") for number, spec in enumerate(specs, 1)]
    boxes = render_clips(script, request, clips, processes, progress)
    write_truth(out / "ground_truth.txt", boxes)
    seen = {box.vehicle_id for box in boxes}
    vehicles = tuple(_vehicle(script, vehicle_id) for vehicle_id in sorted(seen))
    _write_attribution(out / "ATTRIBUTION.md", library, {vehicle.model for vehicle in vehicles})
    city = City(
        name=request.name,
        seed=request.seed,
        place=script.place.name,
        fps=float(request.fps),
        t0=0.0,
        cameras=tuple(_camera(script, clip, request) for clip in clips),
        vehicles=vehicles,
        truth_path=out / "ground_truth.txt",
        folder=out,
    )
    write_city(city)
    return load_city(out)


def pixel_hash(request: RenderRequest) -> str:
    """SHA-256 over every rendered pixel and truth line of a city, without writing it."""
    script = write_script(request)
    city_renderer = CityRenderer(script, request)
    digest = hashlib.sha256()
    for number, spec in enumerate(script.place.spec.cameras, 1):
        for frame in city_renderer.frames(number, spec):
            digest.update(frame.image.tobytes())
            digest.update(repr(frame.boxes).encode())
    return digest.hexdigest()


def _camera(script: Script, clip: Clip, request: RenderRequest) -> CityCamera:
    spec = clip.camera
    eye, target, _ = script.place.camera_points(spec)
    pose = {
        "eye_m": [round(v, 3) for v in eye],
        "target_m": [round(v, 3) for v in target],
        "fov_deg": spec.fov_deg,
        "light": light_of(spec, request.light),
    }
    return CityCamera(spec.name, clip.number, clip.path, *request.size, len(script.frames), pose)


def _vehicle(script: Script, vehicle_id: int) -> CityVehicle:
    look = script.fleet[vehicle_id]
    route = script.trips[vehicle_id].route.through
    return CityVehicle(vehicle_id, look.model, look.kind, look.colour, look.cues, route, look.twin_of, look.alike_from)


def _write_attribution(path: Path, library: MeshLibrary, models: set[str]) -> None:
    """Credits every mesh that can be seen in the clips."""
    lines = [
        "# Attribution",
        "",
        "The vehicles in these clips are rendered from meshes of Debian's `sweethome3d-furniture` package,",
        "repainted, scaled, partly simplified and fitted with decals and loads. Their authors and licences,",
        "as its catalogue names them:",
        "",
        *credit_lines(models, library),
    ]
    path.write_text("\n".join(lines), encoding="utf-8")
