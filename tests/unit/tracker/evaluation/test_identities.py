"""IDF1 of tracklets is IDF1 of their boxes; new vehicles as defined."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.evaluation.identities import NewVehicles, new_vehicles, tracklet_idf1, truth_new
from tracker.evaluation.truth import SECOND_NS, SceneClock, TruthTracklet, tracklets_of
from tracker.metrics.cityflow import format_cityflow, parse_cityflow
from tracker.metrics.mtmc import evaluate_mtmc


def _scene(rng):
    """Vehicles in rows of their own, so that no box touches another; some boxes are too small or too hidden."""
    lines = []
    for vehicle in range(1, 13):
        for camera in rng.permutation(4)[: rng.integers(1, 5)]:
            begin, length = int(rng.integers(1, 50)), int(rng.integers(1, 25))
            for frame in range(begin, begin + length):
                width = 20 if rng.random() < 0.2 else 60
                visible = 0.1 if rng.random() < 0.1 else 0.9
                lines.append(f"{camera + 1} {vehicle} {frame} 100 {50 * vehicle} {width} 40 {visible} -1")
    return parse_cityflow("\n".join(lines))


@pytest.mark.parametrize("seed", range(8))
def test_idf1_of_tracklets_is_that_of_their_boxes(seed):
    rng = np.random.default_rng(seed)
    truth = _scene(rng)
    tracklets = tracklets_of(truth, SceneClock())
    labels = [int(rng.integers(1, 9)) if rng.random() < 0.4 else 20 + t.vehicle_id for t in tracklets]
    by_key = {(t.camera_id, t.vehicle_id): label for t, label in zip(tracklets, labels, strict=True)}
    keys = zip(truth.camera.tolist(), truth.identity.tolist(), strict=True)
    named = np.array([by_key[f"c{camera:03d}", vehicle] for camera, vehicle in keys])
    lines = format_cityflow(truth).splitlines()
    predicted = parse_cityflow(
        "\n".join(
            " ".join([c, str(n), *rest])
            for n, (c, _, *rest) in zip(named, (line.split() for line in lines), strict=True)
        )
    )
    score = evaluate_mtmc(truth, predicted)
    assert tracklet_idf1(tracklets, labels) == pytest.approx(score.idf1)
    assert tracklet_idf1(tracklets, labels, min_cameras=1) == pytest.approx(score.idf1_all)


def test_the_truth_scores_one_and_no_joining_zero(street):
    assert tracklet_idf1(street, [t.vehicle_id for t in street]) == 1.0
    assert tracklet_idf1(street, list(range(len(street)))) == 0.0
    assert 0.3 < tracklet_idf1(street, list(range(len(street))), min_cameras=1) < 0.8


def test_what_was_not_published_is_missed(street):
    labels = [t.vehicle_id if k % 2 else None for k, t in enumerate(street)]
    assert 0.0 < tracklet_idf1(street, labels, min_cameras=1) < 0.8
    assert tracklet_idf1(street, [None] * len(street)) == 0.0
    assert tracklet_idf1([], []) == 0.0


def _seen(vehicle, start, end):
    return TruthTracklet("c", vehicle, start * SECOND_NS, end * SECOND_NS, 1, (0, 0), (0, 0))


def test_a_vehicle_is_new_again_after_retention():
    tracklets = [_seen(1, 0, 5), _seen(1, 50, 60), _seen(2, 55, 58), _seen(1, 200, 210)]
    assert truth_new(tracklets, 100.0).tolist() == [True, False, True, True]


@pytest.mark.parametrize(
    ("said", "precision", "recall"),
    [
        pytest.param([True, True, False, False], 1.0, 1.0, id="right"),
        pytest.param([True, False, True, False], 0.5, 0.5, id="one of each wrong"),
        pytest.param([None, None, None, None], 0.0, 0.0, id="ambiguous is wrong"),
        pytest.param([True, None, False, False], 1.0, 0.5, id="ambiguous new is missed"),
        pytest.param([True, True, None, False], pytest.approx(2 / 3), 1.0, id="ambiguous known is called new"),
    ],
)
def test_new_vehicles(said, precision, recall):
    assert new_vehicles(np.array([True, True, False, False]), said) == NewVehicles(precision, recall)


def test_new_vehicles_of_none():
    found = new_vehicles(np.array([False]), [False])
    assert np.isnan(found.precision)
    assert np.isnan(found.recall)
