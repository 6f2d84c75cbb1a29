"""Paint and cues of a vehicle, as the numbers that vehicle.glsl takes (linear RGB)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.vehicles.appearance import Appearance, Rgb

Pair = tuple[float, float]
Rgba = tuple[float, float, float, float]

_FIVE: Rgba = (5.0, -20.0, 16.0, 0.0)
_SIX: Rgba = (-1.0, 18.0, -48.0, 32.0)
_SEVEN: Rgba = (-7.0, 56.0, -112.0, 64.0)


@dataclass(frozen=True, slots=True)
class RimDesign:
    """Spokes as a wave around the wheel: cos(n a) as a polynomial of c = cos a, which shaders have without an arc.

    Attributes:
        wave: Coefficients of 1, c^2, c^4, c^6.
        turn: (1 if the polynomial is multiplied by c, 1 if its frequency is doubled).
        shape: Radius of the hub, inner radius of the ring, and the values of the wave between which metal is.
        shade: Factor on the rims' colour.
    """

    wave: Rgba
    turn: Pair
    shape: Rgba
    shade: float = 1.0


RIM_DESIGNS: dict[str, RimDesign] = {
    "five": RimDesign(_FIVE, (1.0, 0.0), (0.24, 0.88, 0.15, 2.0)),
    "six": RimDesign(_SIX, (0.0, 0.0), (0.24, 0.88, 0.1, 2.0)),
    "seven": RimDesign(_SEVEN, (1.0, 0.0), (0.24, 0.88, 0.0, 2.0)),
    "twin_five": RimDesign(_FIVE, (1.0, 0.0), (0.28, 0.90, -0.6, 0.65)),
    "ten": RimDesign(_FIVE, (1.0, 1.0), (0.22, 0.90, 0.0, 2.0)),
    "cap": RimDesign(_SEVEN, (1.0, 0.0), (0.66, 0.84, 0.3, 2.0)),
    "steel": RimDesign(_SEVEN, (1.0, 0.0), (0.55, 0.72, -0.4, 2.0), 0.35),
}


@dataclass(frozen=True, slots=True)
class Look:
    """Uniforms of one vehicle; names as in vehicle.glsl."""

    paint_rgb: Rgb
    panel_rgb: Rgb
    metallic: float
    rim_rgb: Rgb
    rim_wave: Rgba
    rim_turn: Pair
    rim_shape: Rgba
    bare_wheel: Pair
    glass_rgb: Rgb
    rear_glass_rgb: Rgb
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
    alike: Rgba

    def uniforms(self) -> Iterator[tuple[str, Pair | Rgb | Rgba | float]]:
        """Name and value of each."""
        for name in self.__slots__:
            yield name, getattr(self, name)


def look_of(appearance: Appearance) -> Look:
    """The shader's view of a vehicle."""
    rims = RIM_DESIGNS[appearance.wheels.design]
    red, green, blue = (rims.shade * channel for channel in appearance.wheels.colour)
    return Look(
        paint_rgb=_linear(appearance.paint),
        panel_rgb=_linear(appearance.panel),
        metallic=appearance.metallic,
        rim_rgb=_linear((red, green, blue)),
        rim_wave=rims.wave,
        rim_turn=rims.turn,
        rim_shape=rims.shape,
        bare_wheel=appearance.wheels.bare,
        glass_rgb=_linear((appearance.glass,) * 3),
        rear_glass_rgb=_linear((appearance.rear_glass,) * 3),
        band=_flagged(*appearance.band) if appearance.band else _NONE,
        roof=_flagged(appearance.roof),
        bonnet=_flagged(appearance.bonnet),
        front_bumper=_flagged(appearance.front_bumper),
        rear_bumper=_flagged(appearance.rear_bumper),
        visor=_flagged(*appearance.visor) if appearance.visor else _NONE,
        front_lamp=appearance.front_lamp,
        rear_lamp=appearance.rear_lamp,
        dirt=appearance.dirt,
        dirt_seed=appearance.dirt_seed / 1000,
        alike=_ALIKE[appearance.alike_side],
    )


def _linear(rgb: Rgb) -> Rgb:
    r, g, b = (channel**2.2 for channel in rgb)
    return (r, g, b)


def _flagged(rgb: Rgb | None, value: float = 1.0) -> Rgba:
    return _NONE if rgb is None else (*_linear(rgb), value)


_NONE: Rgba = (0.0, 0.0, 0.0, 0.0)
_GREY: Rgb = (0.3, 0.3, 0.3)
_DARK: Rgb = (0.01, 0.012, 0.015)
#: Tangent of the steepest angle from which twins are alike.
_LOOK_DOWN = 0.25
#: x and z towards the side that a pair of twins shares, the decal layer of that side, and the angle; see vehicle.glsl.
_ALIKE: dict[str | None, Rgba] = {
    None: (0.0, 0.0, -1.0, 0.0),
    "left": (1.0, 0.0, 0.0, _LOOK_DOWN),
    "right": (-1.0, 0.0, 1.0, _LOOK_DOWN),
    "front": (0.0, 1.0, 2.0, _LOOK_DOWN),
    "rear": (0.0, -1.0, 3.0, _LOOK_DOWN),
}
CLEAN = Look(
    paint_rgb=_GREY,
    panel_rgb=_GREY,
    metallic=0.0,
    rim_rgb=_GREY,
    rim_wave=_FIVE,
    rim_turn=(1.0, 0.0),
    rim_shape=_NONE,
    bare_wheel=(0.0, 0.0),
    glass_rgb=_DARK,
    rear_glass_rgb=_DARK,
    band=_NONE,
    roof=_NONE,
    bonnet=_NONE,
    front_bumper=_NONE,
    rear_bumper=_NONE,
    visor=_NONE,
    front_lamp=(1, 1, 1),
    rear_lamp=(1, 1, 1),
    dirt=0.0,
    dirt_seed=0.0,
    alike=_ALIKE[None],
)
