"""Pictures that are stored or shown: plates unreadable where a detector is configured, small where none is."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from services.errors import ConfigError, ModelFileError
from services.privacy.guard import PictureGuard, open_guard
from services.privacy.settings import PlateSettings, PrivacySettings

PLATE = (150, 120, 214, 140)
INPUT = (144, 144)


def settings(path, sha256, **more) -> PrivacySettings:
    size = {"input_width_px": 128, "input_height_px": 96}
    return PrivacySettings(plates=PlateSettings(detector=str(path), sha256=sha256, **size, **more))


def detail(picture: np.ndarray) -> float:
    """Strongest change between neighbours across a plate: what a reader goes by."""
    x1, y1, x2, y2 = PLATE
    inner = picture[y1 + 4 : y2 - 4, x1:x2].astype(int)
    return float(np.abs(np.diff(inner, axis=1)).sum(axis=2).mean())


@pytest.fixture
def guard(plate_model) -> PictureGuard:
    path, sha256, store = plate_model
    return open_guard(settings(path, sha256), store)


def test_plates_are_unreadable_and_the_rest_is_as_it_was(guard, street):
    picture = street()
    before = picture.copy()
    shown = guard.shown(picture)
    assert (picture == before).all(), "the caller's picture is not touched"
    assert detail(picture) > 50
    assert detail(shown) < 0.2 * detail(picture)
    away = np.ones(picture.shape[:2], np.bool_)
    away[100:160, 130:240] = False
    assert (shown[away] == picture[away]).all()


def test_what_is_left_of_a_plate_does_not_depend_on_what_was_written(guard, street):
    one, two = street(), street()
    x1, y1, x2, y2 = PLATE
    two[y1 + 4 : y2 - 4, x1 + 4 : x2 - 4] = one[y1 + 4 : y2 - 4, x1 + 4 : x2 - 4][:, ::-1]
    blurred = [guard.shown(picture)[y1 - 2 : y2 + 2, x1 - 4 : x2 + 4].astype(int) for picture in (one, two)]
    assert np.abs(one.astype(int) - two.astype(int)).max() == 255
    assert np.abs(blurred[0] - blurred[1]).max() < 40


def test_with_a_detector_stored_pictures_keep_their_size(guard, street):
    stored = guard.stored(street(), INPUT)
    assert stored.shape == (240, 320, 3)
    assert detail(stored) < 20


def test_a_picture_without_a_plate_stays(guard):
    plain = np.full((50, 60, 3), 90, np.uint8)
    assert (guard.shown(plain) == plain).all()


@pytest.mark.parametrize(("hw", "want"), [((240, 320), (108, 144)), ((320, 100), (144, 45)), ((30, 40), (30, 40))])
def test_without_a_detector_stored_pictures_are_no_larger_than_the_network_sees(hw, want):
    picture = np.random.default_rng(0).integers(0, 256, (*hw, 3), np.uint8)
    stored = PictureGuard().stored(picture, INPUT)
    assert stored.shape[:2] == want
    assert PictureGuard().shown(picture) is picture


def test_nothing_is_configured_by_itself():
    assert PrivacySettings().plates.detector is None
    guard = open_guard(PrivacySettings())
    assert guard.stored(np.zeros((300, 300, 3), np.uint8), INPUT).shape == (144, 144, 3)


def test_a_file_needs_its_hash_and_must_have_it(plate_model):
    path, sha256, store = plate_model
    with pytest.raises(ValidationError, match="needs its sha256"):
        PlateSettings(detector=str(path))
    with pytest.raises(ConfigError, match=r"privacy\.plates\.sha256"):
        open_guard(settings(path, "0" * 64), store)
    path.write_bytes(b"something else")
    with pytest.raises(ConfigError, match=r"privacy\.plates\.sha256"):
        open_guard(settings(path, sha256), store)
    path.unlink()
    with pytest.raises(ConfigError, match="cannot read"):
        open_guard(settings(path, sha256), store)


def test_a_name_that_nobody_knows(plate_model):
    with pytest.raises(ModelFileError, match="no model named"):
        open_guard(PrivacySettings(plates=PlateSettings(detector="no-such")), plate_model[2])
