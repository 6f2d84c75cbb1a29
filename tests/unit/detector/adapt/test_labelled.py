"""Reading pictures with boxes."""

import json
import os
import struct

import cv2
import numpy as np
import pytest

from detector.adapt.labelled import LabelledSet


def test_boxes_are_read_in_the_pixels_of_their_picture(small_set):
    found = LabelledSet(small_set)
    assert (len(found), found.classes) == (4, ("car", "bus"))
    second = found[1]
    np.testing.assert_allclose(second.boxes, [[40, 30, 100, 60]], atol=1e-3)
    assert second.classes.tolist() == [1]
    assert second.image.shape == (90, 160, 3)
    assert second.ignored.shape == (0, 4)


def test_a_picture_without_labels_shows_no_vehicle(small_set):
    (small_set / "labels" / "train" / "0.txt").unlink()
    assert LabelledSet(small_set)[0].boxes.shape == (0, 4)


def test_what_a_rendered_set_leaves_out_is_ignored(small_set):
    vehicles = [{"labelled": False, "box_xyxy": [1, 2, 3, 4]}, {"labelled": True, "box_xyxy": [40, 30, 100, 60]}]
    rows = [
        {"part": "train", "image": "0.png", "vehicles": vehicles},
        {"part": "test", "image": "1.png", "vehicles": vehicles},
    ]
    (small_set / "labels.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    found = LabelledSet(small_set)
    assert found[0].ignored.tolist() == [[1, 2, 3, 4]]
    assert found[1].ignored.shape == (0, 4)


@pytest.mark.parametrize(
    "line", ["0 0.5 0.5 0.1", "2 0.5 0.5 0.1 0.1", "0.5 0.5 0.5 0.1 0.1", "0 0.5 1.5 0.1 0.1", "0 a b c d"]
)
def test_a_line_that_is_no_box_is_named(small_set, line):
    (small_set / "labels" / "train" / "2.txt").write_text(f"0 0.5 0.5 0.1 0.1\n{line}\n")
    with pytest.raises(ValueError, match=r"2\.txt, line 2: expected a class below 2 and four shares"):
        LabelledSet(small_set)


def test_what_is_no_set_is_said(tmp_path, small_set):
    with pytest.raises(FileNotFoundError, match=r"no data\.yaml"):
        LabelledSet(tmp_path)
    with pytest.raises(FileNotFoundError, match="no pictures in"):
        LabelledSet(small_set, "val")
    (small_set / "data.yaml").write_text("names: [\n")
    with pytest.raises(ValueError, match=r"data\.yaml is not YAML"):
        LabelledSet(small_set)
    (small_set / "data.yaml").write_text("names: 3\n")
    with pytest.raises(ValueError, match="names must be the list of classes"):
        LabelledSet(small_set)


def test_a_picture_that_cannot_be_read_is_named(small_set):
    (small_set / "images" / "train" / "0.png").write_bytes(b"none")
    with pytest.raises(ValueError, match=r"0\.png cannot be read"):
        LabelledSet(small_set)[0]


def test_a_picture_that_claims_too_many_pixels_or_was_cut_short_is_named(small_set):
    picture = small_set / "images" / "train" / "1.png"
    image = cv2.imread(str(picture))
    picture.write_bytes(b"BM" + struct.pack("<IIIIiiHHIIiiII", 54, 0, 54, 40, 60_000, 60_000, 1, 24, 0, 0, 0, 0, 0, 0))
    with pytest.raises(ValueError, match=r"1\.png cannot be read"):
        LabelledSet(small_set)[1]
    whole = cv2.imencode(".jpg", image)[1].tobytes()
    picture.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"1\.png cannot be read"):
        LabelledSet(small_set)[1]
    picture.write_bytes(whole)
    assert LabelledSet(small_set)[1].image.shape == image.shape


def test_names_of_pictures_need_not_be_text(small_set):
    shown = LabelledSet(small_set)[1]
    for folder, suffix in (("images", "png"), ("labels", "txt")):
        path = small_set / folder / "train" / f"1.{suffix}"
        path.rename(path.with_name(os.fsdecode(b"1\xff.") + suffix))
    assert np.array_equal(LabelledSet(small_set)[1].image, shown.image)


def test_texts_may_begin_with_a_byte_order_mark(small_set):
    labels = small_set / "labels" / "train" / "1.txt"
    labels.write_text(labels.read_text(), encoding="utf-8-sig")
    row = {"part": "train", "image": "0.png", "vehicles": [{"labelled": False, "box_xyxy": [1, 2, 3, 4]}]}
    (small_set / "labels.jsonl").write_text("\n" + json.dumps(row) + "\n\n", encoding="utf-8-sig")
    found = LabelledSet(small_set)
    assert found[1].classes.tolist() == [1]
    assert found[0].ignored.tolist() == [[1, 2, 3, 4]]
