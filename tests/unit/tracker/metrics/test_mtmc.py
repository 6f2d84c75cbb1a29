"""The rules of multi-camera evaluation, one case each."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.metrics.cityflow import parse_cityflow
from tracker.metrics.mtmc import CITYFLOW_RULES, MtmcRules, evaluate_mtmc

WIDE = "100 100 64 48"


def _score(truth, predicted, rules=CITYFLOW_RULES):
    return evaluate_mtmc(
        parse_cityflow("\n".join(truth)), parse_cityflow("\n".join(predicted), read_visible=False), rules
    )


def _rows(camera, vehicle, frames, box=WIDE, visible="-1"):
    return [f"{camera} {vehicle} {frame} {box} {visible} -1" for frame in frames]


def test_truth_against_itself_is_perfect():
    truth = _rows(1, 7, range(1, 6)) + _rows(2, 7, range(3, 9))
    score = _score(truth, truth)
    assert (score.idf1, score.idf1_all, score.idp, score.idr, score.hota) == (1, 1, 1, 1, pytest.approx(1))
    assert (score.vehicles, score.identities) == (1, 1)


def test_the_same_frame_of_two_cameras_is_two_timesteps():
    truth = _rows(1, 7, [1, 2]) + _rows(2, 7, [1, 2])
    swapped = _rows(1, 5, [1, 2]) + _rows(2, 6, [1, 2])
    assert _score(truth, swapped).idf1_all == 0.5
    assert _score(truth, swapped).idf1 == 0, "identities of one camera are dropped"


def test_every_truth_frame_counts():
    truth = _rows(1, 7, range(1, 11)) + _rows(2, 7, range(1, 11))
    seen = _rows(1, 3, range(1, 6)) + _rows(2, 3, range(1, 6))
    score = _score(truth, seen)
    assert (score.idp, score.idr) == (1.0, 0.5)


@pytest.mark.parametrize(
    ("box", "visible"), [("100 100 31 48", "-1"), (WIDE, "0.39")], ids=["too narrow", "too hidden"]
)
def test_boxes_not_asked_for_are_neither_missed_nor_punished(box, visible):
    truth = _rows(1, 7, [1, 2]) + _rows(2, 7, [1, 2]) + _rows(1, 7, [3, 4], box, visible)
    covered = _rows(1, 3, [1, 2]) + _rows(2, 3, [1, 2])
    assert _score(truth, covered).idf1 == 1, "not missed"
    assert _score(truth, covered + _rows(1, 3, [3, 4], box)).idf1 == 1, "not punished"


@pytest.mark.parametrize(
    ("box", "visible"), [("100 100 32 48", "-1"), (WIDE, "0.4"), (WIDE, "1")], ids=["wide", "visible", "whole"]
)
def test_boxes_at_the_limit_are_asked_for(box, visible):
    truth = _rows(1, 7, [1, 2]) + _rows(2, 7, [1, 2]) + _rows(1, 7, [3, 4], box, visible)
    score = _score(truth, _rows(1, 3, [1, 2]) + _rows(2, 3, [1, 2]))
    assert score.idfn == 2


def test_valid_boxes_are_matched_before_predictions_are_dropped():
    hidden_beside = _rows(1, 8, [1, 2], "104 100 64 48", "0.1")
    truth = _rows(1, 7, [1, 2]) + _rows(2, 7, [1, 2]) + hidden_beside
    predicted = _rows(1, 3, [1, 2], "103 100 64 48") + _rows(2, 3, [1, 2])
    score = _score(truth, predicted)
    assert (score.idtp, score.idfp) == (4, 0), "nearer to the hidden box, yet it covers a valid one"


def test_only_the_unmatched_of_two_predictions_is_dropped():
    hidden_beside = _rows(1, 8, [1, 2], "104 100 64 48", "0.1")
    truth = _rows(1, 7, [1, 2]) + _rows(2, 7, [1, 2]) + hidden_beside
    second = _rows(1, 4, [1, 2], "104 100 64 48") + _rows(2, 4, [9])
    score = _score(truth, _rows(1, 3, [1, 2]) + _rows(2, 3, [1, 2]) + second)
    assert (score.idtp, score.idfp) == (4, 0)
    assert score.identities == 1, "what is left of identity 4 is seen by one camera"


def test_vehicle_of_one_camera_is_a_false_positive_for_identities_of_two():
    truth = _rows(1, 7, [1, 2]) + _rows(2, 7, [1, 2]) + _rows(1, 9, [5, 6])
    alone = _rows(1, 3, [1, 2]) + _rows(2, 3, [1, 2]) + _rows(1, 4, [5, 6])
    assert _score(truth, alone).idf1 == 1, "an identity of one camera is dropped"
    joined = _rows(1, 3, [1, 2, 5, 6]) + _rows(2, 3, [1, 2])
    score = _score(truth, joined)
    assert (score.idtp, score.idfp, score.idfn) == (4, 2, 0)


def test_vehicle_counts_only_cameras_where_it_has_valid_boxes():
    truth = _rows(1, 7, [1, 2]) + _rows(2, 7, [1, 2], "0 0 20 20")
    score = _score(truth, truth)
    assert (score.vehicles, score.idf1) == (0, 0)
    assert score.idf1_all == 1


def test_idf1_all_counts_vehicles_and_identities_of_one_camera():
    truth = _rows(1, 7, [1, 2]) + _rows(2, 7, [1, 2]) + _rows(1, 9, [5, 6])
    predicted = _rows(1, 3, [1, 2]) + _rows(2, 3, [1, 2])
    assert _score(truth, predicted).idf1 == 1
    assert _score(truth, predicted).idf1_all == pytest.approx(2 * 4 / (2 * 4 + 2))


def test_no_prediction_scores_zero():
    truth = _rows(1, 7, [1]) + _rows(2, 7, [1])
    score = _score(truth, [])
    assert (score.idf1, score.idr, score.hota, score.idfn) == (0, 0, 0, 2)


def test_truth_with_a_vehicle_twice_in_a_frame_is_refused():
    with pytest.raises(ValueError, match="vehicle 7 more than once in frame 1 of camera 1"):
        _score(_rows(1, 7, [1, 1]), [])


def test_rules_refuse_nonsense():
    with pytest.raises(ValueError, match="min_cameras"):
        MtmcRules(min_cameras=0)
    with pytest.raises(ValueError, match="min_visible"):
        MtmcRules(min_visible=1.1)


def test_order_of_rows_and_names_of_identities_do_not_matter():
    rng = np.random.default_rng(4)
    truth = [f"{c} {v} {f} {v * 70 + f} 50 64 48 -1 -1" for c in (1, 2, 3) for v in range(6) for f in range(1, 30)]
    predicted = [row for row in truth if rng.random() < 0.8] + _rows(1, 99, range(1, 9)) + _rows(2, 99, range(1, 9))
    renamed = [" ".join([c, str(1000 - int(v)), *rest]) for c, v, *rest in (row.split() for row in predicted)]
    rng.shuffle(renamed)
    assert _score(truth, renamed) == _score(truth, predicted)
