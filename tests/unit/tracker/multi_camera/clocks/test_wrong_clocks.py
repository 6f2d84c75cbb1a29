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


@pytest.mark.parametrize(("together", "early"), [(16, True), (64, False), (256, False)])
def test_a_step_among_what_is_decided_together_is_one_step(vehicles, new_site, together, early):
    """More is taken in before or after what a bucket teaches, as the loop does."""
    associator = new_site().associator
    rng = np.random.default_rng(1)
    looks = rng.standard_normal((400, 48)) / np.sqrt(48)
    seen = []
    for k in range(400):
        at_s, up = 2.5 * k + rng.uniform(0, 2), bool(rng.random() < 0.5)
        entry, leave = ((0.1, 0.5), (0.9, 0.5)) if up else ((0.9, 0.5), (0.1, 0.5))
        for place, camera in enumerate("abcd"):
            begin_s = at_s + 3.0 * (place if up else 3 - place) * rng.lognormal(0, 0.05)
            shown_s = begin_s + 12.0 * (camera == "c" and begin_s > 500.0)
            vector = looks[k] + 0.05 * rng.standard_normal(48)
            vector = (vector / np.linalg.norm(vector)).astype(np.float32)
            span = {"entry": entry, "exit": leave, "embedding": vector}
            seen.append((begin_s, vehicles.see(f"{camera}{k}", k, camera, shown_s, shown_s + 5, **span)))
    waiting = [observation for _, observation in sorted(seen, key=lambda pair: pair[0])][::-1]

    def take_in():
        for _ in range(min(together, len(waiting))):
            associator.push(waiting[-1], waiting.pop().end_ns)

    take_in()
    while associator.pending:
        associator.decide()
        if early:
            take_in()
        while associator.unfinished:
            associator.reconsider()
        if not early:
            take_in()
    ahead_s = [associator._parts.topology.ahead_s(associator._parts.topology.camera(c)) for c in "abcd"]
    assert ahead_s == pytest.approx([0.0, 0.0, 12.0, 0.0], abs=0.5)
