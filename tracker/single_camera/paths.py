"""Owns one camera's paths where only boxes are known. Never sees a picture, so it neither joins nor splits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.single_camera.association.choice import associator
from tracker.single_camera.box_log import Box, BoxLog
from tracker.single_camera.leftovers import Leftovers
from tracker.single_camera.settings import TrackerSettings
from tracker.single_camera.smoothing import smoothed

_NS = 1e9


@dataclass(frozen=True, slots=True)
class Path:
    """One vehicle's way through the view.

    Attributes:
        track_id: Unique within the session.
        frames: int64 (N,), frame numbers, ascending.
        boxes_xyxy: float32 (N, 4), source px.
    """

    track_id: int
    frames: NDArray[np.int64]
    boxes_xyxy: NDArray[np.float32]


class _Trail:
    """A living track's boxes."""

    def __init__(self, cap: int) -> None:
        self.log = BoxLog(cap)
        self.observed = 0
        self.led_back = False

    def lead_back(self, track_id: int, leftovers: Leftovers) -> None:
        if not self.led_back:
            self.led_back = True
            leftovers.lead_back(track_id, self.log)


class PathFollower:
    """Detections of one camera session to paths, as ``CameraTracker`` makes tracklets of them.

    Args:
        settings: Of association, lengthening, smoothing, and of what is too short to be told.
        size_wh: Width and height of the picture, px.
    """

    def __init__(self, settings: TrackerSettings, size_wh: tuple[int, int]) -> None:
        self._settings = settings
        self._size_wh = size_wh
        self._tracker = associator(settings)
        self._leftovers = Leftovers(settings.fill)
        self._trails: dict[int, _Trail] = {}
        self._paths: list[Path] = []

    def update(self, t_ns: int, frame: int, boxes_xyxy: NDArray[np.floating], scores: NDArray[np.floating]) -> None:
        """Takes the detections of the next frame.

        Args:
            t_ns: Capture time, later than the frame before.
            frame: Its number.
            boxes_xyxy: (N, 4), source px.
            scores: (N,), in [0, 1], highest first.

        Raises:
            ValueError: ``t_ns`` is not later than the frame before.
        """
        step = self._tracker.update(t_ns, boxes_xyxy, scores)
        for track_id in step.closed_ids:
            self._close(track_id)
        owners = np.full(len(boxes_xyxy), -1, np.int64)
        owners[step.detections] = step.track_ids
        self._leftovers.add(t_ns, frame, boxes_xyxy, owners)
        for track_id, row in zip(step.track_ids.tolist(), step.detections.tolist(), strict=True):
            trail = self._trails.setdefault(track_id, _Trail(self._settings.tracklets.max_boxes))
            trail.log.add(t_ns, frame, _box(boxes_xyxy[row]))
            trail.observed += 1
            if trail.log.last_ns - trail.log.first_ns >= self._settings.tracklets.first_revision_s * _NS:
                trail.lead_back(track_id, self._leftovers)

    def finish(self) -> list[Path]:
        """Closes every track; returns the paths of all that were long enough to be told, in the order they closed."""
        for track_id in self._tracker.close_all():
            self._close(track_id)
        return self._paths

    def _close(self, track_id: int) -> None:
        trail = self._trails.pop(track_id, None)
        if trail is None:
            return
        if trail.observed > 1:
            trail.lead_back(track_id, self._leftovers)
            self._leftovers.lead_on(track_id, trail.log)
        told = self._settings.tracklets
        if trail.observed < told.min_boxes or trail.log.last_ns - trail.log.first_ns < told.min_duration_s * _NS:
            self._leftovers.release(track_id)
            return
        times_ns, frames, boxes = trail.log.arrays()
        border_px = self._settings.crops.border_px
        even = smoothed(times_ns, boxes, self._size_wh, window_s=told.smooth_s, border_px=border_px)
        self._paths.append(Path(track_id, frames, even))


def _box(row: NDArray[np.floating]) -> Box:
    x1, y1, x2, y2 = row.tolist()
    return x1, y1, x2, y2
