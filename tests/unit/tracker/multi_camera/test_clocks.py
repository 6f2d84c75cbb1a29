from __future__ import annotations

import numpy as np
import pytest

from tracker.multi_camera.clocks import Trip, steps


def round_trips(rng, count, *, step_s=0.0, slower_s=0.0, at=10**9):
    """Trips both ways among three cameras; at a trip the clock of camera 0 steps, or traffic slows."""
    trips = []
    for _ in range(count):
        for origin, camera, usual_s in (
            (0, 1, 12.0),
            (1, 0, 9.0),
            (0, 2, 20.0),
            (2, 0, 18.0),
            (1, 2, 30.0),
            (2, 1, 25.0),
        ):
            moved = 0.0
            if len(trips) >= at:
                moved = slower_s + step_s * ((camera == 0) - (origin == 0))
            trips.append(Trip(origin, camera, 0, usual_s * rng.lognormal(0, 0.1) + moved))
    return trips


@pytest.mark.parametrize("step_s", [5.0, -5.0])
def test_a_step_is_told_within_twenty_trips(step_s):
    trips = round_trips(np.random.default_rng(1), 40, step_s=step_s, at=180)
    after = [t for t in trips[180:] if 0 in (t.origin, t.camera)]
    until = trips.index(after[19]) + 1
    (found,) = [s for s in steps(trips[:until], 3) if s.camera == 0]
    assert found.change_s == pytest.approx(step_s, abs=1.5)


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_told_of_clocks_that_stand_still(seed):
    assert steps(round_trips(np.random.default_rng(seed), 40), 3) == []


def test_slow_traffic_is_no_step():
    assert steps(round_trips(np.random.default_rng(2), 33, slower_s=8.0, at=180), 3) == []


def test_too_few_trips_tell_nothing():
    assert steps(round_trips(np.random.default_rng(3), 2, step_s=5.0, at=6), 3) == []
    assert steps([], 0) == []
