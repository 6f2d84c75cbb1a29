"""Holds the newest frame and boxes of each camera of an ingest process. Encodes and serves nothing."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from detector.types import Detections, Frame
from services.ingest.pipeline import Publisher
from services.ingest.sightings import Outgoing
from tracker.single_camera.session import CameraTracker, LiveBox
from tracker.single_camera.settings import TrackerSettings
from tracker.single_camera.zones import ZoneBook
from tracker.types import TrackKey, Tracklet

#: Tracks whose sighting is remembered; more than can be in view of the cameras of one process.
_TRACKS = 4096


@dataclass(frozen=True, slots=True)
class Shown:
    """What a camera shows now.

    Attributes:
        frame: Its newest frame that was looked at.
        boxes: The vehicles followed in it.
        sighting_ids: Of each box; empty until the vehicle was told for the first time.
    """

    frame: Frame
    boxes: tuple[LiveBox, ...]
    sighting_ids: tuple[str, ...]


class LiveBoard:
    """The newest of each camera. Safe for threads; keeps references only, so that a frame costs nothing."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._newest: dict[str, tuple[Frame, tuple[LiveBox, ...]]] = {}
        self._sightings: OrderedDict[TrackKey, str] = OrderedDict()

    def show(self, frame: Frame, boxes: tuple[LiveBox, ...]) -> None:
        """Takes a camera's newest frame."""
        with self._lock:
            self._newest[frame.camera_id] = (frame, boxes)

    def forget(self, camera_id: str) -> None:
        """A camera is no longer read here: what it showed last is nobody's business."""
        with self._lock:
            self._newest.pop(camera_id, None)

    def name(self, key: TrackKey, sighting_id: str) -> None:
        """Remembers what a track is called outside."""
        with self._lock:
            self._sightings[key] = sighting_id
            self._sightings.move_to_end(key)
            while len(self._sightings) > _TRACKS:
                self._sightings.popitem(last=False)

    def cameras(self) -> list[str]:
        """Cameras that have shown something, by id."""
        with self._lock:
            return sorted(self._newest)

    def newest(self, camera_id: str) -> Shown | None:
        """What a camera shows now; None when it has shown nothing yet."""
        with self._lock:
            if camera_id not in self._newest:
                return None
            frame, boxes = self._newest[camera_id]
            keys = [TrackKey(camera_id, frame.session_id, box.track_id) for box in boxes]
            return Shown(frame, boxes, tuple(self._sightings.get(key, "") for key in keys))


class LiveTracker(CameraTracker):
    """A tracker that shows what it follows."""

    def __init__(
        self,
        board: LiveBoard,
        camera_id: str,
        session_id: str,
        settings: TrackerSettings,
        zones: ZoneBook | None = None,
    ) -> None:
        super().__init__(camera_id, session_id, settings, zones)
        self._board = board

    def update(self, frame: Frame, detections: Detections) -> list[Tracklet]:
        """As CameraTracker; the board has the frame afterwards."""
        told = super().update(frame, detections)
        self._board.show(frame, self.boxes())
        return told


class LivePublisher:
    """A publisher that lets the board know what tracks are called."""

    def __init__(self, board: LiveBoard, publisher: Publisher) -> None:
        self._board = board
        self._publisher = publisher

    def submit(self, outgoing: Outgoing) -> None:
        """Takes a sighting."""
        for key in outgoing.sighting.track_keys:
            self._board.name(key, outgoing.sighting.sighting_id)
        self._publisher.submit(outgoing)

    def deleted(self) -> set[str]:
        """Sightings in view that were deleted since this was last asked."""
        return self._publisher.deleted()

    def session_started(self, session_id: str) -> None:
        """A session may have open sightings from now on."""
        self._publisher.session_started(session_id)

    def session_ended(self, session_id: str) -> None:
        """A session has no open sightings any more."""
        self._publisher.session_ended(session_id)
