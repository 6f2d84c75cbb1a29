"""Frames to sightings: detect, track, embed, hand on. Owns the order of these steps; does no I/O of its own."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2

from detector.types import Detections, Frame
from services.ingest.settings import IngestSettings
from services.ingest.sightings import Outgoing, SightingBuilder
from services.ingest.stats import IngestStats
from services.observability.tracing import Attribute, span, step, traceparent
from tracker.types import Contact, TrackKey, Tracklet


class Looker(Protocol):
    """Frames in, vehicles out, one answer per frame and in their order."""

    def look(self, frames: Sequence[Frame], busy: Collection[str]) -> list[Detections | None]:
        """Finds the vehicles of each frame; None for one that was not worth a look.

        Args:
            frames: At most one per camera.
            busy: Cameras in which vehicles are followed: their frames are always looked at.
        """
        ...


class Tracker(Protocol):
    """The tracks of one session of one camera."""

    def update(self, frame: Frame, detections: Detections) -> list[Tracklet]:
        """Takes in a frame; the revisions that are due now."""
        ...

    def flush(self) -> list[Tracklet]:
        """Closes every open track; their final revisions."""
        ...

    def split(self, tracklet: Tracklet, contact: Contact) -> tuple[Tracklet, Tracklet]:
        """Makes two tracklets of a revision at one of its contacts; the second goes on under a fresh key."""
        ...

    def forget(self, key: TrackKey) -> None:
        """Drops what is known of a track; its vehicle goes on under a fresh key."""
        ...

    @property
    def active_count(self) -> int:
        """Vehicles followed now."""
        ...

    @property
    def open_count(self) -> int:
        """Tracks that are not closed, lost and unconfirmed ones too."""
        ...


class Publisher(Protocol):
    """Takes sightings and is told of sessions."""

    def submit(self, outgoing: Outgoing) -> None:
        """Takes a sighting."""
        ...

    def deleted(self) -> set[str]:
        """Sightings that were deleted at the store since this was last asked, though more was to come of them."""
        ...

    def session_started(self, session_id: str) -> None:
        """A session may have open sightings from now on."""
        ...

    def session_ended(self, session_id: str) -> None:
        """A session has no open sightings any more."""
        ...


#: (camera_id, session_id) to a tracker without tracks.
TrackerFactory = Callable[[str, str], Tracker]


@dataclass(slots=True)
class _Session:
    session_id: str
    tracker: Tracker
    frame_size: tuple[int, int]
    last_frame_s: float
    idle: bool = False


class IngestPipeline:
    """Runs frames of many cameras through one looker, a tracker per camera session and one embedder.

    One caller at a time: the thread that owns the networks.
    """

    def __init__(
        self,
        looker: Looker,
        tracker_factory: TrackerFactory,
        builder: SightingBuilder,
        publisher: Publisher,
        stats: IngestStats,
        settings: IngestSettings,
    ) -> None:
        """Starts without cameras; they appear with their first frame.

        OpenCV has one thread in this process from here on: for pictures as small as a camera's its own threads cost
        more than they bring, and cameras share the cores.
        """
        cv2.setNumThreads(1)
        self._looker = looker
        self._tracker_factory = tracker_factory
        self._builder = builder
        self._publisher = publisher
        self._stats = stats
        self._settings = settings
        self._sessions: dict[str, _Session] = {}

    def process(self, frames: Sequence[Frame]) -> None:
        """Runs frames through; those of one camera in the order of their capture."""
        self._forget_deleted()
        if not frames:
            return
        told: dict[str, Attribute] = {
            "camera_ids": ",".join(frame.camera_id for frame in frames),
            "frames": len(frames),
        }
        with span("frames", told, start_ns=min(frame.seen_at_ns for frame in frames)):
            self._process(frames)

    def _process(self, frames: Sequence[Frame]) -> None:
        busy = {frame.camera_id for frame in frames if self._follows(frame)}
        due: list[tuple[Tracklet, _Session]] = []
        looked: list[Frame] = []
        found = self._looker.look(frames, busy)
        with step("track"):
            for frame, detections in zip(frames, found, strict=True):
                session = self._session(frame)
                if detections is None:
                    self._stats.frame_gated(frame.camera_id)
                    continue
                looked.append(frame)
                due += [(tracklet, session) for tracklet in session.tracker.update(frame, detections)]
        self._hand_on(due)
        for frame in looked:
            age_s = (time.time_ns() - frame.seen_at_ns) / 1e9
            self._stats.frame_done(frame.camera_id, age_s, self._sessions[frame.camera_id].tracker.active_count)

    def close_idle(self) -> None:
        """Closes the tracks of cameras that gave no frame for long; their session goes on with new tracks."""
        now_s = time.monotonic()
        for camera_id, session in self._sessions.items():
            if not session.idle and now_s - session.last_frame_s > self._settings.idle_flush_s:
                session.idle = True
                self._flush(session)
                self._stats.set_vehicles(camera_id, 0)

    def end_camera(self, camera_id: str) -> None:
        """Closes the tracks of a camera that is no longer read here."""
        session = self._sessions.pop(camera_id, None)
        if session is not None:
            self._end(session)
            self._stats.set_vehicles(camera_id, 0)

    def finish(self) -> None:
        """Closes every track of every camera."""
        for camera_id, session in self._sessions.items():
            self._end(session)
            self._stats.set_vehicles(camera_id, 0)
        self._sessions.clear()

    def _forget_deleted(self) -> None:
        """What was deleted leaves no trace here: vehicles that are still in view are seen anew from now on."""
        for key in self._builder.forget(self._publisher.deleted()):
            session = self._sessions.get(key.camera_id)
            if session is not None and session.session_id == key.session_id:
                session.tracker.forget(key)

    def _follows(self, frame: Frame) -> bool:
        """Whether a frame's session has tracks that are not closed."""
        session = self._sessions.get(frame.camera_id)
        return session is not None and session.session_id == frame.session_id and session.tracker.open_count > 0

    def _session(self, frame: Frame) -> _Session:
        """The session a frame belongs to; ends the camera's former one if it is another."""
        height, width = frame.image.shape[:2]
        session = self._sessions.get(frame.camera_id)
        if session is None or session.session_id != frame.session_id:
            if session is not None:
                self._end(session)
            tracker = self._tracker_factory(frame.camera_id, frame.session_id)
            session = _Session(frame.session_id, tracker, (width, height), time.monotonic())
            self._sessions[frame.camera_id] = session
            self._publisher.session_started(frame.session_id)
        session.last_frame_s, session.idle, session.frame_size = time.monotonic(), False, (width, height)
        return session

    def _end(self, session: _Session) -> None:
        self._flush(session)
        self._publisher.session_ended(session.session_id)

    def _flush(self, session: _Session) -> None:
        self._hand_on([(tracklet, session) for tracklet in session.tracker.flush()])

    def _hand_on(self, due: Sequence[tuple[Tracklet, _Session]]) -> None:
        """Publishes what became of tracklets, each with its session; one session per camera at a time."""
        trackers = {tracklet.key.camera_id: session.tracker for tracklet, session in due}

        def split(tracklet: Tracklet, contact: Contact) -> tuple[Tracklet, Tracklet]:
            return trackers[tracklet.key.camera_id].split(tracklet, contact)

        for outgoing in self._builder.build([(tracklet, session.frame_size) for tracklet, session in due], split):
            sighting = outgoing.sighting
            told: dict[str, Attribute] = {"sighting_id": sighting.sighting_id, "revision": sighting.revision}
            with step("sighting", told):
                self._publisher.submit(replace(outgoing, trace=traceparent()))
