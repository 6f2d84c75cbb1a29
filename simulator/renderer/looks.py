"""Light of a scene, as the numbers that shaders take (linear RGB)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.identity import Rgb


@dataclass(frozen=True, slots=True)
class Light:
    """What lights a scene.

    Attributes:
        sun_direction: Unit vector towards the sun (or moon).
        sun_rgb: Its linear strength.
        sky_rgb: Linear strength of the sky.
        wet: Share of water on the road, 0 to 1.
        fog: Extinction per metre.
        lamps_on: Headlamps and windows are lit.
    """

    sun_direction: tuple[float, float, float]
    sun_rgb: Rgb
    sky_rgb: Rgb
    wet: float = 0.0
    fog: float = 0.0015
    lamps_on: bool = False

    @property
    def horizon_srgb(self) -> Rgb:
        """Colour of the empty sky in the picture."""
        r, g, b = (min(1.0, 0.95 * c) ** (1 / 2.2) for c in self.sky_rgb)
        return (r, g, b)

    @property
    def shadow_shade(self) -> float:
        """What a shadow leaves of the picture's (gamma-coded) brightness on level ground."""
        ambient = 0.75 * float(np.mean(self.sky_rgb))
        direct = 0.9 * float(np.mean(self.sun_rgb)) * self.sun_direction[1]
        return float((ambient / (ambient + direct)) ** 0.5)


def light(
    direction: tuple[float, float, float], sun: Rgb, sky: Rgb, wet: float = 0.0, *, lamps_on: bool = False
) -> Light:
    """A light whose direction need not be of unit length."""
    x, y, z = (np.asarray(direction) / np.linalg.norm(direction)).tolist()
    return Light((x, y, z), sun, sky, wet, lamps_on=lamps_on)


LIGHTS: dict[str, Light] = {
    "noon": light((0.4, 1.0, 0.3), (1.7, 1.6, 1.45), (0.55, 0.66, 0.82)),
    "afternoon": light((-0.8, 0.8, 0.4), (1.6, 1.42, 1.15), (0.52, 0.6, 0.72)),
    "low_sun": light((0.9, 0.3, 0.5), (1.6, 1.05, 0.6), (0.42, 0.43, 0.5)),
    "overcast": light((0.2, 1.0, 0.1), (0.25, 0.25, 0.25), (0.75, 0.78, 0.8)),
    "rainy": light((0.2, 1.0, 0.1), (0.15, 0.15, 0.15), (0.56, 0.6, 0.64), 0.8),
    "dusk": light((-0.8, 0.35, 0.4), (0.16, 0.16, 0.22), (0.21, 0.23, 0.3), lamps_on=True),
}
