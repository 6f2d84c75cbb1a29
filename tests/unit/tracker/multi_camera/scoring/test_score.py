"""What the evidence says for an observation's being a known identity."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.tracker.multi_camera.conftest import scorer_for, taught


def test_two_views_at_once_count_only_as_far_as_known_not_to_overlap(vehicles):
    visits = [(vehicles.see("s1", 1, "a", 0, 20), "x")]
    scorer, memory, topology = scorer_for(visits)
    here = vehicles.see("s2", 1, "b", 10, 12)
    unknown = scorer.score(here).evidence(memory.row("x"))["time"]
    taught(topology, vehicles, [("a", 0, 5, "b", 15, 20)] * 30)
    apart = scorer.score(here).evidence(memory.row("x"))["time"]
    assert apart < unknown - 1.0
    taught(topology, vehicles, [("a", 0, 20, "b", 10, 20)] * 60)
    assert scorer.score(here).evidence(memory.row("x"))["time"] > unknown


def test_time_between_two_known_visits_is_judged_on_both_sides(vehicles):
    visits = [(vehicles.see("s1", 1, "a", 0, 5), "x"), (vehicles.see("s3", 1, "c", 60, 65), "x")]
    scorer, memory, topology = scorer_for(visits)
    taught(topology, vehicles, 20 * [("a", 0, 5, "b", 30, 35), ("b", 0, 5, "c", 30, 35)])
    fits = scorer.score(vehicles.see("s2", 1, "b", 30, 35)).evidence(memory.row("x"))["time"]
    late = scorer.score(vehicles.see("s2", 1, "b", 58, 59)).evidence(memory.row("x"))["time"]
    assert fits > late + 3.0


def test_class_and_colour_count(vehicles):
    red = {"red": 0.9, "white": 0.1}
    white = {"red": 0.1, "white": 0.9}
    bus = np.array([0.05, 0.0, 0.9, 0.05], np.float32)
    visits = [
        (vehicles.see("s1", 1, "a", 0, 5, colour=red, noise=0.0), "x"),
        (vehicles.see("s2", 1, "a", 6, 9, colour=white, class_probs=bus, noise=0.0), "y"),
    ]
    scorer, memory, _ = scorer_for(visits)
    scores = scorer.score(vehicles.see("s3", 1, "b", 20, 25, colour=red))
    x, y = (scores.evidence(memory.row(i)) for i in "xy")
    assert x["class"] > 0 > y["class"]
    assert x["colour"] > 0 > y["colour"]


def test_over_unknown_links_only_the_nearest_are_candidates(vehicles):
    visits = [(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}") for i in range(12)]
    scorer, _, _ = scorer_for(visits, unknown_link_candidates=5)
    scores = scorer.score(vehicles.see("t", 3, "b", 30, 32))
    assert np.isfinite(scores.total).sum() == len(scores.rows) == 5


def test_a_row_that_has_to_stay_is_scored_though_others_are_nearer(vehicles):
    visits = [(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}") for i in range(12)]
    scorer, memory, _ = scorer_for(visits, unknown_link_candidates=1)
    here = vehicles.see("t", 3, "b", 30, 32)
    far = memory.row("i9")
    assert scorer.score(here).of(far) == -np.inf
    assert np.isfinite(scorer.score(here, keep=far).of(far))


def test_a_burst_is_scored_against_many(vehicles):
    rng = np.random.default_rng(3)
    visits = []
    for i in range(300):
        look = rng.standard_normal(16)
        visits.append((vehicles.see(f"s{i:03d}", 0, f"c{i % 8}", i * 0.1, i * 0.1 + 3, look=look), f"i{i}"))
    scorer, memory, _ = scorer_for(visits)
    for observation, identity_id in visits[::50]:
        again = vehicles.see("t", 0, "new", 60, 62, look=observation.embedding.astype(float), noise=0.01)
        scores = scorer.score(again)
        assert scores.rows[np.argmax(scores.total)] == memory.row(identity_id)
        assert scores.of(memory.row(identity_id)) == scores.total.max()


def test_what_changed_much_later_is_still_found_among_the_nearest(vehicles, monkeypatch):
    monkeypatch.setattr("tracker.multi_camera.scoring.appearance.CATCH_UP", 4)
    scorer, memory, _ = scorer_for([(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}") for i in range(6)])
    here = vehicles.see("t", 9, "b", 60, 62)
    scorer.prepare([here])
    for i in range(6, 15):
        memory.assign(vehicles.see(f"s{i}", i, "a", i, i + 0.5), f"i{i}")
    scores = scorer.score(here)
    assert scores.rows[np.argmax(scores.total)] == memory.row("i9")
    assert scores.of(memory.row("i9")) == pytest.approx(
        scorer.score(vehicles.see("u", 9, "b", 60, 62)).total.max(), abs=1.0
    )


def test_a_middling_likeness_says_more_where_small_pictures_are_compared(vehicles):
    looks = np.zeros(16)
    looks[[1, 5]] = 0.5, np.sqrt(0.75)
    here = {"look": looks, "noise": 0.0}

    def nats(seen: float, sees: float) -> float:
        scorer, memory, _ = scorer_for([(vehicles.see("s1", 1, "a", 0, 5, noise=0.0, detail=seen), "x")])
        scores = scorer.score(vehicles.see("s2", 0, "b", 20, 25, detail=sees, **here))
        return scores.evidence(memory.row("x"))["appearance"]

    assert nats(0.6, 1.0) == nats(1.0, 0.6) > nats(1.0, 1.0)


def test_detail_lies_between_nothing_and_all(vehicles):
    for wrong in (0.0, 1.1, -0.5):
        with pytest.raises(ValueError, match="detail"):
            vehicles.see("s1", 1, "a", 0, 5, detail=wrong)
