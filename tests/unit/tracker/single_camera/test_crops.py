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


def _sized(k, width, promise):
    """A view about the same place, of another width."""
    return View(k * 10**8, k, (150.0 - width / 2, 40.0, 150.0 + width / 2, 90.0), promise)


def test_a_vehicle_that_turns_in_its_place_gives_another_view():
    chooser = CropChooser(SETTINGS)
    for k, width in enumerate((100, 98, 60, 58)):
        chooser.offer(_sized(k, width, 0.5), NOISE)
    side, end = sorted(chooser.chosen(), key=lambda crop: crop.frame)
    assert side.image.shape[1] > 1.5 * end.image.shape[1]


def test_quality_alone_does_not_fill_the_choice_with_one_view():
    chooser = CropChooser(CropSettings(count=2))
    wide = np.tile(NOISE, (1, 3, 1))
    for k, (x, promise) in enumerate(((100.0, 0.3), (122.0, 0.9), (138.0, 0.89), (500.0, 0.6))):
        chooser.offer(_view(k, x, promise), wide)
    assert [crop.frame for crop in chooser.chosen()] == [1, 3], "the third is good, but much like the second"


def test_pictures_of_two_parts_never_compete():
    chooser = CropChooser(SETTINGS)
    chooser.offer(_view(0, 100.0, 0.9), NOISE)
    chooser.begin_part()
    chooser.offer(_view(1, 101.0, 0.3), NOISE)
    assert [crop.frame for crop in chooser.chosen()] == [0, 1]
    chooser.keep_from(10**8)
    assert [crop.frame for crop in chooser.chosen()] == [1]


def test_many_parts_stay_bounded_and_the_newest_is_among_them():
    chooser = CropChooser(CropSettings(count=2))
    for k in range(40):
        chooser.offer(_view(k, 100.0, 0.9 - 0.01 * k), NOISE)
        chooser.begin_part()
    assert len(chooser._best) <= 4
    chooser.offer(_view(40, 100.0, 0.2), NOISE)
    assert 40 in {held.crop.frame for held in chooser._best.values()}


def _beside_traffic(chooser, passes):
    """A vehicle that stands while others pass beside it, each beginning a part and ending it."""
    for k in range(2 * passes):
        chooser.offer(_view(k, 100.0, 0.6), NOISE)
        chooser.begin_part()


@pytest.mark.parametrize("passes", [0, 2, 10, 300])
def test_a_vehicle_that_waited_beside_traffic_keeps_pictures_of_its_later_drive(passes):
    chooser = CropChooser(SETTINGS)
    wide = np.tile(NOISE, (1, 3, 1))
    _beside_traffic(chooser, passes)
    for k in range(60):
        chooser.offer(_view(1000 + k, 100.0 + 6.0 * k, 0.5), wide)
    drive = [crop.box_xyxy[0] for crop in chooser.chosen() if crop.box_xyxy[0] > 160]
    assert len(drive) >= 2
    assert len(chooser._best) <= 2 * SETTINGS.count


def test_of_many_parts_in_one_place_the_first_and_the_newest_are_shown():
    chooser = CropChooser(SETTINGS)
    _beside_traffic(chooser, 20)
    assert sorted(crop.frame for crop in chooser.chosen()) == [0, 39]


def test_a_contact_far_along_the_path_leaves_the_stretches_as_they_are():
    chooser = CropChooser(CropSettings(count=2))
    wide = np.tile(NOISE, (1, 3, 1))
    for k, x in enumerate((100.0, 200.0, 300.0, 400.0)):
        chooser.offer(_view(k, x, 0.5 + 0.1 * (k == 3)), wide)
    chooser.begin_part()
    for k, x in enumerate((500.0, 600.0), start=4):
        chooser.offer(_view(k, x), wide)
    assert {held.crop.frame for held in chooser._best.values()} >= {3, 4, 5}
    assert chooser._stretch == SETTINGS.view_step
