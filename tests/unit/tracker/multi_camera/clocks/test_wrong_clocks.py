"""A whole site whose clocks are wrong, or jump: times are put right, and nothing of what was learned is lost."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tracker.multi_camera.clocks.corrections import Ahead, Correction
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.report import topology_report

SECOND = 1_000_000_000


def street(vehicles, count, ahead):
    """Vehicles each way through two overlapping views; both sightings of each as the clocks show them."""
    rng = np.random.default_rng(6)
    for k in range(count):
        up = bool(rng.random() < 0.5)
        at_s = 15.0 * k
        ends = ((0.5, 0.1), (0.5, 0.9)) if up else ((0.5, 0.9), (0.5, 0.1))
        yield [
            vehicles.see(
                f"{camera}{k}",
                k,
                camera,
                at_s + lag + ahead(camera, at_s),
                at_s + lag + 4.0 + rng.normal(0, 0.1) + ahead(camera, at_s),
                entry=ends[0],
                exit=ends[1],
            )
            for camera, lag in (("a", 0.0 if up else 0.8), ("b", 0.8 if up else 0.0))
        ]


def report_of(site):
    report = topology_report(AssociationSettings(), site.associator.snapshot().links)
    return {(x.from_camera, x.to_camera): x for x in report.links}, report.warnings


def test_clocks_far_apart_are_put_right_and_told(vehicles, new_site):
    site = new_site()
    for seen in street(vehicles, 60, lambda camera, at_s: 10.0 * (camera == "b")):
        site.tell(*seen)
    links, warnings = report_of(site)
    assert warnings == ()
    assert links["a", "b"].offset_s == pytest.approx(10.0, abs=0.3)
    assert links["b", "a"].offset_s == pytest.approx(-10.0, abs=0.3)
    assert links["a", "b"].overlap > 0.5
    assert all(site.of(f"a{k}") == site.of(f"b{k}") for k in range(40, 60))


def test_a_step_is_told_and_later_times_are_put_right(vehicles, new_site):
    site = new_site()
    for seen in street(vehicles, 80, lambda camera, at_s: 6.0 * (camera == "b" and at_s >= 600.0)):
        site.tell(*seen)
    links, (warning,) = report_of(site)
    # Two cameras alone do not tell which of the two clocks it was.
    assert warning.kind == "step"
    assert abs(warning.change_s) == pytest.approx(6.0, abs=1.0)
    assert links["a", "b"].offset_s == pytest.approx(6.0, abs=1.0)


def test_a_snapshot_shows_the_clocks_and_restores_to_the_same(vehicles, new_site):
    site, twin = new_site(), new_site()
    shown = {}
    for seen in street(vehicles, 60, lambda camera, at_s: 10.0 * (camera == "b")):
        shown.update({o.sighting_id: o for o in seen})
        site.tell(*seen)
    snapshot = site.associator.snapshot()
    for entry in snapshot.assigned:
        assert entry.observation.start_ns == shown[entry.observation.sighting_id].start_ns
    twin.associator.restore(snapshot.assigned, snapshot.links)
    assert dict(twin.associator.snapshot().links) == dict(snapshot.links)
    assert twin.associator.snapshot().assigned == snapshot.assigned


def test_a_correction_holds_from_its_time_on(vehicles):
    ahead = Ahead()
    early, late = vehicles.see("s1", 1, "a", 10, 20), vehicles.see("s2", 1, "a", 110, 120)
    since_s = late.start_ns / SECOND - 50
    ahead.correct(Correction(0, since_s, 4.0))
    assert ahead.put_right(early) is early
    assert ahead.put_right(late).start_ns == late.start_ns - 4 * SECOND
    assert ahead.put_right(late).end_ns == late.end_ns - 4 * SECOND
    ahead.correct(Correction(0, -math.inf, 1.0))
    assert ahead.put_right(early).start_ns == early.start_ns - SECOND
    assert ahead.put_right(late).start_ns == late.start_ns - 5 * SECOND
    for shown in (early, late):
        assert ahead.as_shown(ahead.put_right(shown)).start_ns == shown.start_ns
    assert Ahead([(since, by) for since, by in ahead.history]).put_right(late).start_ns == late.start_ns - 5 * SECOND
    moved = Correction(0, since_s, 4.0)
    assert moved.applied(early) is early
    assert moved.applied(late) == replace(late, start_ns=late.start_ns - 4 * SECOND, end_ns=late.end_ns - 4 * SECOND)


def test_a_correction_teaches_nothing_twice(vehicles, new_site):
    """What was concluded before is concluded anew with right times; what waits in the same bucket is so once."""
    site = new_site()
    topology = site.associator._parts.topology
    seen = [one for both in street(vehicles, 60, lambda camera, _: 10.0 * (camera == "b")) for one in both]
    for start in range(0, len(seen), 40):
        site.tell(*seen[start : start + 40])
        assert topology.lessons_open == start + 40
    assert topology.ahead_s(topology.camera("a")) != topology.ahead_s(topology.camera("b"))


def test_a_step_that_is_found_while_others_wait_is_one_step(vehicles, new_site):
    site = new_site()
    associator = site.associator
    passing = street(vehicles, 120, lambda camera, at_s: 12.0 * (camera == "b" and at_s >= 600.0))
    while seen := [observation for _, pair in zip(range(8), passing, strict=False) for observation in pair]:
        for observation in seen:
            associator.push(observation, observation.end_ns)
        # As in the loop, more is taken in before what the bucket before teaches.
        while associator.unfinished:
            associator.reconsider()
        associator.decide()
    while associator.unfinished:
        associator.reconsider()
    _, (warning,) = report_of(site)
    assert warning.kind == "step"
    assert abs(warning.change_s) == pytest.approx(12.0, abs=1.0)
