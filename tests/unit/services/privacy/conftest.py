"""A stand-in for a detector of plates: a network of four layers that finds whatever is pure yellow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
from openvino import opset13 as ops

from services.models.store import ModelStore

INPUT_HW = (96, 128)
_CELL = 8
YELLOW = (0, 255, 255)


def write_yellow_finder(xml: Path, input_hw: tuple[int, int]) -> None:
    """uint8 (1, h, w, 3) BGR to float32 (1, 5, anchors), as a YOLO detector of one class: an anchor per cell."""
    height, width = input_hw
    rows, columns = height // _CELL, width // _CELL
    pictures = ops.parameter([1, height, width, 3], np.uint8, name="pictures")
    planes = ops.transpose(ops.convert(pictures, "f32"), [0, 3, 1, 2])
    weights = np.array([-1.0, 0.5, 0.5], np.float32).reshape(1, 3, 1, 1) / 255
    yellowness = ops.convolution(planes, weights, [1, 1], [0, 0], [0, 0], [1, 1])
    cells = ops.avg_pool(yellowness, [_CELL, _CELL], [0, 0], [0, 0], [_CELL, _CELL], True)
    scores = ops.reshape(ops.clamp(cells, 0.0, 1.0), [1, 1, rows * columns], False)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32) * _CELL + _CELL / 2
    boxes = np.stack([x.ravel(), y.ravel(), np.full(x.size, _CELL + 1), np.full(x.size, _CELL + 1)])
    raw = ops.concat([boxes[None].astype(np.float32), scores], 1)
    ov.save_model(ov.Model([raw], [pictures]), xml, compress_to_fp16=False)


@pytest.fixture
def plate_model(tmp_path: Path) -> tuple[Path, str, ModelStore]:
    """A file as a user brings it, its hash, and a store that converts it into the stand-in."""
    brought = tmp_path / "plates.pt"
    brought.write_bytes(b"weights of somebody's detector")

    def convert(kind: str, source: Path, out_dir: Path, input_hw: tuple[int, int] | None) -> None:
        assert (kind, source, input_hw) == ("yolo", brought, INPUT_HW)
        write_yellow_finder(out_dir / "model.xml", input_hw)
        (out_dir / "detector.json").write_text(json.dumps({}))

    store = ModelStore(tmp_path / "cache", offline=True, converter=convert)
    return brought, hashlib.sha256(brought.read_bytes()).hexdigest(), store


@pytest.fixture
def street() -> Callable[..., np.ndarray]:
    """A picture with text-like stripes on a yellow plate at a place."""

    def make(
        height: int = 240, width: int = 320, plate: tuple[int, int, int, int] = (150, 120, 214, 140)
    ) -> np.ndarray:
        picture = np.full((height, width, 3), 90, np.uint8)
        x1, y1, x2, y2 = plate
        picture[y1:y2, x1:x2] = YELLOW
        picture[y1 + 4 : y2 - 4, x1 + 4 : x2 - 4 : 6] = 0
        return picture

    return make
