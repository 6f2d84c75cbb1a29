from __future__ import annotations

import numpy as np
import pytest

from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.topology.report import report_of, topology_report


def taught(vehicles, trips, **settings):
    topology = Topology(AssociationSettings(**settings))
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


def test_who_waits_at_a_light_does_not_move_the_median(vehicles):
    """Three in five go on at once, the others wait: the middle of all is one of those who did not."""
    rng = np.random.default_rng(5)
    gaps_s = [rng.normal(25.0, 1.0) if i % 5 < 2 else rng.normal(10.0, 0.5) for i in range(60)]
    (link,) = report_of(taught(vehicles, [("a", 60.0 * i, "b", 60.0 * i + gap) for i, gap in enumerate(gaps_s)])).links
    assert link.travel_median_s == pytest.approx(float(np.median(gaps_s)), abs=1.0)
    low, high = link.travel_interval_s
    assert low == pytest.approx(9.0, abs=1.0)
    assert high == pytest.approx(26.0, abs=1.5)


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


PIN = {"from_camera": "a", "to_camera": "b", "travel_median_s": 9.0, "travel_spread": 0.1}


def test_a_pinned_link_stays_as_given_and_shows_how_far_clocks_are_apart(vehicles):
    trips = [("a", 40.0 * i, "b", 40.0 * i + 13.0 + 0.2 * (i % 5)) for i in range(30)]
    (link,) = report_of(taught(vehicles, trips, pinned_links=[PIN])).links
    assert link.pinned
    assert link.travel_median_s == pytest.approx(9.0, abs=0.01)
    low, high = link.travel_interval_s
    assert 7.0 < low < 9.0 < high < 11.5
    assert link.offset_s == pytest.approx(4.4, abs=0.6)
    assert link.offset_error_s < 0.6


def test_a_pinned_link_is_told_before_anybody_took_it_once_its_cameras_are_known(vehicles):
    report = report_of(taught(vehicles, [("b", 0.0, "a", 8.0)], pinned_links=[PIN]))
    pinned = {(x.from_camera, x.to_camera): x.pinned for x in report.links}
    assert pinned["a", "b"]
    assert not pinned.get(("b", "a"), False)
    assert report_of(taught(vehicles, [], pinned_links=[PIN])).links == ()


def test_time_over_a_pinned_link_is_judged_by_what_was_given(vehicles):
    trips = [("a", 40.0 * i, "b", 40.0 * i + 30.0) for i in range(20)]
    learned, given = taught(vehicles, trips), taught(vehicles, trips, pinned_links=[PIN])
    a, b = given.camera("a"), given.camera("b")
    at_9, at_30 = (float(t) for t in given.tables().log_gone((np.array([a, a]), np.array([b, b])), np.log([9.5, 30.5])))
    assert at_9 > at_30 + 2.0
    at_9, at_30 = (
        float(t) for t in learned.tables().log_gone((np.array([a] * 2), np.array([b] * 2)), np.log([9.5, 30.5]))
    )
    assert at_30 > at_9 + 2.0


@pytest.mark.parametrize(
    ("links", "says"),
    [
        pytest.param([PIN, PIN], "pinned twice", id="twice"),
        pytest.param([{**PIN, "to_camera": "a"}], "one camera to another", id="to itself"),
        pytest.param([{**PIN, "travel_median_s": 0.0}], "greater than 0", id="no time"),
    ],
)
def test_what_cannot_be_pinned_is_refused(links, says):
    with pytest.raises(ValueError, match=says):
        AssociationSettings(pinned_links=links)
