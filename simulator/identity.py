"""What makes one vehicle that vehicle: paint and cues on every side, drawn from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.catalogue import MODELS, BodyModel

Rgb = tuple[float, float, float]

#: Body colours, sRGB, with the share of new cars that are painted so in Europe (rounded industry figures).
COLOURS: dict[str, tuple[Rgb, float]] = {
    "white": ((0.92, 0.92, 0.90), 0.23),
    "grey": ((0.36, 0.37, 0.39), 0.20),
    "black": ((0.07, 0.07, 0.08), 0.18),
    "silver": ((0.66, 0.67, 0.69), 0.14),
    "blue": ((0.11, 0.21, 0.47), 0.10),
    "red": ((0.62, 0.08, 0.09), 0.07),
    "green": ((0.13, 0.30, 0.19), 0.025),
    "beige": ((0.74, 0.68, 0.55), 0.02),
    "brown": ((0.32, 0.22, 0.14), 0.015),
    "orange": ((0.84, 0.36, 0.09), 0.01),
    "yellow": ((0.88, 0.70, 0.10), 0.01),
}

_ACCENTS: tuple[Rgb, ...] = (
    (0.80, 0.10, 0.10),
    (0.10, 0.25, 0.65),
    (0.95, 0.75, 0.10),
    (0.10, 0.50, 0.25),
    (0.92, 0.92, 0.92),
    (0.06, 0.06, 0.07),
    (0.90, 0.45, 0.08),
    (0.10, 0.55, 0.60),
    (0.45, 0.12, 0.45),
)
_UNPAINTED: Rgb = (0.11, 0.11, 0.12)


@dataclass(frozen=True, slots=True)
class Decal:
    """Something stuck or painted on one side; livery turns it into pixels.

    Attributes:
        kind: ``stripe``, ``lettering``, ``patch``, ``door``, ``sticker``, ``bonnet_stripes`` or ``sunroof``.
        side: ``flanks`` (both), ``left``, ``right``, ``front``, ``rear``, ``top`` or ``rear_window``.
        colour: sRGB.
        seed: Settles place, size and text.
    """

    kind: str
    side: str
    colour: Rgb
    seed: int


@dataclass(frozen=True, slots=True)
class Appearance:
    """One vehicle's look. Colours are sRGB in [0, 1]; None: as the maker painted it.

    Attributes:
        vehicle_id: Its number in the city or set.
        seed: What it was drawn from.
        model: Name in the catalogue.
        colour: Name of the body colour.
        paint: Exact body colour.
        panel: Second colour (containers, bus flanks).
        rim: Wheel colour.
        glass: Darkness of the windows.
        dirt: Share of dirt, 0 to 1.
        band: Colour and height share of a lower body band.
        roof: Contrast roof.
        bonnet: Replaced or wrapped bonnet.
        front_bumper: Unpainted or replaced.
        rear_bumper: Unpainted or replaced.
        visor: Colour and depth share of the strip on the windscreen.
        front_lamp: Tint of the headlamps (1 is clear).
        rear_lamp: Tint of the tail lamps.
        decals: On any side.
        load: ``rack``, ``box_black``, ``box_white``, ``ladder``, ``sign`` or None.
    """

    vehicle_id: int
    seed: int
    model: str
    colour: str
    paint: Rgb
    panel: Rgb
    rim: Rgb
    glass: float
    dirt: float
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

    @property
    def kind(self) -> str:
        """Vehicle class: car, bus or truck."""
        return MODELS[self.model].kind

    @property
    def cues(self) -> tuple[str, ...]:
        """Names of what tells it from others of its model and colour."""
        named = {
            "band": self.band,
            "roof": self.roof,
            "bonnet": self.bonnet,
            "front_bumper": self.front_bumper,
            "rear_bumper": self.rear_bumper,
            "visor": self.visor,
        }
        cues = [name for name, value in named.items() if value is not None]
        cues += [f"{decal.kind}:{decal.side}" for decal in self.decals]
        return (*cues, f"load:{self.load}") if self.load else tuple(cues)


def draw_appearance(vehicle_id: int, seed: int, *, model: str | None = None, colour: str | None = None) -> Appearance:
    """Draws one vehicle.

    Args:
        vehicle_id: Its number.
        seed: Same seed, same vehicle.
        model: Body model; drawn by weight if None.
        colour: Body colour name; drawn by frequency if None.
    """
    rng = np.random.default_rng(seed)
    drawn_model, drawn_colour = draw_model(rng), draw_colour(rng)
    body = MODELS[model or drawn_model]
    colour = colour or drawn_colour
    shade = rng.normal(0.0, 0.02, 3) + rng.normal(0.0, 0.03)
    paint = _clip(np.asarray(COLOURS[colour][0]) * (1 + shade))
    grey = float(rng.choice([0.12, 0.3, 0.55, 0.7, 0.8], p=[0.25, 0.2, 0.2, 0.2, 0.15]))
    car = body.kind == "car"
    return Appearance(
        vehicle_id=vehicle_id,
        seed=seed,
        model=body.name,
        colour=colour,
        paint=paint,
        panel=_panel(rng),
        rim=_clip(grey * (1 + rng.normal(0, 0.05, 3))),
        glass=float(rng.choice([0.10, 0.16, 0.24])),
        dirt=float(rng.beta(1.1, 3.0)),
        band=(_accent(rng, 0.5), float(rng.uniform(0.22, 0.36))) if rng.random() < 0.16 else None,
        roof=_contrast(rng) if car and rng.random() < 0.14 else None,
        bonnet=_contrast(rng) if car and rng.random() < 0.10 else None,
        front_bumper=_bumper(rng) if car and rng.random() < 0.24 else None,
        rear_bumper=_bumper(rng) if car and rng.random() < 0.24 else None,
        visor=(_contrast(rng), float(rng.uniform(0.14, 0.26))) if rng.random() < 0.26 else None,
        front_lamp=_lamp(rng, ((1.0, 1.0, 1.0), (1.0, 0.85, 0.45), (0.7, 0.85, 1.1), (0.35, 0.35, 0.38))),
        rear_lamp=_lamp(rng, ((1.0, 1.0, 1.0), (0.45, 0.35, 0.35), (1.15, 0.8, 0.5), (1.2, 1.1, 1.1))),
        decals=_decals(rng, body),
        load=_load(rng, body),
    )


def draw_model(rng: np.random.Generator) -> str:
    """A body model by weight."""
    names = list(MODELS)
    weights = np.array([MODELS[name].weight for name in names])
    return str(rng.choice(names, p=weights / weights.sum()))


def draw_colour(rng: np.random.Generator) -> str:
    """A body colour by its real frequency."""
    names = list(COLOURS)
    shares = np.array([COLOURS[name][1] for name in names])
    return str(rng.choice(names, p=shares / shares.sum()))


def draw_fleet(first_seed: int, count: int, *, twins_share: float = 0.25, first_id: int = 1) -> list[Appearance]:
    """Draws a fleet in which some vehicles share model and colour with an earlier one.

    Args:
        first_seed: Vehicle i is drawn from ``first_seed + i``.
        count: How many.
        twins_share: Share of vehicles that copy an earlier one's model and colour (not its cues).
        first_id: Number of the first.
    """
    rng = np.random.default_rng(first_seed - 1)
    fleet: list[Appearance] = []
    for index in range(count):
        twin = fleet[int(rng.integers(len(fleet)))] if fleet and rng.random() < twins_share else None
        fleet.append(
            draw_appearance(
                first_id + index,
                first_seed + index,
                model=twin.model if twin else None,
                colour=twin.colour if twin else None,
            )
        )
    return fleet


def _clip(rgb: np.ndarray) -> Rgb:
    r, g, b = np.clip(rgb, 0.02, 0.95).tolist()
    return (r, g, b)


def _accent(rng: np.random.Generator, unpainted_share: float = 0.0) -> Rgb:
    if rng.random() < unpainted_share:
        return _UNPAINTED
    return _ACCENTS[int(rng.integers(len(_ACCENTS)))]


def _contrast(rng: np.random.Generator) -> Rgb:
    """Mostly black or white, as wraps and spare parts are."""
    return ((0.05, 0.05, 0.06), (0.92, 0.92, 0.92), _accent(rng))[int(rng.choice(3, p=[0.45, 0.3, 0.25]))]


def _bumper(rng: np.random.Generator) -> Rgb:
    return _accent(rng, 0.7)


def _panel(rng: np.random.Generator) -> Rgb:
    return (0.9, 0.9, 0.9) if rng.random() < 0.5 else _clip(np.asarray(_accent(rng)) * 0.9)


def _lamp(rng: np.random.Generator, tints: tuple[Rgb, ...]) -> Rgb:
    return tints[int(rng.choice(len(tints), p=[0.55, 0.15, 0.15, 0.15]))]


def _load(rng: np.random.Generator, body: BodyModel) -> str | None:
    if body.roof is None or rng.random() > 0.24:
        return None
    kinds = ("ladder", "rack", "sign") if body.kind == "truck" else ("rack", "box_black", "box_white", "sign")
    return str(rng.choice(kinds))


def _decals(rng: np.random.Generator, body: BodyModel) -> tuple[Decal, ...]:
    """Side by side, so that each can be told from a twin's more often than not."""
    commercial = body.kind != "car"
    chances = (
        ("stripe", "flanks", 0.14),
        ("lettering", "flanks", 0.6 if commercial else 0.08),
        ("patch", "left", 0.08),
        ("patch", "right", 0.08),
        ("door", "left", 0.05),
        ("door", "right", 0.05),
        ("bonnet_stripes", "top", 0.0 if commercial else 0.08),
        ("sunroof", "top", 0.0 if commercial else 0.15),
        ("sticker", "front", 0.18),
        ("sticker", "rear", 0.24),
        ("sticker", "rear_window", 0.0 if commercial else 0.26),
        ("lettering", "front", 0.25 if commercial else 0.0),
        ("lettering", "rear", 0.45 if commercial else 0.04),
        ("patch", "front", 0.06),
        ("patch", "rear", 0.07),
    )
    decals = []
    for kind, side, chance in chances:
        draw, seed, colour = rng.random(), int(rng.integers(1 << 31)), _accent(rng)
        if draw < chance:
            decals.append(Decal(kind, side, colour, seed))
    return tuple(decals)
