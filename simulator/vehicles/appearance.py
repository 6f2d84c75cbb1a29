"""What one vehicle looks like: every cue by name and number. Types only: individual draws, the renderer shows."""

from __future__ import annotations

from dataclasses import dataclass, replace

from simulator.vehicles.shapes import body_of

Rgb = tuple[float, float, float]

#: Sides a camera may see a vehicle from.
SIDES = ("front", "rear", "left", "right")


@dataclass(frozen=True, slots=True)
class Decal:
    """Something stuck, painted or scraped onto one side; livery turns it into pixels.

    Attributes:
        kind: Name of a painter of ``decal_painters``.
        side: ``flanks`` (both), ``left``, ``right``, ``front``, ``rear``, ``top`` or ``rear_window``.
        colour: sRGB.
        seed: Settles place and size.
        text: What it reads, if anything.
        shape: Outline of a sticker, if it is one.
        reach: Part of the layer's width it keeps to, as shares from the left of a layer seen from outside.
    """

    kind: str
    side: str
    colour: Rgb
    seed: int
    text: str = ""
    shape: str = ""
    reach: tuple[float, float] = (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Wheels:
    """Rims of a vehicle.

    Attributes:
        colour: sRGB of spokes and ring.
        design: Name in ``vehicle_look.RIM_DESIGNS``.
        bare: Signs (-1 or 1) of x (1: left flank) and z (1: front axle) of the wheel that lost its cap; (0, 0): none.
    """

    colour: Rgb
    design: str
    bare: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class Appearance:
    """One vehicle's look. Colours are sRGB in [0, 1]; None: as the maker painted it.

    Attributes:
        vehicle_id: Its number in the city or set.
        seed: What it was drawn from.
        model: Name in the catalogue.
        colour: Name of the body colour.
        paint: Exact body colour.
        metallic: Share of metal flakes in the paint, 0 (solid) to 1.
        panel: Second colour (containers, bus flanks, a rider's jacket).
        wheels: Rims.
        glass: Darkness of the windows before the middle pillar.
        rear_glass: Darkness of those behind it.
        dirt: Share of dirt, 0 to 1.
        dirt_seed: Where the dirt lies.
        band: Colour and height share of a lower body band.
        roof: Contrast roof; a rider's helmet.
        bonnet: Replaced or wrapped bonnet.
        front_bumper: Unpainted or replaced.
        rear_bumper: Unpainted or replaced.
        visor: Colour and depth share of the strip on the windscreen.
        front_lamp: Tint of the headlamps (1 is clear).
        rear_lamp: Tint of the tail lamps.
        decals: On any side.
        load: A kind that the body model lists in ``loads``, or None.
        plate_seed: What its plates read; None: blank plates.
        twin_of: Number of the earlier vehicle whose model and colour it shares by intent.
        alike_from: Sides from which it cannot be told from that vehicle.
        alike_side: For both of a pair that is alike from one side: that side; their other sides' decals avoid it.
    """

    vehicle_id: int
    seed: int
    model: str
    colour: str
    paint: Rgb
    metallic: float
    panel: Rgb
    wheels: Wheels
    glass: float
    rear_glass: float
    dirt: float
    dirt_seed: int
    band: tuple[Rgb, float] | None
    roof: Rgb | None
    bonnet: Rgb | None
    front_bumper: Rgb | None
    rear_bumper: Rgb | None
    visor: tuple[Rgb, float] | None
    front_lamp: Rgb
    rear_lamp: Rgb
    decals: tuple[Decal, ...]
    load: str | None
    plate_seed: int | None
    twin_of: int | None = None
    alike_from: tuple[str, ...] = ()
    alike_side: str | None = None

    @property
    def kind(self) -> str:
        """Vehicle class: car, bus, truck or motorcycle."""
        return body_of(self.model).kind

    @property
    def cues(self) -> tuple[str, ...]:
        """Names of what tells it from others of its model and colour; plates are none."""
        named = {
            "band": self.band,
            "roof": self.roof,
            "bonnet": self.bonnet,
            "front_bumper": self.front_bumper,
            "rear_bumper": self.rear_bumper,
            "visor": self.visor,
        }
        cues = [name for name, value in named.items() if value is not None]
        cues.append(f"wheels:{self.wheels.design}")
        if self.wheels.bare != (0, 0):
            cues.append(f"bare_wheel:{'left' if self.wheels.bare[0] > 0 else 'right'}")
        cues += [f"{lamp}_tint" for lamp in ("front_lamp", "rear_lamp") if min(getattr(self, lamp)) < 1.0]
        if self.rear_glass < 0.75 * self.glass:
            cues.append("privacy_glass")
        cues += [f"{decal.kind}:{decal.side}" for decal in self.decals]
        return (*cues, f"load:{self.load}") if self.load else tuple(cues)


def with_plate(appearance: Appearance, seed: int) -> Appearance:
    """The same vehicle with other plates, as training sets show it: plates carry no identity there.

    Args:
        appearance: Any vehicle.
        seed: Settles what the plates read.
    """
    return replace(appearance, plate_seed=seed)


def without_plate(appearance: Appearance) -> Appearance:
    """The same vehicle with blank plates."""
    return replace(appearance, plate_seed=None)


def visible_cues(appearance: Appearance, side: str) -> tuple[object, ...]:
    """What of a vehicle's cues a camera on one side sees, apart from its shade of paint and its dirt.

    Args:
        appearance: Any vehicle.
        side: One of ``SIDES``.

    Returns:
        Comparable; equal for two vehicles of one model if that side shows the same.
    """
    a = appearance
    layers = {"front": ("front",), "rear": ("rear", "rear_window")}.get(side, (side, "flanks"))
    decals = tuple(decal for decal in a.decals if decal.side in layers)
    always = (a.load, a.roof, a.band, decals)
    if side == "front":
        return (*always, a.front_bumper, a.bonnet, a.visor, a.front_lamp)
    if side == "rear":
        return (*always, a.rear_bumper, a.rear_lamp, a.rear_glass)
    sign = 1 if side == "left" else -1
    bare = a.wheels.bare[1] if a.wheels.bare[0] == sign else 0
    return (*always, a.wheels.colour, a.wheels.design, bare, a.rear_glass, a.front_bumper, a.rear_bumper)
