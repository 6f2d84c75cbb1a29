"""No two bodies ever share ground: on roads, in junctions, at bays."""

import numpy as np
import pytest

from simulator.place import PLACES
from tests.unit.simulator.traffic.conftest import overlapping_pairs

SHIPPED = sorted(path.stem for path in PLACES.glob("*.yaml"))


@pytest.mark.parametrize(("place", "seed"), [*((place, 5) for place in SHIPPED), ("roundabout", 6), ("roundabout", 8)])
def test_no_two_bodies_share_ground(place, seed, start_drive):
    drive = start_drive(place, 4, 22, seed=seed)

    touching = [
        (snapshot.time_s, pair)
        for snapshot in drive.snapshots(240.0, 5)
        for pair in overlapping_pairs(drive.rectangles(snapshot))
    ]

    assert touching == []


def test_the_measure_sees_an_overlap():
    square = np.array([(1.0, 1.0), (1.0, -1.0), (-1.0, -1.0), (-1.0, 1.0)])

    assert overlapping_pairs(np.stack([square, square + 1.5])) == [(0, 1)]
    assert overlapping_pairs(np.stack([square, square + np.array([2.1, 0.0])])) == []
    diamond = square @ np.array([[0.7, 0.7], [-0.7, 0.7]])
    assert overlapping_pairs(np.stack([square, diamond + np.array([2.5, 0.0])])) == []


def test_bodies_move_smoothly(start_drive):
    drive, before = start_drive("riverside", 2, 25), {}

    for snapshot in drive.snapshots(120.0, 1):
        here = dict(zip(snapshot.trip.tolist(), zip(snapshot.x_m, snapshot.z_m, strict=True), strict=True))
        for trip, (x, z) in here.items():
            if trip in before:
                assert np.hypot(x - before[trip][0], z - before[trip][1]) < 2.5
        before = here


def test_some_pull_in_stand_and_pull_out(start_drive):
    drive = start_drive("crossroads", 12, 14)
    stopping = np.flatnonzero(drive.demand.bay >= 0)
    drive.demand.stay_s[stopping] = 20.0
    stood, left = set(), set()

    for snapshot in drive.snapshots(800.0, 20):
        stood |= set(drive.simulation.fleet.standing)
        left |= stood & set(snapshot.trip[snapshot.speed_m_s > 3].tolist())
        assert overlapping_pairs(drive.rectangles(snapshot)) == []

    assert stood
    assert stood <= set(stopping.tolist())
    assert left
