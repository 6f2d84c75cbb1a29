"""Gaps, labels and majority vehicles of tracklets."""

from __future__ import annotations

import numpy as np
import pytest

from tracker.metrics.cityflow import parse_cityflow
from tracker.metrics.mtmc import evaluate_mtmc
from tracker.metrics.tracklets import (
    TrackletBoxes,
    interpolate_gaps,
    labelled_tracks,
    majority_vehicles,
    oracle_labels,
)

BOX = [100.0, 100.0, 64.0, 48.0]


def _tracklet(key, camera, frames, box=BOX):
    return TrackletBoxes(key, camera, np.array(frames, np.int64), np.array([box] * len(frames), np.float64))


def _truth(*rows):
    return parse_cityflow("\n".join(f"{c} {v} {f} 100 100 64 48" for c, v, frames in rows for f in frames))


def test_gap_of_exactly_one_second_is_filled_and_a_longer_one_stays():
    frames, boxes = interpolate_gaps(
        np.array([1, 11, 22]), np.array([[0.0, 0, 8, 8], [10, 0, 8, 8], [0, 0, 8, 8]]), 10.0
    )
    assert frames.tolist() == [*range(1, 12), 22]
    assert boxes[:11, 0].tolist() == pytest.approx(list(range(11)))
    assert boxes[-1].tolist() == [0, 0, 8, 8]


def test_gap_depends_on_the_cameras_rate():
    frames, _ = interpolate_gaps(np.array([1, 10]), np.zeros((2, 4)), fps=8.0)
    assert frames.tolist() == [1, 10]


def test_single_box_and_no_box_stay():
    assert interpolate_gaps(np.array([4]), np.ones((1, 4)), 10.0)[0].tolist() == [4]
    assert len(interpolate_gaps(np.zeros(0, np.int64), np.zeros((0, 4)), 10.0)[0]) == 0


@pytest.mark.parametrize("frames", [[1, 1], [2, 1]])
def test_frames_must_ascend(frames):
    with pytest.raises(ValueError, match="strictly ascending"):
        interpolate_gaps(np.array(frames), np.zeros((2, 4)), 10.0)


def test_fps_must_be_positive():
    with pytest.raises(ValueError, match="fps"):
        interpolate_gaps(np.array([1]), np.zeros((1, 4)), 0.0)


def test_unlabelled_tracklets_are_not_published():
    tracks = labelled_tracks([_tracklet("a", 1, [1, 2]), _tracklet("b", 2, [3])], {"b": "x"})
    assert (tracks.camera.tolist(), tracks.frame.tolist()) == ([2], [3])


def test_majority_and_ties():
    truth = _truth((1, 5, [1, 2, 3]), (1, 4, [4, 5]), (2, 9, [1]), (2, 3, [2]))
    tracklets = [_tracklet("most", 1, [1, 2, 3, 4]), _tracklet("tie", 2, [1, 2]), _tracklet("none", 3, [1])]
    assert majority_vehicles(truth, tracklets) == {"most": 5, "tie": 3, "none": None}


def test_a_box_votes_for_its_nearest_truth_only():
    truth = parse_cityflow("1 1 1 100 100 64 48\n1 2 1 110 100 64 48")
    near_second = _tracklet("a", 1, [1], [109.0, 100, 64, 48])
    assert majority_vehicles(truth, [near_second]) == {"a": 2}


def test_oracle_joins_what_belongs_together_and_bounds_other_labels():
    truth = _truth((1, 5, range(1, 9)), (2, 5, range(1, 9)))
    tracklets = [_tracklet("a", 1, range(1, 9)), _tracklet("b", 2, range(1, 5)), _tracklet("c", 2, range(5, 9))]
    labels = oracle_labels(truth, tracklets)
    assert evaluate_mtmc(truth, labelled_tracks(tracklets, labels)).idf1 == 1
    worse = labels | {"c": "someone"}
    assert evaluate_mtmc(truth, labelled_tracks(tracklets, worse)).idf1 < 1


def test_clutter_keeps_a_label_of_its_own():
    truth = _truth((1, 5, [1]))
    labels = oracle_labels(truth, [_tracklet("x", 1, [1], [900.0, 0, 64, 48]), _tracklet("y", 1, [50])])
    assert labels == {"x": "clutter-x", "y": "clutter-y"}


def test_no_tracklets():
    assert majority_vehicles(_truth((1, 5, [1])), []) == {}


def test_empty_tracklet_among_others():
    tracklets = [TrackletBoxes("empty", 1, np.zeros(0, np.int64), np.zeros((0, 4))), _tracklet("a", 1, [1])]
    assert majority_vehicles(_truth((1, 5, [1])), tracklets) == {"empty": None, "a": 5}
