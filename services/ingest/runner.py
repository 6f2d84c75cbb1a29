"""Composes an ingest role from its parts and runs it to its end. Opens no configuration and no store itself."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue

from detector.types import Frame
from reid.types import Embedder
from services.crops import CropStore
from services.identity.ingest_board import IngestBoard, MemoryIngestBoard
from services.identity.store import IdentityStore
from services.ids import IdFactory, uuid7
from services.ingest.camera import CameraWorker
from services.ingest.cameras import CameraSettings
from services.ingest.crew import CameraCrew
from services.ingest.exposition import IngestExposition
from services.ingest.input_size import InputSize, SizeChooser
from services.ingest.looking import Detector, FrameLooker
from services.ingest.pipeline import IngestPipeline
from services.ingest.publisher import PublishCounts, SightingPublisher
from services.ingest.settings import IngestSettings
from services.ingest.sharing import CameraShare
from services.ingest.sightings import SightingBuilder
from services.ingest.slot import LatestFrames
from services.ingest.stats import IngestStats
from services.ingest.tracking import CameraTrackers
from services.live.board import LiveBoard, LivePublisher, LiveTracker
from services.privacy.guard import PictureGuard
from services.rolling.roster import ModelKeeper, ModelRoster
from tracker.single_camera.settings import TrackerSettings

log = logging.getLogger(__name__)

_TICK_S = 0.05


@dataclass(frozen=True, slots=True)
class IngestParts:
    """What an ingest role is made of.

    Attributes:
        store: Where sightings and camera states go.
        crop_store: Where pictures go.
        detector: Finds vehicles.
        sized: Detectors by input width and height, for cameras that ask for another size, or that may get one.
        usual_size: Input width and height of ``detector``; None where it is not to be told.
        larger_sizes: Of ``sized``, those that a live camera may get by measurement; none without ``usual_size``.
        embedder: Describes them.
        roster: The site's models, while they may change; begins with ``embedder``. None for that one alone.
        guard: What pictures must look like that are stored or shown.
        cameras: What the configuration names to look at.
        board: Tells of other processes and of cameras added at run time; None for a process by itself.
        owner: Names this process; the same after a restart takes its cameras back at once. None draws one.
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
    board: IngestBoard | None = None
    owner: str | None = None
    sized: Mapping[InputSize, Detector] = field(default_factory=dict)
    usual_size: InputSize | None = None
    larger_sizes: Sequence[InputSize] = ()
    roster: ModelRoster | None = None
    guard: PictureGuard = field(default_factory=PictureGuard)


@dataclass(frozen=True, slots=True)
class IngestReport:
    """How a run went.

    Attributes:
        publish: What became of the sightings.
        skipped: Tracklets that became no sighting, by reason.
        split_tracks: Tracks split because their pictures turned into those of another vehicle.
        joined_tracks: Tracks joined to one that had ended shortly before.
    """

    publish: PublishCounts
    skipped: Mapping[str, int]
    split_tracks: int
    joined_tracks: int


class Ingest:
    """A running ingest role. Threads: two per camera, one each for the networks, the store and new models."""

    def __init__(self, parts: IngestParts) -> None:
        """Composes the role; starts nothing."""
        self._parts = parts
        settings = parts.settings
        owner = parts.owner or parts.id_factory()
        self.live = LiveBoard()
        self._slot = LatestFrames()
        self._stats = IngestStats(time.monotonic)
        self._chooser = (
            None
            if parts.usual_size is None
            else SizeChooser(parts.usual_size, [s for s in parts.larger_sizes if s in parts.sized], time.monotonic)
        )
        self._crew = CameraCrew(self._slot, self._stats, self._worker, self._input_size)
        self._looker = FrameLooker(
            parts.detector,
            self._crew.settings,
            sized=parts.sized,
            chooser=self._chooser,
            gate_longest_s=settings.gate_longest_s,
        )
        board = parts.board if parts.board is not None else MemoryIngestBoard()
        self._share = CameraShare(parts.store, board, settings, owner, parts.cameras, alone=parts.once)
        self._publisher = SightingPublisher(
            parts.store, parts.crop_store, settings, owner, self._share, self._crew.records
        )
        self._builder = SightingBuilder(
            parts.embedder,
            parts.id_factory,
            settings,
            parts.tracker.tracklets,
            None if parts.roster is None else parts.roster.now,
            parts.guard,
        )
        self._pipeline = IngestPipeline(
            self._looker,
            CameraTrackers(parts.tracker, parts.cameras, partial(LiveTracker, self.live)),
            self._builder,
            LivePublisher(self.live, self._publisher),
            self._stats,
            settings,
        )
        self._stop = threading.Event()
        self._no_more_frames = threading.Event()
        self._to_end: SimpleQueue[str] = SimpleQueue()
        self._inference_error: BaseException | None = None
        self._keeper: threading.Thread | None = None
        if parts.roster is not None:
            keeper = ModelKeeper(parts.store, parts.roster, f"ingest:{owner}")
            self._keeper = threading.Thread(
                target=keeper.run, args=(self._no_more_frames,), name="ingest-models", daemon=True
            )
        self._inference = threading.Thread(target=self._infer, name="ingest-inference", daemon=True)

    @property
    def exposition(self) -> IngestExposition:
        """What a scrape is told."""
        return IngestExposition(
            self._crew,
            self._share,
            self._publisher,
            self._builder,
            self._parts.settings.spool_sightings,
            lambda: math.nan if self._chooser is None else self._chooser.busy_share,
        )

    @property
    def well(self) -> bool:
        """Whether all of its threads work."""
        return not self._failed()

    def stop(self) -> None:
        """Asks ``run`` to drain and return. Safe in a signal handler."""
        self._stop.set()

    def run(self) -> int:
        """Runs until stopped, or until every camera has ended with ``once``; then drains.

        Returns:
            Exit status: 0, or 1 when a thread failed.
        """
        self._publisher.start()
        if self._keeper is not None:
            self._keeper.start()
        self._inference.start()
        while not (self._stop.wait(_TICK_S) or self._failed() or self._all_ended()):
            for camera_id in self._crew.follow(self._share.held):
                self._to_end.put(camera_id)
        self._drain()
        return 1 if self._failed() else 0

    def report(self) -> IngestReport:
        """How the run goes or went."""
        builder = self._builder
        return IngestReport(self._publisher.counts(), builder.skipped, builder.split_tracks, builder.joined_tracks)

    def _worker(self, camera: CameraSettings) -> CameraWorker:
        return CameraWorker(camera, self._slot, once=self._parts.once)

    def _failed(self) -> bool:
        return self._inference_error is not None or self._publisher.error is not None

    def _all_ended(self) -> bool:
        return self._parts.once and self._crew.all_ended(self._share.wanted)

    def _drain(self) -> None:
        """Stops the cameras, runs what they gave to its end, and waits for the store, all within the deadline."""
        deadline_s = time.monotonic() + self._parts.settings.drain_timeout_s
        self._crew.stop(deadline_s)
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
                    self._process(frames)
                elif last:
                    break
                self._end_cameras()
                self._pipeline.close_idle()
            self._pipeline.finish()
        except Exception as exc:
            log.exception("inference failed")
            self._inference_error = exc

    def _process(self, frames: Sequence[Frame]) -> None:
        began_s = time.monotonic()
        self._pipeline.process(frames)
        if self._chooser is None:
            return
        self._chooser.worked(time.monotonic() - began_s)
        for change in self._chooser.review():
            log.info(
                "camera %s is looked at in %dx%d from now on: %s (small: %s, found in one size only: %s)",
                change.camera_id,
                *change.size,
                change.reason,
                _percent(change.small),
                _percent(change.different),
                extra={"camera_id": change.camera_id},
            )

    def _input_size(self, settings: CameraSettings) -> InputSize | None:
        return self._looker.input_size(settings)

    def _end_cameras(self) -> None:
        """Closes the tracks of cameras that are no longer read here; their leases may then go."""
        while not self._to_end.empty():
            camera_id = self._to_end.get()
            self._pipeline.end_camera(camera_id)
            if self._chooser is not None:
                self._chooser.forget(camera_id)
            # One whose settings changed is read on here, under the same lease.
            if camera_id not in self._share.held:
                self.live.forget(camera_id)
                self._share.leave(camera_id)


def _percent(share: float) -> str:
    return "unknown" if math.isnan(share) else f"{share:.0%}"


def build_ingest(parts: IngestParts) -> Ingest:
    """Composes an ingest role from explicit objects, ready to ``run``."""
    return Ingest(parts)
