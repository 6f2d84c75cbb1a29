import json

import numpy as np
import pytest

from detector import quantise
from detector.quantise import CALIBRATION_CLIP, calibration_pictures, quantise_yolo
from detector.settings import DetectorSettings
from detector.yolo import OpenVinoDetector


def test_the_shipped_pictures_are_pictures_of_one_size_that_differ():
    pictures = calibration_pictures()
    assert len(pictures) >= 96
    assert {picture.shape for picture in pictures} == {(360, 640, 3)}
    brightness = [picture.mean() for picture in pictures]
    assert min(brightness) < 60  # nights
    assert max(brightness) > 100  # and days


def test_a_missing_or_empty_clip_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="no calibration clip"):
        calibration_pictures(tmp_path / "none.mp4")
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(ValueError, match="no picture"):
        calibration_pictures(tmp_path / "empty.mp4")


def test_ranges_come_from_the_shipped_pictures_and_ones_own(monkeypatch, tmp_path, model_xml, bus):
    clip = calibration_pictures()[:2]
    monkeypatch.setattr(quantise, "calibration_pictures", lambda: clip)
    quantise_yolo(model_xml, tmp_path, own=[bus[:300], bus[300:]])
    card = json.loads((tmp_path / "detector.json").read_text())
    assert (card["calibration_pictures"], card["own_pictures"]) == (4, 2)


def test_eight_bits_find_what_thirty_two_find(tmp_path, model_xml, bus):
    """Quantised on a few pictures at a small size: the same bus at nearly the same place, with integer arithmetic."""
    quantise_yolo(model_xml, tmp_path, calibration_pictures()[:8])
    card = json.loads((tmp_path / "detector.json").read_text())
    assert (card["precision"], card["calibration_pictures"]) == ("int8", 8)
    assert "FakeQuantize" in (tmp_path / "model.xml").read_text()
    settings = DetectorSettings()
    exact = OpenVinoDetector(model_xml, settings, threads=1).detect([bus, bus[150:900]])
    rounded = OpenVinoDetector(tmp_path / "model.xml", settings, threads=1).detect([bus, bus[150:900]])
    for one, other in zip(exact, rounded, strict=True):
        assert one.class_ids[0] == other.class_ids[0]
        np.testing.assert_allclose(one.boxes_xyxy[0], other.boxes_xyxy[0], atol=12)
        assert abs(one.scores[0] - other.scores[0]) < 0.1


def test_no_pictures_no_ranges(model_xml, tmp_path):
    with pytest.raises(ValueError, match="got none"):
        quantise_yolo(model_xml, tmp_path, [])


def test_the_clip_is_of_no_demo_place():
    text = (CALIBRATION_CLIP.parent / "README.md").read_text()
    assert "riverside" not in text
