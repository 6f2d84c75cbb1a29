"""Figures over pairs and thresholds: verification, open set, first answers, intervals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranking_oracles import embedded, unit

from reid.evaluation.bootstrap import bootstrap_macro, bootstrap_means
from reid.evaluation.cross_camera import rank_cross_camera
from reid.evaluation.open_set import detection_and_identification
from reid.evaluation.ranking import Judged, join, judge
from reid.evaluation.reliability import Posteriors, judge_probabilities
from reid.evaluation.verification import PairCounts
from reid.types import Calibration

# Coarse similarities, so that ties abound.
similarities = st.lists(st.integers(-8, 8).map(lambda n: n / 8), min_size=1, max_size=30)


def counted(same, different):
    pairs = PairCounts()
    pairs.add(np.array(same, np.float32), np.array(different, np.float32))
    return pairs.figures([0.0, 0.1, 0.5, 1.0])


@settings(deadline=None, max_examples=40)
@given(similarities, similarities)
def test_verification_equals_counting_with_ties_against_it(same, different):
    found = counted(same, different)
    wins = sum(s > d for s in same for d in different)
    assert found.auc == pytest.approx(wins / (len(same) * len(different)))
    # A threshold t accepts same pairs above t and different ones at or above it. Halves lie between similarities.
    grid = [n / 16 for n in range(-18, 20)]
    points = [(np.mean([d >= t for d in different]), np.mean([s > t for s in same])) for t in grid]
    points += [(1.0, 1.0)]
    for rate, value in found.tpr_at_fpr.items():
        assert value == pytest.approx(max(tpr for fpr, tpr in points if fpr <= rate + 1e-12))
    assert found.eer == pytest.approx(min(max(fpr, 1 - tpr) for fpr, tpr in points))


def test_constant_similarities_verify_nothing():
    found = counted([1.0] * 50, [1.0] * 500)
    assert (found.auc, found.tpr_at_fpr[0.1], found.tpr_at_fpr[0.5]) == (0.0, 0.0, 0.0)
    assert counted([1.0, 0.9], [0.2, -1.0]).tpr_at_fpr[0.0] == 1.0
    with pytest.raises(ValueError, match="pairs of both kinds"):
        counted([1.0], [])


def test_pairs_are_those_that_queries_see():
    pool = embedded(unit(np.eye(4)), [0, 0, 1, 1], [0, 1, 0, 1])
    pairs = PairCounts()
    judge(rank_cross_camera(pool), [pairs.visit])
    found = pairs.figures()
    assert (found.same, found.different) == (4, 4)
    assert found.document()["pairs"] == {"same": 4, "different": 4}


def judged_with(best_right, best_wrong) -> Judged:
    n = len(best_right)
    ones = np.ones(n, np.int64)
    reals = (np.asarray(best_right, np.float64), np.asarray(best_wrong, np.float64))
    return Judged(np.arange(n), ones, ones, ones, ones, np.ones(n), *reals, np.ones(n), 0)


def test_open_set_counts_known_vehicles_above_what_unknown_ones_reach():
    judged = judged_with([0.9, 0.8, 0.7, 0.4], [0.3, 0.75, 0.72, 0.1])
    found = detection_and_identification(judged, [0.0, 0.25, 0.5, 1.0])
    # No alarm allowed: only similarities above 0.75; then above 0.72; above 0.3, where the third query is wrong; all.
    assert found == {0.0: 0.5, 0.25: 0.5, 0.5: 0.75, 1.0: 0.75}
    constant = detection_and_identification(judged_with([1.0] * 8, [1.0] * 8), [0.0, 0.5, 1.0])
    assert set(constant.values()) == {0.0}


def test_reliability_is_judged_on_first_answers():
    judged = judged_with([0.9, 0.2], [0.1, 0.8])
    calibration = Calibration(10.0, -5.0)
    found = judge_probabilities(judged, calibration)
    said = [calibration.probability(s) for s in (0.9, 0.8)]
    assert found.decisions == 2
    assert found.log_loss == pytest.approx(-(np.log(said[0]) + np.log(1 - said[1])) / 2)
    assert found.ece == pytest.approx(abs(0.5 - np.mean(said)))


def test_posteriors_weigh_the_vehicles_that_a_query_sees():
    # Two pictures each of vehicles 0 and 1 in two cameras; vehicle 2 is as far from both.
    vectors = unit(np.array([[1, 0.1, 0], [1, 0.2, 0], [1, 0.3, 0], [1, 0.4, 0], [0, 0, 1], [0, 0.1, 1]]))
    pool = embedded(vectors, [0, 0, 1, 1, 2, 2], [0, 1, 0, 1, 0, 1])
    ranking = rank_cross_camera(pool)
    calibration = Calibration(10.0, -5.0)
    posteriors = Posteriors(calibration, ranking.gallery.vehicles)
    judge(ranking, [posteriors.visit])
    found = posteriors.reliability()
    stated, right = [], []
    for query in range(6):
        # Each query sees one picture of every vehicle: those of the other camera.
        alike = [float(vectors[query] @ vectors[2 * v + 1 - query % 2]) for v in range(3)]
        said = np.exp(10.0 * np.array(alike))
        stated.append(max(said / said.sum()))
        right.append(int(np.argmax(alike)) == query // 2)
    assert right == [True, False, True, True, True, True]
    assert found.decisions == 6
    assert found.log_loss == pytest.approx(-np.log(np.where(right, stated, 1 - np.array(stated))).mean(), rel=1e-5)


def test_a_tie_for_the_first_place_is_no_right_answer():
    pool = embedded(unit(np.ones((4, 3))), [0, 0, 1, 1], [0, 1, 0, 1])
    ranking = rank_cross_camera(pool)
    posteriors = Posteriors(Calibration(10.0, -5.0), ranking.gallery.vehicles)
    judge(ranking, [posteriors.visit])
    (bin_,) = [b for b in posteriors.reliability().bins if b.decisions]
    assert (bin_.stated, bin_.observed) == (0.5, 0.0)


def test_intervals_cover_and_narrow_with_vehicles():
    rng = np.random.default_rng(1)
    widths = []
    for vehicles in (20, 320):
        owner = np.repeat(np.arange(vehicles), 5)
        truth = np.repeat(rng.uniform(size=vehicles) < 0.7, 5).astype(np.float64)[:, None]
        ((low, high),) = bootstrap_means(truth, owner, np.ones(len(owner)), rng)
        assert low <= truth.mean() <= high
        widths.append(high - low)
        # The five pictures of a vehicle are one observation: the interval is as wide as that of the vehicles alone.
        ((low1, high1),) = bootstrap_means(truth[::5], owner[::5], np.ones(vehicles), rng)
        assert high - low == pytest.approx(high1 - low1, abs=0.08)
    assert widths[1] < widths[0] / 2


def test_macro_interval_surrounds_the_macro_average_and_one_vehicle_has_none():
    rng = np.random.default_rng(2)
    hits = np.array([1.0] * 90 + [0.0, 1.0] * 5)
    groups = np.array([0] * 90 + [1] * 10)
    low, high = bootstrap_macro(hits, np.arange(100), groups, np.ones(100), rng)
    assert low < 0.75 < high
    assert bootstrap_means(np.ones((3, 1)), np.zeros(3, np.int64), np.ones(3), rng) == [(1.0, 1.0)]


def test_joined_draws_weigh_alike():
    one, two = judged_with([0.9] * 4, [0.1] * 4), judged_with([0.9], [0.1])
    both = join([one, two])
    assert both.weight.tolist() == [0.25] * 4 + [1.0]
