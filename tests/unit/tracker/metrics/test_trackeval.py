"""IDF1 and HOTA equal TrackEval's on the same boxes."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest

from tracker.metrics.hota import hota_alphas, hota_score
from tracker.metrics.identity import identity_score
from tracker.metrics.overlaps import LabelledBoxes, overlaps


def _boxes(rows):
    table = np.array(rows, np.float64).reshape(-1, 6)
    return LabelledBoxes(table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:])


def _iou_matrix(a, b):
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    inter = np.clip(high - low, 0, None).prod(axis=2)
    union = a[:, 2:].prod(axis=1)[:, None] + b[:, 2:].prod(axis=1)[None] - inter
    return inter / union


def _trackeval(truth, predicted):
    from trackeval.metrics import HOTA, Identity

    truth_ids, predicted_ids = np.unique(truth.identity), np.unique(predicted.identity)
    data = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    for step in np.unique(np.concatenate([truth.step, predicted.step])):
        t, p = truth.step == step, predicted.step == step
        data["gt_ids"].append(np.searchsorted(truth_ids, truth.identity[t]))
        data["tracker_ids"].append(np.searchsorted(predicted_ids, predicted.identity[p]))
        data["similarity_scores"].append(_iou_matrix(truth.xywh[t], predicted.xywh[p]))
    data |= {"num_gt_ids": len(truth_ids), "num_tracker_ids": len(predicted_ids)}
    data |= {"num_gt_dets": len(truth.step), "num_tracker_dets": len(predicted.step)}
    with contextlib.redirect_stdout(io.StringIO()):
        return Identity({"PRINT_CONFIG": False}).eval_sequence(data), HOTA().eval_sequence(data)


def _assert_equal(truth, predicted):
    identity, hota = _trackeval(truth, predicted)
    joined = overlaps(truth, predicted)
    ours = identity_score(joined)
    assert (ours.idtp, ours.idfp, ours.idfn) == (identity["IDTP"], identity["IDFP"], identity["IDFN"])
    for name in ("IDF1", "IDP", "IDR"):
        assert getattr(ours, name.lower()) == pytest.approx(identity[name], abs=1e-12)
    score = hota_score(joined)
    assert score.hota_alpha == pytest.approx(hota["HOTA"], abs=1e-9)
    assert score.hota == pytest.approx(np.mean(hota["HOTA"]), abs=1e-9)
    assert score.det_a == pytest.approx(np.mean(hota["DetA"]), abs=1e-9)
    assert score.ass_a == pytest.approx(np.mean(hota["AssA"]), abs=1e-9)


def _random_scene(seed):
    """Crowded paths, noisy and missing predictions, identity switches, clutter."""
    rng = np.random.default_rng(seed)
    truth, predicted = [], []
    for vehicle in range(rng.integers(2, 7)):
        start, length = rng.integers(0, 15), rng.integers(3, 25)
        place, speed, size = rng.uniform(0, 60, 2), rng.uniform(-3, 3, 2), rng.uniform(15, 40, 2)
        label = vehicle
        for k in range(length):
            box = np.concatenate([place + speed * k, size])
            truth.append([start + k, vehicle, *box])
            if rng.random() < 0.1:
                label = int(rng.integers(0, 10)) * 10 + vehicle
            if rng.random() < 0.85:
                predicted.append([start + k, label, *(box + rng.normal(0, 2, 4) * [1, 1, 0.5, 0.5])])
    for k in range(int(rng.integers(0, 8))):
        predicted.append([rng.integers(0, 40), 500 + k, *rng.uniform(0, 60, 2), *rng.uniform(10, 40, 2)])
    return _boxes(truth), _boxes(predicted)


@pytest.mark.parametrize("seed", range(25))
def test_random_scenes(seed):
    _assert_equal(*_random_scene(seed))


SQUARE = [0, 0, 10, 10]
HAND_MADE = {
    "perfect": ([[t, 1, *SQUARE] for t in range(4)], [[t, 9, *SQUARE] for t in range(4)]),
    "switch": ([[t, 1, *SQUARE] for t in range(4)], [[t, 9 + (t > 1), *SQUARE] for t in range(4)]),
    "nothing in common": ([[0, 1, *SQUARE]], [[0, 9, 50, 50, 10, 10]]),
    "other timestep": ([[0, 1, *SQUARE]], [[1, 9, *SQUARE]]),
    "iou exactly at the threshold": ([[0, 1, *SQUARE]], [[0, 9, 0, 0, 10, 5]]),
    "two on one": ([[0, 1, *SQUARE]], [[0, 8, *SQUARE], [0, 9, 1, 0, 10, 10]]),
    "one on two": ([[0, 1, *SQUARE], [0, 2, 1, 0, 10, 10]], [[0, 9, *SQUARE]]),
    "no prediction": ([[0, 1, *SQUARE]], []),
    "no truth": ([], [[0, 9, *SQUARE]]),
}


@pytest.mark.parametrize("case", HAND_MADE)
def test_hand_made(case):
    truth, predicted = HAND_MADE[case]
    _assert_equal(_boxes(truth), _boxes(predicted))


def test_alphas_are_trackevals():
    from trackeval.metrics import HOTA

    assert hota_alphas().tolist() == HOTA().array_labels.tolist()


def test_second_box_of_an_identity_in_a_timestep_is_a_false_positive():
    truth = _boxes([[0, 1, *SQUARE]])
    score = identity_score(overlaps(truth, _boxes([[0, 9, *SQUARE], [0, 9, 1, 0, 10, 10]])))
    assert (score.idtp, score.idfp, score.idfn) == (1, 1, 0)
