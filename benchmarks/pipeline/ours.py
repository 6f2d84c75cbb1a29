"""The product's own way from frames to stored sightings: every part as it serves, but for the cameras' threads."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.pipeline.footage import Footage, TrackRow, rounds
from benchmarks.pipeline.server import running_store
from detector.settings import DetectorSettings
from services.config import ReidSettings
from services.crops import CropStore
from services.identity.ingest_board import MemoryIngestBoard
from services.identity.redis_store import RedisStore
from services.identity.store import IdentityStore
from services.ids import uuid7
from services.ingest.cameras import CameraSettings
from services.ingest.looking import FrameLooker
from services.ingest.pipeline import IngestPipeline, Looker
from services.ingest.publisher import SightingPublisher
from services.ingest.settings import IngestSettings
from services.ingest.sharing import CameraShare
from services.ingest.sightings import SightingBuilder
from services.ingest.stats import IngestStats
from services.models.networks import open_detector, open_embedder
from tracker.single_camera.session import CameraTracker

REID = ReidSettings()

_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class Bench:
    """The pipeline with its publisher and store, ready for frames."""

    pipeline: IngestPipeline
    publisher: SightingPublisher
    store: RedisStore
    share: CameraShare

    def wait_written(self, timeout_s: float = _TIMEOUT_S) -> None:
        """Returns once nothing waits to be written.

        Raises:
            RuntimeError: Something still does.
        """
        _until(lambda: self.publisher.counts().spooled == 0, timeout_s, "sightings still wait to be written")

    def close(self, timeout_s: float = _TIMEOUT_S) -> None:
        """Writes what waits and ends the publisher.

        Raises:
            RuntimeError: Sightings were lost.
        """
        if not self.publisher.close(timeout_s):
            raise RuntimeError(f"sightings were lost: {dict(self.publisher.counts().dropped)}")


def camera_settings(footage: Footage) -> list[CameraSettings]:
    """The clips as cameras, gated like live ones."""
    paths = {name: str(footage.load().camera(name).path) for name in footage.cameras}
    return [CameraSettings(id=name, url=path, gate=True) for name, path in paths.items()]


@contextmanager
def open_bench(footage: Footage, folder: Path, looker: Looker | None = None) -> Iterator[Bench]:
    """Everything loaded, connected and under lease; the store runs in a process of its own.

    Args:
        footage: Whose cameras.
        folder: Empty, for the store and the crops.
        looker: In place of the detector.

    Raises:
        RuntimeError: The cameras' leases were not given.
    """
    with running_store(folder) as store:
        yield compose(footage, folder, store, looker)


def compose(footage: Footage, folder: Path, store: RedisStore, looker: Looker | None = None) -> Bench:
    """See ``open_bench``; on a store that runs already."""
    settings = IngestSettings(max_boxes=10_000)
    embedder = open_embedder(REID.model, REID.threads, REID.precision)
    cameras = camera_settings(footage)
    share = CameraShare(store, MemoryIngestBoard(), settings, "bench", cameras, alone=True)
    publisher = SightingPublisher(store, CropStore(f"{folder}/crops"), settings, "bench", share)
    looks = looker or FrameLooker(
        open_detector(DetectorSettings()), share.wanted.get, gate_longest_s=settings.gate_longest_s
    )
    builder = SightingBuilder(embedder, uuid7, settings)
    pipeline = IngestPipeline(looks, CameraTracker, builder, publisher, IngestStats(time.monotonic), settings)
    publisher.start()
    _until(lambda: len(share.held) == len(cameras), _TIMEOUT_S, "the cameras' leases were not given")
    return Bench(pipeline, publisher, store, share)


def run_ours(footage: Footage, began: Callable[[], None]) -> list[TrackRow]:
    """Runs the pipeline over the footage.

    Args:
        footage: What is seen.
        began: Called once everything is loaded, before the first frame.

    Returns:
        Boxes of the sightings that reached the store.
    """
    with tempfile.TemporaryDirectory(prefix="vreid-bench-") as folder, open_bench(footage, Path(folder)) as bench:
        began()
        for frames in rounds(footage):
            bench.pipeline.process(frames)
        bench.pipeline.finish()
        bench.close()
        return _rows(bench.store, footage)


def _until(condition: Callable[[], bool], timeout_s: float, complaint: str) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise RuntimeError(complaint)
        time.sleep(0.01)


def _rows(store: IdentityStore, footage: Footage) -> list[TrackRow]:
    city = footage.load()
    rows: list[TrackRow] = []
    for number, (sighting, _) in enumerate(store.scan_sightings()):
        camera = city.camera(sighting.camera_id).number
        for frame, box in zip(sighting.frames.tolist(), sighting.boxes_xyxy.tolist(), strict=True):
            rows.append((camera, number, frame, *box))
    return rows
