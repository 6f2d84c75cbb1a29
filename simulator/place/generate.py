"""Places made by rule rather than drawn: ``grid:10x10`` is ten rows of ten blocks' corners with lights and cameras."""

from __future__ import annotations

import re
from typing import Any

from simulator.errors import PlaceError

_BLOCK_M = 110.0
_STUB_M = 130.0
_MOST = 20
_MOST_CAMERAS = 100
_LIGHTS = ("noon", "overcast", "afternoon", "rainy", "low_sun", "dusk")


def generated(name: str) -> dict[str, Any] | None:
    """The content of a made place's file; None if the name does not ask for one.

    Args:
        name: ``grid:ROWSxCOLUMNS``, 2 to 20 each.

    Raises:
        PlaceError: The size is not usable.
    """
    kind, _, size = name.partition(":")
    if kind != "grid" or not size:
        return None
    match = re.fullmatch(r"(\d+)x(\d+)", size)
    rows, columns = (int(number) for number in match.groups()) if match else (0, 0)
    if not (2 <= rows <= _MOST and 2 <= columns <= _MOST):
        raise PlaceError(f"place {name!r}: expected grid:ROWSxCOLUMNS with 2 to {_MOST} of each, e.g. grid:10x10")
    return _grid(name, rows, columns)


def _grid(name: str, rows: int, columns: int) -> dict[str, Any]:
    nodes = {f"r{r}c{c}": (c * _BLOCK_M, r * _BLOCK_M) for r in range(rows) for c in range(columns)}
    roads = [_road(f"r{r}c{c}", f"r{r}c{c + 1}", 2) for r in range(rows) for c in range(columns - 1)]
    roads += [_road(f"r{r}c{c}", f"r{r + 1}c{c}", 2) for r in range(rows - 1) for c in range(columns)]
    cameras = [_camera(number, road) for number, road in enumerate(_spread(roads))]
    junctions = {node: _lights(nodes[node], node) for node in nodes}
    height, width = (rows - 1) * _BLOCK_M, (columns - 1) * _BLOCK_M
    for r in range(rows):
        nodes |= {f"west{r}": (-_STUB_M, r * _BLOCK_M), f"east{r}": (width + _STUB_M, r * _BLOCK_M)}
        roads += [_road(f"west{r}", f"r{r}c0", 2), _road(f"r{r}c{columns - 1}", f"east{r}", 2)]
    for c in range(columns):
        nodes |= {f"south{c}": (c * _BLOCK_M, -_STUB_M), f"north{c}": (c * _BLOCK_M, height + _STUB_M)}
        roads += [_road(f"south{c}", f"r0c{c}", 2), _road(f"r{rows - 1}c{c}", f"north{c}", 2)]
    beyond = [
        {"leave": f"east{r}", "enter": f"west{(r + 1) % rows}", "median_s": 600, "sigma": 0.4, "share": 0.2}
        for r in range(rows)
    ]
    return {
        "name": name,
        "scenery_seed": 900,
        "nodes": nodes,
        "junctions": junctions,
        "roads": roads,
        "cameras": cameras,
        "beyond": beyond,
    }


def _road(start: str, end: str, lanes: int) -> dict[str, Any]:
    return {"name": f"{start}-{end}", "start": start, "end": end, "lanes": lanes, "speed_m_s": 11.0}


def _spread(roads: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most a hundred roads, evenly taken."""
    count = min(len(roads), _MOST_CAMERAS)
    return [roads[index * len(roads) // count] for index in range(count)]


def _camera(number: int, road: dict[str, Any]) -> dict[str, Any]:
    back = number % 2 == 1
    return {
        "name": f"cam{number:03d}",
        "road": road["name"],
        "at_m": 86.0 if back else 24.0,
        "side_m": -9.0 if back else 9.0,
        "height_m": 6.5,
        "look_m": 58.0 if back else 52.0,
        "fov_deg": 48.0,
        "light": _LIGHTS[number % len(_LIGHTS)],
    }


def _lights(at: tuple[float, float], node: str) -> dict[str, Any]:
    """Greens run along the rows like a wave."""
    return {"kind": "lights", "trim_m": 14, "offset_s": round((at[0] + at[1]) / 11.0) % 54}
