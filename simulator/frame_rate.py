"""How many frames a second this machine renders: a fixed street with vehicles in view, truth and sensor included."""

from __future__ import annotations

import math
import multiprocessing as mp
import os
import time
from dataclasses import dataclass
from functools import partial
from multiprocessing.synchronize import Barrier

import numpy as np

from simulator.frames import truth_boxes
from simulator.meshes import MeshLibrary
from simulator.motion import blur_motion, motion_px
from simulator.place import Place
from simulator.processes import Tell, run_jobs
from simulator.renderer.looks import LIGHTS
from simulator.renderer.optics import look_at, perspective
from simulator.renderer.scene import Placed, Renderer, View
from simulator.scenery import build_scenery
from simulator.sensor import sensor_of
from simulator.splits import DEMO
from simulator.vehicles.identity import Appearance, draw_fleet

_PLACE, _CAMERA = "riverside", "bridge"
_SPEED_M_S = 10.0
_WARM_UP_FRAMES = 2
_NEAREST_M, _FURTHEST_M = 12.0, 80.0


@dataclass(frozen=True, slots=True)
class _Probe:
    """What to measure; see ``frame_rate_probe``."""

    size: tuple[int, int]
    vehicles: int
    seconds: float
    light: str


def frame_rate_probe(
    size: tuple[int, int] = (960, 540),
    vehicles: int = 10,
    seconds: float = 10.0,
    light: str = "noon",
    processes: int | None = None,
) -> float:
    """Renders for a while as cities are rendered, a camera per process, with no clip written.

    Args:
        size: Picture width and height, px.
        vehicles: How many are in view, all the time.
        seconds: How long to measure, after everything was loaded everywhere.
        light: Name of a light.
        processes: How many render at once; one per core by default.

    Returns:
        Frames per second of all processes together: picture, id mask, a truth box per vehicle, motion blur and sensor.

    Raises:
        MeshesMissing: No vehicle meshes.
        RendererMissing: No OpenGL.
        CityError: A process failed or died.
    """
    count = processes or os.cpu_count() or 1
    MeshLibrary.open()
    start = mp.get_context("spawn").Barrier(count)
    probe = _Probe(size, vehicles, seconds, light)
    return sum(run_jobs(partial(_Measure, start), [probe] * count, count))


class _Measure:
    """Measures in one process, from when all are ready."""

    def __init__(self, start: Barrier) -> None:
        self._start = start

    def __call__(self, probe: _Probe, tell: Tell) -> float:
        street = _Street(probe)
        for frame in range(_WARM_UP_FRAMES):
            street.shoot(frame)
        self._start.wait()
        frames, started = 0, time.perf_counter()
        while time.perf_counter() - started < probe.seconds:
            street.shoot(frames)
            frames += 1
        elapsed = time.perf_counter() - started
        street.close()
        return frames / elapsed


class _Street:
    """A camera above a street on which as many vehicles as wished drive for ever."""

    def __init__(self, probe: _Probe) -> None:
        self._place = place = Place.load(_PLACE)
        self._camera = camera = next(spec for spec in place.spec.cameras if spec.name == _CAMERA)
        self._size, light = probe.size, LIGHTS[probe.light]
        eye, target, centre = place.camera_points(camera)
        self._renderer = Renderer(*probe.size, MeshLibrary.open())
        self._renderer.set_stage(build_scenery(place), View(eye, target, camera.fov_deg, centre, light))
        self._projection = perspective(camera.fov_deg, probe.size[0] / probe.size[1]) @ look_at(eye, target)
        self._sensor, self._rng = sensor_of(camera, light), np.random.default_rng(0)
        self._fleet = draw_fleet(DEMO.seeds[0], probe.vehicles)

    def shoot(self, frame: int) -> None:
        """Everything that a frame of a city takes but the writing."""
        placed = _convoy(self._place, self._camera.road, self._camera.at_m, self._fleet, 0.1 * frame)
        picture = self._renderer.frame(placed)
        travel_m = _SPEED_M_S * self._sensor.shutter_s
        motions = {
            v.appearance.vehicle_id: motion_px(self._projection, self._size, (v.x_m, v.z_m, v.yaw_rad), travel_m)
            for v in placed
        }
        image = blur_motion(picture.image, picture.identities, motions)
        truth_boxes(picture, (1, 1))
        self._sensor.capture(image, self._rng)

    def close(self) -> None:
        """Frees the renderer."""
        self._renderer.close()


def _convoy(place: Place, road_name: str, camera_at_m: float, fleet: list[Appearance], time_s: float) -> list[Placed]:
    """Vehicles on all lanes, evenly spread over what the camera sees, moving and coming round again."""
    road = place.roads[road_name]
    reach = min(_FURTHEST_M, road.length_m - camera_at_m - road.trim_m[1]) - _NEAREST_M
    placed = []
    for index, look in enumerate(fleet):
        forward = index % 2 == 0
        lane = road.lane(index // 2 % road.spec.lanes, forward=forward)
        along = (reach * index / len(fleet) + _SPEED_M_S * time_s * (1 if forward else -1)) % reach
        at = camera_at_m + _NEAREST_M + along - road.trim_m[0]
        (x, z), (dx, dz) = lane.path.at(at if forward else lane.length_m - at)
        placed.append(Placed(look, x, z, math.atan2(dx, dz)))
    return placed
