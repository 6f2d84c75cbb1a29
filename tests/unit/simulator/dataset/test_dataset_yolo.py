"""Labels in YOLO's layout: one line per labelled vehicle, a file for every picture, shares that give the box back."""

import numpy as np
import pytest
import yaml

from simulator.dataset.yolo import CLASSES, label_line, write_yolo


def _picture(image, part, *vehicles):
    return {"image": image, "part": part, "light": "noon", "vehicles": list(vehicles)}


def _vehicle(kind, box, labelled=True):
    return {"class": kind, "model": "m", "box_xyxy": box, "visible": 1.0, "labelled": labelled}


@pytest.mark.parametrize("box", [[0.0, 0.0, 640.0, 360.0], [13.0, 17.0, 21.0, 360.0]])
def test_shares_give_the_box_back(box):
    number, *shares = label_line(_vehicle("motorcycle", box)).split()
    x, y, w, h = (float(share) for share in shares)

    assert CLASSES[int(number)] == "motorcycle"
    back = [(x - w / 2) * 640, (y - h / 2) * 360, (x + w / 2) * 640, (y + h / 2) * 360]
    np.testing.assert_allclose(back, box, atol=1e-3)


def test_every_picture_has_a_file_and_only_labelled_vehicles_a_line(tmp_path):
    records = [
        _picture("train_000000.jpg", "train", _vehicle("car", [0, 0, 9, 9]), _vehicle("bus", [0, 0, 5, 5], False)),
        _picture("train_000001.jpg", "train"),
        _picture("test_000000.jpg", "test", _vehicle("truck", [0, 0, 9, 9])),
    ]

    assert write_yolo(tmp_path, records) == 2

    assert (tmp_path / "labels/train/train_000000.txt").read_text().startswith("0 ")
    assert (tmp_path / "labels/train/train_000001.txt").read_text() == ""
    assert (tmp_path / "labels/val/test_000000.txt").read_text().startswith("3 ")
    description = yaml.safe_load((tmp_path / "data.yaml").read_text())
    assert description["names"] == dict(enumerate(CLASSES))
    assert (description["train"], description["val"]) == ("images/train", "images/val")
