import importlib.util
from pathlib import Path

import pytest

from detector.settings import DetectorSettings
from detector.telemetry import forbid_telemetry
from detector.yolo import OpenVinoDetector
from services.models.store import ModelStore


@pytest.fixture(scope="session")
def bus_jpg():
    """The photograph of a bus that ultralytics ships."""
    return Path(importlib.util.find_spec("ultralytics").origin).parent / "assets" / "bus.jpg"


@pytest.fixture(scope="session")
def detector():
    settings = DetectorSettings()
    return OpenVinoDetector(
        ModelStore(offline=True).prepare("yolov8n", settings.input_hw) / "model.xml", settings, threads=1
    )


@pytest.fixture(scope="session")
def embedder():
    forbid_telemetry()
    from reid.runtime import OpenVinoEmbedder

    return OpenVinoEmbedder(ModelStore(offline=True).prepare("mobilenetv2-imagenet"), threads=1)
