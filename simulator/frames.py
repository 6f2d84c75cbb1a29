"""The frames of a script: pictures as the sensors record them, and their exact truth. Writes no files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.errors import CityError
from simulator.meshes import MeshLibrary
from simulator.motion import blur_motion, motion_px
from simulator.place import CameraSpec
from simulator.renderer.looks import LIGHTS
from simulator.renderer.optics import Matrix, look_at, perspective
from simulator.renderer.scene import Picture, Placed, Renderer, View
from simulator.scenery import build_scenery
from simulator.script import RenderRequest, Script
from simulator.sensor import sensor_of
from simulator.traffic import VehicleState
from simulator.truth import TruthBox, box_of_mask

_FURTHEST_M = 110.0
_SMALLEST_PX = 8


@dataclass(frozen=True, slots=True)
class RenderedFrame:
    """One frame of one camera.

    Attributes:
        number: From 1.
        image: uint8 (H, W, 3) RGB, as the sensor recorded it.
        boxes: Truth.
    """

    number: int
    image: NDArray[np.uint8]
    boxes: list[TruthBox]


def light_of(camera: CameraSpec, override: str | None) -> str:
    """Name of the light that a camera sees by.

    Args:
        camera: Has a light of its own.
        override: Another one; None: its own.

    Raises:
        CityError: There is no such light; names those there are.
    """
    name = override or camera.light
    if name not in LIGHTS:
        raise CityError(f"no light {name!r}; known lights: {', '.join(LIGHTS)}")
    return name


class CityRenderer:
    """Draws the frames of a script."""

    def __init__(self, script: Script, request: RenderRequest) -> None:
        """Opens the renderer.

        Raises:
            CityError: The request names an unknown light.
            MeshesMissing: No vehicle meshes.
            RendererMissing: No OpenGL.
        """
        for camera in script.place.spec.cameras:
            light_of(camera, request.light)
        self._script = script
        self._request = request
        self._renderer = Renderer(*request.size, MeshLibrary.open())
        self._scenery = build_scenery(script.place)

    def frames(self, number: int, camera: CameraSpec) -> Iterator[RenderedFrame]:
        """All frames of one camera.

        Args:
            number: The camera's number in the truth; settles its noise.
            camera: Where it stands.
        """
        eye, target, centre = self._script.place.camera_points(camera)
        light = LIGHTS[light_of(camera, self._request.light)]
        self._renderer.set_stage(self._scenery, View(eye, target, camera.fov_deg, centre, light))
        size = self._request.size
        projection = perspective(camera.fov_deg, size[0] / size[1]) @ look_at(eye, target)
        sensor = sensor_of(camera, light)
        rng = np.random.default_rng([self._request.seed, 2, number])
        for index, states in enumerate(self._script.frames):
            seen = [
                state
                for state in states
                if may_be_seen(projection, state, self._script.trips[state.vehicle_id].length_m)
            ]
            placed = [Placed(self._script.fleet[s.vehicle_id], s.x_m, s.z_m, s.yaw_rad) for s in seen]
            picture = self._renderer.frame(placed)
            motions = {
                s.vehicle_id: motion_px(projection, size, (s.x_m, s.z_m, s.yaw_rad), s.speed_m_s * sensor.shutter_s)
                for s in seen
            }
            image = blur_motion(picture.image, picture.identities, motions)
            boxes = truth_boxes(picture, (number, index + 1))
            yield RenderedFrame(index + 1, sensor.capture(image, rng, index / self._request.fps), boxes)


def truth_boxes(picture: Picture, at: tuple[int, int]) -> list[TruthBox]:
    """Truth of one frame; what is too small to be anything is left out.

    Args:
        picture: The frame as rendered.
        at: Numbers of camera and frame.
    """
    counts = np.bincount(picture.identities.ravel(), minlength=max(picture.silhouettes, default=0) + 1)
    boxes = []
    for vehicle_id, cut in picture.silhouettes.items():
        box = box_of_mask(cut.mask) if cut.mask.size else None
        if box is None or box[2] < _SMALLEST_PX or box[3] < _SMALLEST_PX:
            continue
        left, top, width, height = box
        visible = min(1.0, float(counts[vehicle_id]) / float(cut.mask.sum()))
        boxes.append(TruthBox(at[0], vehicle_id, at[1], left + cut.left, top + cut.top, width, height, visible))
    return boxes


def may_be_seen(projection: Matrix, state: VehicleState, length_m: float) -> bool:
    """Whether some part of the body may fall into the picture, generously."""
    x, y, _, w = projection @ np.array([state.x_m, 1.0, state.z_m, 1.0])
    if w > _FURTHEST_M or w < -length_m:
        return False
    margin = 1.0 + 1.2 * length_m / max(float(w), 1.0)
    return bool(w < length_m or (abs(x / w) < margin and abs(y / w) < 2 * margin))
