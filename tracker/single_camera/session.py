"""Owns one camera session: frames and detections in, tracklet revisions out. Never shares state with another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from detector.types import Detections, Frame, VehicleClass
from tracker.single_camera.bytetrack import ByteTrack
from tracker.single_camera.crops import View, promises
from tracker.single_camera.life import Box, TrackLife
from tracker.single_camera.ocsort import OcSort
from tracker.single_camera.settings import TrackerSettings
from tracker.single_camera.tracks import Step
from tracker.types import TrackKey, Tracklet


@dataclass(frozen=True, slots=True)
class LiveBox:
    """A vehicle in the newest frame, for a live view.

    Attributes:
        track_id: Unique within the session.
        box_xyxy: Left, top, right, bottom as detected, source px.
        score: Of the detection, in [0, 1].
        vehicle_class: The track's likeliest class so far.
    """

    track_id: int
    box_xyxy: Box
    score: float
    vehicle_class: VehicleClass


def associator(settings: TrackerSettings) -> ByteTrack:
    """The association algorithm that the settings name, without tracks."""
    if settings.algorithm == "ocsort":
        return OcSort(settings.association, settings.ocsort)
    return ByteTrack(settings.association)


class CameraTracker:
    """Turns the detections of one camera session into tracklets.

    A tracklet is told first after about two seconds, then at doubling intervals while there is news, and a last time
    (``final``) once its vehicle has been out of sight for too long. A track without a single picture fit for use is not
    told. Times are capture times, so frames may be dropped at will. A frame that is not later than the one before is
    skipped; when the clock jumps back further than a track may be lost, or frame numbers begin anew, all tracks close
    and tracking goes on from there. Not thread-safe: one session, one owner.

    Args:
        camera_id: The camera's configured name.
        session_id: Of this connection; frames of another session are refused.
        settings: Of association, revisions and crops.
    """

    def __init__(self, camera_id: str, session_id: str, settings: TrackerSettings | None = None) -> None:
        self._camera_id = camera_id
        self._session_id = session_id
        self._settings = settings or TrackerSettings()
        self._tracker = associator(self._settings)
        self._lives: dict[int, TrackLife] = {}
        self._live: tuple[LiveBox, ...] = ()
        self._last_ns: int | None = None
        self._last_index = -1
        self._skipped = 0
        self._untold = 0

    @property
    def active_count(self) -> int:
        """Vehicles followed now: confirmed tracks that are not lost."""
        return self._tracker.tracked_count

    @property
    def skipped_frames(self) -> int:
        """Frames that were not later than the one before them, so far."""
        return self._skipped

    @property
    def untold_tracks(self) -> int:
        """Confirmed or not, tracks that ended too short or too hidden to be told, so far."""
        return self._untold

    def boxes(self) -> tuple[LiveBox, ...]:
        """The confirmed tracks in the newest frame, by track id."""
        return self._live

    def update(self, frame: Frame, detections: Detections) -> list[Tracklet]:
        """Takes the next frame.

        Args:
            frame: Of this camera and session; its picture is not kept.
            detections: Of this frame.

        Returns:
            Revisions due now, final ones first, each by track id.

        Raises:
            ValueError: The frame belongs to another camera or session, or a class id is no VehicleClass.
        """
        if (frame.camera_id, frame.session_id) != (self._camera_id, self._session_id):
            raise ValueError(
                f"expected frames of {self._camera_id}/{self._session_id}, got {frame.camera_id}/{frame.session_id}"
            )
        told: list[Tracklet] = []
        if self._jumped_back(frame):
            told = self.flush()
        elif self._last_ns is not None and (frame.captured_at_ns <= self._last_ns or frame.index <= self._last_index):
            self._skipped += 1
            return []
        self._last_ns, self._last_index = frame.captured_at_ns, frame.index
        step = self._tracker.update(frame.captured_at_ns, detections.boxes_xyxy, detections.scores)
        told += self._close(step.closed_ids)
        self._observe(step, frame, detections)
        for track_id in sorted(step.track_ids.tolist()):
            revision = self._lives[track_id].revise()
            if revision is not None:
                told.append(revision)
        return told

    def flush(self) -> list[Tracklet]:
        """Closes every track; returns the final revisions by track id."""
        self._live = ()
        return self._close(self._tracker.close_all())

    def _jumped_back(self, frame: Frame) -> bool:
        """Whether the clock or the source began anew, rather than delivered a frame late."""
        if self._last_ns is None:
            return False
        back_ns = self._last_ns - frame.captured_at_ns
        restarted = frame.index < self._last_index and back_ns < 0
        return restarted or back_ns > self._settings.association.lost_after_s * 1e9

    def _close(self, track_ids: Iterable[int]) -> list[Tracklet]:
        told: list[Tracklet] = []
        for track_id in sorted(track_ids):
            life = self._lives.pop(track_id, None)
            last = life.close() if life is not None else None
            if last is None:
                self._untold += 1
            else:
                told.append(last)
        return told

    def _observe(self, step: Step, frame: Frame, detections: Detections) -> None:
        """Hands every track its detection and renews the live boxes."""
        rows = step.detections
        boxes = detections.boxes_xyxy[rows].astype(np.float64)
        scores = detections.scores[rows].astype(np.float64)
        height, width = frame.image.shape[:2]
        worth = promises(boxes, scores, (height, width), self._settings.crops)
        live: list[LiveBox] = []
        columns = (step.track_ids, step.confirmed, boxes, scores, detections.class_ids[rows], worth)
        for track_id, confirmed, box, score, class_id, promise in zip(*(c.tolist() for c in columns), strict=True):
            life = self._lives.get(track_id)
            if life is None:
                key = TrackKey(self._camera_id, self._session_id, track_id)
                life = self._lives[track_id] = TrackLife(key, self._settings)
            view = View(frame.captured_at_ns, frame.index, tuple(box), promise)
            life.observe(view, score, class_id, frame.image)
            if confirmed:
                live.append(LiveBox(track_id, view.box_xyxy, score, life.vehicle_class))
        self._live = tuple(sorted(live, key=lambda item: item.track_id))
