"""Owns one track's history and when it is told to the outside. Never decides which detection belongs to it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from detector.types import VEHICLE_CLASSES, VehicleClass
from tracker.single_camera.assignment import paired_iou
from tracker.single_camera.box_log import Box, BoxLog
from tracker.single_camera.contacts import ContactLog, Votes
from tracker.single_camera.crops import CropChooser, Image, View
from tracker.single_camera.leftovers import Leftovers
from tracker.single_camera.parts import class_shares
from tracker.single_camera.settings import TrackerSettings
from tracker.single_camera.smoothing import smoothed
from tracker.types import Contact, Crop, TrackKey, Tracklet

_PLACE = {int(vehicle_class): k for k, vehicle_class in enumerate(VEHICLE_CLASSES)}
_NO_VOTES: Votes = (0.0,) * len(VEHICLE_CLASSES)


@dataclass(frozen=True, slots=True)
class _Told:
    """What the last revision said: newest box, frames of the crops, likeliest class."""

    box: Box
    crop_frames: tuple[int, ...]
    vehicle_class: VehicleClass


class TrackLife:
    """From a track's first box to its last revision."""

    def __init__(self, key: TrackKey, settings: TrackerSettings) -> None:
        self._key = key
        self._all_settings = settings
        self._settings = settings.tracklets
        self._log = BoxLog(settings.tracklets.max_boxes)
        self._crops = CropChooser(settings.crops)
        self._contacts = ContactLog()
        self._votes = _NO_VOTES
        self._observed = 0
        self._size_wh = (0, 0)
        self._parked = False
        self._filled_before = False
        self._revision = 0
        self._interval_ns = round(settings.tracklets.first_revision_s * 1e9)
        self._due_ns: int | None = None
        self._told: _Told | None = None

    def observe(self, view: View, score: float, class_id: int, image: Image) -> None:
        """Takes the vehicle's detection in the newest frame.

        Args:
            view: Where it is.
            score: Of the detection, in [0, 1].
            class_id: Of the detection.
            image: uint8 (H, W, 3) BGR, the whole frame; not kept.

        Raises:
            ValueError: ``class_id`` is no VehicleClass.
        """
        place = _PLACE.get(class_id)
        if place is None:
            raise ValueError(f"class id must be one of {sorted(_PLACE)}, got {class_id}")
        touching = view.touching and self._observed > 0
        row = (view.t_ns, view.frame, view.box_xyxy)
        if self._contacts.observe(row, self._votes, touching=touching):
            self._crops.begin_part()
        self._votes = tuple(vote + score * (k == place) for k, vote in enumerate(self._votes))
        self._observed += 1
        self._size_wh = (image.shape[1], image.shape[0])
        self._parked = view.parked
        self._log.add(*row)
        self._crops.offer(view, image)
        if self._due_ns is None:
            self._due_ns = view.t_ns + self._interval_ns

    @property
    def vehicle_class(self) -> VehicleClass:
        """The likeliest class so far."""
        return VEHICLE_CLASSES[self._votes.index(max(self._votes))]

    @property
    def parked(self) -> bool:
        """Whether the vehicle had stood in one place for long when last seen."""
        return self._parked

    @property
    def first_ns(self) -> int:
        """Time of the first box."""
        return self._log.first_ns

    @property
    def told(self) -> bool:
        """Whether there has been a revision."""
        return self._revision > 0

    @property
    def confirmed(self) -> bool:
        """Whether it has more than one detection."""
        return self._observed > 1

    @property
    def due(self) -> bool:
        """Whether it is time for a revision."""
        return self._due_ns is not None and self._log.last_ns >= self._due_ns

    def fill_before(self, leftovers: Leftovers) -> None:
        """Takes over what the vehicle was seen in before its first box, the first time that it is asked to."""
        if self._filled_before:
            return
        self._filled_before = True
        leftovers.lead_back(self._key.track_id, self._log)

    def fill_after(self, leftovers: Leftovers) -> None:
        """The same after its last box, for a track that is over."""
        leftovers.lead_on(self._key.track_id, self._log)

    def revise(self) -> Tracklet | None:
        """A revision, if one is due and there is news since the last."""
        if not self.due or not self._tellable():
            return None
        crops = self._crops.chosen()
        if not crops or not self._changed(self._news(crops)):
            return None
        return self._tell(crops, final=False)

    def close(self) -> Tracklet | None:
        """The final revision; None if the track was too short to tell, or never well enough seen for a picture."""
        crops = self._crops.chosen()
        if self._revision == 0 and not (self._tellable() and crops):
            return None
        return self._tell(crops, final=True)

    def renewed(self, key: TrackKey, t_ns: int) -> TrackLife:
        """The life of another vehicle that this track has followed since ``t_ns``, told once already.

        Args:
            key: Its own.
            t_ns: Time of one of this life's contacts.
        """
        others = next((m.votes for m in self._contacts.moments() if m.t_ns == t_ns), _NO_VOTES)
        life = TrackLife(key, self._all_settings)
        life._log = self._divisible().since(t_ns)
        life._crops = self._crops
        life._crops.keep_from(t_ns)
        life._contacts = self._contacts.after(t_ns, others)
        life._votes = tuple(vote - other for vote, other in zip(self._votes, others, strict=True))
        life._observed = len(life._log)
        life._size_wh = self._size_wh
        life._parked = self._parked
        life._filled_before = True
        life._revision = 1
        life._due_ns = life._log.last_ns + life._interval_ns
        life._told = life._news(life._crops.chosen())
        return life

    def _tellable(self) -> bool:
        duration_ns = self._log.last_ns - self._log.first_ns
        return self._observed >= self._settings.min_boxes and duration_ns >= self._settings.min_duration_s * 1e9

    def _news(self, crops: tuple[Crop, ...]) -> _Told:
        """What a revision with these pictures would say now."""
        return _Told(self._log.last_box, tuple(crop.frame for crop in crops), self.vehicle_class)

    def _changed(self, now: _Told) -> bool:
        """Whether the vehicle moved, better pictures came or its class turned out another since the last revision."""
        told = self._told
        if told is None:
            return True
        iou = paired_iou(np.array([told.box]), np.array([now.box]))[0]
        moved = bool(iou < self._settings.moved_iou)
        return moved or (told.crop_frames, told.vehicle_class) != (now.crop_frames, now.vehicle_class)

    def _tell(self, crops: tuple[Crop, ...], *, final: bool) -> Tracklet:
        self._revision += 1
        self._told = self._news(crops)
        if self._revision > 1:
            self._interval_ns = min(2 * self._interval_ns, round(self._settings.longest_revision_s * 1e9))
        self._due_ns = self._log.last_ns + self._interval_ns
        times_ns, frames, boxes = self._divisible().arrays()
        return Tracklet(
            key=self._key,
            revision=self._revision,
            final=final,
            times_ns=times_ns,
            frames=frames,
            boxes_xyxy=self._smoothed(times_ns, boxes),
            class_probs=class_shares(np.array(self._votes, np.float32)),
            crops=crops,
            quality=crops[0].quality if crops else 0.0,
            contacts=tuple(self._contact(m.t_ns, m.votes) for m in self._contacts.moments() if m.t_ns > times_ns[0]),
        )

    def _divisible(self) -> BoxLog:
        """All boxes, also those beside a contact that were thinned out: there the track may be divided."""
        return self._log.including([row for moment in self._contacts.moments() for row in moment.rows])

    def _smoothed(self, times_ns: NDArray[np.int64], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
        border_px = self._all_settings.crops.border_px
        return smoothed(times_ns, boxes, self._size_wh, window_s=self._settings.smooth_s, border_px=border_px)

    def _contact(self, t_ns: int, votes: Votes) -> Contact:
        before = np.array(votes, np.float32)
        return Contact(t_ns, before, np.array(self._votes, np.float32) - before)
