"""Where pictures are taken: a renderer, the scenery of places, a detector. One per process (see renderer.scene)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulator.dataset.arranging import Stand
from simulator.dataset.boxes import Box, Detect, Image, mask_box
from simulator.dataset.plan import PICTURE_PX
from simulator.dataset.standpoints import Size, Standpoint
from simulator.meshes import MeshLibrary
from simulator.renderer.looks import LIGHTS
from simulator.renderer.scene import Picture, Renderer, View
from simulator.renderer.surface import Mesh
from simulator.scenery import build_scenery
from simulator.sensor import Sensor
from simulator.views import aspect_deg

#: Mean grey levels between which a camera's exposure control keeps its pictures, and how far it goes for that.
_MEAN_LEVELS, _MOST_GAIN = (45.0, 165.0), 2.2
_USUAL_NOISE = 2.5
_GAIN_SPREAD, _WARMTH_SPREAD = 0.05, 0.01
#: A camera's lens and compression are its own: lens blur, and JPEG quality around which pictures spread.
_BLUR_PX, _JPEG, _JPEG_SPREAD = (0.0, 0.7), (62, 90), 4


@dataclass(frozen=True, slots=True)
class Seen:
    """One vehicle of a picture.

    Attributes:
        stand: Who and where.
        box: What is visible of it: x1, y1, x2, y2, px.
        visible: Share of it within the picture that nothing hides.
        aspect_deg: From its heading to the camera.
        distance_m: From the lens, along the ground.
    """

    stand: Stand
    box: Box
    visible: float
    aspect_deg: float
    distance_m: float


@dataclass(frozen=True, slots=True)
class Photo:
    """One picture and what it shows.

    Attributes:
        image: uint8 (H, W, 3) BGR as the camera recorded it.
        seen: Vehicles with at least one visible pixel.
    """

    image: Image
    seen: list[Seen]


class Studio:
    """Takes pictures at one standpoint after the other."""

    def __init__(self, detect: Detect | None) -> None:
        """Opens the renderer.

        Args:
            detect: Finds vehicles, where boxes shall be the detector's.

        Raises:
            MeshesMissing: No vehicle meshes.
            RendererMissing: No OpenGL.
        """
        self._renderer = Renderer(*PICTURE_PX, MeshLibrary.open())
        self._sceneries: dict[str, Mesh] = {}
        self._detect = detect
        self._standpoint: Standpoint | None = None
        self._light = ""

    def go_to(self, standpoint: Standpoint, light: str) -> None:
        """Sets camera and light for the pictures that follow."""
        place = standpoint.place
        if place.name not in self._sceneries:
            self._sceneries[place.name] = build_scenery(place)
        eye, target, centre = standpoint.points
        view = View(eye, target, standpoint.spec.fov_deg, centre, LIGHTS[light])
        self._renderer.set_stage(self._sceneries[place.name], view)
        self._standpoint, self._light = standpoint, light

    def size_of(self, model: str) -> Size:
        """Width, height and length of a body, m."""
        return self._renderer.body_size_m(model)

    def take(self, stands: list[Stand], rng: np.random.Generator) -> Photo:
        """Takes one picture.

        Raises:
            RuntimeError: No standpoint was chosen.
        """
        if self._standpoint is None:
            raise RuntimeError("no standpoint: call go_to first")
        picture = self._renderer.frame([stand.placed for stand in stands])
        image = self._draw_sensor(float(picture.image.mean()), rng).capture(picture.image, rng)
        seen = [self._look_at(stand, picture) for stand in stands]
        return Photo(np.ascontiguousarray(image[:, :, ::-1]), [one for one in seen if one is not None])

    def detect(self, photo: Photo) -> NDArray[np.float64]:
        """The detector's boxes (N, 4); none without a detector."""
        if self._detect is None:
            return np.zeros((0, 4))
        return np.asarray(self._detect(photo.image), np.float64).reshape(-1, 4)

    def tidy(self) -> None:
        """Frees what belongs to vehicles that will not come again."""
        self._renderer.forget_decals()

    def _draw_sensor(self, mean_level: float, rng: np.random.Generator) -> Sensor:
        """The camera's own habits, which were set for its own light, and those of the moment."""
        spec = self._current().spec
        own = self._light == spec.light
        low, high = (level / max(mean_level, 1.0) for level in _MEAN_LEVELS)
        exposure = float(np.clip(spec.gain if own else 1.0, min(low, _MOST_GAIN), high))
        lens = np.random.default_rng([self._current().number, 5])
        return Sensor(
            gain=exposure * float(np.exp(rng.normal(0, _GAIN_SPREAD))),
            warmth=spec.warmth + float(rng.normal(0, _WARMTH_SPREAD)),
            noise=spec.noise if own else _USUAL_NOISE * LIGHTS[self._light].noise_gain,
            blur_px=float(lens.uniform(*_BLUR_PX)),
            jpeg_quality=int(lens.integers(*_JPEG) + rng.integers(-_JPEG_SPREAD, _JPEG_SPREAD + 1)),
        )

    def _look_at(self, stand: Stand, picture: Picture) -> Seen | None:
        placed = stand.placed
        mask = picture.identities == placed.appearance.vehicle_id
        box = mask_box(mask)
        if box is None:
            return None
        whole = int(self._renderer.solo_mask(placed).sum())
        eye_x, _, eye_z = self._current().points[0]
        aspect = float(aspect_deg((eye_x, eye_z), (placed.x_m, placed.z_m), placed.yaw_rad))
        distance = float(np.hypot(eye_x - placed.x_m, eye_z - placed.z_m))
        return Seen(stand, box, min(1.0, float(mask.sum()) / whole), aspect, distance)

    def _current(self) -> Standpoint:
        if self._standpoint is None:
            raise RuntimeError("no standpoint: call go_to first")
        return self._standpoint


def light_of(standpoint: Standpoint, turn: int) -> str:
    """The light in which a camera works in one block: its own three times of four, else the others in turn.

    Args:
        standpoint: The camera.
        turn: Number of the block.

    >>> from simulator.dataset.standpoints import standpoints
    >>> from simulator.dataset.plan import TRAIN_PART
    >>> gable = standpoints(TRAIN_PART)[0]
    >>> lights = [light_of(gable, turn) for turn in range(4 * (len(LIGHTS) - 1))]
    >>> lights.count("noon") == 3 * (len(LIGHTS) - 1), set(lights) == set(LIGHTS)
    (True, True)
    """
    home, shifted = standpoint.spec.light, turn + standpoint.number
    if shifted % 4:
        return home
    others = [name for name in LIGHTS if name != home]
    return others[(shifted // 4 + standpoint.number) % len(others)]
