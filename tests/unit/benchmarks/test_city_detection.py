"""The judge of the city: what counts as asked for, found, claimed and right, case by case."""

import numpy as np
import pytest

from benchmarks.city.detection import DetectionCount, count_frame, moving
from simulator.truth import TruthBox
from tracker.single_camera.assignment import iou_matrix

KINDS = {1: "car", 2: "bus", 3: "car"}


def box(vehicle, frame=1, left=100, width=60, visible=1.0, camera=1):
    return TruthBox(camera, vehicle, frame, left, 50, width, 40, visible)


def xyxy(*boxes):
    return np.array([[b.left, b.top, b.left + b.width, b.top + b.height] for b in boxes], np.float32).reshape(-1, 4)


def judge(truth, found, kinds=None, moves=None):
    keys = {(b.camera, b.vehicle_id, b.frame) for b in truth} if moves is None else moves
    return count_frame(truth, keys, KINDS, xyxy(*found), kinds or ["car"] * len(found))


def counts(count):
    return count.asked, count.found, count.claimed, count.right


def test_a_found_vehicle():
    assert counts(judge([box(1)], [box(1, left=105)])) == (1, 1, 1, 1)


def test_a_missed_and_an_invented_vehicle():
    assert counts(judge([box(1)], [box(1, left=300)])) == (1, 0, 1, 0)


def test_nothing_there_and_nothing_found():
    assert counts(judge([], [])) == (0, 0, 0, 0)


@pytest.mark.parametrize(
    "other", [box(1, width=31), box(1, visible=0.69)], ids=["too narrow to ask for", "too hidden to ask for"]
)
def test_what_need_not_be_found_is_still_right_when_found(other):
    count = judge([other], [box(1, left=other.left, width=max(other.width, 33))])
    assert counts(count) == (0, 0, 1, 1)


def test_a_standing_vehicle_need_not_be_found():
    assert counts(judge([box(1)], [box(1)], moves=set())) == (0, 0, 1, 1)


def test_small_detections_are_not_judged():
    assert counts(judge([box(1)], [box(1, left=300, width=20)])) == (1, 0, 0, 0)


def test_one_detection_serves_one_vehicle():
    assert judge([box(1), box(3, left=104)], [box(1, left=102)]).found == 1


def test_the_best_pairs_are_matched():
    count = judge([box(1), box(2, left=130)], [box(2, left=130), box(1, left=101)], ["bus", "car"])
    assert count.found == 2
    assert count.document()["class_agreement"] == 1.0


def test_classes_are_pooled_and_counted_apart():
    count = judge([box(1)], [box(1)], ["truck"])
    assert count.document() == {"asked": 1, "recall": 1.0, "precision": 1.0, "class_agreement": 0.0}


def test_shares_of_nothing_are_none():
    assert DetectionCount().document() == {"asked": 0, "recall": None, "precision": None, "class_agreement": None}


def test_counts_add_up():
    total = judge([box(1)], [box(1)])
    total.add(judge([box(2)], [], []))
    assert total.document()["recall"] == 0.5
    assert total.classes == {("car", "car"): 1}


def test_moving_is_being_elsewhere_next_frame():
    boxes = [box(1, frame=1), box(1, frame=2, left=110), box(1, frame=3, left=110), box(2, frame=1), box(2, frame=2)]
    assert moving(boxes) == {(1, 1, 1), (1, 1, 2)}


def test_moving_needs_neighbouring_frames_of_one_camera():
    assert moving([box(1, frame=1), box(1, frame=3, left=200), box(1, frame=2, left=300, camera=2)]) == set()


def test_iou_equals_a_naive_count_of_pixels():
    rng = np.random.default_rng(5)
    corners = rng.integers(0, 12, (20, 4))
    boxes = np.array([[min(a, c), min(b, d), max(a, c) + 1, max(b, d) + 1] for a, b, c, d in corners], np.float64)
    grids = np.zeros((20, 14, 14), bool)
    for grid, (x1, y1, x2, y2) in zip(grids, boxes.astype(int), strict=True):
        grid[y1:y2, x1:x2] = True
    naive = [[(a & b).sum() / (a | b).sum() for b in grids] for a in grids]
    np.testing.assert_allclose(iou_matrix(boxes, boxes), naive)
