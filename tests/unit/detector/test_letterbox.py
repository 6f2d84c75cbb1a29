import numpy as np
import pytest

from detector.letterbox import PAD_VALUE, letterbox_into


@pytest.mark.parametrize("hw", [(360, 640), (1080, 810), (50, 51), (288, 512), (7, 900)])
def test_boxes_come_back_where_they_were(hw):
    image = np.zeros((*hw, 3), np.uint8)
    out = np.empty((288, 512, 3), np.uint8)
    fit = letterbox_into(image, out)
    boxes = np.array([[0, 0, hw[1], hw[0]], [hw[1] * 0.25, hw[0] * 0.5, hw[1] * 0.75, hw[0]]], np.float32)
    offset = np.array([fit.left_px, fit.top_px] * 2, np.float32)
    np.testing.assert_allclose(fit.to_source(boxes * fit.scale + offset), boxes, atol=1e-2)


def test_the_rest_is_grey_and_nothing_old_shows_through():
    out = np.full((288, 512, 3), 7, np.uint8)
    letterbox_into(np.full((100, 100, 3), 255, np.uint8), out)
    assert set(np.unique(out)) == {PAD_VALUE, 255}
    assert (out == 255).all(axis=(0, 2)).sum() == 288


def test_boxes_are_clipped_to_the_picture():
    fit = letterbox_into(np.zeros((100, 100, 3), np.uint8), np.empty((64, 128, 3), np.uint8))
    assert fit.to_source(np.array([[-50, -50, 500, 500]], np.float32)).tolist() == [[0, 0, 100, 100]]


@pytest.mark.parametrize(
    "image", [np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)]
)
def test_refuses_what_is_no_picture(image):
    with pytest.raises(ValueError, match="image must be"):
        letterbox_into(image, np.empty((64, 64, 3), np.uint8))
