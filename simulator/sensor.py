"""What a camera does to a rendered picture: exposure, white balance, lens, noise, rain, compression. Arrays only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING
from zlib import crc32

import cv2
import numpy as np
from numpy.typing import NDArray

from simulator.weather import lens_drops, rain_streaks

if TYPE_CHECKING:
    from simulator.place import CameraSpec
    from simulator.renderer.looks import Light

Image = NDArray[np.uint8]
Floats = NDArray[np.float32]

_DRIFT_PERIODS_S = (23.0, 61.0)


@dataclass(frozen=True, slots=True)
class Sensor:
    """One camera's habits.

    Attributes:
        gain: Exposure relative to normal.
        warmth: White balance error; positive is redder.
        noise: Standard deviation in grey levels, at mid grey; more in the dark, less in the light.
        blur_px: Standard deviation of the lens blur.
        jpeg_quality: Of a compression round trip; None: none.
        vignette: Share of the light that is lost in the corners.
        drift: How far the automatic exposure wanders, as a share.
        phase: Where in its wandering it starts, 0 to 1; also places the drops on the lens.
        rain: Density of falling drops, 0 to 1.
        shutter_s: Exposure time; moving things smear by what they move in it (see ``motion``).
    """

    gain: float = 1.0
    warmth: float = 0.0
    noise: float = 2.5
    blur_px: float = 0.0
    jpeg_quality: int | None = None
    vignette: float = 0.0
    drift: float = 0.0
    phase: float = 0.0
    rain: float = 0.0
    shutter_s: float = 0.0

    def exposure_at(self, time_s: float) -> float:
        """What the exposure is multiplied with at a time: the gain and its slow wandering."""
        waves = [math.sin(2 * math.pi * (time_s / period + self.phase)) for period in _DRIFT_PERIODS_S]
        return self.gain * (1 + self.drift * sum(waves) / len(waves))

    def capture(self, image: Image, rng: np.random.Generator, time_s: float = 0.0) -> Image:
        """The picture as this camera records it.

        Args:
            image: uint8 (H, W, 3) RGB.
            rng: Source of noise and rain.
            time_s: When, for the wandering of the exposure.

        Returns:
            uint8 (H, W, 3) RGB.
        """
        if self.rain > 0:
            image = lens_drops(rain_streaks(image, self.rain, rng), self.rain, int(self.phase * 1e6))
        out = image.astype(np.float32)
        if self.blur_px > 0:
            out = cv2.GaussianBlur(out, (0, 0), self.blur_px)
        balance = np.array([1 + self.warmth, 1.0, 1 - self.warmth], np.float32)
        out *= balance * np.float32(self.exposure_at(time_s))
        if self.vignette > 0:
            out *= _vignette(image.shape[0], image.shape[1], self.vignette)
        if self.noise > 0:
            _add_noise(out, self.noise, rng)
        captured = np.clip(out, 0, 255).astype(np.uint8)
        if self.jpeg_quality is not None:
            captured = _compressed(captured, self.jpeg_quality)
        return np.ascontiguousarray(captured)


def sensor_of(camera: CameraSpec, light: Light) -> Sensor:
    """The sensor of a place's camera in a light: darkness asks for gain, and gain brings noise.

    Args:
        camera: Its own exposure, white balance and noise.
        light: What it sees by.
    """
    return Sensor(
        gain=camera.gain,
        warmth=camera.warmth,
        noise=camera.noise * light.noise_gain,
        blur_px=0.35 + 0.08 * (light.noise_gain - 1),
        vignette=0.16,
        drift=0.03,
        phase=crc32(camera.name.encode()) / 2**32,
        rain=light.rain,
        shutter_s=light.shutter_s,
    )


def _add_noise(out: Floats, noise: float, rng: np.random.Generator) -> None:
    """Grain in brightness and, coarser, in colour; in place."""
    height, width = out.shape[:2]
    spread = 1.3 - (0.8 / 255) * np.clip(out[:, :, 1:2], 0, 255)
    grain = rng.standard_normal((height, width, 1), np.float32) * np.float32(noise)
    blotches = rng.standard_normal(((height + 1) // 2, (width + 1) // 2, 3), np.float32) * np.float32(0.55 * noise)
    out += spread * (grain + cv2.resize(blotches, (width, height), interpolation=cv2.INTER_LINEAR))


@lru_cache(maxsize=8)
def _vignette(height: int, width: int, loss: float) -> Floats:
    """Share of the light (H, W, 1) that each pixel gets."""
    y = (np.arange(height, dtype=np.float32) - (height - 1) / 2) / (height / 2)
    x = (np.arange(width, dtype=np.float32) - (width - 1) / 2) / (width / 2)
    radius = (x[None] ** 2 + y[:, None] ** 2) / 2
    share: Floats = (1 - loss * radius**1.5).astype(np.float32)[:, :, None]
    share.flags.writeable = False
    return share


def _compressed(image: Image, quality: int) -> Image:
    """A JPEG round trip."""
    ok, coded = cv2.imencode(".jpg", image[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(coded, cv2.IMREAD_COLOR) if ok else None
    return image if decoded is None else decoded[:, :, ::-1].astype(np.uint8)
