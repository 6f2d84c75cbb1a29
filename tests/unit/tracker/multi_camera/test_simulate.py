from __future__ import annotations

import math

import numpy as np
import pytest

from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.simulate import (
    Fleet,
    TruthTracklet,
    associate,
    calibrate,
    level_for_rank1,
    rank1,
    read_cityflow,
    revisions,
    simulate,
    tracklet_idf1,
)

SECOND = 1_000_000_000


@pytest.fixture(scope="module")
def street():
    """Forty vehicles along four cameras, most of them past all, with travel times of their own per link."""
    rng = np.random.default_rng(5)
    tracklets = []
    for vehicle in range(40):
        t = float(rng.uniform(0, 150))
        for camera in range(int(rng.integers(2, 5))):
            stay = float(rng.uniform(3, 7))
            tracklets.append(
                TruthTracklet(
                    f"c{camera}",
                    vehicle,
                    int(t * SECOND),
                    int((t + stay) * SECOND),
                    int(10 * stay),
                    (0.1, 0.5),
                    (0.9, 0.5),
                )
            )
            t += stay + (6.0, 12.0, 9.0, 0.0)[camera] * float(rng.lognormal(0, 0.15))
    return sorted(tracklets, key=lambda x: x.start_ns)


def test_cityflow_lines_become_tracklets_on_one_clock():
    lines = ["1 7 1 192 108 0 0 -1 -1", "1,7,11,960,540,0,0,-1,-1", "2 7 1 0 0 10 10 -1 -1", "3 9 1 0 0 1 1 -1 -1"]
    first, second = read_cityflow(lines, {"1": 0.0, "2": 1.5}, {})
    assert (first.camera_id, first.vehicle_id, first.boxes) == ("1", 7, 2)
    assert (first.start_ns, first.end_ns) == (0, SECOND)
    assert first.entry == pytest.approx((0.1, 0.1))
    assert second.start_ns == int(1.5 * SECOND)


def test_revisions_come_after_two_seconds_and_then_ever_more_rarely(street):
    long = TruthTracklet("c", 0, 0, 20 * SECOND, 200, (0, 0), (1, 1))
    sent = revisions(long, 0, simulate([long], Fleet(), 1.0, 0))
    assert [round(o.end_ns / SECOND) for _, o in sent] == [2, 4, 8, 16, 20]
    assert [o.revision for _, o in sent] == [1, 2, 3, 4, 5]
    assert [o.final for _, o in sent] == [False] * 4 + [True]


def test_the_level_asked_for_is_the_rank_one_reached(street):
    level = level_for_rank1(street, Fleet(), 0.75, 0)
    assert rank1(street, simulate(street, Fleet(), level, 0).final) == pytest.approx(0.75, abs=0.05)


def test_idf1_of_the_truth_is_one_and_of_no_joining_is_zero(street):
    assert tracklet_idf1(street, [t.vehicle_id for t in street]) == 1.0
    assert tracklet_idf1(street, list(range(len(street)))) == 0.0


def test_the_live_code_follows_vehicles_along_a_street(street):
    level = level_for_rank1(street, Fleet(), 0.85, 0)
    labels = associate(
        street, simulate(street, Fleet(), level, 0), calibrate(Fleet(), level, 99), AssociationSettings()
    )
    at_once, later, end = (tracklet_idf1(street, labels.by_latency[x]) for x in (0.0, 10.0, math.inf))
    assert later >= 0.75
    assert end >= at_once - 0.05
