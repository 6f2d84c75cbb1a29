"""Pictures shown as another camera might have taken them."""

import numpy as np

from detector.adapt.labelled import Labelled
from detector.adapt.staging import staged


def picture(boxes, ignored=()):
    image = np.full((180, 320, 3), 128, np.uint8)
    for x1, y1, x2, y2 in boxes:
        image[y1:y2, x1:x2] = (0, 0, 255)
    found = np.array(boxes, np.float32).reshape(-1, 4)
    return Labelled(image, found, np.arange(len(found)), np.array(ignored, np.float32).reshape(-1, 4))


def test_boxes_follow_what_they_show():
    source, seen = picture([(100, 60, 160, 110), (20, 20, 60, 50)]), 0
    for seed in range(60):
        shown = staged(source, (288, 512), np.random.default_rng(seed))
        assert shown.image.shape == (288, 512, 3)
        for x1, y1, x2, y2 in shown.boxes.round().astype(int).tolist():
            inside = shown.image[y1 + 4 : y2 - 4, x1 + 4 : x2 - 4].reshape(-1, 3).astype(int)
            around = shown.image.astype(int)
            if inside.size:
                seen += 1
                assert np.median(inside[:, 2] - inside[:, 1]) > 15  # red, however it was lit
            edge = around[max(0, y1 - 8) : y1 - 4, x1:x2].reshape(-1, 3)
            if edge.size:
                assert np.median(edge[:, 2] - edge[:, 1]) < np.median(inside[:, 2] - inside[:, 1])
    assert seen > 40


def test_the_same_draws_give_the_same_picture():
    one, other = (staged(picture([(100, 60, 160, 110)]), (96, 160), np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(one.image, other.image)
    np.testing.assert_array_equal(one.boxes, other.boxes)


def test_what_is_cut_off_is_ignored_and_never_lost():
    source = picture([(0, 0, 30, 30), (100, 60, 160, 110)], ignored=[(200, 100, 240, 140)])
    for seed in range(60):
        shown = staged(source, (96, 160), np.random.default_rng(seed))
        assert len(shown.boxes) == len(shown.classes)
        assert len(shown.boxes) + len(shown.ignored) == 3
        assert (shown.boxes >= 0).all()
        assert (shown.boxes[:, [0, 2]] <= 160).all()
        assert (shown.boxes[:, [1, 3]] <= 96).all()
