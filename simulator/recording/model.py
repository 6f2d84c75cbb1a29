"""What a recording without pictures consists of. Data only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.clock import CameraClock

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Vector = tuple[float, float, float]

KINDS = ("through", "circulating", "once", "parked")


@dataclass(frozen=True, slots=True)
class Tracklets:
    """Passages of vehicles before cameras, M of them, by start.

    Attributes:
        camera: Index of the camera, (M,).
        vehicle: Vehicle id, (M,).
        number: From 1 within the camera, by start, (M,).
        start_s: When it came into the picture, as the camera's clock shows it, (M,).
        end_s: When it left, as the camera's clock shows it, (M,).
        entry_xy: Middle of the first box, fractions of the picture, (M, 2).
        exit_xy: Middle of the last box, (M, 2).
        width_px: Largest width of the box, (M,).
        faces: First and last face, indices into ``views.FACES``, (M, 2).
        views: First and last view, indices into ``views.VIEWS``, (M, 2).
    """

    camera: Ints
    vehicle: Ints
    number: Ints
    start_s: Floats
    end_s: Floats
    entry_xy: Floats
    exit_xy: Floats
    width_px: Floats
    faces: Ints
    views: Ints

    def __len__(self) -> int:
        return len(self.camera)


@dataclass(frozen=True, slots=True)
class RecordedVehicle:
    """One vehicle.

    Attributes:
        id: Its number, from 1.
        vehicle_class: car, bus or truck.
        model: Name in the catalogue.
        colour: Name of the body colour.
        kind: ``through``; ``circulating``: came back; ``once``: one passage or none; ``parked``: never moved.
    """

    id: int
    vehicle_class: str
    model: str
    colour: str
    kind: str


@dataclass(frozen=True, slots=True)
class RecordedCamera:
    """One camera.

    Attributes:
        id: Its name.
        eye_m: Lens x, y, z; y is up.
        target_m: Point looked at.
        fov_deg: Horizontal field of view.
        size_px: Width and height of the picture.
        fps: Pictures a second.
        clock: How its clock differs from the truth.
    """

    id: str
    eye_m: Vector
    target_m: Vector
    fov_deg: float
    size_px: tuple[int, int]
    fps: float
    clock: CameraClock


@dataclass(frozen=True, slots=True)
class Link:
    """What really happens between leaving one camera's picture and entering the next one's; true times.

    Attributes:
        source: Camera left.
        target: Camera entered next; the same one for vehicles that come back.
        transitions: How many vehicles did so.
        share: Of all who left the source and were seen again.
        travel_s: 5, 25, 50, 75 and 95 per cent quantiles of entering minus leaving; negative while both see it.
        overlap: Share of the transitions in which both saw it at once.
    """

    source: str
    target: str
    transitions: int
    share: float
    travel_s: tuple[float, float, float, float, float]
    overlap: float


@dataclass(frozen=True, slots=True)
class Recording:
    """Everything.

    Attributes:
        place: Name of the place.
        seed: What it was drawn from.
        span_s: Start and end, true time.
        cameras: In the place's order.
        vehicles: By id.
        tracklets: By shown start.
        links: By source and target.
    """

    place: str
    seed: int
    span_s: tuple[float, float]
    cameras: tuple[RecordedCamera, ...]
    vehicles: tuple[RecordedVehicle, ...]
    tracklets: Tracklets
    links: tuple[Link, ...]
