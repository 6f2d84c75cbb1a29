"""Owns which detection continues which track of one camera session, in real time. Never keeps pictures or histories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.single_camera.assignment import assign, enlarged, iou_matrix, paired_iou
from tracker.single_camera.kalman import KalmanFilter, measured_from_xyxy, xyxy_from_mean
from tracker.single_camera.settings import AssociationSettings

Array = NDArray[np.float64]
Index = NDArray[np.int64]

_UNCONFIRMED, _TRACKED, _LOST = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Step:
    """What one frame meant for the tracks.

    Attributes:
        track_ids: int64 (M,), tracks that have a detection in this frame, in no particular order.
        detections: int64 (M,), row of that detection in what was given.
        confirmed: bool (M,), false for a track that has only this one detection so far.
        boxes_xyxy: float64 (M, 4), filtered boxes.
        closed_ids: Tracks that ended: no box for too long, never confirmed, or a duplicate of an older track.
    """

    track_ids: Index
    detections: Index
    confirmed: NDArray[np.bool_]
    boxes_xyxy: Array
    closed_ids: tuple[int, ...]


@dataclass(slots=True)
class _Tracks:
    """All living tracks, one row each: T rows in every array."""

    track_id: Index  # (T,)
    state: NDArray[np.int8]  # (T,)
    start_ns: Index  # (T,)
    last_ns: Index  # (T,), time of the last detection
    mean: Array  # (T, 8)
    covariance: Array  # (T, 8, 8)
    still_xyxy: Array  # (T, 4), detection that began the present stand
    still_ns: Index  # (T,), its time
    detection: Index  # (T,), row of this frame's detection, -1 for none

    @classmethod
    def none(cls) -> _Tracks:
        whole = np.zeros(0, np.int64)
        return cls(
            whole,
            np.zeros(0, np.int8),
            whole,
            whole,
            np.zeros((0, 8)),
            np.zeros((0, 8, 8)),
            np.zeros((0, 4)),
            whole,
            whole,
        )

    def arrays(self) -> tuple[NDArray[Any], ...]:
        return (
            self.track_id,
            self.state,
            self.start_ns,
            self.last_ns,
            self.mean,
            self.covariance,
            self.still_xyxy,
            self.still_ns,
            self.detection,
        )

    def select(self, rows: NDArray[np.bool_]) -> _Tracks:
        return _Tracks(*(array[rows] for array in self.arrays()))

    def join(self, other: _Tracks) -> _Tracks:
        pairs = zip(self.arrays(), other.arrays(), strict=True)
        return _Tracks(*(np.concatenate(pair) for pair in pairs))


class ByteTrack:
    """Two-stage association of detections with tracks.

    High scores are matched with all tracks, low scores with those left over; a track without a match is lost and may be
    found again until its time is up; a detection that nothing explains is a new track, confirmed by a second one in the
    next frame. Times are capture times: frames may be dropped at will.

    Source: Zhang et al. 2022, "ByteTrack: Multi-Object Tracking by Associating Every Detection Box". Departures: real
    time steps; boxes enlarged for matching where a frame is late; one buffer in seconds, up to which a lost track may
    be found; a parked vehicle may stay hidden for longer and does not drift meanwhile; no track starts on a vehicle
    that another covers.
    """

    def __init__(self, settings: AssociationSettings) -> None:
        self._settings = settings
        self._kalman = KalmanFilter(settings.nominal_interval_s)
        self._tracks = _Tracks.none()
        self._next_id = 1
        self._last_ns: int | None = None

    @property
    def tracked_count(self) -> int:
        """Confirmed tracks that are not lost."""
        return int((self._tracks.state == _TRACKED).sum())

    def update(self, t_ns: int, boxes_xyxy: NDArray[np.floating], scores: NDArray[np.floating]) -> Step:
        """Takes the detections of the next frame.

        Args:
            t_ns: Capture time, nanoseconds, later than the frame before.
            boxes_xyxy: (N, 4), source px; rows without area or with values that are not finite are left out.
            scores: (N,), in [0, 1], highest first.

        Returns:
            Which track each used detection belongs to and which tracks ended.

        Raises:
            ValueError: ``t_ns`` is not later than the frame before.
        """
        if self._last_ns is not None and t_ns <= self._last_ns:
            raise ValueError(f"t_ns must be later than {self._last_ns}, got {t_ns}")
        boxes = boxes_xyxy.astype(np.float64)
        closed = self._drop(self._expired(t_ns))
        self._predict(t_ns)
        self._tracks.detection = np.full(len(self._tracks.track_id), -1)
        left = self._associate(t_ns, boxes, scores)
        unproven = (self._tracks.state == _UNCONFIRMED) & (self._tracks.detection < 0)
        closed += self._drop(unproven)
        self._start(t_ns, boxes, self._single(boxes, left[scores[left] >= self._settings.new_track_score]))
        closed += self._drop(self._duplicates())
        self._last_ns = t_ns
        return self._step(closed)

    def close_all(self) -> tuple[int, ...]:
        """Ends every track; ids go on counting and the next frame may carry any time."""
        ids = self._drop(np.ones(len(self._tracks.track_id), bool))
        self._last_ns = None
        return tuple(ids)

    def _expired(self, t_ns: int) -> NDArray[np.bool_]:
        """Rows without a detection for too long: bool (T,)."""
        patience_ns = np.where(
            self._still(), self._settings.still_lost_after_s * 1e9, self._settings.lost_after_s * 1e9
        )
        return (t_ns - self._tracks.last_ns) > patience_ns

    def _still(self) -> NDArray[np.bool_]:
        """Rows of vehicles that had stood in one place when last seen: bool (T,)."""
        return (self._tracks.last_ns - self._tracks.still_ns) >= self._settings.still_after_s * 1e9

    def _predict(self, t_ns: int) -> None:
        """Moves every confirmed track to ``t_ns``; a lost one keeps its height, a lost parked one its place.

        A track of one box has no speed to move by. Only where the frame is later than nominal does its uncertainty
        grow, by the excess, so that its second box teaches it a speed.
        """
        tracks = self._tracks
        if self._last_ns is None or not len(tracks.track_id):
            return
        dt_s = (t_ns - self._last_ns) / 1e9
        moving, fresh = np.flatnonzero(tracks.state != _UNCONFIRMED), np.flatnonzero(tracks.state == _UNCONFIRMED)
        excess_s = dt_s - self._settings.nominal_interval_s
        if len(fresh) and excess_s > 0:
            tracks.mean[fresh], tracks.covariance[fresh] = self._kalman.predict(
                tracks.mean[fresh], tracks.covariance[fresh], excess_s
            )
        lost = tracks.state == _LOST
        tracks.mean[lost, 7] = 0.0
        tracks.mean[lost & self._still(), 4:] = 0.0
        tracks.mean[moving], tracks.covariance[moving] = self._kalman.predict(
            tracks.mean[moving], tracks.covariance[moving], dt_s
        )

    def _associate(self, t_ns: int, boxes: Array, scores: NDArray[np.floating]) -> Index:
        """Runs the three stages; returns the high-score detections that nothing explains, int64 (L,)."""
        settings, tracks = self._settings, self._tracks
        usable = np.isfinite(boxes).all(axis=1) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
        high = np.flatnonzero(usable & (scores >= settings.high_score))
        low = np.flatnonzero(usable & (scores > settings.low_score) & (scores < settings.high_score))
        margin = self._margin(t_ns)
        predicted, found = enlarged(xyxy_from_mean(tracks.mean), margin), enlarged(boxes, margin)

        pool = np.flatnonzero(tracks.state != _UNCONFIRMED)
        cost = self._cost(predicted[pool], found[high], scores[high])
        rows, columns = assign(cost, settings.match_cost)
        self._match(t_ns, pool[rows], high[columns], boxes)
        high = np.delete(high, columns)

        pool = np.flatnonzero((tracks.state == _TRACKED) & (tracks.detection < 0))
        rows, columns = assign(1.0 - iou_matrix(predicted[pool], found[low]), settings.low_match_cost)
        self._match(t_ns, pool[rows], low[columns], boxes)
        tracks.state[(tracks.state == _TRACKED) & (tracks.detection < 0)] = _LOST

        pool = np.flatnonzero(tracks.state == _UNCONFIRMED)
        cost = self._cost(predicted[pool], found[high], scores[high])
        rows, columns = assign(cost, settings.unconfirmed_match_cost)
        self._match(t_ns, pool[rows], high[columns], boxes)
        return np.delete(high, columns)

    def _margin(self, t_ns: int) -> float:
        """By which share of its side a box is enlarged on each side before overlaps are taken."""
        if self._last_ns is None:
            return 0.0
        late = (t_ns - self._last_ns) / 1e9 / self._settings.nominal_interval_s - 1.0
        return min(max(0.0, late) * self._settings.late_margin, self._settings.max_margin)

    def _cost(self, predicted: Array, boxes: Array, scores: NDArray[np.floating]) -> Array:
        """1 - IoU, or 1 - IoU x score: (N, M)."""
        iou = iou_matrix(predicted, boxes)
        return 1.0 - (iou * scores if self._settings.fuse_score else iou)

    def _match(self, t_ns: int, rows: Index, detections: Index, boxes: Array) -> None:
        """Corrects ``rows`` of the tracks by their detections."""
        if not len(rows):
            return
        tracks, seen = self._tracks, boxes[detections]
        tracks.mean[rows], tracks.covariance[rows] = self._kalman.update(
            tracks.mean[rows], tracks.covariance[rows], measured_from_xyxy(seen)
        )
        moved = paired_iou(tracks.still_xyxy[rows], seen) < self._settings.still_iou
        tracks.still_xyxy[rows[moved]] = seen[moved]
        tracks.still_ns[rows[moved]] = t_ns
        tracks.state[rows] = _TRACKED
        tracks.last_ns[rows] = t_ns
        tracks.detection[rows] = detections

    def _single(self, boxes: Array, detections: Index) -> Index:
        """Those of ``detections``, int64 (N,), that are no second box on a vehicle that has one: int64 (M,)."""
        taken = self._tracks.detection[self._tracks.detection >= 0].tolist()
        single: list[int] = []
        for detection in detections.tolist():
            others = boxes[taken]
            iou = iou_matrix(boxes[detection : detection + 1], others)
            if not (iou > self._settings.double_iou).any():
                taken.append(detection)
                single.append(detection)
        return np.array(single, np.int64)

    def _start(self, t_ns: int, boxes: Array, detections: Index) -> None:
        """Begins a track per detection; those of the first frame need no confirmation."""
        n = len(detections)
        if not n:
            return
        mean, covariance = self._kalman.initiate(measured_from_xyxy(boxes[detections]))
        now = np.full(n, t_ns, np.int64)
        state = np.full(n, _TRACKED if self._last_ns is None else _UNCONFIRMED, np.int8)
        ids = np.arange(self._next_id, self._next_id + n)
        self._next_id += n
        self._tracks = self._tracks.join(
            _Tracks(ids, state, now, now.copy(), mean, covariance, boxes[detections], now.copy(), detections)
        )

    def _duplicates(self) -> NDArray[np.bool_]:
        """Of every seen and lost track that cover each other, the one with the shorter life: bool (T,)."""
        tracks = self._tracks
        doomed = np.zeros(len(tracks.track_id), bool)
        seen, lost = np.flatnonzero(tracks.state != _LOST), np.flatnonzero(tracks.state == _LOST)
        if not len(seen) or not len(lost):
            return doomed
        boxes = xyxy_from_mean(tracks.mean)
        a, b = np.nonzero(iou_matrix(boxes[seen], boxes[lost]) > self._settings.duplicate_iou)
        life = tracks.last_ns - tracks.start_ns
        older = life[seen[a]] > life[lost[b]]
        doomed[lost[b[older]]] = True
        doomed[seen[a[~older]]] = True
        return doomed

    def _drop(self, rows: NDArray[np.bool_]) -> list[int]:
        """Ends the tracks of ``rows``, bool (T,); returns their ids."""
        if not rows.any():
            return []
        ids: list[int] = self._tracks.track_id[rows].tolist()
        self._tracks = self._tracks.select(~rows)
        return ids

    def _step(self, closed: list[int]) -> Step:
        tracks = self._tracks
        seen = tracks.detection >= 0
        return Step(
            tracks.track_id[seen],
            tracks.detection[seen],
            tracks.state[seen] == _TRACKED,
            xyxy_from_mean(tracks.mean[seen]),
            tuple(closed),
        )
