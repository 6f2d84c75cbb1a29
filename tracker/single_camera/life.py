"""Owns one track's history and when it is told to the outside. Never decides which detection belongs to it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from detector.types import VEHICLE_CLASSES, VehicleClass
from tracker.single_camera.assignment import paired_iou
from tracker.single_camera.crops import CropChooser, Image, View
from tracker.single_camera.settings import TrackerSettings
from tracker.types import TrackKey, Tracklet

Box = tuple[float, float, float, float]

_SLACK = 0.9  # frames a little early still count as one spacing apart
_PLACE = {int(vehicle_class): k for k, vehicle_class in enumerate(VEHICLE_CLASSES)}


class BoxLog:
    """Times, frames and boxes of a track, at most ``cap`` of them, thinned evenly; first and newest always stay."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._rows: list[tuple[int, int, Box]] = []
        self._spacing_ns = 0

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, t_ns: int, frame: int, box: Box) -> None:
        """Appends a box, later than all before."""
        rows = self._rows
        if len(rows) >= 2 and rows[-1][0] - rows[-2][0] < self._spacing_ns:
            rows[-1] = (t_ns, frame, box)
            return
        rows.append((t_ns, frame, box))
        if len(rows) > self._cap:
            thinned = rows[::2] if len(rows) % 2 else [*rows[::2], rows[-1]]
            self._spacing_ns = round(_SLACK * 2 * (rows[-1][0] - rows[0][0]) / (len(rows) - 1))
            self._rows = thinned

    @property
    def first_ns(self) -> int:
        """Time of the first box."""
        return self._rows[0][0]

    @property
    def last_ns(self) -> int:
        """Time of the newest box."""
        return self._rows[-1][0]

    @property
    def last_box(self) -> Box:
        """The newest box."""
        return self._rows[-1][2]

    def arrays(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
        """Times int64 (N,), frames int64 (N,), boxes float32 (N, 4), ascending."""
        times, frames, boxes = zip(*self._rows, strict=True)
        return np.array(times, np.int64), np.array(frames, np.int64), np.array(boxes, np.float32)


class TrackLife:
    """From a track's first box to its last revision."""

    def __init__(self, key: TrackKey, settings: TrackerSettings) -> None:
        self._key = key
        self._settings = settings.tracklets
        self._log = BoxLog(settings.tracklets.max_boxes)
        self._crops = CropChooser(settings.crops)
        self._class_scores = [0.0] * len(VEHICLE_CLASSES)
        self._observed = 0
        self._revision = 0
        self._interval_ns = round(settings.tracklets.first_revision_s * 1e9)
        self._due_ns: int | None = None
        self._told: tuple[Box, tuple[int, ...]] | None = None  # newest box and crop frames of the last revision

    def observe(self, view: View, score: float, class_id: int, image: Image) -> None:
        """Takes the vehicle's detection in the newest frame.

        Raises:
            ValueError: ``class_id`` is no VehicleClass.
        """
        place = _PLACE.get(class_id)
        if place is None:
            raise ValueError(f"class id must be one of {sorted(_PLACE)}, got {class_id}")
        self._class_scores[place] += score
        self._observed += 1
        self._log.add(view.t_ns, view.frame, view.box_xyxy)
        self._crops.offer(view, image)
        if self._due_ns is None:
            self._due_ns = view.t_ns + self._interval_ns

    @property
    def vehicle_class(self) -> VehicleClass:
        """The likeliest class so far."""
        return VEHICLE_CLASSES[self._class_scores.index(max(self._class_scores))]

    def revise(self) -> Tracklet | None:
        """A revision, if one is due and there is news since the last."""
        if self._due_ns is None or self._log.last_ns < self._due_ns or not self._tellable():
            return None
        crops = self._crops.chosen()
        if not crops or not self._news(tuple(crop.frame for crop in crops)):
            return None
        return self._tell(final=False)

    def close(self) -> Tracklet | None:
        """The final revision; None if the track was too short to tell, or never well enough seen for a picture."""
        if self._revision == 0 and not (self._tellable() and self._crops.chosen()):
            return None
        return self._tell(final=True)

    def _tellable(self) -> bool:
        duration_ns = self._log.last_ns - self._log.first_ns
        return self._observed >= self._settings.min_boxes and duration_ns >= self._settings.min_duration_s * 1e9

    def _news(self, crop_frames: tuple[int, ...]) -> bool:
        """Whether the vehicle moved or better pictures came since the last revision."""
        if self._told is None:
            return True
        box, frames = self._told
        iou = paired_iou(np.array([box]), np.array([self._log.last_box]))[0]
        return bool(iou < self._settings.moved_iou) or crop_frames != frames

    def _tell(self, *, final: bool) -> Tracklet:
        self._revision += 1
        crops = self._crops.chosen()
        self._told = (self._log.last_box, tuple(crop.frame for crop in crops))
        if self._revision > 1:
            self._interval_ns = min(2 * self._interval_ns, round(self._settings.longest_revision_s * 1e9))
        self._due_ns = self._log.last_ns + self._interval_ns
        times_ns, frames, boxes = self._log.arrays()
        total = sum(self._class_scores)
        shares = [value / total for value in self._class_scores] if total > 0 else [1 / len(VEHICLE_CLASSES)] * 4
        return Tracklet(
            key=self._key,
            revision=self._revision,
            final=final,
            times_ns=times_ns,
            frames=frames,
            boxes_xyxy=boxes,
            class_probs=np.array(shares, np.float32),
            crops=crops,
            quality=crops[0].quality if crops else 0.0,
        )
