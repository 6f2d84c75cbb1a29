"""Which pictures are kept."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tracker.single_camera.crops import CropChooser, View, occlusions, promises, sharpness
from tracker.single_camera.settings import CropSettings

SETTINGS = CropSettings()
NOISE = np.random.default_rng(0).integers(0, 255, (200, 300, 3), np.uint8)


def test_blur_costs_sharpness_and_a_flat_picture_has_none():
    blurred = cv2.GaussianBlur(NOISE, (0, 0), 4)
    assert 1 > sharpness(NOISE, 300.0) > sharpness(blurred, 300.0) > 0
    assert sharpness(np.full((40, 60, 3), 90, np.uint8), 300.0) == 0


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 300, 3), (500, 2, 3)])
def test_sharpness_of_odd_shapes(shape):
    assert 0 <= sharpness(np.zeros(shape, np.uint8), 300.0) < 1


def test_only_what_stands_lower_covers():
    boxes = np.array([[0.0, 0, 100, 100], [50, 50, 150, 150], [300, 0, 400, 100]])
    assert occlusions(boxes).tolist() == [0.25, 0.0, 0.0]


def test_several_cover_at_most_all():
    boxes = np.array([[0.0, 0, 10, 10], [0, 0, 10, 11], [0, 0, 10, 12]])
    assert occlusions(boxes)[0] == 1.0


def test_promise_by_score_size_border_and_cover():
    boxes = np.array([[100.0, 100, 200, 180], [100, 300, 150, 340], [0, 20, 100, 90], [300, 20, 305, 90]])
    scores = np.full(4, 0.8)
    whole, small, clipped, thin = promises(boxes, scores, (400, 600), SETTINGS)
    assert whole > small > 0
    assert clipped == pytest.approx(0.8 * np.sqrt(7000) / 128 * SETTINGS.clipped_factor)
    assert thin == 0
    assert promises(boxes[:1], scores[:1] / 2, (400, 600), SETTINGS)[0] == pytest.approx(whole / 2)


def test_no_promise_while_mostly_covered():
    boxes = np.array([[100.0, 100, 200, 200], [100, 150, 200, 260]])
    behind, front = promises(boxes, np.ones(2), (400, 600), SETTINGS)
    assert behind == 0
    assert front > 0


def _view(k, x, promise=0.5):
    return View(k * 10**8, k, (x, 40.0, x + 60.0, 90.0), promise)


def test_one_crop_for_a_vehicle_that_stands():
    chooser = CropChooser(SETTINGS)
    for k in range(50):
        chooser.offer(_view(k, 100.0 + k % 3, 0.5 + 0.001 * k), NOISE)
    assert len(chooser.chosen()) == 1


def test_memory_is_bounded_and_views_are_spread_on_long_paths():
    chooser = CropChooser(CropSettings(count=3))
    wide = np.tile(NOISE, (1, 20, 1))
    for k in range(400):
        chooser.offer(_view(k, 12.0 * k), wide)
    crops = chooser.chosen()
    assert len(chooser._best) <= 6
    assert len(crops) == 3
    assert np.diff(sorted(crop.frame for crop in crops)).min() >= 10


def test_a_better_picture_of_the_same_view_replaces():
    chooser = CropChooser(SETTINGS)
    for k, promise in enumerate((0.5, 0.52, 0.8, 0.4)):
        chooser.offer(_view(k, 100.0, promise), NOISE)
    assert [crop.frame for crop in chooser.chosen()] == [2]


def test_nothing_from_views_without_promise():
    chooser = CropChooser(SETTINGS)
    chooser.offer(_view(0, 100.0, 0.0), NOISE)
    assert chooser.chosen() == ()


def test_padding_ends_at_the_image_and_large_crops_are_reduced():
    chooser = CropChooser(CropSettings(max_side_px=64, padding=0.5))
    chooser.offer(View(0, 0, (0.0, 0.0, 300.0, 100.0), 0.9), NOISE)
    (crop,) = chooser.chosen()
    assert crop.image.shape == (32, 64, 3)
    assert crop.box_xyxy.tolist() == [0, 0, 300, 100]
