import warnings

import numpy as np
import pytest

from detector.settings import DetectorSettings
from detector.telemetry import forbid_telemetry
from detector.types import VehicleClass
from detector.yolo import OpenVinoDetector
from services.models.store import ModelStore


def test_finds_the_bus_where_it_is(detector, bus):
    found = detector.detect([bus])[0]
    assert found.class_ids.tolist() == [VehicleClass.BUS]
    assert found.scores[0] > 0.7
    x1, y1, x2, y2 = found.boxes_xyxy[0]
    assert x1 < 60
    assert x2 > 750
    assert 200 < y1 < 260
    assert 700 < y2 < 800


def test_a_batch_of_sizes_gives_what_each_gives_alone(detector, bus):
    pictures = [bus, np.ascontiguousarray(bus[150:900]), np.zeros((20, 900, 3), np.uint8), bus[::2, ::2], bus]
    together = detector.detect(pictures)
    assert len(together) == 5
    for picture, found in zip(pictures, together, strict=True):
        alone = detector.detect([picture])[0]
        np.testing.assert_allclose(found.boxes_xyxy, alone.boxes_xyxy, atol=0.05)
        np.testing.assert_allclose(found.scores, alone.scores, atol=1e-4)
        assert found.class_ids.tolist() == alone.class_ids.tolist()
    assert len(together[2]) == 0


def test_scores_fall_and_boxes_lie_in_the_picture(detector, bus):
    mosaic = np.concatenate([bus, bus[:, ::-1]], axis=1)
    found = detector.detect([mosaic])[0]
    assert len(found) >= 2
    assert (np.diff(found.scores) <= 0).all()
    assert (found.boxes_xyxy >= 0).all()
    assert (found.boxes_xyxy <= [mosaic.shape[1], mosaic.shape[0]] * 2).all()


def test_no_pictures_no_answers(detector):
    assert detector.detect([]) == []


def test_classes_are_a_filter(model_xml, bus):
    cars = OpenVinoDetector(model_xml, DetectorSettings(classes=("car", "motorcycle")), threads=1)
    assert VehicleClass.BUS not in cars.detect([bus])[0].class_ids


def test_the_input_size_must_be_the_one_converted_for(model_xml):
    with pytest.raises(ValueError, match="288x512"):
        OpenVinoDetector(model_xml, DetectorSettings(input_width_px=640, input_height_px=384))


def test_a_missing_model_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="no detector model"):
        OpenVinoDetector(tmp_path / "model.xml", DetectorSettings())


@pytest.mark.parametrize(
    "settings", [{"input_width_px": 500}, {"classes": ()}, {"classes": ("person",)}, {"colour": 1}]
)
def test_settings_refuse_what_cannot_work(settings):
    with pytest.raises(ValueError, match="validation error"):
        DetectorSettings(**settings)


def test_equals_ultralytics_own_predictions(model_xml, bus):
    forbid_telemetry()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import torch
        from ultralytics import YOLO

        torch.set_num_threads(1)
        oracle = YOLO(str(ModelStore(offline=True).fetch("yolov8n")), task="detect")
        ours = OpenVinoDetector(model_xml, DetectorSettings(cross_class_iou=1.0), threads=1)
        mirrored = np.ascontiguousarray(bus[:, ::-1])
        for picture in (bus, bus[200:700], mirrored, np.concatenate([bus, mirrored], axis=1)):
            found = ours.detect([picture])[0]
            expected = oracle.predict(
                picture,
                imgsz=(288, 512),
                rect=False,
                conf=0.1,
                iou=0.7,
                classes=[2, 3, 5, 7],
                verbose=False,
                device="cpu",
            )[0].boxes
            assert found.class_ids.tolist() == expected.cls.int().tolist()
            np.testing.assert_allclose(found.scores, expected.conf.numpy(), atol=5e-3)
            np.testing.assert_allclose(found.boxes_xyxy, expected.xyxy.numpy(), atol=4.0)
