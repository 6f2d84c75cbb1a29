"""Trees of several kinds, bushes, hedges. Crowns are dark cores under cards of leaves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulator.place import Road
from simulator.renderer.primitives import Point, blob_triangles, box_triangles, card_triangles, post_triangles, turned
from simulator.renderer.surface import Slot
from simulator.scenery.site import Site, Spot
from simulator.vehicles.identity import Rgb


@dataclass(frozen=True, slots=True)
class Species:
    """A kind of tree.

    Attributes:
        trunk_m: Height of the bare trunk.
        crown_m: Half axes of the crown: sideways and upright.
        leaf: sRGB.
        bark: sRGB.
        cards: Twigs of leaves.
    """

    trunk_m: float
    crown_m: tuple[float, float]
    leaf: Rgb
    bark: Rgb
    cards: int


_STREET_TREES = (
    Species(2.9, (2.3, 2.5), (0.24, 0.32, 0.14), (0.22, 0.19, 0.16), 190),
    Species(2.7, (1.7, 2.6), (0.30, 0.36, 0.18), (0.55, 0.54, 0.5), 150),
    Species(3.1, (2.0, 1.9), (0.29, 0.29, 0.14), (0.24, 0.2, 0.17), 160),
    Species(2.6, (1.5, 1.6), (0.20, 0.27, 0.15), (0.2, 0.18, 0.16), 120),
)
_PARK_TREES = (
    *_STREET_TREES,
    Species(3.2, (3.3, 3.4), (0.22, 0.30, 0.13), (0.2, 0.17, 0.14), 260),
    Species(1.2, (1.2, 5.0), (0.20, 0.28, 0.14), (0.22, 0.19, 0.16), 200),
    Species(1.0, (1.6, 3.6), (0.13, 0.20, 0.13), (0.2, 0.16, 0.13), 200),
)
_SHRUBS: tuple[Rgb, ...] = ((0.22, 0.29, 0.14), (0.17, 0.24, 0.14), (0.28, 0.31, 0.16), (0.33, 0.25, 0.17))


def plant(site: Site, rng: np.random.Generator) -> None:
    """Rows of street trees, or groves and shrubs along parks and behind houses."""
    for road in site.place.roads.values():
        for side in (-1, 1):
            if road.spec.bank == "water":
                continue
            if road.spec.bank == "houses":
                _row(site, road, side, rng)
            else:
                _grove(site, road, side, rng)


def _row(site: Site, road: Road, side: int, rng: np.random.Generator) -> None:
    """Trees in pits at the kerb: all of one kind, as streets are planted."""
    species = _STREET_TREES[int(rng.integers(len(_STREET_TREES)))]
    for along in np.arange(road.trim_m[0] + 8, road.length_m - road.trim_m[1] - 6, 15.0).tolist():
        at = along + float(rng.uniform(-2, 2))
        size, keep = float(rng.uniform(0.75, 1.15)), rng.random() < 0.62
        spot = site.spot(road, at, side * (site.kerb_m(road, side, at) + 1.1))
        seen = site.in_detail(spot.x_m, spot.z_m) and site.clear_of_lenses(spot.x_m, spot.z_m, 11.0)
        if keep and seen and site.clear_of_sight(spot.x_m, spot.z_m, 3.6):
            pit = box_triangles((-0.7, 0.1, -0.7), (0.7, 0.125, 0.7))
            site.builder.add(turned(pit, spot.x_m, spot.z_m, spot.yaw_rad), (0.22, 0.18, 0.14), Slot.PLAIN)
            tree(site, species, (spot.x_m, spot.z_m), size, rng)


def _grove(site: Site, road: Road, side: int, rng: np.random.Generator) -> None:
    outer = site.outer_m(road)
    for along in np.arange(0.0, road.length_m, 6.0).tolist():
        species = _PARK_TREES[int(rng.integers(len(_PARK_TREES)))]
        out, size = outer + float(rng.uniform(2, 26)), float(rng.uniform(0.8, 1.35))
        spot = site.spot(road, along + float(rng.uniform(-3, 3)), side * out)
        if rng.random() < 0.8 and site.in_sight(spot.x_m, spot.z_m) and site.free(spot.x_m, spot.z_m, 4.5):
            tree(site, species, (spot.x_m, spot.z_m), size, rng)
        shrub = site.spot(road, along, side * (outer + float(rng.uniform(0.8, 12))))
        if rng.random() < 0.6 and site.in_detail(shrub.x_m, shrub.z_m) and site.free(shrub.x_m, shrub.z_m, 4.4):
            bush(site, (shrub.x_m, 0.0, shrub.z_m), float(rng.uniform(0.5, 1.1)), rng)


def tree(site: Site, species: Species, at: tuple[float, float], size: float, rng: np.random.Generator) -> None:
    """One tree; fewer leaves where nobody looks closely."""
    x, z = at
    wide, tall = (axis * size for axis in species.crown_m)
    trunk = species.trunk_m * size
    middle = trunk + 0.8 * tall
    builder = site.builder
    builder.add(post_triangles((x, 0, z), trunk + 0.8 * tall, 0.15 * size, sides=7), species.bark, Slot.PLAIN)
    tint = rng.uniform(0.85, 1.12, 3)
    leaf: Rgb = tuple(np.clip(np.asarray(species.leaf) * tint, 0, 1).tolist())
    dark: Rgb = (leaf[0] * 0.85, leaf[1] * 0.85, leaf[2] * 0.85)
    for _ in range(4):
        shift = rng.uniform(-0.35, 0.35, 3) * (wide, tall, wide)
        centre = (x + float(shift[0]), middle + float(shift[1]), z + float(shift[2]))
        ball = blob_triangles(centre, 1.0, rng) - np.asarray(centre, np.float32)
        ball = ball * np.array([wide, tall, wide], np.float32) * 0.42 + np.asarray(centre, np.float32)
        builder.add(ball, dark, Slot.FOLIAGE)
    near = site.in_detail(x, z)
    count = species.cards if near else species.cards // 3
    _cards(site, (x, middle, z), (wide, tall), (count, (0.8 if near else 1.3) * size**0.5), leaf, rng)


def _cards(
    site: Site,
    centre: Point,
    axes_m: tuple[float, float],
    cards: tuple[int, float],
    leaf: Rgb,
    rng: np.random.Generator,
) -> None:
    """Twigs in the shell of an ellipsoid, clustered, lit as if they were its surface."""
    count, size_m = cards
    wide, tall = axes_m
    clusters = rng.normal(0, 1, (14, 3))
    clusters /= np.linalg.norm(clusters, axis=1, keepdims=True)
    way = clusters[rng.integers(14, size=count)] + rng.normal(0, 0.42, (count, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    reach = rng.uniform(0.5, 1.0, (count, 1)) ** 0.5
    points = np.asarray(centre) + way * reach * (wide, tall, wide)
    sizes = size_m * rng.uniform(0.7, 1.3, count)
    quads, uvs = card_triangles(points.astype(np.float32), sizes.astype(np.float32), rng)
    normals = np.repeat(way + np.array([0, 0.25, 0]), 6, axis=0).reshape(-1, 3, 3).astype(np.float32)
    for share in range(3):
        part = slice(share * len(quads) // 3 // 2 * 2, (share + 1) * len(quads) // 3 // 2 * 2)
        bright = 0.82 + 0.18 * share
        tint: Rgb = (min(1.0, leaf[0] * bright * 1.06), min(1.0, leaf[1] * bright), leaf[2] * bright)
        site.builder.add(quads[part], tint, Slot.LEAVES, uvs=uvs[part], normals=normals[part], own=(share / 7, 0.0))


def bush(site: Site, at: Point, radius_m: float, rng: np.random.Generator) -> None:
    """A shrub that stands on a point."""
    colour = _SHRUBS[int(rng.integers(len(_SHRUBS)))]
    x, y, z = at
    core = blob_triangles((x, y + 0.4 * radius_m, z), 0.75 * radius_m, rng)
    site.builder.add(core, (colour[0] * 0.6, colour[1] * 0.6, colour[2] * 0.6), Slot.FOLIAGE)
    _cards(site, (x, y + 0.5 * radius_m, z), (radius_m, radius_m * 0.8), (30, 0.55), colour, rng)


def hedge(site: Site, spot: Spot, extent_m: tuple[float, float], z_m: float, rng: np.random.Generator) -> None:
    """A clipped hedge in a spot's frame: from one x to another, at a distance in front."""
    x0, x1 = extent_m
    height = float(rng.uniform(0.9, 1.5))
    box = box_triangles((x0, 0, z_m - 0.3), (x1, height, z_m + 0.3))
    site.builder.add(turned(box, spot.x_m, spot.z_m, spot.yaw_rad), (0.14, 0.2, 0.1), Slot.FOLIAGE)
    count = int((x1 - x0) * 14)
    points = np.stack(
        [rng.uniform(x0, x1, count), rng.uniform(0.1, height + 0.08, count), z_m + rng.choice([-0.3, 0.3], count)],
        axis=1,
    )
    quads, uvs = card_triangles(points.astype(np.float32), rng.uniform(0.3, 0.5, count).astype(np.float32), rng)
    normals = np.zeros_like(quads)
    normals[..., 1], normals[..., 2] = 0.7, 0.7
    placed = turned(quads, spot.x_m, spot.z_m, spot.yaw_rad)
    site.builder.add(placed, (0.2, 0.27, 0.13), Slot.LEAVES, uvs=uvs, normals=normals, own=(0.5, 0.0))
