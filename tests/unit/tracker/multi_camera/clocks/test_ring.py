"""The newest encounters, kept in a ring."""

from __future__ import annotations

import json

import numpy as np

from tracker.multi_camera.clocks.encounters import Encounter
from tracker.multi_camera.clocks.ring import CAPACITY, FITTED, EncounterRing


def filled(count):
    ring = EncounterRing()
    for k in range(count):
        other = 1 + k % 2
        at_s = 10.0 * k
        ring.put(Encounter(0, other, (at_s, at_s + 2), (at_s + 5, at_s + 7), (0.6, 0.8, 0.6, 0.8)), 0.5 * (k % 3), 1.0)
    return ring


def test_the_newest_take_the_place_of_the_oldest():
    ring = filled(CAPACITY + 5)
    assert (ring.taken, len(ring.kept()), ring.number.min()) == (CAPACITY + 5, CAPACITY, 5)
    newest = ring.between(0, 1)
    assert ring.number[newest].tolist() == list(range(CAPACITY + 4 - 2 * (FITTED - 1), CAPACITY + 5, 2))


def test_a_camera_that_is_put_back_was_passed_earlier_in_those_rows_alone():
    ring = filled(6)
    assert ring.between_s(ring.between(0, 1)).tolist() == [5.0] * 3
    ring.put_back(1, ring.of(1) & (ring.number >= 2), 3.0)
    assert ring.between_s(ring.between(0, 1)).tolist() == [5.0, 2.0, 2.0]
    assert ring.between_s(ring.between(0, 2)).tolist() == [5.0] * 3
    assert ring.sign(np.array([0, 1]), 1).tolist() == [1.0, -1.0]


def test_state_rebuilds_the_rows_and_what_changed_is_told_once():
    ring = filled(CAPACITY + 5)
    rows = ring.drain_changed()
    assert (len(rows), ring.drain_changed()) == (CAPACITY, set())
    twin = EncounterRing()
    for row in sorted(rows, reverse=True):
        twin.load(json.loads(json.dumps(ring.state(row))))
    assert twin.taken == ring.taken
    for name in ("number", "cameras", "seen_s", "movement", "late_s", "scale_s"):
        assert np.array_equal(getattr(twin, name), getattr(ring, name))
