"""Whether vehicles can get from every edge to every camera and out again. Looks at names only."""

from __future__ import annotations

from collections import deque

from simulator.place.spec import PlaceSpec

_Hop = tuple[str, str]


def unreachable(spec: PlaceSpec) -> str | None:
    """What cannot be reached or left, as one line; None if all is well."""
    edges = [node for node in spec.nodes if len(spec.roads_at(node)) == 1]
    loose = next((node for node in spec.nodes if not spec.roads_at(node)), None)
    if loose:
        return f"node {loose} has no road; join it or remove it"
    following = {hop: _next_hops(spec, hop) for hop in _hops(spec)}
    entries = [(node, _neighbour(spec, node)) for node in (spec.entries or edges)]
    if not spec.routes:
        for entry in entries:
            if not any(hop[1] in edges for hop in _reached([entry], following)):
                return f"who enters at {entry[0]} never comes to an edge; join the road on from {entry[1]}"
    used = _reached(entries, following) if spec.roaming_share > 0 else set()
    used |= {hop for route in spec.routes for hop in zip(route.through, route.through[1:], strict=False)}
    for camera in spec.cameras:
        road = next((road for road in spec.roads if road.name == camera.road), None)
        if road and (road.start, road.end) not in used and (road.end, road.start) not in used:
            return (
                f"no vehicle ever comes to road {road.name}, which camera {camera.name} watches; join it to the others"
            )
    return None


def _hops(spec: PlaceSpec) -> list[_Hop]:
    return [hop for road in spec.roads for hop in ((road.start, road.end), (road.end, road.start))]


def _neighbour(spec: PlaceSpec, edge: str) -> str:
    road = spec.roads_at(edge)[0]
    return road.end if road.start == edge else road.start


def _next_hops(spec: PlaceSpec, hop: _Hop) -> list[_Hop]:
    source, node = hop
    shares = spec.turns.get(node, {}).get(source)
    beside = {other for road in spec.roads_at(node) for other in (road.start, road.end)} - {node, source}
    return [(node, other) for other in sorted(beside) if shares is None or shares.get(other, 0) > 0]


def _reached(start: list[_Hop], following: dict[_Hop, list[_Hop]]) -> set[_Hop]:
    seen, queue = set(start), deque(start)
    while queue:
        for hop in following[queue.popleft()]:
            if hop not in seen:
                seen.add(hop)
                queue.append(hop)
    return seen
