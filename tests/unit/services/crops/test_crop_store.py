import cv2
import numpy as np
import pytest

from services.crops import CropStore, new_crop_key
from services.errors import NotFound


@pytest.fixture(params=["folder", "memory"])
def crops(request, tmp_path):
    return CropStore(str(tmp_path / "a" / "crops") if request.param == "folder" else f"memory://{tmp_path.name}/crops")


class ConnectError(Exception):
    """As a client of some place raises it, outside Python's own tree."""


def picture(value=90):
    return np.full((40, 60, 3), value, np.uint8)


def test_what_was_put_comes_back(crops):
    key = crops.put(picture(90))
    other = crops.put(picture(200))
    assert key != other
    decoded = cv2.imdecode(np.frombuffer(crops.get(key), np.uint8), cv2.IMREAD_COLOR)
    assert decoded.shape == (40, 60, 3)
    assert abs(float(decoded.mean()) - 90) < 3


def test_deleted_is_gone_and_deleting_again_is_fine(crops):
    key = crops.put(picture())
    crops.delete(key)
    crops.delete(key)
    with pytest.raises(NotFound):
        crops.get(key)


def test_putting_a_key_again_changes_nothing(crops):
    key = new_crop_key()
    crops.put_jpeg(key, b"one")
    crops.put_jpeg(key, b"one")
    assert crops.get(key) == b"one"


@pytest.mark.parametrize("key", ["../../etc/passwd", "", "x" * 32, "0" * 31])
def test_a_foreign_key_leads_nowhere(crops, key):
    with pytest.raises(NotFound):
        crops.get(key)
    with pytest.raises(ValueError, match="crop key"):
        crops.put_jpeg(key, b"x")
    crops.delete(key)


@pytest.mark.parametrize(("used", "call"), [
    ("pipe_file", lambda crops: crops.put(picture())), ("cat_file", lambda crops: crops.get("0" * 32)),
    ("exists", lambda crops: crops.has("0" * 32)), ("rm_file", lambda crops: crops.delete("0" * 32)),
    ("find", lambda crops: crops.older_than(0.0)),
])  # fmt: skip
def test_a_place_that_is_not_reached_is_told_as_such(tmp_path, monkeypatch, used, call):
    crops = CropStore(f"memory://{tmp_path.name}/crops")

    def away(*_args, **_options):
        raise ConnectError("cannot connect to host")

    monkeypatch.setattr(crops._fs, used, away)
    with pytest.raises(OSError, match="ConnectError: cannot connect to host"):
        call(crops)


def test_a_folder_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    crops = CropStore(str(tmp_path / "crops"))
    key = new_crop_key()
    (tmp_path / "crops" / key[:2]).write_text("a file where a folder should be")
    with pytest.raises((FileExistsError, NotADirectoryError)):
        crops.put_jpeg(key, b"x")


def test_no_half_written_names_remain(tmp_path):
    crops = CropStore(str(tmp_path))
    for _ in range(5):
        crops.put(picture())
    assert [path.suffix for path in tmp_path.rglob("*") if path.is_file()] == [".jpg"] * 5


def test_refuses_what_is_no_picture(tmp_path):
    with pytest.raises(ValueError, match="image must be"):
        CropStore(str(tmp_path)).put(np.zeros((0, 3, 3), np.uint8))
