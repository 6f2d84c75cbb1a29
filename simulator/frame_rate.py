"""How many frames a second this machine renders: a fixed street with vehicles in view, truth and sensor included."""

from __future__ import annotations

import math
import time

import numpy as np

from simulator.frames import truth_boxes
from simulator.identity import Appearance, draw_fleet
from simulator.meshes import MeshLibrary
from simulator.motion import blur_motion, motion_px
from simulator.place import Place
from simulator.renderer.looks import LIGHTS
from simulator.renderer.optics import look_at, perspective
from simulator.renderer.scene import Placed, Renderer, View
from simulator.scenery import build_scenery
from simulator.sensor import sensor_of
from simulator.splits import DEMO

_PLACE, _CAMERA = "riverside", "bridge"
_SPEED_M_S = 10.0
_NEAREST_M, _FURTHEST_M = 12.0, 80.0


def frame_rate_probe(
    size: tuple[int, int] = (960, 540), vehicles: int = 10, seconds: float = 10.0, light: str = "noon"
) -> float:
    """Renders for a while, with no clip written.

    Args:
        size: Picture width and height, px.
        vehicles: How many are in view, all the time.
        seconds: How long to measure, after everything was loaded.
        light: Name of a light.

    Returns:
        Frames per second: picture, id mask, a truth box per vehicle, motion blur and sensor.

    Raises:
        MeshesMissing: No vehicle meshes.
        RendererMissing: No OpenGL.
    """
    place = Place.load(_PLACE)
    camera = next(spec for spec in place.spec.cameras if spec.name == _CAMERA)
    eye, target, centre = place.camera_points(camera)
    renderer = Renderer(*size, MeshLibrary.open())
    renderer.set_stage(build_scenery(place), View(eye, target, camera.fov_deg, centre, LIGHTS[light]))
    projection = perspective(camera.fov_deg, size[0] / size[1]) @ look_at(eye, target)
    sensor, rng = sensor_of(camera, LIGHTS[light]), np.random.default_rng(0)
    fleet = draw_fleet(DEMO.seeds[0], vehicles)
    frames, started = -1, 0.0
    while frames < 0 or time.perf_counter() - started < seconds:
        placed = _convoy(place, camera.road, camera.at_m, fleet, 0.1 * frames)
        picture = renderer.frame(placed)
        motions = {
            v.appearance.vehicle_id: motion_px(
                projection, size, (v.x_m, v.z_m, v.yaw_rad), _SPEED_M_S * sensor.shutter_s
            )
            for v in placed
        }
        image = blur_motion(picture.image, picture.identities, motions)
        truth_boxes(picture, (1, 1))
        sensor.capture(image, rng)
        frames += 1
        if frames == 0:
            started = time.perf_counter()
    elapsed = time.perf_counter() - started
    renderer.close()
    return frames / elapsed


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
