from __future__ import annotations

import numpy as np
import pytest

from tracker.multi_camera.report import report_of, topology_report
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology import Topology


def taught(vehicles, trips):
    topology = Topology(AssociationSettings())
    for i, (a, leaves_s, b, comes_s) in enumerate(trips):
        before = vehicles.see(f"b{i}", 1, a, leaves_s - 3, leaves_s)
        after = vehicles.see(f"a{i}", 1, b, comes_s, comes_s + 3)
        topology.arrive(before)
        topology.arrive(after)
        topology.conclude([(before, []), (after, [(before, 12.0)])])
    return topology


@pytest.fixture
def both_ways(vehicles):
    """Ten seconds there and back, the second clock two seconds ahead."""
    rng = np.random.default_rng(4)
    trips = []
    for i in range(30):
        t, there, back = 40.0 * i, *(10.0 * rng.lognormal(0, 0.1, 2))
        trips += [("a", t, "b", t + there + 2.0), ("b", t + 22.0, "a", t + 20.0 + back)]
    return taught(vehicles, trips)


def test_a_link_is_told_with_its_travel_time(both_ways):
    report = report_of(both_ways)
    links = {(x.from_camera, x.to_camera): x for x in report.links}
    assert set(links) == {("a", "b"), ("b", "a")}
    there = links["a", "b"]
    assert there.trips == pytest.approx(30, abs=4)
    assert there.share > 0.8
    assert there.travel_median_s == pytest.approx(12.0, rel=0.1)
    low, high = there.travel_interval_s
    assert 6.0 < low < there.travel_median_s < high < 24.0
    assert there.overlap < 0.2
    assert [c.camera_id for c in report.cameras] == ["a", "b"]


def test_an_offset_is_told_where_traffic_goes_both_ways(both_ways):
    links = {(x.from_camera, x.to_camera): x for x in report_of(both_ways).links}
    assert links["a", "b"].offset_s == pytest.approx(2.0, abs=0.6)
    assert links["b", "a"].offset_s == pytest.approx(-links["a", "b"].offset_s)
    assert links["a", "b"].offset_error_s < 0.6


def test_an_offset_is_not_identifiable_one_way(vehicles):
    report = report_of(taught(vehicles, [("a", 40.0 * i, "b", 40.0 * i + 9.0) for i in range(20)]))
    (link,) = report.links
    assert link.offset_s is None
    assert link.offset_error_s is None


def test_the_report_is_read_from_stored_links(both_ways):
    assert topology_report(AssociationSettings(), both_ways.all_links()) == report_of(both_ways)


def test_nothing_learned_is_nothing_told():
    report = topology_report(AssociationSettings(), {})
    assert (report.cameras, report.links, report.warnings) == ((), (), ())
