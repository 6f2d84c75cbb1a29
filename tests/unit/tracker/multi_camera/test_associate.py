from __future__ import annotations

import re

import numpy as np
import pytest

from tracker.multi_camera.types import IdentityMerge, IdentitySplit
from tracker.types import DecisionStatus

SECOND = 1_000_000_000


def test_the_first_vehicle_is_new(site, vehicles):
    (decision,) = site.tell(vehicles.see("s1", 1, "a", 0, 4)).decisions
    assert decision.status is DecisionStatus.NEW
    assert decision.log_likelihood_ratio == 0.0
    assert decision.runner_up is None


def test_a_vehicle_that_looks_the_same_elsewhere_is_matched_with_evidence(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 4))
    (decision,) = site.tell(vehicles.see("s2", 1, "b", 12, 16)).decisions
    assert decision.status is DecisionStatus.MATCHED
    assert decision.identity_id == site.of("s1")
    assert set(decision.evidence) == {"appearance", "time", "zone", "class", "colour"}
    assert decision.log_likelihood_ratio == pytest.approx(sum(decision.evidence.values()), abs=1e-2)
    assert 0.5 < decision.probability <= 1.0


def test_a_vehicle_that_looks_different_is_new(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 4))
    (decision,) = site.tell(vehicles.see("s2", 2, "b", 12, 16)).decisions
    assert decision.status is DecisionStatus.NEW
    assert decision.runner_up == site.of("s1")


def test_twins_in_one_camera_at_the_same_time_are_two(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 10))
    site.tell(vehicles.see("s2", 1, "a", 5, 12))
    assert site.of("s1") != site.of("s2")


def test_a_vehicle_still_open_in_the_same_camera_excludes(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 2, final=False))
    site.tell(vehicles.see("s2", 1, "a", 5, 12))
    assert site.of("s1") != site.of("s2")


def test_one_identity_goes_to_the_better_of_two_in_a_bucket(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 4))
    near = vehicles.look(1) + 0.5 * vehicles.look(5)
    site.tell(vehicles.see("t1", 1, "b", 10, 14, look=near, noise=0.0), vehicles.see("t2", 1, "b", 11, 15, noise=0.0))
    assert site.of("t2") == site.of("s1")
    assert site.of("t1") != site.of("s1")


def test_one_vehicle_that_enters_two_views_in_one_bucket_is_one(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 4), vehicles.see("s2", 1, "b", 0.3, 4))
    assert site.of("s1") == site.of("s2")


def test_two_alike_leave_a_newcomer_ambiguous_until_its_last_revision(new_site, vehicles):
    site = new_site()
    site.tell(vehicles.see("s1", 1, "a", 0, 4, noise=0.0), vehicles.see("s2", 1, "a", 1, 5, noise=0.0))
    halfway = vehicles.look(1) + 0.05 * vehicles.look(2)
    (decision,) = site.tell(vehicles.see("s3", 1, "b", 12, 14, final=False, look=halfway, noise=0.0)).decisions
    assert decision.status is DecisionStatus.AMBIGUOUS
    assert decision.runner_up in {site.of("s1"), site.of("s2")}
    provisional = decision.identity_id
    assert provisional not in {site.of("s1"), site.of("s2")}

    outcome = site.tell(vehicles.see("s3", 1, "b", 12, 18, revision=2, look=halfway, noise=0.0))
    assert [type(c) for c in outcome.changes] == [IdentityMerge]
    assert outcome.changes[0].absorbed_id == provisional
    assert outcome.decisions[0].status is DecisionStatus.MATCHED
    assert site.of("s3") in {site.of("s1"), site.of("s2")}


def test_an_ambiguous_one_that_turns_out_different_becomes_new(new_site, vehicles):
    site = new_site(margin_nats=3.0)
    site.tell(vehicles.see("s1", 1, "a", 0, 4, noise=0.0))
    blurred = vehicles.look(1) + 1.3 * vehicles.look(2)
    (first,) = site.tell(vehicles.see("s2", 2, "b", 10, 12, final=False, look=blurred, noise=0.0)).decisions
    assert first.status is DecisionStatus.AMBIGUOUS
    outcome = site.tell(vehicles.see("s2", 2, "b", 10, 16, revision=2))
    assert outcome.decisions[0].status is DecisionStatus.NEW
    assert outcome.changes == ()


def test_better_pictures_merge_a_new_identity_into_the_old(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 4))
    site.tell(vehicles.see("s2", 2, "b", 10, 12, final=False))
    assert site.of("s2") != site.of("s1")
    outcome = site.tell(vehicles.see("s2", 1, "b", 10, 16, revision=2))
    (change,) = outcome.changes
    assert (change.survivor_id, change.absorbed_id) == (site.of("s1"), site.identity["s2"])
    assert re.fullmatch(r"revised: \+\d+\.\d nats", change.reason)
    assert site.of("s2") == site.of("s1")


def test_better_pictures_split_off_a_wrong_match(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 4))
    site.tell(vehicles.see("s2", 1, "b", 10, 12, final=False))
    assert site.of("s2") == site.of("s1")
    outcome = site.tell(vehicles.see("s2", 2, "b", 10, 16, revision=2))
    (split,) = outcome.changes
    assert isinstance(split, IdentitySplit)
    assert split.sighting_ids == ("s2",)
    assert site.of("s2") != site.of("s1")


def test_a_wrong_match_moves_to_the_right_identity_by_split_and_merge(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 4), vehicles.see("s2", 2, "a", 1, 5))
    site.tell(vehicles.see("s3", 1, "b", 12, 14, final=False))
    assert site.of("s3") == site.of("s1")
    outcome = site.tell(vehicles.see("s3", 2, "b", 12, 18, revision=2))
    assert [type(c) for c in outcome.changes] == [IdentitySplit, IdentityMerge]
    assert site.of("s3") == site.of("s2") != site.of("s1")


def test_a_revision_as_old_as_the_one_decided_is_ignored(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 4, revision=2))
    assert not site.associator.push(vehicles.see("s1", 1, "a", 0, 4, revision=2), 0)
    assert not site.associator.push(vehicles.see("s1", 1, "a", 0, 2, revision=1, final=False), 0)
    assert not site.associator.decide()


def test_a_revision_that_only_became_final_counts(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 4, final=False))
    assert site.associator.push(vehicles.see("s1", 1, "a", 0, 4), 0)


def test_vectors_of_another_model_are_never_compared(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 4, noise=0.0, model_id="old"))
    site.tell(vehicles.see("s2", 1, "b", 12, 16, noise=0.0))
    site.tell(vehicles.see("s3", 1, "c", 24, 28, noise=0.0, model_id="old"))
    assert len({site.of("s1"), site.of("s2"), site.of("s3")}) == 3


def test_a_bucket_waits_no_longer_than_told(site, vehicles):
    associator = site.associator
    assert associator.wait_s(0) is None
    associator.push(vehicles.see("s1", 1, "a", 0, 4), 10 * SECOND)
    associator.push(vehicles.see("s2", 2, "a", 0, 4), int(10.4 * SECOND))
    assert not associator.due(int(10.49 * SECOND))
    assert associator.wait_s(int(10.2 * SECOND)) == pytest.approx(0.3)
    assert associator.due(int(10.5 * SECOND))


def test_identities_older_than_the_longest_trip_are_forgotten(new_site, vehicles):
    site = new_site(max_trip_s=60.0)
    site.tell(vehicles.see("s1", 1, "a", 0, 4))
    site.tell(vehicles.see("s2", 2, "a", 70, 74))
    assert site.associator.active == 1
    site.tell(vehicles.see("s3", 1, "b", 80, 84))
    assert site.of("s3") != site.of("s1")


def test_what_stands_in_view_is_not_forgotten_while_it_says_nothing(new_site, vehicles):
    """A parked vehicle sends no revision; its last one is older than the longest trip when it drives off."""
    site = new_site(max_trip_s=100.0)
    site.tell(vehicles.see("parked", 1, "a", 0, 5, final=False))
    site.tell(vehicles.see("other", 2, "b", 300, 305))
    site.tell(vehicles.see("parked", 1, "a", 0, 310, revision=2))
    site.tell(vehicles.see("again", 1, "b", 330, 335))
    assert site.of("again") == site.of("parked")
    assert len({d.identity_id for d in site.decisions if d.sighting_id == "parked"}) == 1


def test_one_clock_far_ahead_has_nothing_forgotten(site, vehicles):
    for n, camera in enumerate("abc"):
        site.tell(vehicles.see(f"s{n}", n, camera, 5 * n, 5 * n + 4))
    site.tell(vehicles.see("ahead", 8, "d", 7200, 7205))
    site.tell(vehicles.see("again", 1, "a", 40, 44))
    assert site.associator.ahead == ("d",)
    assert site.of("again") == site.of("s1")


def test_the_only_sighting_may_be_deleted_before_it_teaches(site, vehicles):
    site.associator.push(vehicles.see("s0", 1, "a", 0, 5), 0)
    site.apply(site.associator.decide())
    site.associator.forget("s0")
    while site.associator.unfinished:
        site.associator.reconsider()


def test_a_long_trip_within_the_lifetime_is_still_one(new_site, vehicles):
    site = new_site()
    site.tell(vehicles.see("s1", 1, "a", 0, 4, noise=0.0))
    site.tell(vehicles.see("s2", 1, "b", 300, 304, noise=0.0))
    assert site.of("s2") == site.of("s1")


def test_a_deleted_sighting_is_no_longer_compared(site, vehicles):
    site.tell(vehicles.see("s1", 1, "a", 0, 4))
    site.associator.forget("s1")
    assert site.associator.active == 0
    (decision,) = site.tell(vehicles.see("s2", 1, "b", 10, 14)).decisions
    assert decision.status is DecisionStatus.NEW


def test_every_number_of_a_decision_is_finite(site, vehicles):
    for i in range(12):
        site.tell(vehicles.see(f"s{i}", i % 3, "abc"[i % 3], 5 * i, 5 * i + 3))
    for d in site.decisions:
        assert np.isfinite([d.log_likelihood_ratio, d.margin, d.probability, *d.evidence.values()]).all()
        assert 0.0 <= d.probability <= 1.0


def test_without_evidence_of_time_looks_decide_and_the_impossible_stays_so(new_site, vehicles):
    site = new_site(time_weight=0.0, zone_weight=0.0)
    site.tell(vehicles.see("s1", 1, "a", 0, 10))
    site.tell(vehicles.see("s2", 1, "a", 5, 12))
    site.tell(vehicles.see("s3", 2, "a", 6, 12))
    site.tell(vehicles.see("t3", 2, "b", 20, 24))
    assert site.of("s1") != site.of("s2")
    assert site.of("t3") == site.of("s3")


def test_a_clock_that_stays_far_ahead_neither_fills_memory_nor_displaces_others(vehicles, new_site):
    site = new_site()
    weeks_s = 14 * 86_400.0
    for n in range(120):
        at_s = 20.0 * n
        site.tell(*(vehicles.see(f"{camera}{n}", n % 9, camera, at_s, at_s + 4) for camera in "abc"))
        site.tell(vehicles.see(f"wrong{n}", 9 + n % 9, "wrong", weeks_s + at_s, weeks_s + at_s + 4))
    assert site.associator.ahead == ("wrong",)
    remembered = [entry.observation.camera_id for entry in site.associator.snapshot().assigned]
    assert remembered.count("wrong") <= 1  # of the newest bucket
    assert remembered.count("a") > 30
    parts = site.associator._parts
    for names in (parts.closed._waiting, parts.closed._free, parts.scorer._comparison._prepared):
        assert not any(name.startswith("wrong") for name in names)
