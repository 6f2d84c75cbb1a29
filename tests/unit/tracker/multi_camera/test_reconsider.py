"""Decisions come first; second looks and learning follow in steps, whatever happens between them."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.unit.tracker.multi_camera.conftest import scorer_for
from tracker.multi_camera.asked import ASKED
from tracker.multi_camera.associate import MOST_BEHIND
from tracker.multi_camera.reconsider import STEP_SIGHTINGS
from tracker.multi_camera.types import Assigned, IdentityMerge


def passages(vehicles, count, *, first=0):
    return [
        vehicles.see(f"s{first + i:03d}", i % 7, "abcd"[i % 4], 4.0 * (first + i), 4.0 * (first + i) + 3, noise=0.2)
        for i in range(count)
    ]


def told(associator, observations):
    for observation in observations:
        associator.push(observation, 0)


def test_a_bucket_is_handed_over_before_anything_is_learned(site, vehicles):
    told(site.associator, passages(vehicles, 3))
    outcome = site.associator.decide()
    assert len(outcome.decisions) == 3
    assert set(outcome.links) == {ASKED, "time"}
    assert json.loads(outcome.links[ASKED])["closed"] == ["s000", "s001", "s002"]
    assert not any(name.startswith("lesson/") for name in site.associator.snapshot().links)
    assert site.associator.unfinished
    links = {}
    while site.associator.unfinished:
        links.update(site.associator.reconsider().links)
    assert {"lesson/0", "lesson/1", "lesson/2"} <= set(links)
    assert json.loads(links[ASKED])["closed"] == []
    assert not site.associator.reconsider()


def test_the_steps_of_a_bucket_grow_with_it_and_not_with_what_is_remembered(site, vehicles):
    for begin in range(0, 96, 32):
        told(site.associator, passages(vehicles, 32, first=begin))
        site.associator.decide()
        # Reviews (none yet, or of those before that closed within a minute), twins, merging, lessons, tidying.
        assert site.associator.unfinished <= 5 * (32 // STEP_SIGHTINGS) + 3
        while site.associator.unfinished:
            site.associator.reconsider()


@pytest.mark.parametrize(
    ("at_once", "settings"),
    [
        pytest.param(2048, {}, id="no camera means"),
        pytest.param(2048, {"camera_mean_min": 4}, id="camera means at once"),
        pytest.param(3, {"camera_mean_min": 4}, id="camera means one by one"),
    ],
)
def test_arrivals_between_two_steps_change_no_outcome(new_site, vehicles, monkeypatch, at_once, settings):
    monkeypatch.setattr("tracker.multi_camera.reconsider.AT_ONCE", at_once)
    buckets = [passages(vehicles, 24, first=24 * k) for k in range(4)]
    plain, interrupted = new_site(**settings), new_site(**settings)
    outcomes = []
    for bucket in buckets:
        told(plain.associator, bucket)
        outcomes.append(plain.associator.decide_fully())
    found = []
    told(interrupted.associator, buckets[0])
    for following in [*buckets[1:], []]:
        outcome = interrupted.associator.decide()
        changes = list(outcome.changes)
        waiting = list(following)
        while interrupted.associator.unfinished:
            told(interrupted.associator, waiting[:5])
            del waiting[:5]
            interrupted.associator.prepare()
            changes += interrupted.associator.reconsider().changes
        told(interrupted.associator, waiting)
        found.append((outcome.decisions, tuple(changes)))
    for (decisions, changes), outcome in zip(found, outcomes, strict=True):
        assert changes == outcome.changes
        for ours, theirs in zip(decisions, outcome.decisions, strict=True):
            assert (ours.sighting_id, ours.status, ours.identity_id) == (
                theirs.sighting_id,
                theirs.status,
                theirs.identity_id,
            )
            # Sums of products in another order differ in their last digits.
            assert ours.margin == pytest.approx(theirs.margin, abs=1e-4)


def test_twins_are_united_after_the_decisions_that_show_them(site, vehicles):
    blurred = vehicles.look(1) + 1.7 * vehicles.look(2)
    site.tell(vehicles.see("s1", 1, "a", 0, 4))
    site.tell(vehicles.see("s2", 1, "b", 12, 16, look=blurred, noise=0.0))
    assert site.of("s1") != site.of("s2")
    nearer = vehicles.look(1) + 0.6 * vehicles.look(2)
    for i, camera in enumerate("cd"):
        site.tell(vehicles.see(f"t{i}", 1, camera, 24 + 12 * i, 28 + 12 * i, look=nearer, noise=0.0))
    told(site.associator, [vehicles.see("t3", 1, "e", 50, 54, look=nearer, noise=0.0)])
    assert not any(isinstance(c, IdentityMerge) for c in site.associator.decide().changes)


def test_what_was_to_be_learned_when_it_stopped_is_learned_after_a_restart(new_site, vehicles):
    whole, cut = new_site(), new_site()
    observations = passages(vehicles, 20)
    whole.tell(*observations)
    told(cut.associator, observations)
    links = dict(cut.associator.decide().links)
    # The process ends here: the store holds the decisions and what came with them.
    again = new_site()
    again.associator.restore(cut.associator.snapshot().assigned, links)
    assert again.associator.unfinished
    while again.associator.unfinished:
        assert again.associator.reconsider().changes == ()
    learned, expected = again.associator.snapshot().links, whole.associator.snapshot().links
    assert set(learned) == set(expected)
    for name in expected:
        if name.startswith("lesson/"):
            mine, theirs = (json.loads(x[name]) for x in (learned, expected))
            assert np.array(mine["origins"], float).shape == np.array(theirs["origins"], float).shape


def test_a_bucket_may_be_decided_before_the_second_looks_of_those_before_it(site, vehicles):
    associator = site.associator
    notes = []
    for k in range(MOST_BEHIND):
        assert associator.may_decide
        told(associator, passages(vehicles, 3, first=3 * k))
        notes.append(json.loads(associator.decide().links[ASKED]))
        assert associator.behind == k + 1
    assert not associator.may_decide
    names = [f"s{i:03d}" for i in range(3 * MOST_BEHIND)]
    assert [note["closed"] for note in notes] == [names[: 3 * k] for k in range(1, MOST_BEHIND + 1)]
    assert notes[-1]["arrived"] == names
    left = []
    while associator.unfinished:
        links = associator.reconsider().links
        if ASKED in links:
            note = json.loads(links[ASKED])
            left.append(note["closed"])
            # Counts of arrivals are written with what was learned: nobody counts them again.
            assert note["arrived"] == []
            assert {f"lesson/{i}" for i in range(3)} <= set(associator.snapshot().links)
    assert left == [names[3 * k :] for k in range(1, MOST_BEHIND + 1)]
    assert associator.behind == 0


def test_buckets_decided_early_are_learned_from_as_others_are(new_site, vehicles):
    buckets = [passages(vehicles, 12, first=12 * k) for k in range(3)]
    plain, hasty = new_site(), new_site()
    for bucket in buckets:
        told(plain.associator, bucket)
        plain.associator.decide_fully()
        told(hasty.associator, bucket)
        hasty.associator.decide()
    while hasty.associator.unfinished:
        hasty.associator.reconsider()
    learned, expected = hasty.associator.snapshot().links, plain.associator.snapshot().links
    assert {name for name in learned if name.startswith("lesson/")} == {
        name for name in expected if name.startswith("lesson/")
    }
    prepared = [site.associator._parts.scorer._comparison._prepared for site in (hasty, plain)]
    assert set(prepared[0]) == set(prepared[1])


def test_what_two_buckets_left_to_learn_is_learned_after_a_restart(new_site, vehicles):
    cut = new_site()
    told(cut.associator, passages(vehicles, 4))
    cut.associator.decide()
    told(cut.associator, passages(vehicles, 4, first=4))
    links = dict(cut.associator.decide().links)
    again = new_site()
    again.associator.restore(cut.associator.snapshot().assigned, links)
    while again.associator.unfinished:
        again.associator.reconsider()
    assert {f"lesson/{i}" for i in range(8)} <= set(again.associator.snapshot().links)


def test_what_expires_before_it_is_learned_from_teaches_all_the_same(site, vehicles):
    told(site.associator, passages(vehicles, 4))
    site.associator.decide()
    late_s = 2000.0  # beyond the longest trip: the next bucket forgets all four
    told(site.associator, [vehicles.see(f"late{i}", 9 + i, "abcd"[i], late_s + i, late_s + i + 3) for i in range(4)])
    site.associator.decide()
    assert not site.associator.knows("s000")
    while site.associator.unfinished:
        site.associator.reconsider()
    assert {f"lesson/{i}" for i in range(8)} <= set(site.associator.snapshot().links)


def test_twins_that_the_next_bucket_shows_side_by_side_are_not_united(site, vehicles):
    def look(share):
        return vehicles.look(1) + share * vehicles.look(2)

    held = [("a1", "A", "a", 0, -0.3), ("a2", "A", "b", 10, -0.3), ("b1", "B", "c", 20, 0.3), ("b2", "B", "d", 30, 0.3)]
    seen = [
        Assigned(
            vehicles.see(name, 1, camera, start_s, start_s + 3, look=look(share), noise=0.0), who, False, settled=True
        )
        for name, who, camera, start_s, share in held
    ]
    site.associator.restore(seen, {})
    told(site.associator, [vehicles.see("x", 1, "e", 40, 43, look=look(-0.3), noise=0.0)])
    site.associator.decide()
    assert site.associator.reconsider().changes == ()  # twins are found
    sides = [
        vehicles.see(f"u{i}", 1, "z", 50 + i, 54, look=look(share), noise=0.0) for i, share in enumerate((-0.3, 0.3))
    ]
    told(site.associator, sides)
    assert [d.identity_id for d in site.associator.decide().decisions] == ["A", "B"]
    changes = []
    while site.associator.unfinished:
        changes += site.associator.reconsider().changes
    assert changes == []


def test_what_is_deleted_before_its_second_look_has_none(site, vehicles):
    told(site.associator, passages(vehicles, 6))
    site.associator.decide()
    told(site.associator, [vehicles.see("late", 9, "a", 40, 42)])
    site.associator.decide()
    for i in range(6):
        site.associator.forget(f"s{i:03d}")
    while site.associator.unfinished:
        assert site.associator.reconsider().changes == ()
    assert site.associator.knows("late")


def test_after_camera_means_change_mean_vectors_follow_a_part_with_each_bucket(new_site, vehicles, monkeypatch):
    monkeypatch.setattr("tracker.multi_camera.reconsider.REFRESHED", 3)
    site = new_site(camera_mean_min=4)
    memory = site.associator._parts.memory
    for i in range(8):
        site.tell(vehicles.see(f"s{i}", i, "ab"[i % 2], 5.0 * i, 5.0 * i + 3))
    assert memory.renewed == 0
    site.tell(vehicles.see("t0", 9, "c", 60.0, 63.0))
    assert memory.renewed > 0
    left = [len(memory._outdated)]
    while left[-1]:
        site.tell(vehicles.see(f"t{len(left)}", 9, "c", 60.0 + 5 * len(left), 63.0 + 5 * len(left)))
        left.append(len(memory._outdated))
    assert len(left) > 1
    assert (np.diff(left) >= -3).all()
    for identity_id in memory.identity_ids:
        row, before = memory.row(identity_id), memory.centres[memory.row(identity_id)].copy()
        memory._refresh(memory._identities[identity_id])
        assert memory.centres[row] == pytest.approx(before)


def test_camera_means_change_while_no_arrival_waits(new_site, vehicles, monkeypatch):
    """What was compared ahead of a bucket stays compared, however far second looks of the bucket before have come."""
    site = new_site(camera_mean_min=4)
    parts = site.associator._parts
    for i in range(7):
        site.tell(vehicles.see(f"s{i}", i, "ab"[i % 2], 5.0 * i, 5.0 * i + 3))
    told(site.associator, [vehicles.see("s7", 7, "b", 35.0, 38.0)])
    site.associator.decide()
    told(site.associator, [vehicles.see("s8", 8, "a", 50.0, 53.0)])
    site.associator.prepare()
    compared = []
    queries = parts.memory.query_vector
    monkeypatch.setattr(parts.memory, "query_vector", lambda o: compared.append(o.sighting_id) or queries(o))
    while site.associator.unfinished:
        site.associator.reconsider()
    assert "s8" not in compared
    site.associator.decide()
    assert parts.memory.renewed > 0


def test_with_much_in_memory_camera_means_change_camera_by_camera(new_site, vehicles, monkeypatch):
    monkeypatch.setattr("tracker.multi_camera.reconsider.AT_ONCE", 2)
    site = new_site(camera_mean_min=4)
    parts = site.associator._parts
    site.tell(*(vehicles.see(f"s{i}", i, "abcd"[i % 4], 5.0 * i, 5.0 * i + 3) for i in range(16)))
    changed = []
    while not changed or min(changed[-1].values()) == 0 or parts.memory._outdated:
        k = len(changed)
        assert k < 40, changed
        site.tell(vehicles.see(f"t{k}", 15, "e", 90.0 + 5 * k, 93.0 + 5 * k))
        changed.append({camera_id: parts.memory.renewals(camera_id) for camera_id in "abcd"})
    steps = np.diff([0, *(sum(each.values()) for each in changed)])
    assert steps.max() == 1
    assert np.count_nonzero(steps) < len(steps)


def test_links_are_fitted_once_the_last_lesson_of_a_bucket_is_taken_in(site, vehicles):
    topology = site.associator._parts.topology
    told(site.associator, passages(vehicles, 40))
    site.associator.decide()
    fitted = []
    while site.associator.unfinished:
        site.associator.reconsider()
        fitted.append(topology._links.fitted)
    assert sorted(set(fitted)) == [0, 40]
    told(site.associator, passages(vehicles, 3, first=40))
    site.associator.decide_fully()
    assert topology._links.fitted == 43


def test_second_looks_at_a_bucket_are_compared_together(site, vehicles, monkeypatch):
    compared = []
    comparison = site.associator._parts.scorer._comparison
    plain = comparison._compare
    monkeypatch.setattr(comparison, "_compare", lambda batch: (compared.append(len(batch)), plain(batch))[1])
    told(site.associator, [vehicles.see(f"s{i}", i % 7, "abcd"[i % 4], 0.1 * i, 2.0 + 0.1 * i) for i in range(40)])
    site.associator.decide_fully()
    site.associator._parts.memory.outdate(list("abcd"))
    told(site.associator, [vehicles.see("t", 1, "a", 11.0, 13.0)])
    compared.clear()
    site.associator.decide_fully()
    assert compared == [1, 40]


def test_what_was_seen_at_other_cameras_is_not_compared_anew(vehicles):
    scorer, memory, _ = scorer_for([(vehicles.see(f"s{i}", i, "ab"[i % 2], i, i + 0.5), f"i{i}") for i in range(6)])
    here, there = vehicles.see("t1", 1, "a", 20, 22), vehicles.see("t2", 2, "b", 20, 22)
    scorer.prepare([here, there])
    before = dict(scorer._comparison._prepared)
    memory.outdate(["a"])
    scorer.prepare([here, there])
    after = scorer._comparison._prepared
    assert after["t1"] is not before["t1"]
    assert after["t2"] is before["t2"]
    # Of the mean vectors those with sightings there are worked out anew.
    assert set(memory._outdated) == {"i0", "i2", "i4"}
