"""The shape of a house: walls, roof, and what sticks out of both. Windows and doors are the shader's."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.renderer.primitives import Floats, Point, box_triangles, quad_triangles, turned
from simulator.renderer.surface import Slot
from simulator.scenery.site import Site, Spot
from simulator.vehicles.identity import Rgb

_TILES: tuple[Rgb, ...] = (
    (0.42, 0.22, 0.16),
    (0.36, 0.21, 0.17),
    (0.27, 0.26, 0.27),
    (0.31, 0.24, 0.2),
    (0.22, 0.23, 0.25),
)
_AWNINGS: tuple[Rgb, ...] = (
    (0.42, 0.13, 0.12),
    (0.14, 0.27, 0.2),
    (0.6, 0.55, 0.45),
    (0.16, 0.2, 0.32),
    (0.5, 0.4, 0.2),
)
_STONE: Rgb = (0.5, 0.49, 0.46)
_IRON: Rgb = (0.16, 0.17, 0.18)
_SHOP_LAMP = 0.10
_OVERHANG_M = 0.35


@dataclass(frozen=True, slots=True)
class HouseShape:
    """What a house looks like.

    Attributes:
        kind: Grammar of its front: FACADE (flats), TOWNHOUSE, OFFICE or INDUSTRY.
        wall: sRGB.
        own: Number in [0, 1) that makes its front its own.
        width_m: Along the street.
        depth_m: Away from it.
        floors: Above the shop, if there is one.
        shop_m: Height of the shop floor; 0: none.
        balconies: On the street front.
    """

    kind: Slot
    wall: Rgb
    own: float
    width_m: float
    depth_m: float
    floors: int
    shop_m: float
    balconies: bool

    @property
    def bay_m(self) -> float:
        """Width of one window axis; as in the shader."""
        share = self.own * (9.1 if self.kind == Slot.TOWNHOUSE else 7.13) % 1
        return {Slot.TOWNHOUSE: 1.9 + 0.9 * share, Slot.OFFICE: 1.35, Slot.INDUSTRY: 7.5}.get(
            self.kind, 2.5 + 1.5 * share
        )

    @property
    def floor_m(self) -> float:
        """Height of one floor; as in the shader."""
        flats = 2.85 + 0.5 * (self.own * 3.71 % 1)
        return {Slot.TOWNHOUSE: 2.75, Slot.OFFICE: 3.4, Slot.INDUSTRY: 6.4}.get(self.kind, flats)

    @property
    def height_m(self) -> float:
        """To the eaves."""
        plinth = 0.35 if self.kind == Slot.TOWNHOUSE else 0.0
        return self.shop_m + plinth + self.floors * self.floor_m + 0.25


class _Builder:
    """Adds shapes given in the house's frame: +z towards the street, x along it, the front at z = 0."""

    def __init__(self, site: Site, spot: Spot, shape: HouseShape) -> None:
        self._site, self._spot, self.shape = site, spot, shape

    def add(
        self,
        triangles: Floats,
        colour: Rgb,
        slot: Slot = Slot.PLAIN,
        uvs: Floats | None = None,
        own: tuple[float, float] = (0.9, 0.0),
    ) -> None:
        placed = turned(triangles, self._spot.x_m, self._spot.z_m, self._spot.yaw_rad)
        self._site.builder.add(placed, colour, slot, uvs=uvs, own=own)

    def box(self, low: Point, high: Point, colour: Rgb) -> None:
        self.add(box_triangles(low, high), colour)

    def wall(self, a: tuple[float, float], b: tuple[float, float], high_m: float, low_m: float = 0.0) -> None:
        """An upright wall between two points of the plan, its window axes fitted to its length."""
        shape = self.shape
        length = float(np.hypot(b[0] - a[0], b[1] - a[1]))
        axes = max(1, round(length / shape.bay_m)) * shape.bay_m
        triangles = quad_triangles((a[0], low_m, a[1]), (b[0], low_m, b[1]), (b[0], high_m, b[1]), (a[0], high_m, a[1]))
        uvs = [[(0, low_m), (axes, low_m), (axes, high_m)], [(0, low_m), (axes, high_m), (0, high_m)]]
        self.add(
            triangles,
            shape.wall,
            shape.kind,
            np.array(uvs, np.float32),
            own=(shape.own, shape.shop_m / 10),
        )

    def lamp(self, x: float, y: float, z: float, strength: float) -> None:
        at = turned(np.array([x, y, z], np.float32), self._spot.x_m, self._spot.z_m, self._spot.yaw_rad)
        self._site.builder.lamps.append((float(at[0]), float(at[1]), float(at[2]), strength))


def house(site: Site, shape: HouseShape, spot: Spot, rng: np.random.Generator, *, detail: bool) -> None:
    """Builds a house with the middle of its front at a spot, facing the street."""
    builder = _Builder(site, spot, shape)
    half, depth, height = shape.width_m / 2, shape.depth_m, shape.height_m
    plan = [(-half, 0.0), (half, 0.0), (half, -depth), (-half, -depth)]
    for index in range(4):
        builder.wall(plan[index], plan[(index + 1) % 4], height, -0.1)
    if shape.kind == Slot.TOWNHOUSE or (shape.kind == Slot.FACADE and shape.own % 0.1 < 0.04):
        _pitched_roof(builder, _TILES[int(rng.integers(len(_TILES)))], rng, detail=detail)
    else:
        _flat_roof(builder, rng)
    if not detail:
        return
    if shape.shop_m > 0:
        _shop(builder, rng)
    if shape.balconies:
        _balconies(builder, rng)
    if shape.kind in (Slot.FACADE, Slot.TOWNHOUSE):
        for x in (-half + 0.25, half - 0.25):
            builder.box((x - 0.05, 0.2, 0.0), (x + 0.05, height - 0.1, 0.1), _IRON)
        if shape.shop_m == 0 and shape.kind == Slot.FACADE:
            _entrance(builder)


def _flat_roof(builder: _Builder, rng: np.random.Generator) -> None:
    shape = builder.shape
    half, depth, height = shape.width_m / 2, shape.depth_m, shape.height_m
    roof = quad_triangles((-half, height, 0), (half, height, 0), (half, height, -depth), (-half, height, -depth))
    builder.add(roof, (0.3, 0.29, 0.28), Slot.ROOFING, roof[:, :, [0, 2]])
    for low, high in (
        ((-half - 0.1, height - 0.15, -0.25), (half + 0.1, height + 0.35, 0.12)),
        ((-half - 0.1, height - 0.15, -depth - 0.1), (-half + 0.2, height + 0.35, 0.1)),
        ((half - 0.2, height - 0.15, -depth - 0.1), (half + 0.1, height + 0.35, 0.1)),
    ):
        builder.box(low, high, _STONE if shape.kind == Slot.FACADE else (0.33, 0.33, 0.33))
    for _ in range(int(rng.integers(1, 4))):
        x, z = float(rng.uniform(-half + 1, half - 2.5)), float(rng.uniform(-depth + 1, -2.5))
        size = float(rng.uniform(0.6, 2.0))
        builder.box(
            (x, height, z), (x + size, height + float(rng.uniform(0.5, 1.8)), z + size * 0.7), (0.38, 0.38, 0.38)
        )


def _pitched_roof(builder: _Builder, tiles: Rgb, rng: np.random.Generator, *, detail: bool) -> None:
    """Two slopes with the ridge along the street, gables, chimneys, dormers."""
    shape = builder.shape
    half, depth, eaves = shape.width_m / 2, shape.depth_m, shape.height_m
    rise = depth / 2 * float(rng.uniform(0.7, 1.0))
    ridge, middle, over = eaves + rise, -depth / 2, _OVERHANG_M
    drop = over * rise / (depth / 2)
    slope_m = float(np.hypot(rise, depth / 2)) + over
    wide = half + 0.02
    for z_low in (over, -depth - over):
        slope = quad_triangles(
            (-wide, eaves - drop, z_low), (wide, eaves - drop, z_low), (wide, ridge, middle), (-wide, ridge, middle)
        )
        uvs = [[(0, 0), (2 * wide, 0), (2 * wide, slope_m)], [(0, 0), (2 * wide, slope_m), (0, slope_m)]]
        builder.add(slope, tiles, Slot.TILES, np.array(uvs, np.float32))
    for x in (-half, half):
        gable = np.array([[(x, eaves, 0), (x, eaves, -depth), (x, ridge, middle)]], np.float32)
        builder.add(gable, shape.wall, Slot.PLAIN)
    builder.box((-half, eaves - drop - 0.14, over - 0.02), (half, eaves - drop, over + 0.1), (0.3, 0.3, 0.3))
    for x in rng.uniform(-half + 0.8, half - 0.8, int(rng.integers(1, 3))).tolist():
        builder.box((x - 0.35, ridge - 1.0, middle - 0.8), (x + 0.35, ridge + 0.9, middle - 0.2), (0.36, 0.24, 0.2))
    if detail and rng.random() < 0.6:
        for x in np.linspace(-half, half, 2 + int(shape.width_m // 4))[1:-1].tolist():
            low, front = eaves + 0.25 * rise, -0.28 * depth / 2
            builder.box((x - 0.65, low, front - 2.0), (x + 0.65, low + 1.35, front), shape.wall)
            builder.box((x - 0.8, low + 1.35, front - 2.2), (x + 0.8, low + 1.5, front + 0.15), tiles)
            builder.box((x - 0.42, low + 0.25, front), (x + 0.42, low + 1.15, front + 0.02), (0.1, 0.11, 0.13))


def _shop(builder: _Builder, rng: np.random.Generator) -> None:
    """Cornice above the shops, perhaps awnings; their light falls on the pavement."""
    shape = builder.shape
    half, top = shape.width_m / 2, shape.shop_m
    builder.box((-half, top - 0.1, 0.0), (half, top + 0.05, 0.22), _STONE)
    for x in np.arange(-half + 2.5, half - 2, 5.0).tolist():
        builder.lamp(x, 2.6, 1.3, _SHOP_LAMP)
        if rng.random() < 0.45:
            cloth = _AWNINGS[int(rng.integers(len(_AWNINGS)))]
            low, wide = 2.35, 1.7
            awning = quad_triangles(
                (x - wide, 2.95, 0.05), (x + wide, 2.95, 0.05), (x + wide, low, 1.4), (x - wide, low, 1.4)
            )
            builder.add(awning, cloth)
            flap = quad_triangles(
                (x - wide, low - 0.22, 1.4), (x + wide, low - 0.22, 1.4), (x + wide, low, 1.4), (x - wide, low, 1.4)
            )
            builder.add(flap, cloth)
        elif rng.random() < 0.4:
            sign = box_triangles((x + 1.6, 2.7, 0.1), (x + 1.68, 3.3, 0.65))
            builder.add(sign, _AWNINGS[int(rng.integers(len(_AWNINGS)))], Slot.SIGN, own=(x, 0.8))


def _balconies(builder: _Builder, rng: np.random.Generator) -> None:
    """Slabs and railings before some window axes, floor by floor."""
    shape = builder.shape
    axes = max(1, round(shape.width_m / shape.bay_m))
    pitch = shape.width_m / axes
    glazed = rng.random() < 0.4
    rail = (0.45, 0.5, 0.5) if glazed else _IRON
    for axis in range(axes):
        if rng.random() < 0.55:
            continue
        x = -shape.width_m / 2 + (axis + 0.5) * pitch
        half = 0.44 * pitch
        for floor in range(0 if shape.shop_m else 1, shape.floors):
            y = shape.shop_m + floor * shape.floor_m
            builder.box((x - half, y - 0.08, 0.0), (x + half, y + 0.08, 1.15), _STONE)
            builder.box((x - half, y + 0.95, 1.08), (x + half, y + 1.02, 1.15), _IRON)
            panels = (
                [(x - half, x + half)]
                if glazed
                else [(x - half + 0.2 * k, x - half + 0.2 * k + 0.03) for k in range(int(half * 10))]
            )
            for x0, x1 in panels:
                builder.box((x0, y + 0.12, 1.1), (x1, y + 0.95, 1.13), rail)
            for end in (x - half, x + half - 0.04):
                builder.box((end, y + 0.08, 0.0), (end + 0.04, y + 1.0, 1.15), rail)


def _entrance(builder: _Builder) -> None:
    """A door with a canopy and a step."""
    x = (builder.shape.own - 0.5) * builder.shape.width_m * 0.5
    builder.box((x - 0.85, 0.0, 0.0), (x + 0.85, 2.6, 0.06), _STONE)
    builder.box((x - 0.65, 0.1, 0.02), (x + 0.65, 2.4, 0.09), (0.2, 0.14, 0.1))
    builder.box((x - 0.4, 0.6, 0.09), (x + 0.4, 2.1, 0.1), (0.1, 0.12, 0.13))
    builder.box((x - 1.1, 2.65, 0.0), (x + 1.1, 2.78, 1.0), (0.3, 0.3, 0.3))
    builder.box((x - 0.9, 0.0, 0.0), (x + 0.9, 0.16, 0.5), _STONE)
    builder.lamp(x, 2.5, 0.6, _SHOP_LAMP / 2)
