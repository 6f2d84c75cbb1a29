"""Composes an ingest role from its parts and runs it to its end. Opens no configuration and no store itself."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reid.types import Embedder
from services.crops import CropStore
from services.identity.store import CameraRecord, IdentityStore
from services.ids import IdFactory, uuid7
from services.ingest.camera import CameraWorker
from services.ingest.cameras import CameraSettings, redact
from services.ingest.pipeline import Detector, IngestPipeline
from services.ingest.publisher import PublishCounts, SightingPublisher
from services.ingest.settings import IngestSettings
from services.ingest.sightings import SightingBuilder
from services.ingest.slot import LatestFrames
from services.ingest.stats import IngestStats
from services.live.board import LiveBoard, LivePublisher, LiveTracker
from tracker.single_camera.settings import TrackerSettings

log = logging.getLogger(__name__)

_TICK_S = 0.05
#: A camera that hangs in a read is left to itself after so long.
_CAMERA_STOP_S = 2.0


@dataclass(frozen=True, slots=True)
class IngestParts:
    """What an ingest role is made of.

    Attributes:
        store: Where sightings and camera states go.
        crop_store: Where pictures go.
        detector: Finds vehicles.
        embedder: Describes them.
        cameras: What to look at.
        once: End when every camera has ended, instead of reconnecting for ever.
        tracker: How tracks are kept.
        settings: The rest.
        max_batch: Most frames in one inference.
        id_factory: Gives the ids of sightings and of this process.
    """

    store: IdentityStore
    crop_store: CropStore
    detector: Detector
    embedder: Embedder
    cameras: Sequence[CameraSettings]
    once: bool = False
    tracker: TrackerSettings = field(default_factory=TrackerSettings)
    settings: IngestSettings = field(default_factory=IngestSettings)
    max_batch: int = 4
    id_factory: IdFactory = uuid7


@dataclass(frozen=True, slots=True)
class IngestReport:
    """How a run went.

    Attributes:
        publish: What became of the sightings.
        skipped: Tracklets that became no sighting, by reason.
    """

    publish: PublishCounts
    skipped: Mapping[str, int]


class Ingest:
    """A running ingest role. Threads: one per camera, one for the networks, one for the store."""

    def __init__(self, parts: IngestParts) -> None:
        """Composes the role; starts nothing."""
        self._parts = parts
        settings = parts.settings
        self.live = LiveBoard()
        self._slot = LatestFrames()
        self._stats = IngestStats(time.monotonic)
        self._publisher = SightingPublisher(
            parts.store, parts.crop_store, settings, parts.id_factory(), self.camera_records
        )
        self._builder = SightingBuilder(parts.embedder, parts.id_factory, settings)
        self._pipeline = IngestPipeline(
            parts.detector,
            lambda camera_id, session_id: LiveTracker(self.live, camera_id, session_id, parts.tracker),
            self._builder,
            LivePublisher(self.live, self._publisher),
            self._stats,
            settings,
        )
        self._workers = {camera.id: CameraWorker(camera, self._slot, once=parts.once) for camera in parts.cameras}
        self._stop = threading.Event()
        self._no_more_frames = threading.Event()
        self._inference_error: BaseException | None = None
        self._inference = threading.Thread(target=self._infer, name="ingest-inference", daemon=True)

    def stop(self) -> None:
        """Asks ``run`` to drain and return. Safe in a signal handler."""
        self._stop.set()

    def run(self) -> int:
        """Runs until stopped, or until every camera has ended with ``once``; then drains.

        Returns:
            Exit status: 0, or 1 when a thread failed or another process took the role.
        """
        self._publisher.start()
        self._inference.start()
        for worker in self._workers.values():
            worker.start()
        while not (self._stop.wait(_TICK_S) or self._failed() or self._all_ended()):
            pass
        self._drain()
        return 1 if self._failed() else 0

    def report(self) -> IngestReport:
        """How the run goes or went."""
        return IngestReport(self._publisher.counts(), self._builder.skipped)

    def camera_records(self) -> list[CameraRecord]:
        """How every camera fares now."""
        records = []
        for camera in self._parts.cameras:
            state = self._workers[camera.id].state
            figures = self._stats.figures(camera.id)
            counts = self._slot.counts(camera.id)
            records.append(
                CameraRecord(
                    camera_id=camera.id,
                    url=redact(camera.url),
                    origin="file" if camera.origin == "config" else "runtime",
                    state=state.state,
                    detail=state.detail,
                    updated_at_ns=time.time_ns(),
                    stats={
                        "frames_offered": float(counts.offered),
                        "frames_inferred": float(figures.frames_inferred),
                        "frames_dropped": float(counts.dropped),
                        "frame_age_p50_s": figures.frame_age_p50_s,
                        "frame_age_p99_s": figures.frame_age_p99_s,
                        "vehicles": float(figures.vehicles),
                        "frames_per_s": figures.frames_per_s,
                        "reconnects": float(state.reconnects),
                    },
                )
            )
        return records

    def _failed(self) -> bool:
        publisher = self._publisher
        return self._inference_error is not None or publisher.lease_lost or publisher.error is not None

    def _all_ended(self) -> bool:
        return self._parts.once and all(worker.state.state == "ended" for worker in self._workers.values())

    def _drain(self) -> None:
        """Stops the cameras, runs what they gave to its end, and waits for the store, all within the deadline."""
        deadline_s = time.monotonic() + self._parts.settings.drain_timeout_s
        for worker in self._workers.values():
            worker.stop(0.0)  # all are told first, then waited for
        for worker in self._workers.values():
            worker.stop(max(0.0, min(_CAMERA_STOP_S, deadline_s - time.monotonic())))
        self._no_more_frames.set()
        self._inference.join(max(0.0, deadline_s - time.monotonic()))
        self._slot.close()
        if self._inference.is_alive():
            log.warning("the last frames took longer than the deadline; open tracks stay provisional")
        if not self._publisher.close(max(0.0, deadline_s - time.monotonic())):
            log.warning("sightings were lost: %s", dict(self._publisher.counts().dropped))

    def _infer(self) -> None:
        settings = self._parts.settings
        try:
            while True:
                last = self._no_more_frames.is_set()
                frames = self._slot.take(self._parts.max_batch, 0.0 if last else settings.take_timeout_s)
                if frames:
                    self._pipeline.process(frames)
                elif last:
                    break
                self._pipeline.close_idle()
            self._pipeline.finish()
        except Exception as exc:
            log.exception("inference failed")
            self._inference_error = exc


def build_ingest(parts: IngestParts) -> Ingest:
    """Composes an ingest role from explicit objects, ready to ``run``."""
    return Ingest(parts)
