import numpy as np
import pytest

from detector.nms import overlaps, suppress


def naive_iou(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    inter = width * height
    union = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter
    return inter / union if union > 0 else 0.0


def naive_suppress(boxes, scores, classes, iou, cross):
    kept = []
    for i in sorted(range(len(scores)), key=lambda i: -scores[i]):
        if all(naive_iou(boxes[i], boxes[j]) <= (iou if classes[i] == classes[j] else cross) for j in kept):
            kept.append(i)
    return kept


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("iou", "cross"), [(0.7, 0.8), (0.3, 1.0), (0.5, 0.5)])
def test_equals_the_naive_loop(seed, iou, cross):
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 60, (80, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(5, 60, (80, 2))], axis=1).astype(np.float32)
    scores = rng.uniform(0.1, 1, 80).astype(np.float32)
    classes = rng.choice([2, 3, 5, 7], 80).astype(np.int64)
    kept = suppress(boxes, scores, classes, iou=iou, cross_class_iou=cross)
    assert kept.tolist() == naive_suppress(boxes.tolist(), scores.tolist(), classes.tolist(), iou, cross)


def test_one_vehicle_seen_as_two_classes_stays_one_box():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9.5]], np.float32)
    scores = np.array([0.6, 0.8], np.float32)
    classes = np.array([2, 7], np.int64)
    assert suppress(boxes, scores, classes, iou=0.7, cross_class_iou=0.8).tolist() == [1]
    assert suppress(boxes, scores, classes, iou=0.7, cross_class_iou=1.0).tolist() == [1, 0]


def test_nothing_in_nothing_out():
    none = suppress(
        np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64), iou=1, cross_class_iou=1
    )
    assert none.shape == (0,)


def test_empty_boxes_overlap_nothing():
    flat = np.zeros((1, 4), np.float32)
    assert overlaps(flat[0], flat).tolist() == [0.0]
