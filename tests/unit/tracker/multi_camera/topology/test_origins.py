"""Where a vehicle may have come from."""

from __future__ import annotations

import pytest

from reid.types import Calibration
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.topology.origins import Recent


def test_where_a_vehicle_came_from_is_the_likely_one_first(vehicles):
    topology = Topology(AssociationSettings())
    recent = Recent(Calibration(20.0, -10.0), horizon_s=600.0)
    for o in (
        vehicles.see("same", 1, "a", 0, 5),
        vehicles.see("other", 2, "a", 0, 5),
        vehicles.see("here", 1, "b", 19, 25),
        vehicles.see("later", 1, "a", 40, 45),
    ):
        recent.put(o)
        topology.camera(o.camera_id)
    arrival = vehicles.see("s", 1, "b", 20, 22)
    topology.arrive(arrival)
    ((_, origins),) = recent.origins([arrival], topology)
    assert [o.sighting_id for o, _ in origins] == ["same", "other"]


@pytest.mark.parametrize(
    ("others", "until_s"),
    [pytest.param(1500, 305, id="five a second"), pytest.param(10_000, 55, id="two hundred a second")],
)
def test_on_a_busy_site_a_vehicle_is_found_that_left_long_ago(vehicles, others, until_s):
    """As many others came into view meanwhile as such a site sees in that time."""
    topology = Topology(AssociationSettings())
    recent = Recent(Calibration(20.0, -10.0), horizon_s=600.0)
    recent.put(vehicles.see("same", 1, "a", 0, 5))
    topology.camera("a")
    for n in range(others):
        came_s = 5 + n * (until_s - 5) / others
        recent.put(vehicles.see(f"o{n}", 2 + n % 14, f"c{n % 8}", came_s, came_s + 3))
        topology.camera(f"c{n % 8}")
        if n % 100 == 0:
            recent.prepare(topology)
    arrival = vehicles.see("s", 1, "b", until_s + 5, until_s + 10)
    topology.arrive(arrival)
    ((_, origins),) = recent.origins([arrival], topology)
    assert origins[0][0].sighting_id == "same"


def test_a_lesson_and_an_encounter_compare_with_what_stands_by_then(vehicles):
    """What was compared for the one serves the other, unless something came between."""
    topology = Topology(AssociationSettings())
    recent = Recent(Calibration(20.0, -10.0), horizon_s=600.0)
    closed = vehicles.see("s2", 1, "b", 20, 24)
    recent.put(closed)
    topology.arrive(closed)
    assert recent.origins([closed], topology) == [(closed, [])]
    recent.put(vehicles.see("s1", 1, "a", 0, 4))
    assert len(recent.encounters([closed], topology)) == 1


def test_a_site_that_forgot_all_finds_nothing(vehicles):
    topology = Topology(AssociationSettings())
    recent = Recent(Calibration(20.0, -10.0), horizon_s=600.0)
    arrival = vehicles.see("s", 1, "b", 20, 22)
    assert recent.origins([arrival], topology) == [(arrival, [])]
    assert recent.encounters([arrival], topology) == []


def test_what_was_learned_from_is_told_in_order_as_far_as_it_is_remembered(vehicles):
    recent = Recent(Calibration(20.0, -10.0), horizon_s=600.0)
    seen = {name: vehicles.see(name, n, "a", n, n + 5) for n, name in enumerate("abcd")}
    for one in seen.values():
        recent.put(one)
    recent.teach([seen["c"], seen["a"]])
    recent.teach([seen["b"]])
    assert [o.sighting_id for o in recent.taught(2)] == ["a", "b"]
    recent.drop("a")
    assert [o.sighting_id for o in recent.taught(9)] == ["c", "b"]
    assert recent.taught(0) == []
    recent.teach_all_but([seen["d"]])
    assert [o.sighting_id for o in recent.taught(9)] == ["b", "c"]
