"""Owns the detections that belong to no told track, for a while, and which of them a track may be lengthened by.

A vehicle is often seen weakly before its track begins and after its last good detection: far away, half behind
something, cut by the border. Association dares to neither start nor find a track on these; once it is known where the
vehicle was and when, they are its own. Never starts a track and never moves a box from one track to another.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.single_camera.assignment import iou_matrix, usable
from tracker.single_camera.box_log import Box, BoxLog, Row
from tracker.single_camera.settings import FillSettings

Floats = NDArray[np.float64]

_FREE = -1
_LOOKED_AT_S = 1.0  # of either end of a track, to foretell how it goes on
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Frame:
    """Detections of one frame and the track that each belongs to, ``_FREE`` for none."""

    t_ns: int
    index: int
    boxes: Floats
    owners: NDArray[np.int64]


class Leftovers:
    """The newest frames' detections of one camera session."""

    def __init__(self, settings: FillSettings) -> None:
        self._settings = settings
        self._frames: deque[_Frame] = deque(maxlen=settings.max_frames)

    def add(self, t_ns: int, index: int, boxes_xyxy: NDArray[np.floating], owners: NDArray[np.int64]) -> None:
        """Takes the detections of the newest frame.

        Args:
            t_ns: Capture time.
            index: Number of the frame.
            boxes_xyxy: (N, 4), source px; rows without area or with values that are not finite are left out.
            owners: int64 (N,), id of the track that each belongs to, -1 for none.
        """
        boxes = boxes_xyxy.astype(np.float64)
        fit = usable(boxes)
        self._frames.append(_Frame(t_ns, index, boxes[fit], owners[fit]))
        while self._frames[-1].t_ns - self._frames[0].t_ns > self._settings.kept_s * _NS:
            self._frames.popleft()

    def release(self, track_id: int) -> None:
        """A track was given up: its boxes belong to none."""
        for frame in self._frames:
            frame.owners[frame.owners == track_id] = _FREE

    def rename(self, track_id: int, new_id: int, since_ns: int) -> None:
        """From ``since_ns`` on a track's boxes are another's."""
        for frame in self._frames:
            if frame.t_ns >= since_ns:
                frame.owners[frame.owners == track_id] = new_id

    def clear(self) -> None:
        """Forgets all."""
        self._frames.clear()

    def lead_back(self, track_id: int, log: BoxLog) -> None:
        """Lengthens a track's boxes at their beginning."""
        log.prepend(self.before(track_id, log.head(_LOOKED_AT_S)))

    def lead_on(self, track_id: int, log: BoxLog) -> None:
        """The same at their end, for a track that is over."""
        for row in self.after(track_id, log.tail(_LOOKED_AT_S)):
            log.add(*row)

    def before(self, track_id: int, rows: Sequence[Row]) -> list[Row]:
        """What a track may be lengthened by at its beginning, ascending; it is the track's own from now on.

        Args:
            track_id: Its id.
            rows: Its first boxes, ascending; a second of them suffices.
        """
        frames = (frame for frame in reversed(self._frames) if frame.t_ns < rows[0][0])
        return self._walk(track_id, list(reversed(rows)), frames)[::-1]

    def after(self, track_id: int, rows: Sequence[Row]) -> list[Row]:
        """The same at its end, of which ``rows`` are the last boxes."""
        return self._walk(track_id, list(rows), (frame for frame in self._frames if frame.t_ns > rows[-1][0]))

    def _walk(self, track_id: int, path: list[Row], frames: Iterable[_Frame]) -> list[Row]:
        """Follows a path, given in walking order, from frame to frame while there are boxes on it."""
        found: list[Row] = []
        begin_ns = path[-1][0]
        for frame in frames:
            if abs(frame.t_ns - path[-1][0]) > self._settings.gap_s * _NS:
                break
            if abs(frame.t_ns - begin_ns) > self._settings.longest_s * _NS:
                break
            place = self._place(frame, foretold(path, frame.t_ns))
            if place is None:
                continue
            frame.owners[place] = track_id
            x1, y1, x2, y2 = frame.boxes[place].tolist()
            row = (frame.t_ns, frame.index, (x1, y1, x2, y2))
            path.append(row)
            found.append(row)
        return found

    def _place(self, frame: _Frame, expected: Box) -> int | None:
        """The free detection that lies best on a foretold box, unless it is a second box on another track's vehicle."""
        free = np.flatnonzero(frame.owners == _FREE)
        if not len(free):
            return None
        iou = iou_matrix(np.array([expected]), frame.boxes[free])[0]
        best = int(iou.argmax())
        if iou[best] < self._settings.least_iou:
            return None
        owned = frame.boxes[frame.owners != _FREE]
        double = iou_matrix(frame.boxes[free[best] : free[best] + 1], owned)
        return None if (double > self._settings.double_iou).any() else int(free[best])


def foretold(path: Sequence[Row], t_ns: int) -> Box:
    """Where a path, given in walking order, goes: its centre moves on and its sides grow as over the last half second.

    >>> path = [(0, 0, (0.0, 0.0, 10.0, 10.0)), (10**9, 1, (2.0, 0.0, 12.0, 10.0))]
    >>> foretold(path, 2 * 10**9)
    (4.0, 0.0, 14.0, 10.0)
    """
    last_ns, _, last = path[-1]
    then_ns, _, then = next((row for row in reversed(path) if abs(row[0] - last_ns) >= _NS // 2), path[0])
    if then_ns == last_ns:
        return last
    share = (t_ns - last_ns) / (last_ns - then_ns)
    a, b = np.array(then), np.array(last)
    centre = (b[:2] + b[2:]) / 2
    centre = centre + share * (centre - (a[:2] + a[2:]) / 2)
    growth = np.clip((b[2:] - b[:2]) / (a[2:] - a[:2]), 0.25, 4.0) ** min(share, 1.0)
    half = (b[2:] - b[:2]) * growth / 2
    x1, y1, x2, y2 = np.concatenate([centre - half, centre + half]).tolist()
    return x1, y1, x2, y2
