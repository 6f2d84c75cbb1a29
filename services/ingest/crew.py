"""The camera workers of one process: started for what it holds, stopped for what it does not, told of as records.

Owns the workers. Decides nothing about which cameras those are, runs no network, talks to no store.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from services.identity.store import CameraRecord
from services.ingest.camera import CameraWorker
from services.ingest.cameras import CameraSettings
from services.ingest.slot import LatestFrames
from services.ingest.stats import IngestStats

#: A camera that hangs in a read is left to itself after so long.
STOP_S = 2.0

#: The width and height of the detector's input for a camera now, None where not known.
SizeOf = Callable[[CameraSettings], tuple[int, int] | None]
WorkerFactory = Callable[[CameraSettings], CameraWorker]


@dataclass(slots=True)
class _Ending:
    worker: CameraWorker
    until_s: float


@dataclass(slots=True)
class CameraCrew:
    """The workers by camera. One caller at a time, but ``records`` and ``settings`` may be asked by any thread."""

    slot: LatestFrames
    stats: IngestStats
    make_worker: WorkerFactory
    input_size: SizeOf = lambda _: None
    _workers: dict[str, CameraWorker] = field(default_factory=dict)
    _ending: dict[str, _Ending] = field(default_factory=dict)

    def follow(self, held: Mapping[str, CameraSettings]) -> list[str]:
        """Starts and stops workers so that those of ``held`` run, each with these settings.

        Returns:
            Cameras whose workers have ended since the last call: no frame of theirs comes any more.
        """
        for camera_id, worker in list(self._workers.items()):
            if held.get(camera_id) != worker.settings:
                self._end(camera_id)
        ended = self._ended()
        for camera_id, settings in held.items():
            if camera_id not in self._workers and camera_id not in self._ending:
                worker = self.make_worker(settings)
                self._workers = {**self._workers, camera_id: worker}
                worker.start()
        return ended

    def _ended(self) -> list[str]:
        ended = [camera_id for camera_id, each in self._ending.items() if self._over(each)]
        for camera_id in ended:
            del self._ending[camera_id]
            self.slot.discard(camera_id)
        return ended

    def settings(self, camera_id: str) -> CameraSettings | None:
        """Settings of a camera that is read, None for another."""
        worker = self._workers.get(camera_id)
        return None if worker is None else worker.settings

    def all_ended(self, wanted: Mapping[str, CameraSettings]) -> bool:
        """Whether every camera of ``wanted`` is read here and has ended."""
        states = [self._workers[camera_id].state.state for camera_id in wanted if camera_id in self._workers]
        return len(states) == len(wanted) and all(state == "ended" for state in states)

    def stop(self, deadline_s: float) -> None:
        """Stops all workers, by ``deadline_s`` of the monotonic clock at the latest."""
        for worker in self._workers.values():
            worker.stop(0.0)  # all are told first, then waited for
        for worker in self._workers.values():
            worker.stop(max(0.0, min(STOP_S, deadline_s - time.monotonic())))

    def records(self) -> list[CameraRecord]:
        """How every camera fares now, for the store."""
        return [self._record(worker) for worker in self._workers.values()]

    def _end(self, camera_id: str) -> None:
        worker = self._workers[camera_id]
        self._workers = {name: each for name, each in self._workers.items() if name != camera_id}
        worker.stop(0.0)
        self._ending[camera_id] = _Ending(worker, time.monotonic() + STOP_S)

    @staticmethod
    def _over(ending: _Ending) -> bool:
        return ending.worker.stop(0.0) or time.monotonic() >= ending.until_s

    def _record(self, worker: CameraWorker) -> CameraRecord:
        settings, state = worker.settings, worker.state
        figures = self.stats.figures(settings.id)
        counts = self.slot.counts(settings.id)
        left_out = worker.left_out
        width, height = self.input_size(settings) or (0, 0)
        return CameraRecord(
            camera_id=settings.id,
            url=settings.shown_url,
            origin="file" if settings.origin == "config" else "runtime",
            state=state.state,
            detail=state.detail,
            updated_at_ns=time.time_ns(),
            stats={
                "frames_offered": float(counts.offered),
                "frames_inferred": float(figures.frames_inferred),
                "frames_gated": float(figures.frames_gated),
                "frames_dropped": float(counts.dropped),
                "frames_paced": float(left_out.get("paced", 0)),
                "frames_capped": float(left_out.get("capped", 0)),
                "frames_damaged": float(left_out.get("damaged", 0)),
                "packets_skipped": float(left_out.get("skipped", 0)),
                "frame_age_p50_s": figures.frame_age_p50_s,
                "frame_age_p99_s": figures.frame_age_p99_s,
                "vehicles": float(figures.vehicles),
                "frames_per_s": figures.frames_per_s,
                "reconnects": float(state.reconnects),
                "reads_abandoned": float(state.abandoned),
                "input_width_px": float(width),
                "input_height_px": float(height),
            },
        )
