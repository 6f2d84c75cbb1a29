"""Crops are cut as serving cuts them, along the detection that shows the vehicle."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.dataset.boxes import PADDING, cut, jitter, mask_box, match_detections, overlaps
from tracker.single_camera import crops
from tracker.single_camera.settings import CropSettings

SIDES = st.floats(-20, 120, allow_nan=False)


def test_padding_is_that_of_serving():
    assert CropSettings().padding == PADDING


@given(SIDES, SIDES, st.floats(1, 80), st.floats(1, 80))
def test_cut_is_that_of_serving(left, top, width, height):
    image = np.arange(100 * 90 * 3, dtype=np.uint32).astype(np.uint8).reshape(90, 100, 3)
    box = (left, top, left + width, top + height)

    ours, theirs = cut(image, box), crops._cut(image, box, PADDING)

    assert ours.size == theirs.size == 0 or np.array_equal(ours, theirs)


@given(st.lists(st.tuples(*[st.integers(0, 30)] * 2, *[st.integers(1, 20)] * 2), max_size=6), st.integers(0, 99))
def test_each_detection_shows_one_vehicle_at_most(boxes, seed):
    truth = np.array([(x, y, x + w, y + h) for x, y, w, h in boxes], np.float64).reshape(-1, 4)
    found = truth + np.random.default_rng(seed).integers(-2, 3, truth.shape)
    found = found[(found[:, 2:] > found[:, :2]).all(axis=1)]

    matches = match_detections(truth, found)

    taken = [match for match in matches if match is not None]
    assert len(taken) == len(set(taken))
    for row, match in enumerate(matches):
        if match is not None:
            assert overlaps(truth[row : row + 1], found[match : match + 1])[0, 0] >= 0.5


def test_exact_detections_are_all_matched():
    truth = np.array([[0, 0, 10, 10], [20, 0, 30, 10], [0, 20, 10, 30]], np.float64)

    assert match_detections(truth, truth[[2, 0, 1]]) == [1, 2, 0]
    assert match_detections(truth, np.zeros((0, 4))) == [None, None, None]


def test_jitter_moves_sides_by_three_to_seven_hundredths():
    box = (10.0, 20.0, 110.0, 70.0)

    assert jitter(box, np.zeros(4)) == pytest.approx((13, 21.5, 107, 68.5))
    assert jitter(box, np.ones(4)) == pytest.approx((3, 16.5, 117, 73.5))


def test_empty_mask_has_no_box():
    assert mask_box(np.zeros((4, 4), bool)) is None
