"""What others do with the same frames, and the bounds: naive, same detector, decode only, detector only.

Libraries of the naive way are loaded by name: in the product they have their place under `services` only.
"""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.pipeline.footage import Footage, TrackRow, frames_of, rounds
from benchmarks.pipeline.ours import REID
from benchmarks.pipeline.server import running_server
from detector.letterbox import letterbox_into
from detector.settings import DetectorSettings
from detector.telemetry import forbid_telemetry
from detector.types import VEHICLE_CLASSES
from detector.yolo import OpenVinoDetector
from services.models.networks import open_detector, open_embedder
from services.models.store import ModelStore
from tracker.single_camera.session import CameraTracker

Began = Callable[[], None]
_DIM = 512


def run_naive(footage: Footage, began: Began) -> list[TrackRow]:
    """Ultralytics' ``track()`` with BoT-SORT, torchreid's OSNet per box, a flat FAISS index and Redis per box.

    The OSNet weights are drawn at random: the cost is the same, and BoT-SORT tracks without them.

    Raises:
        ImportError: torch, ultralytics, torchreid or lap is not installed.
    """
    forbid_telemetry()
    from ultralytics import YOLO

    weights = ModelStore(offline=True).fetch("yolov8n")
    faiss, redis = importlib.import_module("faiss"), importlib.import_module("redis")
    rows: list[TrackRow] = []
    with tempfile.TemporaryDirectory(prefix="vreid-bench-") as folder, running_server(Path(folder)) as server:
        client = redis.Redis.from_url(server.url)
        extractor = _osnet(Path(folder))
        index = faiss.IndexFlatIP(_DIM)
        trackers = [YOLO(str(weights), task="detect") for _ in footage.cameras]
        began()
        for camera_id, yolo in zip(footage.cameras, trackers, strict=True):
            number = footage.load().camera(camera_id).number
            for frame_number, image in _read(footage, camera_id):
                for track, box in _tracked(yolo, image):
                    rows.append((number, track, frame_number, *box))
                    vector = _described(extractor, image, box)
                    if index.ntotal:
                        index.search(vector, 1)
                    index.add(vector)
                    client.hset(f"{camera_id}:{track}", mapping={"frame": frame_number, "vector": vector.tobytes()})
        client.close()
    return rows


def run_same_detector(footage: Footage, began: Began) -> list[TrackRow]:
    """Our detector on every frame by itself, our tracker, and every box embedded and written."""
    detector, embedder = open_detector(DetectorSettings()), open_embedder(REID.model, REID.threads, REID.precision)
    redis = importlib.import_module("redis")
    rows: list[TrackRow] = []
    with tempfile.TemporaryDirectory(prefix="vreid-bench-") as folder, running_server(Path(folder)) as server:
        client = redis.Redis.from_url(server.url)
        began()
        for camera_id in footage.cameras:
            number = footage.load().camera(camera_id).number
            tracker: CameraTracker | None = None
            for frame in frames_of(footage, camera_id):
                tracker = tracker or CameraTracker(camera_id, frame.session_id)
                tracker.update(frame, detector.detect([frame.image])[0])
                for live in tracker.boxes():
                    rows.append((number, live.track_id, frame.index, *live.box_xyxy))
                    vector = embedder.embed([_cut(frame.image, live.box_xyxy)])
                    client.hset(f"{camera_id}:{live.track_id}", mapping={"vector": vector.tobytes()})
        client.close()
    return rows


def run_decode_only(footage: Footage, began: Began) -> list[TrackRow]:
    """Every frame decoded to BGR, and nothing more."""
    began()
    for _ in rounds(footage):
        pass
    return []


def run_detector_only(footage: Footage, began: Began) -> list[TrackRow]:
    """The raw network on pictures that lie ready at its input size: what inference alone costs."""
    settings = DetectorSettings()
    height, width = settings.input_hw
    ready = np.empty((footage.frames, height, width, 3), np.uint8)
    for number, frame in enumerate(frame for frames in rounds(footage) for frame in frames):
        letterbox_into(frame.image, ready[number])
    detector: OpenVinoDetector = open_detector(settings)
    began()
    for start in range(0, len(ready), settings.max_batch):
        detector.infer(list(ready[start : start + settings.max_batch]))
    return []


def _osnet(folder: Path) -> Any:
    import torch

    models = _torchreid("models")
    weights = folder / "osnet.pth"
    torch.save(models.build_model("osnet_x1_0", num_classes=1, pretrained=False).state_dict(), weights)
    return _torchreid("utils").FeatureExtractor("osnet_x1_0", str(weights), device="cpu", verbose=False)


def _torchreid(part: str) -> Any:
    """A part of torchreid, in PyPI's layout or upstream's."""
    try:
        return importlib.import_module(f"torchreid.reid.{part}")
    except ModuleNotFoundError:
        return importlib.import_module(f"torchreid.{part}")


def _read(footage: Footage, camera_id: str) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Frames as a simple loop reads them."""
    capture = cv2.VideoCapture(str(footage.load().camera(camera_id).path))
    try:
        for number in range(footage.first + footage.count):
            read, image = capture.read()
            if not read:
                return
            if number >= footage.first:
                yield number, np.asarray(image, np.uint8)
    finally:
        capture.release()


def _tracked(yolo: Any, image: NDArray[np.uint8]) -> list[tuple[int, tuple[float, float, float, float]]]:
    wanted = [int(kind) for kind in VEHICLE_CLASSES]
    result = yolo.track(image, persist=True, tracker="botsort.yaml", classes=wanted, verbose=False, device="cpu")[0]
    if result.boxes.id is None:
        return []
    boxes = [(x1, y1, x2, y2) for x1, y1, x2, y2 in result.boxes.xyxy.tolist()]
    return list(zip(result.boxes.id.int().tolist(), boxes, strict=True))


def _described(extractor: Any, image: NDArray[np.uint8], box: tuple[float, float, float, float]) -> NDArray[np.float32]:
    crop = cv2.cvtColor(_cut(image, box), cv2.COLOR_BGR2RGB)
    vector: NDArray[np.float32] = extractor(crop).cpu().numpy().astype(np.float32)
    return vector / max(float(np.linalg.norm(vector)), 1e-12)


def _cut(image: NDArray[np.uint8], box: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    """The box's pixels, at least one."""
    height, width = image.shape[:2]
    x1, y1 = min(max(int(box[0]), 0), width - 1), min(max(int(box[1]), 0), height - 1)
    x2, y2 = min(max(int(box[2]), x1 + 1), width), min(max(int(box[3]), y1 + 1), height)
    return np.ascontiguousarray(image[y1:y2, x1:x2])
