import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detector.types import Detections
from tracker.metrics.average_precision import Judged, agreement, average_precision, coco_ap, sure_boxes


def picture(found, truth, ignored=None):
    boxes = np.array([box for box, _ in found], float).reshape(-1, 4)
    scores = np.array([score for _, score in found], float)
    truth = np.array(truth, float).reshape(-1, 4)
    return Judged(boxes, scores, truth, np.array(ignored if ignored is not None else [False] * len(truth), bool))


A, B, C = [0, 0, 10, 10], [20, 0, 30, 10], [50, 0, 60, 10]


@pytest.mark.parametrize(
    ("found", "truth", "ignored", "expected"),
    [
        ([(A, 0.9), (B, 0.8)], [A, B], None, 1.0),
        ([], [A], None, 0.0),
        ([(C, 0.9)], [A], None, 0.0),
        ([(A, 0.9)], [], None, 0.0),
        # One of two found: precision 1 up to recall 0.5, which is 51 of the 101 points.
        ([(A, 0.9)], [A, B], None, 51 / 101),
        # The wrong box comes first: precision 1/2 wherever the right one is found.
        ([(C, 0.9), (A, 0.8)], [A], None, 0.5),
        # A box on an ignored one is neither right nor wrong.
        ([(B, 0.95), (A, 0.9)], [A, B], [False, True], 1.0),
        # A second box on the same vehicle is wrong, but after the right one it costs nothing.
        ([(A, 0.9), (A, 0.8)], [A], None, 1.0),
    ],
)
def test_average_precision_of_small_cases(found, truth, ignored, expected):
    assert average_precision([picture(found, truth, ignored)], 0.5) == pytest.approx(expected)


def test_looser_boxes_count_at_fewer_overlaps():
    loose = [0, 0, 10, 8]  # IoU 0.8 with A
    assert coco_ap([picture([(loose, 0.9)], [A])]) == pytest.approx(0.7)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.01, 1), st.booleans()), max_size=12), st.integers(1, 12))
def test_pictures_pool_like_one_large_picture(found, truths):
    """Whether boxes lie in one picture or in many makes no difference when they cannot be confused."""
    spots = [[100 * k, 0, 100 * k + 10, 10] for k in range(12)]
    off = [[100 * k + 50, 0, 100 * k + 60, 10] for k in range(12)]
    boxes = [(spots[k] if hit else off[k], score) for k, (score, hit) in enumerate(found)]
    one = [picture(boxes, spots[:truths])]
    many = [picture(boxes[k : k + 1], spots[k : k + 1] if k < truths else []) for k in range(12)]
    assert average_precision(one, 0.5) == pytest.approx(average_precision(many, 0.5))
    assert 0 <= average_precision(one, 0.5) <= 1


def detections(*rows):
    boxes = np.array([box for box, _ in rows], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([score for _, score in rows], np.float32), np.full(len(rows), 2, np.int64))


def test_agreement_asks_for_sure_boxes_only():
    sure, unsure = (A, 0.8), (B, 0.15)
    assert agreement([detections(sure, unsure)], [detections(sure)]) == 1.0
    assert agreement([detections(sure)], [detections()]) == 0.0
    assert agreement([detections(unsure)], [detections()]) == 1.0
    assert sure_boxes([detections(sure, unsure), detections(), detections(sure)]) == 2
    with pytest.raises(ValueError, match="zip"):
        agreement([detections(sure)], [])
