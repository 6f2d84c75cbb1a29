"""Crops to train re-identification on: every vehicle in several cameras, cut as production would cut them.

Owns which vehicle stands where in which picture and what is kept of it. Names follow VeRi-776.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.errors import CityError
from simulator.identity import Appearance, draw_fleet
from simulator.meshes import MeshLibrary
from simulator.place import CameraSpec, Place
from simulator.renderer.looks import LIGHTS
from simulator.renderer.scene import Picture, Placed, Renderer, View
from simulator.renderer.surface import Mesh
from simulator.scenery import build_scenery
from simulator.sensor import Sensor
from simulator.splits import Split

PICTURE_PX = (640, 360)
MIN_WIDTH_PX = 48
MIN_VISIBLE = 0.6
_BLOCK = 50
_PER_PICTURE = 6
_MOST_PICTURES_PER_CAMERA = 60
_REACH_M = (9.0, 40.0)
_GAP_M = 3.0


@dataclass(frozen=True, slots=True)
class DatasetPlan:
    """What to render.

    Attributes:
        split: Where seeds and places come from.
        vehicles: How many.
        cameras_each: Fewest and most cameras that see a vehicle.
        crops_each: Fewest and most crops per vehicle and camera.
        seed: Of everything that is not a vehicle's look.
        twins_share: Share of vehicles that copy another's model and colour.
    """

    split: Split
    vehicles: int
    cameras_each: tuple[int, int] = (4, 6)
    crops_each: tuple[int, int] = (2, 4)
    seed: int = 0
    twins_share: float = 0.3


@dataclass(slots=True)
class _Camera:
    """One camera of the set: VeRi number, place, scenery."""

    number: int
    place: Place
    spec: CameraSpec
    scenery: Mesh


@dataclass(slots=True)
class _Wish:
    """A vehicle that a camera still has to photograph."""

    vehicle: Appearance
    crops_left: int
    forward: bool
    lane: int
    written: int = 0


def render_dataset(
    plan: DatasetPlan, out: Path, progress: Callable[[int, int], None] = lambda done, total: None
) -> int:
    """Renders a crop set, block of vehicles by block, so that what is written is usable at any time.

    Args:
        plan: What to render.
        out: Folder; gets ``<vehicle>_c<camera>_<picture>_<n>.jpg`` and ``labels.json``.
        progress: Called with vehicles done and in all.

    Returns:
        Crops written.

    Raises:
        CityError: The plan asks for more vehicles than the split has seeds, or rendering is not possible.
    """
    if plan.vehicles > len(plan.split.seeds) - plan.seed:
        raise CityError(f"split {plan.split.name} has {len(plan.split.seeds)} seeds, {plan.vehicles} vehicles wished")
    out.mkdir(parents=True, exist_ok=True)
    fleet = draw_fleet(plan.split.seeds[0] + plan.seed, plan.vehicles, split=plan.split, twins_share=plan.twins_share)
    renderer = Renderer(*PICTURE_PX, MeshLibrary.open())
    cameras = list(_cameras(plan.split))
    written = 0
    for start in range(0, len(fleet), _BLOCK):
        block = fleet[start : start + _BLOCK]
        rng = np.random.default_rng([plan.seed, start])
        wishes = _assign(block, cameras, plan, rng)
        for camera in cameras:
            written += _shoot(renderer, camera, wishes[camera.number], out, rng)
        renderer.forget_decals()
        _write_labels(out, fleet[: start + len(block)])
        progress(start + len(block), len(fleet))
    return written


def _cameras(split: Split) -> Iterator[_Camera]:
    number = 0
    for name in split.places:
        place = Place.load(name)
        scenery = build_scenery(place)
        for spec in place.spec.cameras:
            number += 1
            yield _Camera(number, place, spec, scenery)


def _assign(
    block: list[Appearance], cameras: list[_Camera], plan: DatasetPlan, rng: np.random.Generator
) -> dict[int, list[_Wish]]:
    """Draws each vehicle's cameras, direction and lane."""
    wishes: dict[int, list[_Wish]] = {camera.number: [] for camera in cameras}
    for vehicle in block:
        count = min(len(cameras), int(rng.integers(plan.cameras_each[0], plan.cameras_each[1] + 1)))
        for index in rng.choice(len(cameras), size=count, replace=False):
            crops = int(rng.integers(plan.crops_each[0], plan.crops_each[1] + 1))
            wish = _Wish(vehicle, crops, bool(rng.random() < 0.5), int(rng.integers(3)))
            wishes[cameras[int(index)].number].append(wish)
    return wishes


def _shoot(renderer: Renderer, camera: _Camera, wishes: list[_Wish], out: Path, rng: np.random.Generator) -> int:
    """Takes pictures of one camera until every wish is met or patience ends."""
    spec = camera.spec
    eye, target, centre = camera.place.camera_points(spec)
    renderer.set_stage(camera.scenery, View(eye, target, spec.fov_deg, centre, LIGHTS[spec.light]))
    written = 0
    for picture_number in range(_MOST_PICTURES_PER_CAMERA):
        open_wishes = [wish for wish in wishes if wish.crops_left > 0]
        if not open_wishes:
            break
        chosen = [open_wishes[int(i)] for i in rng.permutation(len(open_wishes))[:_PER_PICTURE]]
        placed = _arrange(renderer, camera, chosen, rng)
        picture = renderer.frame([vehicle for _, vehicle in placed])
        sensor = Sensor(
            spec.gain * float(rng.uniform(0.9, 1.1)),
            spec.warmth + float(rng.normal(0, 0.02)),
            spec.noise,
            float(rng.uniform(0, 0.8)),
            int(rng.integers(55, 92)),
        )
        photo = sensor.capture(picture.image, rng)
        for wish, vehicle in placed:
            crop = _crop(renderer, picture, photo, vehicle, rng)
            if crop is None:
                continue
            frame = int(wish.vehicle.vehicle_id * 1000 + picture_number)
            name = f"{wish.vehicle.vehicle_id:04d}_c{camera.number:03d}_{frame:08d}_{wish.written}.jpg"
            cv2.imwrite(str(out / name), crop[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 92])
            wish.crops_left -= 1
            wish.written += 1
            written += 1
    return written


def _arrange(
    renderer: Renderer, camera: _Camera, wishes: list[_Wish], rng: np.random.Generator
) -> list[tuple[_Wish, Placed]]:
    """Puts vehicles on lanes within the camera's reach, bumper gaps kept; those that find no room are left out."""
    road = camera.place.roads[camera.spec.road]
    spec = camera.spec
    ahead = spec.look_m - spec.at_m
    taken: dict[tuple[bool, int], list[tuple[float, float]]] = {}
    placed: list[tuple[_Wish, Placed]] = []
    for wish in wishes:
        length = renderer.body_size_m(wish.vehicle.model)[2]
        lane_key = (wish.forward, wish.lane % road.spec.lanes)
        lane = road.lane(lane_key[1], forward=wish.forward)
        if abs(ahead) > 12:
            reach = float(rng.uniform(_REACH_M[0] + length / 3, _REACH_M[1]))
            along = spec.at_m + (reach if ahead > 0 else -reach)
        else:
            along = spec.look_m + float(rng.uniform(-10, 10))
        along -= road.trim_m[0]
        distance = along if wish.forward else lane.length_m - along
        low, high = distance - length / 2 - _GAP_M, distance + length / 2 + _GAP_M
        if any(low < other_high and other_low < high for other_low, other_high in taken.get(lane_key, [])):
            continue
        taken.setdefault(lane_key, []).append((low, high))
        (x, z), (dx, dz) = lane.path.at(distance)
        yaw = float(np.arctan2(dx, dz) + rng.normal(0, 0.03))
        sway = float(rng.normal(0, 0.2))
        placed.append((wish, Placed(wish.vehicle, x - dz * sway, z + dx * sway, yaw)))
    return placed


def _crop(
    renderer: Renderer, picture: Picture, photo: NDArray[np.uint8], vehicle: Placed, rng: np.random.Generator
) -> NDArray[np.uint8] | None:
    """Cuts one vehicle as a detector's box would, or None if it is too small, too hidden or cut off."""
    visible = picture.identities == vehicle.appearance.vehicle_id
    seen = int(visible.sum())
    if seen < MIN_WIDTH_PX * 12:
        return None
    whole = int(renderer.solo_mask(vehicle).sum())
    height, width = visible.shape
    columns, rows = np.flatnonzero(visible.any(axis=0)), np.flatnonzero(visible.any(axis=1))
    left, right, top, bottom = int(columns[0]), int(columns[-1]) + 1, int(rows[0]), int(rows[-1]) + 1
    at_edge = left <= 1 or top <= 1 or right >= width - 1 or bottom >= height - 1
    if right - left < MIN_WIDTH_PX or seen < MIN_VISIBLE * whole or (at_edge and rng.random() > 0.2):
        return None
    jitter = rng.uniform(-0.03, 0.07, 4) * (right - left, bottom - top, right - left, bottom - top)
    x0, y0 = max(0, round(left - jitter[0])), max(0, round(top - jitter[1]))
    x1, y1 = min(width, round(right + jitter[2])), min(height, round(bottom + jitter[3]))
    return photo[y0:y1, x0:x1] if x1 - x0 >= MIN_WIDTH_PX else None


def _write_labels(out: Path, fleet: list[Appearance]) -> None:
    labels = {
        f"{vehicle.vehicle_id:04d}": {
            "model": vehicle.model,
            "class": vehicle.kind,
            "colour": vehicle.colour,
            "decals": sorted({decal.kind for decal in vehicle.decals}),
            "cues": list(vehicle.cues),
            "seed": vehicle.seed,
        }
        for vehicle in fleet
    }
    part = out / "labels.json.part"
    part.write_text(json.dumps(labels, indent=1) + "\n", encoding="utf-8")
    part.replace(out / "labels.json")
