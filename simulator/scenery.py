"""Everything that stands still: ground, roads, houses, trees, lamps, water, grown from a place and its seed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulator.identity import Rgb
from simulator.place import Place, Road
from simulator.renderer.primitives import (
    blob_triangles,
    box_triangles,
    post_triangles,
    quad_triangles,
    ribbon_triangles,
)
from simulator.renderer.surface import Mesh, MeshBuilder, Slot

Line = NDArray[np.float64]

_PAVEMENT_M = 3.2
_KERB_HEIGHT_M = 0.12
_WHITE: Rgb = (0.82, 0.82, 0.80)
_YELLOW: Rgb = (0.85, 0.68, 0.2)
_WALLS: tuple[Rgb, ...] = (
    (0.52, 0.33, 0.26),
    (0.60, 0.44, 0.34),
    (0.68, 0.63, 0.54),
    (0.55, 0.53, 0.50),
    (0.43, 0.40, 0.38),
    (0.72, 0.69, 0.64),
    (0.58, 0.50, 0.40),
    (0.38, 0.42, 0.45),
    (0.47, 0.29, 0.24),
)
_LEAVES: tuple[Rgb, ...] = ((0.26, 0.36, 0.16), (0.33, 0.41, 0.18), (0.22, 0.31, 0.17), (0.42, 0.38, 0.16))


def build_scenery(place: Place) -> Mesh:
    """The still mesh of a place."""
    rng = np.random.default_rng(place.spec.scenery_seed)
    builder = MeshBuilder()
    _ground(builder, place)
    for road in place.roads.values():
        _road(builder, road, place.spec.lane_width_m)
    _junctions(builder, place)
    _border(builder, place, rng)
    return builder.build()


def _ground(builder: MeshBuilder, place: Place) -> None:
    nodes = np.asarray(list(place.spec.nodes.values()))
    (x0, z0), (x1, z1) = nodes.min(axis=0) - 160, nodes.max(axis=0) + 160
    corners = [(x0, -0.05, z0), (x0, -0.05, z1), (x1, -0.05, z1), (x1, -0.05, z0)]
    builder.add(quad_triangles(*corners), (0, 0, 0), Slot.GRASS)


def _road(builder: MeshBuilder, road: Road, lane_width_m: float) -> None:
    line, half = road.surface_line, road.half_width_m
    builder.add(ribbon_triangles(line, -half - 0.4, half + 0.4, 0.0), (0.3, 0.3, 0.3), Slot.ASPHALT)
    for side in (-1, 1):
        inner, outer = side * (half + 0.4), side * (half + 0.4 + _PAVEMENT_M)
        builder.add(ribbon_triangles(line, inner, outer, _KERB_HEIGHT_M), (0.52, 0.50, 0.47), Slot.PAVEMENT)
        kerb = ribbon_triangles(line, inner, inner + side * 0.18, _KERB_HEIGHT_M + 0.01)
        builder.add(kerb, (0.66, 0.65, 0.62), Slot.MARKING)
        builder.add(ribbon_triangles(line, side * (half - 0.1), side * half, 0.012), _WHITE, Slot.MARKING)
    if road.spec.lanes == 1:
        _dashes(builder, line, 0.0, _WHITE)
    else:
        for offset in (-0.16, 0.16):
            builder.add(ribbon_triangles(line, offset - 0.06, offset + 0.06, 0.012), _YELLOW, Slot.MARKING)
        for lane in range(1, road.spec.lanes):
            for side in (-1, 1):
                _dashes(builder, line, side * lane * lane_width_m, _WHITE)


def _dashes(builder: MeshBuilder, line: Line, offset_m: float, colour: Rgb) -> None:
    for start in range(2, len(line) - 4, 9):
        dash = ribbon_triangles(line[start : start + 4], offset_m - 0.07, offset_m + 0.07, 0.012)
        builder.add(dash, colour, Slot.MARKING)


def _junctions(builder: MeshBuilder, place: Place) -> None:
    """A patch of asphalt where roads meet, as wide as the widest."""
    for name, (x, z) in place.spec.nodes.items():
        meeting = [road for road in place.roads.values() if name in (road.spec.start, road.spec.end)]
        if len(meeting) < 2:
            continue
        radius = max(max(road.half_width_m for road in meeting) + 4, 13.0)
        angles = np.linspace(0, 2 * np.pi, 25)
        rim = [(x + radius * np.cos(a), -0.01, z + radius * np.sin(a)) for a in angles]
        fan = [[(x, -0.01, z), rim[k + 1], rim[k]] for k in range(24)]
        builder.add(np.asarray(fan, np.float32), (0.3, 0.3, 0.3), Slot.ASPHALT)


def _border(builder: MeshBuilder, place: Place, rng: np.random.Generator) -> None:
    """Houses, parks or water along every road, and street furniture on its pavements."""
    for road in place.roads.values():
        for side in (-1, 1):
            _furniture(builder, place, road, side, rng)
            if road.spec.bank == "water":
                _water(builder, road, side)
            elif road.spec.bank == "park":
                _trees(builder, place, road, side * np.array([7.0, 6.0, 16.0]), rng)
            else:
                _houses(builder, place, road, side, rng)
                _trees(builder, place, road, side * np.array([19.0, 2.2, 2.6]), rng)


def _free(place: Place, x: float, z: float, clear_m: float) -> bool:
    """Whether a spot keeps its distance from every road and every camera's line of sight."""
    for road in place.roads.values():
        gap = np.linalg.norm(road.middle - (x, z), axis=1).min()
        if gap < road.half_width_m + clear_m:
            return False
    for camera in place.spec.cameras:
        eye, target, _ = place.camera_points(camera)
        start, end = np.array([eye[0], eye[2]]), np.array([target[0], target[2]])
        if np.linalg.norm(start - (x, z)) < clear_m + 5 or _in_sight(start, end, (x, z), clear_m):
            return False
    return True


def _clear_of_lenses(place: Place, x: float, z: float, clear_m: float) -> bool:
    """Whether a spot keeps its distance from every camera."""
    eyes = [place.camera_points(camera)[0] for camera in place.spec.cameras]
    return all(np.hypot(eye[0] - x, eye[2] - z) >= clear_m for eye in eyes)


def _in_sight(eye: NDArray[np.float64], target: NDArray[np.float64], spot: tuple[float, float], clear_m: float) -> bool:
    """Whether a spot lies near the line from a camera to what it looks at."""
    towards = target - eye
    along = np.clip(np.dot(np.asarray(spot) - eye, towards) / np.dot(towards, towards), -0.1, 0.9)
    return bool(np.linalg.norm(eye + along * towards - spot) < clear_m)


def _houses(builder: MeshBuilder, place: Place, road: Road, side: int, rng: np.random.Generator) -> None:
    along = -25.0
    while along < road.length_m + 25:
        width, depth = float(rng.uniform(9, 20)), float(rng.uniform(9, 14))
        height = float(rng.uniform(6.5, 19))
        setback = road.half_width_m + 0.4 + _PAVEMENT_M + float(rng.choice([0.3, 0.8, 4.0]))
        centre, tangent = (np.asarray(part) for part in road.path.at(along + width / 2))
        outward = side * np.array([-tangent[1], tangent[0]])
        wall = _WALLS[int(rng.integers(len(_WALLS)))]
        own, shade = float(rng.uniform(0, 1)), float(rng.uniform(0.85, 1.1))
        corners = [centre + outward * setback + tangent * s * width / 2 for s in (-1, 1)]
        corners += [corners[1] + outward * depth, corners[0] + outward * depth]
        samples = [corners[i] + (corners[(i + 1) % 4] - corners[i]) * t for i in range(4) for t in (0, 0.5)]
        if all(_free(place, float(p[0]), float(p[1]), 3.5) for p in samples):
            colour = (min(1.0, wall[0] * shade), min(1.0, wall[1] * shade), min(1.0, wall[2] * shade))
            _house(builder, corners, height, colour, own)
        along += width + float(rng.choice([0.0, 0.0, 3.5, 9.0]))


def _house(builder: MeshBuilder, corners: list[NDArray[np.float64]], height: float, colour: Rgb, own: float) -> None:
    """Four walls with wall coordinates in metres, and a flat roof."""
    for i in range(4):
        (ax, az), (bx, bz) = corners[i], corners[(i + 1) % 4]
        length = float(np.hypot(bx - ax, bz - az))
        wall = quad_triangles((ax, 0, az), (bx, 0, bz), (bx, height, bz), (ax, height, az))
        uvs = np.array([[(0, 0), (length, 0), (length, height)], [(0, 0), (length, height), (0, height)]], np.float32)
        builder.add(wall, colour, Slot.FACADE, uvs=uvs, roughness=own)
    roof = quad_triangles(*((float(x), height, float(z)) for x, z in corners))
    builder.add(roof, (0.3, 0.28, 0.26), Slot.FACADE, uvs=roof[:, :, [0, 2]], roughness=own)


def _trees(builder: MeshBuilder, place: Place, road: Road, spread_m: Line, rng: np.random.Generator) -> None:
    """A row of trees; ``spread_m``: spacing, least and most offset from the road's edge, all negative on the left."""
    side = float(np.sign(spread_m[0]))
    every_m, *offset_m = np.abs(spread_m).tolist()
    along = float(rng.uniform(0, every_m))
    while along < road.length_m:
        offset = road.half_width_m + float(rng.uniform(*offset_m))
        x, z = road.point(along, side * offset)
        size = float(rng.uniform(0.75, 1.25))
        leaf = _LEAVES[int(rng.integers(len(_LEAVES)))]
        along += every_m * float(rng.uniform(0.7, 1.5))
        if not _free(place, x, z, min(offset_m) - 0.5) or rng.random() < 0.2:
            continue
        builder.add(post_triangles((x, 0, z), 3.2 * size, 0.16 * size), (0.25, 0.2, 0.16), Slot.PLAIN)
        for _ in range(5):
            dx, dy, dz = rng.uniform(-1, 1, 3) * (0.9, 0.8, 0.9)
            centre = (x + dx * size, (4.0 + dy) * size, z + dz * size)
            ball = blob_triangles(centre, float(rng.uniform(0.8, 1.25)) * size, rng)
            outward = ball - np.asarray((x, 3.4 * size, z), np.float32)
            outward /= np.linalg.norm(outward, axis=2, keepdims=True) + 1e-9
            builder.add(ball, leaf, Slot.FOLIAGE, normals=outward)


def _furniture(builder: MeshBuilder, place: Place, road: Road, side: int, rng: np.random.Generator) -> None:
    """Lamps at regular distances; bins, boxes and signs at irregular ones, where they may hide part of a vehicle."""
    edge = road.half_width_m + 0.4
    for along in np.arange(12 + 14 * (side > 0), road.length_m - 8, 28):
        x, z = road.point(float(along), side * (edge + 0.6))
        over_x, over_z = road.point(float(along), side * (edge - 1.2))
        if not _clear_of_lenses(place, x, z, 7.0):
            continue
        builder.add(post_triangles((x, 0, z), 7.2, 0.09), (0.28, 0.3, 0.31), Slot.PLAIN)
        arm = np.array([[x, over_x], [z, over_z]])
        low, high = arm.min(axis=1) - 0.06, arm.max(axis=1) + 0.06
        builder.add(box_triangles((low[0], 7.1, low[1]), (high[0], 7.2, high[1])), (0.28, 0.3, 0.31), Slot.PLAIN)
        builder.add(
            box_triangles((over_x - 0.2, 7.0, over_z - 0.2), (over_x + 0.2, 7.1, over_z + 0.2)),
            (0.8, 0.8, 0.75),
            Slot.STREET_LAMP,
        )
    along = float(rng.uniform(5, 20))
    while along < road.length_m - 5:
        x, z = road.point(along, side * (edge + float(rng.uniform(0.5, 2.4))))
        kind = rng.random()
        if not _clear_of_lenses(place, x, z, 9.0):
            kind = 1.0
        elif kind < 0.4:
            bin_box = box_triangles((x - 0.25, 0, z - 0.25), (x + 0.25, 1.0, z + 0.25))
            builder.add(bin_box, (0.2, 0.28, 0.22), Slot.PLAIN)
        elif kind < 0.75:
            builder.add(post_triangles((x, 0, z), 2.6, 0.04), (0.5, 0.5, 0.5), Slot.PLAIN)
            colour = ((0.1, 0.25, 0.6), (0.65, 0.1, 0.1), (0.85, 0.85, 0.85))[int(rng.integers(3))]
            builder.add(box_triangles((x - 0.3, 2.0, z - 0.03), (x + 0.3, 2.6, z + 0.03)), colour, Slot.PLAIN)
        elif kind < 1.0:
            builder.add(box_triangles((x - 0.45, 0, z - 0.3), (x + 0.45, 1.4, z + 0.3)), (0.45, 0.46, 0.44), Slot.PLAIN)
        along += float(rng.uniform(10, 30))


def _water(builder: MeshBuilder, road: Road, side: int) -> None:
    """A river or basin behind a railing."""
    edge = road.half_width_m + 0.4 + _PAVEMENT_M
    builder.add(ribbon_triangles(road.surface_line, side * edge, side * (edge + 70), -0.02), (0, 0, 0), Slot.WATER)
    builder.add(
        ribbon_triangles(road.surface_line, side * (edge - 0.15), side * edge, 1.05), (0.35, 0.37, 0.38), Slot.MARKING
    )
    for along in np.arange(road.trim_m[0], road.length_m - road.trim_m[1], 3.0):
        x, z = road.point(float(along), side * (edge - 0.08))
        builder.add(post_triangles((x, 0, z), 1.05, 0.05, sides=5), (0.35, 0.37, 0.38), Slot.PLAIN)
