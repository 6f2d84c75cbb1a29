"""Traffic: reproducible, orderly, and nobody drives through anybody."""

import math
from itertools import combinations, pairwise

import numpy as np
import pytest

from simulator.place import Place
from simulator.traffic import draw_trips, simulate


@pytest.fixture(scope="module")
def driven():
    place = Place.load("riverside")
    rng = np.random.default_rng(3)
    lengths = {i: float(rng.choice([4.3, 6.0, 12.0], p=[0.8, 0.15, 0.05])) for i in range(1, 41)}
    trips = draw_trips(place, lengths, (-30.0, 30.0), rng)
    return place, lengths, trips, simulate(place, trips, (0.0, 40.0), 10)


def test_same_seed_same_traffic(driven):
    place, lengths, trips, frames = driven

    again = draw_trips(place, lengths, (-30.0, 30.0), np.random.default_rng(9))

    assert again == draw_trips(place, lengths, (-30.0, 30.0), np.random.default_rng(9))
    assert simulate(place, trips, (0.0, 40.0), 10) == frames


def test_vehicles_move_smoothly_and_never_jump(driven):
    *_, frames = driven

    for before, after in pairwise(frames):
        there = {state.vehicle_id: state for state in before}
        for state in after:
            if state.vehicle_id in there:
                last = there[state.vehicle_id]
                assert math.hypot(state.x_m - last.x_m, state.z_m - last.z_m) < 3.0


def test_nobody_drives_through_anybody_on_a_road(driven):
    place, lengths, _, frames = driven
    junctions = [xz for name, xz in place.spec.nodes.items() if _meets(place, name)]

    touching = 0
    for states in frames:
        on_roads = [s for s in states if all(math.dist((s.x_m, s.z_m), xz) > 25 for xz in junctions)]
        touching += sum(_gap(a, b, lengths) < 1.2 for a, b in combinations(on_roads, 2))

    assert touching == 0


def test_every_trip_ends(driven):
    place, _, trips, _ = driven

    last = simulate(place, trips, (0.0, 160.0), 1)[-1]

    assert last == []


def test_frame_rates_must_divide_the_step(driven):
    place, _, trips, _ = driven

    with pytest.raises(ValueError, match="must divide 10, got 3"):
        simulate(place, trips, (0.0, 1.0), 3)


def _meets(place, node):
    return sum(node in (road.start, road.end) for road in place.spec.roads) > 1


def _spine(state, length_m):
    """Points along a body's middle line, a body's half width from its ends."""
    reach = length_m / 2 - 0.9
    return [
        (state.x_m + math.sin(state.yaw_rad) * t, state.z_m + math.cos(state.yaw_rad) * t)
        for t in np.linspace(-reach, reach, max(2, round(length_m / 1.5)))
    ]


def _gap(a, b, lengths):
    if math.hypot(a.x_m - b.x_m, a.z_m - b.z_m) > 20:
        return 20.0
    return min(math.dist(p, q) for p in _spine(a, lengths[a.vehicle_id]) for q in _spine(b, lengths[b.vehicle_id]))
