"""Light of a scene, as the numbers that shaders take (linear RGB)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.vehicles.identity import Rgb


@dataclass(frozen=True, slots=True)
class Light:
    """What lights a scene.

    Attributes:
        sun_direction: Unit vector towards the sun (or moon).
        sun_rgb: Its linear strength.
        sky_rgb: Linear strength of the sky.
        wet: Share of water on the road, 0 to 1.
        fog: Extinction per metre.
        lamps_on: Headlamps, street lamps and windows are lit.
        lamp_rgb: Linear strength of a street lamp, one metre away; black where they are off.
        zenith_rgb: Linear colour of the sky overhead.
        haze_rgb: Linear colour of the horizon, into which the distance fades.
        clouds: Cover of the sky, 0 to 1.
        rain: Density of falling drops, 0 to 1.
        shutter_s: Exposure time that a camera needs in it.
        noise_gain: How much more a camera's sensor amplifies, and with it its noise.
    """

    sun_direction: tuple[float, float, float]
    sun_rgb: Rgb
    sky_rgb: Rgb
    wet: float = 0.0
    fog: float = 0.0015
    lamps_on: bool = False
    lamp_rgb: Rgb = (0.0, 0.0, 0.0)
    zenith_rgb: Rgb = (0.22, 0.36, 0.62)
    haze_rgb: Rgb = (0.62, 0.68, 0.74)
    clouds: float = 0.35
    rain: float = 0.0
    shutter_s: float = 0.002
    noise_gain: float = 1.0

    @property
    def casts_shadows(self) -> bool:
        """Whether the sun is strong enough for shadows with an edge."""
        return float(np.mean(self.sun_rgb)) * self.sun_direction[1] > 0.3 * float(np.mean(self.sky_rgb))

    @property
    def shadow_shade(self) -> float:
        """What a shadow leaves of the picture's (gamma-coded) brightness on level ground."""
        ambient = 0.75 * float(np.mean(self.sky_rgb))
        direct = 0.9 * float(np.mean(self.sun_rgb)) * self.sun_direction[1]
        return float((ambient / (ambient + direct)) ** 0.5)


def light(direction: tuple[float, float, float], sun: Rgb, sky: Rgb, **more: Any) -> Light:
    """A light whose direction need not be of unit length; ``more`` are further fields of it."""
    x, y, z = (np.asarray(direction) / np.linalg.norm(direction)).tolist()
    return Light((x, y, z), sun, sky, **more)


LIGHTS: dict[str, Light] = {
    "noon": light((0.4, 1.0, 0.3), (1.7, 1.6, 1.45), (0.50, 0.58, 0.70), fog=0.0008, shutter_s=0.001),
    "afternoon": light(
        (-0.8, 0.8, 0.4), (1.65, 1.42, 1.12), (0.46, 0.52, 0.62), haze_rgb=(0.66, 0.67, 0.66), fog=0.001, clouds=0.5
    ),
    "low_sun": light(
        (0.9, 0.27, 0.5),
        (1.95, 1.36, 0.86),
        (0.34, 0.36, 0.44),
        zenith_rgb=(0.2, 0.28, 0.45),
        haze_rgb=(0.82, 0.68, 0.52),
        fog=0.0022,
        clouds=0.3,
        shutter_s=0.004,
    ),
    "overcast": light(
        (0.2, 1.0, 0.1),
        (0.2, 0.2, 0.2),
        (0.74, 0.77, 0.8),
        zenith_rgb=(0.5, 0.54, 0.58),
        haze_rgb=(0.66, 0.69, 0.71),
        fog=0.0012,
        clouds=1.0,
        shutter_s=0.004,
    ),
    "rainy": light(
        (0.2, 1.0, 0.1),
        (0.1, 0.1, 0.1),
        (0.5, 0.54, 0.58),
        wet=0.85,
        zenith_rgb=(0.3, 0.33, 0.36),
        haze_rgb=(0.46, 0.49, 0.52),
        fog=0.004,
        clouds=1.0,
        rain=0.8,
        shutter_s=0.01,
        noise_gain=1.4,
    ),
    "dusk": light(
        (-0.8, 0.35, 0.4),
        (0.1, 0.1, 0.14),
        (0.23, 0.26, 0.35),
        lamps_on=True,
        lamp_rgb=(13.0, 8.6, 4.6),
        zenith_rgb=(0.08, 0.12, 0.25),
        haze_rgb=(0.42, 0.30, 0.28),
        clouds=0.5,
        shutter_s=0.02,
        noise_gain=1.8,
    ),
    "night": light(
        (-0.5, 0.8, 0.4),
        (0.004, 0.005, 0.008),
        (0.075, 0.076, 0.092),
        lamps_on=True,
        lamp_rgb=(36.0, 24.5, 13.5),
        zenith_rgb=(0.006, 0.008, 0.016),
        haze_rgb=(0.05, 0.042, 0.04),
        clouds=0.4,
        shutter_s=0.02,
        noise_gain=2.2,
    ),
    "fog": light(
        (0.2, 1.0, 0.1),
        (0.05, 0.05, 0.05),
        (0.62, 0.64, 0.66),
        wet=0.15,
        fog=0.015,
        lamps_on=True,
        lamp_rgb=(5.0, 4.2, 3.2),
        zenith_rgb=(0.56, 0.58, 0.6),
        haze_rgb=(0.47, 0.49, 0.51),
        clouds=1.0,
        shutter_s=0.006,
        noise_gain=1.2,
    ),
}
