"""Learned topology against what vehicles did; steps counted in transitions that show them."""

from __future__ import annotations

import pytest

from tracker.evaluation import topology
from tracker.evaluation.topology import StepWatch, TopologyFit, judge_topology, transitions
from tracker.evaluation.truth import SECOND_NS, ClockStep, TruthTracklet, with_step
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.report import ClockWarning, LinkReport, TopologyReport
from tracker.multi_camera.types import Outcome


def _seen(camera, vehicle, start, end, shift=0.0):
    start_ns, end_ns = round(start * SECOND_NS), round(end * SECOND_NS)
    return TruthTracklet(camera, vehicle, start_ns, end_ns, 1, (0, 0), (0, 0), shift_ns=round(shift * SECOND_NS))


def _along(pairs, vehicles=30):
    """Vehicles one after another through two cameras each; (camera, start, end, shift) by passage."""
    return [_seen(c, v, 100 * v + s, 100 * v + e, shift) for v in range(vehicles) for c, s, e, shift in pairs]


def _link(one, other, travel_s=None, offset_s=None):
    interval = None if travel_s is None else (travel_s / 2, travel_s * 2)
    error_s = None if offset_s is None else 0.1
    return LinkReport(one, other, 30.0, 1.0, travel_s, interval, 0.0, offset_s, error_s, pinned=False)


def _report(*links):
    return TopologyReport((), links, ())


def test_transitions_go_by_vehicle_and_start():
    passages = [_seen("b", 1, 20, 25), _seen("a", 1, 0, 5), _seen("a", 2, 3, 4)]
    assert [(x.camera_id, y.camera_id) for x, y in transitions(passages)] == [("a", "b")]


@pytest.mark.parametrize(
    ("learned_s", "right"), [(12.0, 1), (12.9, 1), (13.3, 0), (10.9, 1), (10.5, 0), (None, 0)], ids=str
)
def test_travel_times_are_right_within_a_second_or_a_tenth(learned_s, right):
    passages = _along([("a", 0, 5, 0), ("b", 17, 20, 0)])
    fit = judge_topology(_report(_link("a", "b", learned_s)), passages)
    assert fit == TopologyFit(links=1, travel_right=right, overlaps=0, offsets_right=0, warnings=0)


def test_travel_times_are_those_that_the_clocks_show():
    passages = _along([("a", 0, 5, 0.0), ("b", 45, 50, 5.0)])
    assert judge_topology(_report(_link("a", "b", 45.0)), passages).travel_right == 1
    assert judge_topology(_report(_link("a", "b", 39.0)), passages).travel_right == 0


@pytest.mark.parametrize(("offset_s", "right"), [(5.0, 1), (4.6, 1), (4.4, 0), (-5.0, 0), (None, 0)], ids=str)
def test_offsets_of_overlapping_views_are_right_within_half_a_second(offset_s, right):
    passages = _along([("a", 0, 10, 0.0), ("b", 4, 14, 5.0)])
    fit = judge_topology(_report(_link("a", "b", 1.0, offset_s)), passages)
    assert (fit.links, fit.overlaps, fit.offsets_right) == (0, 1, right)


def test_links_hardly_travelled_are_not_judged():
    passages = _along([("a", 0, 5, 0), ("b", 17, 20, 0)], vehicles=29)
    assert judge_topology(_report(), passages).links == 0


def test_a_step_is_counted_in_transitions_that_show_it(monkeypatch):
    """Every vehicle goes a, b, c; b jumps when vehicle 5 comes, and is told once two transitions have closed."""
    step = ClockStep("b", 5.0, 500.0)
    plain = [_seen(c, v, 100 * v + s, 100 * v + s + 5) for v in range(8) for c, s in (("a", 0), ("b", 20), ("c", 40))]
    told = {"warnings": ()}
    monkeypatch.setattr(topology, "learned_of", lambda *_: TopologyReport((), (), told["warnings"]))
    watch = StepWatch(None, AssociationSettings(), with_step(plain, step), step)
    watch(519 * SECOND_NS, Outcome())
    assert watch.flagged_after is None
    told["warnings"] = (
        ClockWarning("b", "drift", 5.0, 1),
        ClockWarning("b", "step", -5.0, 1),
        ClockWarning("a", "step", 5.0, 1),
    )
    watch(527 * SECOND_NS, Outcome())  # a to b of vehicle 5
    assert watch.flagged_after is None
    told["warnings"] = (ClockWarning("b", "step", 4.0, 2),)
    watch(540 * SECOND_NS, Outcome())  # nothing new has closed
    assert watch.flagged_after is None
    watch(547 * SECOND_NS, Outcome())  # b to c of vehicle 5
    assert watch.flagged_after == 2
    watch(900 * SECOND_NS, Outcome())
    assert watch.flagged_after == 2
