"""Pictures and networks small enough to train in seconds, made from seeds."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from reid.metadata import Architecture, CalibrationData, CheckpointMetadata
from reid.preprocess import Preprocessing
from reid.types import Calibration


def paint_vehicle(vehicle: int, view: int, size: tuple[int, int] = (40, 56)) -> np.ndarray:
    """A body, a roof and a stripe in the vehicle's own colours; the view changes light, crop and noise."""
    own = np.random.default_rng((1, vehicle))
    body, roof, stripe = own.integers(30, 226, (3, 3))
    row = int(own.integers(8, 30))
    picture = np.full((*size, 3), 110, np.uint8)
    picture[12:36, 4:52] = body
    picture[4:12, 14:42] = roof
    picture[row : row + 4, 6:50] = stripe
    chance = np.random.default_rng((2, vehicle, view))
    lit = picture * chance.uniform(0.8, 1.2) + chance.normal(0, 4, picture.shape)
    return np.clip(np.roll(lit, int(chance.integers(-3, 4)), axis=1), 0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def small_city(tmp_path_factory) -> Path:
    """16 vehicles × 2 cameras × 2 pictures, named as VeRi names them."""
    root = tmp_path_factory.mktemp("city")
    for vehicle in range(16):
        for camera in (1, 2):
            for n in range(2):
                name = f"{vehicle:04d}_c{camera:03d}_{10 * n:08d}_{n}.jpg"
                cv2.imwrite(str(root / name), paint_vehicle(vehicle, 10 * camera + n))
    return root


@pytest.fixture(scope="session")
def metadata() -> CheckpointMetadata:
    return CheckpointMetadata(
        architecture=Architecture(backbone="mobilenetv2_x1_0", last_stride=1, pooling="gem", dim=32),
        preprocessing=Preprocessing(input_hw=(64, 64)),
        calibration=CalibrationData(slope=12.0, offset=-6.0, limit=5.0),
    )


@pytest.fixture
def calibrated(monkeypatch):
    """Calibration comes out well: of what a few batches teach, rounding decides whether it does."""
    monkeypatch.setattr("reid.finish.calibrate_network", lambda *_: (Calibration(12.0, -6.0, 5.0), {}))


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
