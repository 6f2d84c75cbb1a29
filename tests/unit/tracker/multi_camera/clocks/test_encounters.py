"""Which sightings of two cameras are one vehicle by looks alone."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.multi_camera.clocks.encounters import WINDOW_S
from tracker.multi_camera.topology.origins import Recent

LEFT_TO_RIGHT = {"entry": (0.1, 0.5), "exit": (0.9, 0.5)}


@pytest.fixture
def recent(calibration):
    return Recent(calibration, 1800.0)


def found(recent, topology, *closed):
    for observation in closed:
        recent.put(observation)
    return recent.encounters(closed, topology)


def test_a_vehicle_before_two_cameras_is_found_when_the_later_closes(vehicles, recent, topology):
    assert found(recent, topology, vehicles.see("s1", 1, "a", 0, 5, final=False)) == []
    later = vehicles.see("s2", 1, "b", 1, 4, **LEFT_TO_RIGHT)
    assert found(recent, topology, later) == []
    (one,) = found(recent, topology, vehicles.see("s1", 1, "a", 0, 7, revision=2, **LEFT_TO_RIGHT))
    start_s = later.start_ns * 1e-9 - 1
    assert (one.one, one.other) == (0, 1)
    assert one.one_s == pytest.approx((start_s, start_s + 7))
    assert one.other_s == pytest.approx((start_s + 1, start_s + 4))
    assert one.movement == pytest.approx((1.0, 0.0, 1.0, 0.0))


def test_two_that_close_together_are_found_once(vehicles, recent, topology):
    both = [vehicles.see("s1", 1, "a", 0, 5), vehicles.see("s2", 1, "b", 8, 12)]
    for observation in both:
        recent.put(observation)
    first, second = (recent.encounters([o], topology) for o in both)
    assert len(first) + len(second) == 1


def test_the_clock_does_not_choose(vehicles, recent, topology):
    """However the clocks stand, the pair is the one that looks alike: later or earlier, near or far in time."""
    for name, vehicle, camera, start_s in (("s1", 1, "a", 0), ("s2", 2, "b", 1), ("s3", 3, "b", -30)):
        found(recent, topology, vehicles.see(name, vehicle, camera, start_s, start_s + 4))
    (one,) = found(recent, topology, vehicles.see("s4", 1, "b", -60, -56))
    assert one.other_s[0] - one.one_s[0] == pytest.approx(-60.0)


@pytest.mark.parametrize(
    ("other", "why"),
    [
        pytest.param(("s2", 2, "b", 8), "another vehicle", id="unlike"),
        pytest.param(("s2", 1, "a", 8), "the same camera", id="one camera"),
        pytest.param(("s2", 1, "b", WINDOW_S + 10), "too far apart", id="long after"),
    ],
)
def test_what_is_no_encounter(vehicles, recent, topology, other, why):
    name, vehicle, camera, start_s = other
    found(recent, topology, vehicles.see("s1", 1, "a", 0, 4))
    assert found(recent, topology, vehicles.see(name, vehicle, camera, start_s, start_s + 4)) == [], why


@pytest.mark.parametrize("twin", ["a", "b"])
def test_look_alikes_are_left_alone(vehicles, recent, topology, twin):
    """Two of one look before either camera: it cannot be told which is which."""
    for name, camera, start_s in (("s1", "a", 0), ("s2", twin, 20)):
        recent.put(vehicles.see(name, 1, camera, start_s, start_s + 4, noise=0.0))
    assert found(recent, topology, vehicles.see("s3", 1, "b", 8, 12, noise=0.0)) == []


def test_without_a_frame_size_no_movement_is_known(vehicles, recent, topology):
    found(recent, topology, vehicles.see("s1", 1, "a", 0, 4))
    (one,) = found(recent, topology, vehicles.see("s2", 1, "b", 8, 12))
    assert one.movement == (0.0, 0.0, 0.0, 0.0)
    assert np.isfinite([*one.one_s, *one.other_s]).all()
