"""Owns which ended track a new one may continue, by time and motion. Never looks at pictures: appearance decides after.

A vehicle that something hides for longer than a lost track is kept comes out as a track of its own. So the last
revision of a track that ended inside the picture waits a while; when a track that began on its foretold path is told
for the first time, both are told together, and whoever compares their pictures joins them or not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.single_camera.assignment import iou_matrix
from tracker.single_camera.settings import TrackletSettings
from tracker.types import TrackKey, Tracklet

Floats = NDArray[np.float64]

_SPEED_SPAN_S = 1.0
#: A hidden vehicle may brake or speed up: its path is foretold up to this multiple of its speed.
_FASTER = 1.5
_LARGEST_RATIO = 1.8  # of box sizes
_LEAST_WAY = 0.5  # box sizes (in a second) from which a movement has a direction
_LEAST_COSINE = 0.3  # of the angle between the ways before and after
_SAME_PLACE_IOU = 0.5
_MOST_HELD = 64


@dataclass(frozen=True, slots=True)
class _Waiting:
    tracklet: Tracklet
    still: bool
    until_ns: int


class Joiner:
    """The ended tracks of one camera session that wait for a continuation. At most 64; the oldest wait no longer."""

    def __init__(self, settings: TrackletSettings) -> None:
        self._settings = settings
        self._waiting: dict[TrackKey, _Waiting] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def hold(self, tracklet: Tracklet, *, still: bool) -> list[Tracklet]:
        """Keeps a final revision back.

        Args:
            tracklet: Final.
            still: It was parked when last seen.

        Returns:
            Tracklets that wait no longer, to be told now; the given one where nothing is ever joined.
        """
        window_s = self._settings.still_join_window_s if still else self._settings.join_window_s
        if window_s <= 0:
            return [tracklet]
        until_ns = int(tracklet.times_ns[-1]) + round(window_s * 1e9)
        self._waiting[tracklet.key] = _Waiting(tracklet, still, until_ns)
        if len(self._waiting) <= _MOST_HELD:
            return []
        return [self._waiting.pop(next(iter(self._waiting))).tracklet]

    def forget(self, key: TrackKey) -> None:
        """Drops a track that waits."""
        self._waiting.pop(key, None)

    def predecessor(self, tracklet: Tracklet) -> Tracklet | None:
        """The waiting track that ``tracklet`` best continues; it waits no longer. None if it continues none."""
        found = [(self._distance(waiting, tracklet), key) for key, waiting in self._waiting.items()]
        near = [(distance, key) for distance, key in found if distance <= self._settings.join_distance]
        return self._waiting.pop(min(near)[1]).tracklet if near else None

    def release(self, now_ns: int, untold_since_ns: Iterable[int]) -> list[Tracklet]:
        """Tracks whose time is up, by key.

        Args:
            now_ns: Time of the newest frame.
            untold_since_ns: First times of living tracks that were not told yet; one that began in time may still be
                a continuation.
        """
        young = sorted(untold_since_ns)
        over = [
            key
            for key, waiting in sorted(self._waiting.items())
            if now_ns > waiting.until_ns and not self._awaited(waiting, now_ns, young)
        ]
        return [self._waiting.pop(key).tracklet for key in over]

    def release_all(self) -> list[Tracklet]:
        """All, by key."""
        return self.release(2**62, ())

    def _awaited(self, waiting: _Waiting, now_ns: int, young: list[int]) -> bool:
        """Whether a track that began in time is still too young to be told."""
        patience_ns = round(self._settings.first_revision_s * 1e9)
        ended_ns = int(waiting.tracklet.times_ns[-1])
        return now_ns <= waiting.until_ns + patience_ns and any(ended_ns < t <= waiting.until_ns for t in young)

    def _distance(self, waiting: _Waiting, later: Tracklet) -> float:
        """Box sizes from where ``later`` begins to the foretold path; infinite where it cannot be a continuation."""
        earlier = waiting.tracklet
        begin_ns, end_ns = int(later.times_ns[0]), int(earlier.times_ns[-1])
        if not end_ns < begin_ns <= waiting.until_ns:
            return math.inf
        last, first = earlier.boxes_xyxy[-1].astype(np.float64), later.boxes_xyxy[0].astype(np.float64)
        size, other = _size(last), _size(first)
        if max(size, other) / min(size, other) > _LARGEST_RATIO:
            return math.inf
        if waiting.still:
            iou = float(iou_matrix(last[None], first[None])[0, 0])
            return 1.0 - iou if iou >= _SAME_PLACE_IOU else math.inf
        velocity = _velocity(earlier)
        if _turned_round(velocity / size, _way(later) / other):
            return math.inf
        ahead = velocity * _FASTER * (begin_ns - end_ns) / 1e9
        return _from_segment(_centre(first) - _centre(last), ahead) / math.sqrt(size * other)


def _velocity(tracklet: Tracklet) -> Floats:
    """Mean velocity of the box's centre over the last second, px per second, (2,); none for a single box."""
    recent = np.flatnonzero(tracklet.times_ns >= tracklet.times_ns[-1] - _SPEED_SPAN_S * 1e9)[0]
    span_s = (tracklet.times_ns[-1] - tracklet.times_ns[recent]) / 1e9
    if span_s <= 0:
        return np.zeros(2)
    return _way(tracklet, int(recent)) / float(span_s)


def _way(tracklet: Tracklet, since: int = 0) -> Floats:
    """From the centre of the box of that number to the last one's, px, (2,)."""
    boxes = tracklet.boxes_xyxy[[since, -1]].astype(np.float64)
    return _centre(boxes[1]) - _centre(boxes[0])


def _turned_round(before: Floats, after: Floats) -> bool:
    """Whether two movements, in box sizes, are both large enough to have a direction and do not go the same way."""
    lengths = float(np.linalg.norm(before)), float(np.linalg.norm(after))
    return min(lengths) >= _LEAST_WAY and float(before @ after) < _LEAST_COSINE * lengths[0] * lengths[1]


def _from_segment(point: Floats, ahead: Floats) -> float:
    """Distance of ``point`` (2,) from the segment between the origin and ``ahead`` (2,).

    >>> _from_segment(np.array([3.0, 4.0]), np.array([3.0, 0.0])), _from_segment(np.array([-3.0, 4.0]), np.zeros(2))
    (4.0, 5.0)
    """
    length2 = float(ahead @ ahead)
    share = min(max(float(point @ ahead) / length2, 0.0), 1.0) if length2 > 0 else 0.0
    return float(np.linalg.norm(point - share * ahead))


def _centre(box: Floats) -> Floats:
    return (box[:2] + box[2:]) / 2


def _size(box: Floats) -> float:
    return float(math.sqrt((box[2] - box[0]) * (box[3] - box[1])))
