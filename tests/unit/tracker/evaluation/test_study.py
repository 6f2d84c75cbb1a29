"""Whole trials on a small street: the live code is what is judged, pairs are by seed, documents are JSON."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tests.unit.tracker.evaluation.conftest import street_of
from tracker.evaluation.baselines.thresholds import THRESHOLDS
from tracker.evaluation.intervals import bootstrap_mean
from tracker.evaluation.replay import MODEL_ID, Replay, revisions
from tracker.evaluation.simulated.components import packaged_components
from tracker.evaluation.simulated.embeddings import Draw, Parts
from tracker.evaluation.study import run_study, study_document
from tracker.evaluation.trial import BASELINES, TrialPlan, run_trial
from tracker.evaluation.truth import SECOND_NS, ClockStep, TruthTracklet
from tracker.multi_camera.types import IdentityMerge, IdentitySplit, Outcome
from tracker.types import Decision, DecisionStatus


@pytest.fixture(scope="module")
def lane():
    """So few vehicles that a playing takes a moment."""
    return street_of(8, 5)


def _plan(tracklets, **more):
    return TrialPlan(tracklets, packaged_components(), 0.85, **{"baselines": ("greedy",), **more})


# ------------------------------------------------------------------ replay


def test_revisions_come_after_two_seconds_and_then_ever_more_rarely():
    long = TruthTracklet("c", 0, 0, 20 * SECOND_NS, 200, (0, 0), (1, 1), shift_ns=3 * SECOND_NS)
    sent = revisions(long, 0, Parts([long], packaged_components(), Draw(0)).at(1.0))
    assert [round(o.end_ns / SECOND_NS) - 3 for _, o in sent] == [2, 4, 8, 16, 20]
    assert [o.start_ns for _, o in sent] == [3 * SECOND_NS] * 5
    assert [at_ns / SECOND_NS for at_ns, _ in sent] == pytest.approx([2.2, 4.2, 8.2, 16.2, 21.0])
    assert [o.revision for _, o in sent] == [1, 2, 3, 4, 5]
    assert [o.final for _, o in sent] == [False] * 4 + [True]
    assert all(o.model_id == MODEL_ID for _, o in sent)


class Scripted:
    """Stands where the associator does and says what it was told to, bucket by bucket."""

    def __init__(self, outcomes):
        self.outcomes = list(outcomes)
        self.pending = 0

    def push(self, observation, now_ns):
        self.pending += 1

    def wait_s(self, now_ns):
        return 0.5

    def decide_fully(self):
        self.pending = 0
        return self.outcomes.pop(0)


def _says(index, status, identity_id):
    return Decision(f"s{index:06d}", 1, status, identity_id, 0.0, 0.0, 1.0)


def test_labels_are_those_published_so_long_after_closing():
    """Two short passages; the second is ambiguous, merged 4 s after it closed, and split off again at the very end."""
    tracklets = [
        TruthTracklet(camera, 1, start * SECOND_NS, (start + 1) * SECOND_NS, 5, (0, 0), (1, 1))
        for camera, start in (("a", 0), ("b", 20), ("c", 24), ("d", 90))
    ]
    outcomes = [
        Outcome((_says(0, DecisionStatus.NEW, "x"),)),
        Outcome((_says(1, DecisionStatus.AMBIGUOUS, "y"),)),
        Outcome((_says(2, DecisionStatus.MATCHED, "x"),), (IdentityMerge("x", "y", "same"),)),
        Outcome((_says(3, DecisionStatus.NEW, "z"),), (IdentitySplit("x", "w", ("s000001",), "revised"),)),
    ]
    simulated = Parts(tracklets, packaged_components(), Draw(0)).at(1.0)
    labels = Replay(Scripted(outcomes), 1800.0).run(tracklets, simulated)
    assert labels.identity[0.0] == (None, None, None, None)  # the bucket was still open
    assert labels.identity[2.0] == ("x", "y", "x", "z")
    assert labels.identity[10.0] == ("x", "x", "x", "z")
    assert labels.identity[math.inf] == ("x", "w", "x", "z")
    assert labels.new[2.0] == (True, True, False, True)
    assert labels.new[10.0] == (True, False, False, True)
    assert labels.outcomes == {"new": 2, "ambiguous": 1, "matched": 1, "merge": 1, "split": 1}


# ------------------------------------------------------------------ trials


def test_a_decision_is_right_by_what_its_identity_held_and_by_who_was_seen_before():
    """Vehicles 1, 2, 1, 1, 3: NEW rightly, matched wrongly, matched to a half, NEW wrongly, ambiguous."""
    tracklets = [
        TruthTracklet(camera, vehicle, start * SECOND_NS, (start + 1) * SECOND_NS, 5, (0, 0), (1, 1))
        for camera, vehicle, start in (("a", 1, 0), ("b", 2, 20), ("c", 1, 40), ("d", 1, 60), ("e", 3, 80))
    ]
    statuses = [
        DecisionStatus.NEW,
        DecisionStatus.MATCHED,
        DecisionStatus.MATCHED,
        DecisionStatus.NEW,
        DecisionStatus.AMBIGUOUS,
    ]
    outcomes = [Outcome((_says(i, status, "xxxyz"[i]),)) for i, status in enumerate(statuses)]
    simulated = Parts(tracklets, packaged_components(), Draw(0)).at(1.0)
    labels = Replay(Scripted(outcomes), 1800.0).run(tracklets, simulated)
    assert labels.said == ((1.0, True), (1.0, False), (1.0, False), (1.0, False))


def test_the_live_code_follows_vehicles_along_a_street():
    street = street_of(20, 5)
    result = run_trial(_plan(street), 0)
    assert result.solved.rank1 == pytest.approx(0.85, abs=0.02)
    assert result.ours.idf1 >= 0.7
    assert result.ours.idf1_at[math.inf] >= result.ours.idf1_at[0.0] - 0.05
    assert len(result.curves["greedy"]) == len(THRESHOLDS)
    assert sum(result.ours.outcomes[k] for k in ("new", "matched", "ambiguous")) >= len(street)


def test_every_baseline_and_ablation_is_in_the_document(lane):
    plan = _plan(lane, baselines=BASELINES, flat_time=True, skew_s=5.0, step=ClockStep("c1", 5.0, 10.0))
    document = study_document(plan, run_study(plan, [3, 4]))
    json.dumps(document, allow_nan=False)
    assert list(document)[:4] == ["idf1", "idf1_at", "ci95", "baselines"]
    assert list(document["idf1_at"]) == ["0s", "2s", "10s", "end"]
    assert list(document["baselines"]) == list(BASELINES)
    assert document["idf1"] == document["idf1_at"]["10s"]
    assert document["idf1"] == pytest.approx(np.mean([row["idf1"] for row in document["seeds"]]), abs=1e-3)
    for name, value in document["baselines"].items():
        rows = [row["baselines"][name] for row in document["seeds"]]
        assert value == pytest.approx(np.mean(rows), abs=1e-3)
        assert document["paired"][name]["difference"] == pytest.approx(document["idf1"] - value, abs=1e-3)
        low, high = document["paired"][name]["difference_ci95"]
        assert low <= document["paired"][name]["difference"] <= high
    flat, skewed = document["flat_time"], document["skewed"]
    assert flat["gain"] == pytest.approx(document["idf1"] - flat["idf1"], abs=1e-3)
    assert skewed["loss"] == pytest.approx(document["idf1"] - skewed["idf1"], abs=1e-3)
    assert document["new_vehicle"]["10s"]["precision"] > 0.3
    assert document["stepped"]["camera_id"] == "c1"
    assert document["stepped"]["loss"] == pytest.approx(document["idf1"] - document["stepped"]["idf1"], abs=1e-3)


def test_baselines_have_one_threshold_for_all_seeds_and_it_is_their_best(lane):
    plan = _plan(lane)
    results = run_study(plan, [0, 1])
    table = np.array([r.curves["greedy"] for r in results])
    document = study_document(plan, results)
    assert document["baselines"]["greedy"] == pytest.approx(table.mean(axis=0).max(), abs=1e-4)
    assert document["paired"]["greedy"]["threshold"] == THRESHOLDS[int(table.mean(axis=0).argmax())]


def test_processes_change_nothing_but_time(lane):
    plan = _plan(lane[:12])
    told = []
    alone = study_document(plan, run_study(plan, [0, 1], 1, lambda done, of: told.append((done, of))))
    assert told == [(1, 2), (2, 2)]
    assert study_document(plan, run_study(plan, [0, 1], 2)) == alone


def test_a_lesson_is_heard(lane):
    lesson = street_of(12, 6)
    taught = run_trial(_plan(lane, lesson=lesson), 1)
    alone = run_trial(_plan(lane), 1)
    assert taught.ours != alone.ours


def test_there_must_be_a_seed(street):
    with pytest.raises(ValueError, match="at least one seed"):
        run_study(_plan(street), [])


# ------------------------------------------------------------------ intervals


def test_the_interval_covers_a_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    covered = 0
    for k in range(200):
        mean = bootstrap_mean(rng.normal(0.5, 0.1, 20).tolist(), k)
        covered += mean.low <= 0.5 <= mean.high
    assert 0.88 <= covered / 200 <= 0.99


def test_what_was_not_measured_is_left_out():
    assert bootstrap_mean([0.5, float("nan")]).value == 0.5
    assert math.isnan(bootstrap_mean([float("nan")]).value)
