"""A small set in YOLO's layout, and the published network."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from services.models.store import ModelStore


def write_set(folder: Path, pictures: int = 4, names=("car", "bus"), part: str = "train") -> Path:
    """Grey pictures of 160 x 90 px with a dark box in each."""
    rng = np.random.default_rng(3)
    (folder / "images" / part).mkdir(parents=True)
    (folder / "labels" / part).mkdir(parents=True)
    for number in range(pictures):
        image = rng.integers(90, 110, (90, 160, 3)).astype(np.uint8)
        image[30:60, 40:100] = 20
        cv2.imwrite(str(folder / "images" / part / f"{number}.png"), image)
        (folder / "labels" / part / f"{number}.txt").write_text(f"{number % len(names)} 0.4375 0.5 0.375 0.333333\n")
    (folder / "data.yaml").write_text("names:\n" + "".join(f"  {n}: {name}\n" for n, name in enumerate(names)))
    return folder


@pytest.fixture
def make_set():
    return write_set


@pytest.fixture
def small_set(tmp_path):
    return write_set(tmp_path / "set")


@pytest.fixture(scope="session")
def published() -> Path:
    return ModelStore(offline=True).fetch("yolov8n")
