"""Paint and cues of a vehicle, as the numbers that vehicle.glsl takes (linear RGB)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.identity import Appearance, Rgb

Rgba = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Look:
    """Uniforms of one vehicle; names as in vehicle.glsl."""

    paint_rgb: Rgb
    panel_rgb: Rgb
    rim_rgb: Rgb
    glass_rgb: Rgb
    band: Rgba
    roof: Rgba
    bonnet: Rgba
    front_bumper: Rgba
    rear_bumper: Rgba
    visor: Rgba
    front_lamp: Rgb
    rear_lamp: Rgb
    dirt: float
    dirt_seed: float

    def uniforms(self) -> Iterator[tuple[str, Rgb | Rgba | float]]:
        """Name and value of each."""
        for name in self.__slots__:
            yield name, getattr(self, name)


def look_of(appearance: Appearance) -> Look:
    """The shader's view of a vehicle."""
    return Look(
        paint_rgb=_linear(appearance.paint),
        panel_rgb=_linear(appearance.panel),
        rim_rgb=_linear(appearance.rim),
        glass_rgb=_linear((appearance.glass,) * 3),
        band=_flagged(*appearance.band) if appearance.band else _NONE,
        roof=_flagged(appearance.roof),
        bonnet=_flagged(appearance.bonnet),
        front_bumper=_flagged(appearance.front_bumper),
        rear_bumper=_flagged(appearance.rear_bumper),
        visor=_flagged(*appearance.visor) if appearance.visor else _NONE,
        front_lamp=appearance.front_lamp,
        rear_lamp=appearance.rear_lamp,
        dirt=appearance.dirt,
        dirt_seed=(appearance.seed % 1000) / 1000,
    )


def _linear(rgb: Rgb) -> Rgb:
    r, g, b = (channel**2.2 for channel in rgb)
    return (r, g, b)


def _flagged(rgb: Rgb | None, value: float = 1.0) -> Rgba:
    return _NONE if rgb is None else (*_linear(rgb), value)


_NONE: Rgba = (0.0, 0.0, 0.0, 0.0)
_GREY: Rgb = (0.3, 0.3, 0.3)
CLEAN = Look(
    _GREY, _GREY, _GREY, (0.01, 0.012, 0.015), _NONE, _NONE, _NONE, _NONE, _NONE, _NONE, (1, 1, 1), (1, 1, 1), 0.0, 0.0
)
