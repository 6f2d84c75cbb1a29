import importlib.util
from pathlib import Path

import cv2
import pytest

from detector.settings import DetectorSettings
from detector.yolo import OpenVinoDetector
from services.models.store import ModelStore


@pytest.fixture(scope="session")
def bus():
    """The photograph of a bus that ultralytics ships."""
    package = importlib.util.find_spec("ultralytics")
    return cv2.imread(str(Path(package.origin).parent / "assets" / "bus.jpg"))


@pytest.fixture(scope="session")
def model_xml():
    """The default detector, as `vreid models fetch` prepared it."""
    return ModelStore(offline=True).prepare("yolov8n", DetectorSettings().input_hw) / "model.xml"


@pytest.fixture(scope="session")
def detector(model_xml):
    return OpenVinoDetector(model_xml, DetectorSettings(), threads=1)
