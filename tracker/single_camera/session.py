"""Owns one camera session: frames and detections in, tracklet revisions out. Never shares state with another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from detector.types import Detections, Frame, VehicleClass
from tracker.single_camera.assignment import iou_matrix
from tracker.single_camera.association.choice import associator
from tracker.single_camera.association.tracks import Step
from tracker.single_camera.box_log import Box
from tracker.single_camera.crops import View, promises
from tracker.single_camera.joining import Joiner
from tracker.single_camera.leftovers import Leftovers
from tracker.single_camera.life import TrackLife
from tracker.single_camera.parts import divide
from tracker.single_camera.settings import TrackerSettings
from tracker.single_camera.zones import CameraZones, ZoneBook, ends
from tracker.types import Contact, TrackKey, Tracklet

#: A box nearer to the picture's border than this share of its side may have left it.
_NEAR = 0.15


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


class CameraTracker:
    """Turns the detections of one camera session into tracklets.

    A tracklet is told first after about two seconds, then at doubling intervals while there is news, and a last time
    (``final``) once its vehicle has been out of sight for too long. A track without a single picture fit for use is not
    told. Either end of a track is lengthened by detections on its path that were too weak to begin or to find one, the
    beginning before it is told first, the end before it is told last. The last revision of a track that ended inside
    the picture waits a few seconds: when another begins on its foretold path, the two are told together and the later
    names the earlier (``continues``). Times are capture times, so frames may be dropped at will. A frame that is not
    later than the one before is skipped; when the clock jumps back further than a track may be lost, or frame numbers
    begin anew, all tracks close and tracking goes on from there. Not thread-safe: one session, one owner.

    Args:
        camera_id: The camera's configured name.
        session_id: Of this connection; frames of another session are refused.
        settings: Of association, revisions and crops.
        zones: Where vehicles enter and leave, shared by the sessions of a camera; learned from finished tracks.
    """

    def __init__(
        self,
        camera_id: str,
        session_id: str,
        settings: TrackerSettings | None = None,
        zones: ZoneBook | None = None,
    ) -> None:
        self._camera_id = camera_id
        self._session_id = session_id
        self._settings = settings or TrackerSettings()
        self._tracker = associator(self._settings)
        self._lives: dict[int, TrackLife] = {}
        self._leftovers = Leftovers(self._settings.fill)
        self._zones = zones or ZoneBook(self._settings.zones, np.random.default_rng(0))
        self._joiner = Joiner(self._settings.tracklets)
        self._parked: set[TrackKey] = set()  # of the tracks that wait
        self._continuing: set[int] = set()  # living tracks that continue or were split off another
        self._frame_size = (1, 1)
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
    def open_count(self) -> int:
        """Tracks that are not closed, and closed ones that wait for a continuation."""
        return len(self._lives) + len(self._joiner)

    @property
    def zones(self) -> CameraZones:
        """Where vehicles enter and leave the view, as known now."""
        return self._zones.zones

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
            Revisions due now, final ones first, each by track id; one that continues another follows it.

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
        self._frame_size = (frame.image.shape[1], frame.image.shape[0])
        step = self._tracker.update(frame.captured_at_ns, detections.boxes_xyxy, detections.scores)
        told += self._close(step.closed_ids)
        told += self._released(frame.captured_at_ns)
        self._observe(step, frame, detections)
        for track_id in sorted(step.track_ids.tolist()):
            life = self._lives[track_id]
            if life.due:
                life.fill_before(self._leftovers)
            told += self._told(life.revise())
        return told

    def flush(self) -> list[Tracklet]:
        """Closes every track; returns the final revisions by track id, those that had waited last."""
        self._live = ()
        told = self._close(self._tracker.close_all(), hold=False) + self._joiner.release_all()
        self._parked.clear()
        self._leftovers.clear()
        return told

    def split(self, tracklet: Tracklet, contact: Contact) -> tuple[Tracklet, Tracklet]:
        """Makes two tracklets of one: its track had changed over to another vehicle.

        The second part goes on as a track of its own: its further revisions carry its new key.

        Args:
            tracklet: The newest revision told of a track of this session.
            contact: One of the tracklet's own.

        Returns:
            The first part, final; the second under a fresh key, final if ``tracklet`` is.

        Raises:
            ValueError: The contact does not lie inside the tracklet.
        """
        key = replace(tracklet.key, track_id=self._tracker.fresh_id())
        parts = divide(tracklet, contact, key)
        old_id = tracklet.key.track_id
        if self._tracker.rename(old_id, key.track_id):
            self._lives[key.track_id] = self._lives.pop(old_id).renewed(key, contact.t_ns)
            self._continuing.discard(old_id)
            self._continuing.add(key.track_id)
            self._leftovers.rename(old_id, key.track_id, contact.t_ns)
            self._live = tuple(
                replace(box, track_id=key.track_id) if box.track_id == old_id else box for box in self._live
            )
        return parts

    def forget(self, key: TrackKey) -> None:
        """Drops what is known of a track of this session, living or waiting; nothing more is told of it.

        A vehicle that is still followed goes on as a fresh track, as if it were first seen in the next frame.
        """
        self._joiner.forget(key)
        self._parked.discard(key)
        self._lives.pop(key.track_id, None)
        self._continuing.discard(key.track_id)
        self._leftovers.clear()
        fresh_id = self._tracker.fresh_id()
        if self._tracker.rename(key.track_id, fresh_id):
            self._continuing.add(fresh_id)
            self._live = tuple(
                replace(box, track_id=fresh_id) if box.track_id == key.track_id else box for box in self._live
            )

    def _jumped_back(self, frame: Frame) -> bool:
        """Whether the clock or the source began anew, rather than delivered a frame late."""
        if self._last_ns is None:
            return False
        back_ns = self._last_ns - frame.captured_at_ns
        restarted = frame.index < self._last_index and back_ns < 0
        return restarted or back_ns > self._settings.association.lost_after_s * 1e9

    def _released(self, now_ns: int) -> list[Tracklet]:
        """Final revisions that nothing continued in time."""
        young = [life.first_ns for life in self._lives.values() if not life.told]
        return self._let_go(self._joiner.release(now_ns, young))

    def _let_go(self, tracklets: list[Tracklet]) -> list[Tracklet]:
        """Final revisions that wait no longer, continued by nothing: where these ended, vehicles leave the view."""
        for tracklet in tracklets:
            self._zones.learn(tracklet, self._frame_size, began=False, ended=tracklet.key not in self._parked)
            self._parked.discard(tracklet.key)
        return tracklets

    def _told(self, revision: Tracklet | None) -> list[Tracklet]:
        """What is told with a revision: at its first, the track it may continue goes before it."""
        if revision is None:
            return []
        earlier = self._joiner.predecessor(revision) if revision.revision == 1 else None
        if earlier is None:
            return [revision]
        self._parked.discard(earlier.key)
        self._continuing.add(revision.key.track_id)
        return [earlier, replace(revision, continues=earlier.key)]

    def _close(self, track_ids: Iterable[int], *, hold: bool = True) -> list[Tracklet]:
        told: list[Tracklet] = []
        for track_id in sorted(track_ids):
            life = self._lives.pop(track_id, None)
            last = self._last(life) if life is not None else None
            if life is None or last is None:
                self._untold += 1
                self._continuing.discard(track_id)
                self._leftovers.release(track_id)
                continue
            due = self._told(last)
            # One that follows another goes with it; the others may be followed.
            alone = len(due) == 1
            waits = hold and alone and self._inside(last)
            began = track_id not in self._continuing
            self._continuing.discard(track_id)
            self._zones.learn(last, self._frame_size, began=began, ended=hold and not waits)
            if waits and life.parked:
                self._parked.add(last.key)
            told += self._let_go(self._joiner.hold(last, still=life.parked)) if waits else due
        return told

    def _last(self, life: TrackLife) -> Tracklet | None:
        """The final revision of a track, lengthened at its ends; None if it is never told."""
        if life.confirmed:
            life.fill_before(self._leftovers)
            life.fill_after(self._leftovers)
        return life.close()

    def _inside(self, tracklet: Tracklet) -> bool:
        """Whether a vehicle was last seen where it cannot have left the view: off the border and every drawn exit."""
        width, height = self._frame_size
        x1, y1, x2, y2 = tracklet.boxes_xyxy[-1].tolist()
        near_x, near_y = _NEAR * (x2 - x1), _NEAR * (y2 - y1)
        if not (x1 > near_x and y1 > near_y and x2 < width - near_x and y2 < height - near_y):
            return False
        # Learned exits do not count: where something always hides vehicles, many tracks end that go on behind it.
        zone = self._zones.zones.at(ends(tracklet, self._frame_size)[1], "exit")
        return zone is None or not zone.drawn

    def _observe(self, step: Step, frame: Frame, detections: Detections) -> None:
        """Hands every track its detection and renews the live boxes."""
        rows = step.detections
        owners = np.full(len(detections), -1, np.int64)
        owners[rows] = step.track_ids
        self._leftovers.add(frame.captured_at_ns, frame.index, detections.boxes_xyxy, owners)
        boxes = detections.boxes_xyxy[rows].astype(np.float64)
        scores = detections.scores[rows].astype(np.float64)
        height, width = frame.image.shape[:2]
        worth = promises(boxes, scores, (height, width), self._settings.crops)
        live: list[LiveBox] = []
        touching = step.found_again | _overlapping(boxes, self._settings.tracklets.contact_iou)
        flags = (step.confirmed, touching, step.still)
        columns = (step.track_ids, boxes, scores, detections.class_ids[rows], worth, *flags)
        for row in zip(*(column.tolist() for column in columns), strict=True):
            track_id, box, score, class_id, promise, confirmed, touched, parked = row
            life = self._lives.get(track_id)
            if life is None:
                key = TrackKey(self._camera_id, self._session_id, track_id)
                life = self._lives[track_id] = TrackLife(key, self._settings)
            view = View(frame.captured_at_ns, frame.index, tuple(box), promise, touched, parked)
            life.observe(view, score, class_id, frame.image)
            if confirmed:
                live.append(LiveBox(track_id, view.box_xyxy, score, life.vehicle_class))
        self._live = tuple(sorted(live, key=lambda item: item.track_id))


def _overlapping(boxes_xyxy: NDArray[np.float64], least_iou: float) -> NDArray[np.bool_]:
    """Which boxes (N, 4) overlap another one by ``least_iou``: bool (N,)."""
    iou = iou_matrix(boxes_xyxy, boxes_xyxy)
    np.fill_diagonal(iou, 0.0)
    return np.asarray((iou >= least_iou).any(axis=1), np.bool_)
