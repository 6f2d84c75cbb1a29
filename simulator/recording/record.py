"""Records traffic without pictures: drives a place and notes what every camera sees. Draws nothing.

Owns the order of things: bodies, trips, driving, watching, clocks, truth of the topology.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from simulator.clock import TRUE_CLOCK, CameraClock
from simulator.errors import CityError
from simulator.place import Place
from simulator.recording.links import links_of
from simulator.recording.model import KINDS, RecordedCamera, RecordedVehicle, Recording, Tracklets
from simulator.recording.passages import Gatherer, Passages
from simulator.recording.watch import Sightings, Watch, joined
from simulator.traffic.bodies import COLOUR_NAMES, MODEL_NAMES, Bodies, barred, draw_bodies
from simulator.traffic.demand import Demand, draw_demand
from simulator.traffic.engine import Simulation
from simulator.traffic.fleet import Snapshot
from simulator.traffic.network import Network
from simulator.vehicles.catalogue import MODELS
from simulator.views import face_index, view_index

Floats = NDArray[np.float64]

MOST_CAMERAS = 100
MOST_VEHICLES = 100_000
_STEP_S = 0.5
_BATCH = 20
_WARM_UP_S = 120.0


@dataclass(frozen=True, slots=True)
class TrafficRequest:
    """What to record.

    Attributes:
        place: Name or path of a place, or ``grid:ROWSxCOLUMNS``.
        seed: Settles bodies, trips and drivers.
        hours: Length.
        vehicles: How many, parked ones included.
        size_px: Width and height of the pictures that the boxes refer to.
        fps: Pictures a second that the cameras are said to take.
        clocks: By camera name; the others are right.
    """

    place: str
    seed: int
    hours: float
    vehicles: int
    size_px: tuple[int, int] = (640, 360)
    fps: float = 10.0
    clocks: Mapping[str, CameraClock] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A recording and how the traffic went.

    Attributes:
        recording: The truth.
        waiting: Vehicles that found no room to enter until the end; more than a few: too many vehicles.
        boxes: Sightings at the rate asked for; empty if none was asked for.
    """

    recording: Recording
    waiting: int
    boxes: Sightings | None


def record_traffic(
    request: TrafficRequest,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    with_boxes: bool = False,
) -> Outcome:
    """Drives a place and notes what every camera sees.

    Args:
        request: What.
        progress: Called with seconds of traffic done and in all.
        with_boxes: Also keep a box per picture; only for recordings of minutes. The step is then one picture.

    Raises:
        PlaceError: The place is unknown or not usable.
        CityError: More cameras or vehicles than a recording holds, or a clock of an unknown camera.
    """
    place = Place.load(request.place)
    _check(request, place)
    network = Network(place)
    rng = np.random.default_rng([request.seed, 7])
    bodies = draw_bodies(request.vehicles, rng, barred(place.spec.longest_m))
    span_s = request.hours * 3600
    demand = draw_demand(network, bodies.length_m, (-min(_WARM_UP_S, span_s), span_s), rng)
    step_s, every = _rate(request.fps) if with_boxes else (_STEP_S, 1)
    simulation = Simulation(network, demand, step_s)
    watch = Watch(place, network, request.size_px)
    gatherer, kept = Gatherer(step_s * every), []
    warm_up = np.ceil(min(_WARM_UP_S, span_s) / step_s) * step_s
    for batch in _batches(simulation.run(-warm_up, span_s, every, 0.0)):
        seen = watch.sightings(batch, demand.vehicle, bodies.size_m)
        gatherer.add(seen, batch[-1].time_s)
        if with_boxes:
            kept.append(seen.take(seen.margin_px >= 0))
        progress(round(batch[-1].time_s), round(span_s))
    passages = _with_standing(gatherer.finish(), watch, place, demand, bodies, span_s)
    recording = Recording(
        place=place.name,
        seed=request.seed,
        span_s=(0.0, span_s),
        cameras=tuple(_camera(request, place, index) for index in range(len(place.spec.cameras))),
        vehicles=_vehicles(bodies, demand, passages),
        tracklets=_tracklets(passages, place, request),
        links=links_of(passages, tuple(camera.name for camera in place.spec.cameras)),
    )
    return Outcome(recording, simulation.waiting, _all_boxes(kept, watch, place, demand, bodies, request))


def _check(request: TrafficRequest, place: Place) -> None:
    cameras = [camera.name for camera in place.spec.cameras]
    unknown = next((name for name in request.clocks if name not in cameras), None)
    if unknown:
        shown = ", ".join(cameras[:12]) + (" ..." if len(cameras) > 12 else "")
        raise CityError(f"clock of unknown camera {unknown}; {place.name} has {shown}")
    if len(cameras) > MOST_CAMERAS:
        raise CityError(f"{place.name} has {len(cameras)} cameras, a recording holds up to {MOST_CAMERAS}")
    if not 1 <= request.vehicles <= MOST_VEHICLES:
        raise CityError(f"vehicles must lie between 1 and {MOST_VEHICLES}, got {request.vehicles}")


def _rate(fps: float) -> tuple[float, int]:
    """Step and steps per picture, so that a step lasts no longer than 0.5 s."""
    every = max(1, int(np.ceil(1.0 / (fps * _STEP_S))))
    step_s = 1.0 / (fps * every)
    if step_s < 0.05:
        raise CityError(f"boxes need 2 to 20 pictures a second, got {fps:g}")
    return step_s, every


def _batches(snapshots: Iterator[Snapshot]) -> Iterator[list[Snapshot]]:
    batch = []
    for snapshot in snapshots:
        batch.append(snapshot)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _poses(place: Place, demand: Demand) -> Floats:
    """x, z, yaw of those that stand all the time."""
    bays = [place.bays[bay] for bay in demand.standing[:, 1].tolist()]
    return np.array([(bay.x_m, bay.z_m, bay.yaw_rad) for bay in bays]).reshape(-1, 3)


def _with_standing(
    passages: Passages, watch: Watch, place: Place, demand: Demand, bodies: Bodies, span_s: float
) -> Passages:
    """Adds a passage over the whole span for every camera that sees a parked vehicle."""
    vehicle = demand.standing[:, 0]
    seen = watch.standing(vehicle, bodies.size_m[vehicle], _poses(place, demand), 0.0)
    seen = seen.take(seen.margin_px >= 0)
    middle = (seen.box[:, :2] + seen.box[:, 2:]) / 2
    width = seen.box[:, 2] - seen.box[:, 0]
    aspects = np.stack([seen.aspect_deg, seen.aspect_deg], axis=1)
    end = np.full(len(seen), span_s)
    parked = Passages(seen.camera, seen.vehicle, np.zeros(len(seen)), end, middle, middle, width, aspects)
    names = Passages.__slots__
    return Passages(*(np.concatenate([getattr(passages, name), getattr(parked, name)]) for name in names))


def _all_boxes(
    kept: list[Sightings], watch: Watch, place: Place, demand: Demand, bodies: Bodies, request: TrafficRequest
) -> Sightings | None:
    """Boxes of those that drive and, in every picture, of those that stand."""
    if not kept:
        return None
    vehicle = demand.standing[:, 0]
    poses = _poses(place, demand)
    times = np.arange(round(request.hours * 3600 * request.fps)) / request.fps
    still = watch.standing(vehicle, bodies.size_m[vehicle], poses, 0.0)
    still = still.take(still.margin_px >= 0)
    repeated = still.take(np.tile(np.arange(len(still)), len(times)))
    moments = Sightings(
        repeated.camera,
        repeated.vehicle,
        np.repeat(times, len(still)),
        repeated.box,
        repeated.margin_px,
        repeated.aspect_deg,
    )
    return joined([*kept, moments])


def _camera(request: TrafficRequest, place: Place, index: int) -> RecordedCamera:
    spec = place.spec.cameras[index]
    eye, target, _ = place.camera_points(spec)
    clock = request.clocks.get(spec.name, TRUE_CLOCK)
    return RecordedCamera(spec.name, eye, target, spec.fov_deg, request.size_px, request.fps, clock)


def _vehicles(bodies: Bodies, demand: Demand, passages: Passages) -> tuple[RecordedVehicle, ...]:
    count = len(bodies.model)
    passed = np.bincount(passages.vehicle, minlength=count)
    kind = np.where(passed <= 1, KINDS.index("once"), KINDS.index("through"))
    kind[demand.vehicle[demand.following >= 0]] = KINDS.index("circulating")
    kind[demand.standing[:, 0]] = KINDS.index("parked")
    classes = [MODELS[name].kind for name in MODEL_NAMES]
    rows = zip(bodies.model.tolist(), bodies.colour.tolist(), kind.tolist(), strict=True)
    return tuple(
        RecordedVehicle(number, classes[model], MODEL_NAMES[model], COLOUR_NAMES[colour], KINDS[which])
        for number, (model, colour, which) in enumerate(rows, 1)
    )


def _tracklets(passages: Passages, place: Place, request: TrafficRequest) -> Tracklets:
    """As the cameras' clocks show them, numbered by true start."""
    order = np.lexsort((passages.vehicle, passages.start_s, passages.camera))
    camera = passages.camera[order]
    first = np.searchsorted(camera, np.arange(len(place.spec.cameras)))
    number = np.arange(len(camera)) - first[camera] + 1
    start, end = passages.start_s[order].copy(), passages.end_s[order].copy()
    for index, spec in enumerate(place.spec.cameras):
        clock, mine = request.clocks.get(spec.name, TRUE_CLOCK), camera == index
        for times in (start, end):
            stepped = sum(by_s * (times[mine] >= at_s) for at_s, by_s in clock.steps)
            times[mine] += clock.offset_s + clock.drift_ppm * 1e-6 * times[mine] + stepped
    by_start = np.lexsort((number, camera, start))
    aspects = passages.aspects_deg[order][by_start]
    size = np.asarray(request.size_px, np.float64)
    return Tracklets(
        camera=camera[by_start],
        vehicle=passages.vehicle[order][by_start] + 1,
        number=number[by_start],
        start_s=start[by_start],
        end_s=end[by_start],
        entry_xy=passages.entry_px[order][by_start] / size,
        exit_xy=passages.exit_px[order][by_start] / size,
        width_px=passages.width_px[order][by_start],
        faces=face_index(aspects),
        views=view_index(aspects),
    )
