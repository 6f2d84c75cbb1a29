"""Which arrivals of a bucket are decided together, and what that decides."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.tracker.multi_camera.conftest import scorer_for, taught
from tracker.multi_camera.decisions.joint import joint_groups


def groups(arrivals, *seen, vehicles=None):
    """Groups of arrivals, by their names, after trips."""
    scorer, _, topology = scorer_for([])
    if vehicles:
        taught(topology, vehicles, [trip for part in seen for trip in part])
    found = joint_groups(sorted(arrivals, key=lambda o: o.start_ns), scorer.at_once)
    return [[o.sighting_id for o in group] for group in found]


def trips(first, one, other, until_s, again_s):
    """Thirty trips: in the one view for so long, and in the other so long after coming into the one."""
    return [(one, t, t + until_s, other, t + again_s, t + again_s + 4) for t in range(first, first + 1200, 40)]


APART = trips(0, "a", "b", 4, 15)


def look_alikes(vehicles):
    """Three that look like one vehicle: two came into one view, another a moment before them into another."""
    return (
        vehicles.see("s1", 1, "b", 0.2, 4),
        vehicles.see("s2", 1, "a", 0, 4),
        vehicles.see("s3", 1, "b", 0.1, 4),
    )


def test_look_alikes_are_not_decided_together_where_nothing_is_known_of_views(vehicles):
    assert groups(look_alikes(vehicles)) == [["s2"], ["s3", "s1"]]


def test_views_that_nobody_is_in_at_once_are_decided_together(vehicles):
    assert groups(look_alikes(vehicles), APART, vehicles=vehicles) == [["s2", "s3", "s1"]]


def test_who_looks_like_nobody_in_another_view_is_decided_together_with_them(vehicles):
    arrivals = vehicles.see("s1", 1, "a", 0, 4), vehicles.see("s2", 2, "b", 0.1, 4), vehicles.see("s3", 3, "c", 0.2, 4)
    assert groups(arrivals) == [["s1", "s2", "s3"]]


def test_one_look_alike_has_its_whole_view_wait(vehicles):
    """Those of one view stay together: each of them may be whoever another is not."""
    arrivals = (
        vehicles.see("s1", 1, "a", 0, 4),
        vehicles.see("s2", 2, "b", 0.1, 4),
        vehicles.see("s3", 1, "b", 0.2, 4),
        vehicles.see("s4", 3, "c", 0.3, 4),
    )
    assert groups(arrivals) == [["s1", "s4"], ["s2", "s3"]]


def test_what_is_seen_badly_may_be_anybody(vehicles):
    """Evidence of looks is weaker for small pictures, and says less against two being one."""
    one, other = vehicles.see("s1", 1, "a", 0, 4), vehicles.see("s2", 2, "b", 0.1, 4)
    assert groups([one, other]) == [["s1", "s2"]]
    assert groups([replace(one, detail=0.3), replace(other, detail=0.3)]) == [["s1"], ["s2"]]


def test_another_models_sightings_are_compared_with_nothing_and_wait_for_nobody(vehicles):
    arrivals = vehicles.see("s1", 1, "a", 0, 4, model_id="other"), vehicles.see("s2", 1, "b", 0.1, 4)
    assert groups(arrivals) == [["s1", "s2"]]


def test_views_that_overlap_are_decided_one_after_the_other(vehicles):
    """The third shares a view with the second alone, and so is decided after it, beside nobody or whoever is apart."""
    arrivals = vehicles.see("s1", 1, "a", 0, 4), vehicles.see("s2", 1, "b", 0.1, 4), vehicles.see("s3", 1, "c", 0.2, 4)
    seen = APART, trips(2000, "b", "c", 10, 5), trips(4000, "a", "c", 4, 15)
    assert groups(arrivals, *seen, vehicles=vehicles) == [["s1", "s2"], ["s3"]]


@pytest.mark.parametrize("again_s", [0.1, 0.3])
def test_a_vehicle_that_two_views_show_first_in_one_bucket_is_one_identity(site, vehicles, again_s):
    """Though nothing is remembered yet, and nothing known of the views."""
    other = vehicles.see("s3", 2, "b", 0, 4)
    site.tell(vehicles.see("s1", 1, "a", 0, 4), vehicles.see("s2", 1, "b", again_s, 4), other)
    assert site.of("s1") == site.of("s2") != site.of("s3")


def test_nothing_arrives():
    assert groups([]) == []


def test_of_two_views_apart_the_one_that_shows_it_better_has_the_identity(site, vehicles):
    """Not the one into which a look-alike came a moment earlier."""
    for n in range(30):
        site.tell(vehicles.see(f"p{n}", 4 + n % 8, "b", 40 * n, 40 * n + 4))
        site.tell(vehicles.see(f"q{n}", 4 + n % 8, "c", 40 * n + 15, 40 * n + 19))
    site.tell(vehicles.see("s0", 1, "a", 1300, 1304, noise=0.0))
    near = vehicles.look(1) + 0.5 * vehicles.look(2)
    first = vehicles.see("s1", 2, "b", 1310, 1314, look=near, noise=0.0)
    first, second = site.tell(first, vehicles.see("s2", 1, "c", 1310.2, 1314, noise=0.0)).decisions
    assert (first.sighting_id, first.identity_id == site.identity["s0"]) == ("s1", False)
    assert (second.sighting_id, second.identity_id) == ("s2", site.identity["s0"])


def test_who_comes_long_after_others_is_decided_after_them(vehicles):
    """What came while nobody decided: who was in the one view then may be in the other by now."""
    arrivals = vehicles.see("s1", 1, "a", 0, 4), vehicles.see("s2", 2, "b", 1, 5), vehicles.see("s3", 1, "b", 15, 19)
    assert groups(arrivals, APART, vehicles=vehicles) == [["s1", "s2"], ["s3"]]
