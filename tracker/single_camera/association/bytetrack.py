"""Owns which detection continues which track of one camera session, in real time. Never keeps pictures or histories."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median_low

import numpy as np
from numpy.typing import NDArray

from tracker.single_camera.assignment import assign, enlarged, iou_matrix, paired_iou, usable
from tracker.single_camera.association.kalman import KalmanFilter, measured_from_xyxy, xyxy_from_mean
from tracker.single_camera.association.tracks import LOST, TRACKED, UNCONFIRMED, Array, Index, Step, Tracks
from tracker.single_camera.settings import AssociationSettings

#: The usual interval between frames is the median of so many, taken while something is followed.
_INTERVALS = 9
#: No track closes within so many usual intervals of its last box: where frames are rare, one may be late.
_PATIENT_INTERVALS = 2.5
#: Beyond this a track closes however rare frames are.
_MOST_PATIENT_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class Arrivals:
    """The detections of one frame, ready to be matched.

    Attributes:
        t_ns: Capture time.
        boxes: (N, 4), as detected, source px.
        scores: (N,), in [0, 1].
        margin: Share of its side by which a box grows on each side before overlaps are taken.
        grown: (N, 4), boxes grown so.
        predicted: (T, 4), the tracks' predicted boxes grown so.
    """

    t_ns: int
    boxes: Array
    scores: NDArray[np.floating]
    margin: float
    grown: Array
    predicted: Array


class ByteTrack:
    """Two-stage association of detections with tracks.

    High scores are matched with all tracks, low scores with those left over; a track without a match is lost and may be
    found again until its time is up; a detection that nothing explains is a new track, confirmed by a second one in the
    next frame. Times are capture times: frames may be dropped at will.

    Source: Zhang et al. 2022, "ByteTrack: Multi-Object Tracking by Associating Every Detection Box". Departures: real
    time steps; boxes enlarged for matching where a frame is late; one buffer in seconds, up to which a lost track may
    be found, longer where frames are rare; a track that is not where it was foretold is looked for where it was last
    seen; low scores find a lost one where they lie closely on its path; a parked vehicle may stay hidden for longer and
    does not drift meanwhile; no track starts on a vehicle that another covers.
    """

    def __init__(self, settings: AssociationSettings) -> None:
        self._settings = settings
        self._kalman = KalmanFilter(settings.nominal_interval_s)
        self._tracks = Tracks.none()
        self._next_id = 1
        self._last_ns: int | None = None
        self._intervals_ns: deque[int] = deque(maxlen=_INTERVALS)

    @property
    def tracked_count(self) -> int:
        """Confirmed tracks that are not lost."""
        return int((self._tracks.state == TRACKED).sum())

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
        expired = self._expired(t_ns)
        if self._last_ns is not None and len(self._tracks):
            self._intervals_ns.append(t_ns - self._last_ns)
        closed = self._drop(expired)
        self._predict(t_ns)
        self._tracks.detection = np.full(len(self._tracks), -1)
        left = self._associate(t_ns, boxes, scores)
        unproven = (self._tracks.state == UNCONFIRMED) & (self._tracks.detection < 0)
        closed += self._drop(unproven)
        self._start(t_ns, boxes, self._single(boxes, left[scores[left] >= self._settings.new_track_score]))
        closed += self._drop(self._duplicates())
        self._last_ns = t_ns
        return self._step(closed)

    def fresh_id(self) -> int:
        """An id that no track has had or will have."""
        self._next_id += 1
        return self._next_id - 1

    def rename(self, track_id: int, new_id: int) -> bool:
        """Lets a living track go on under an id from ``fresh_id``; false if it lives no longer."""
        rows = self._tracks.track_id == track_id
        self._tracks.track_id[rows] = new_id
        return bool(rows.any())

    def close_all(self) -> tuple[int, ...]:
        """Ends every track; ids go on counting and the next frame may carry any time."""
        ids = self._drop(np.ones(len(self._tracks), bool))
        self._last_ns = None
        return tuple(ids)

    def _expired(self, t_ns: int) -> NDArray[np.bool_]:
        """Rows without a detection for too long: bool (T,)."""
        patience_ns = np.where(
            self._still(), self._settings.still_lost_after_s * 1e9, self._settings.lost_after_s * 1e9
        )
        usual_ns = median_low(self._intervals_ns) if self._intervals_ns else 0
        rare_ns = min(_PATIENT_INTERVALS * usual_ns, _MOST_PATIENT_NS)
        return (t_ns - self._tracks.last_ns) > np.maximum(patience_ns, rare_ns)

    def _still(self) -> NDArray[np.bool_]:
        """Rows of vehicles that had stood in one place when last seen: bool (T,)."""
        return (self._tracks.last_ns - self._tracks.still_ns) >= self._settings.still_after_s * 1e9

    def _predict(self, t_ns: int) -> None:
        """Moves every confirmed track to ``t_ns``; a lost one keeps its height, a lost parked one its place.

        A track of one box has no speed to move by. Only where the frame is later than nominal does its uncertainty
        grow, by the excess, so that its second box teaches it a speed.
        """
        tracks = self._tracks
        if self._last_ns is None or not len(tracks):
            return
        dt_s = (t_ns - self._last_ns) / 1e9
        moving, fresh = np.flatnonzero(tracks.state != UNCONFIRMED), np.flatnonzero(tracks.state == UNCONFIRMED)
        excess_s = dt_s - self._settings.nominal_interval_s
        if len(fresh) and excess_s > 0:
            tracks.mean[fresh], tracks.covariance[fresh] = self._kalman.predict(
                tracks.mean[fresh], tracks.covariance[fresh], excess_s
            )
        lost = tracks.state == LOST
        tracks.mean[lost, 7] = 0.0
        tracks.mean[lost & self._still(), 4:] = 0.0
        tracks.mean[moving], tracks.covariance[moving] = self._kalman.predict(
            tracks.mean[moving], tracks.covariance[moving], dt_s
        )

    def _associate(self, t_ns: int, boxes: Array, scores: NDArray[np.floating]) -> Index:
        """Runs the stages; returns the high-score detections that nothing explains, int64 (L,)."""
        settings, tracks = self._settings, self._tracks
        fit = usable(boxes)
        high = np.flatnonzero(fit & (scores >= settings.high_score))
        low = np.flatnonzero(fit & (scores > settings.low_score) & (scores < settings.high_score))
        new = self._arrivals(t_ns, boxes, scores, settings.late_margin)
        pool = np.flatnonzero(tracks.state != UNCONFIRMED)
        high = self._stage(new, pool, high, self._cost(new, pool, high), settings.match_cost)
        high = self._recover(new, high)
        self._continue_low(new, low)
        tracks.state[(tracks.state == TRACKED) & (tracks.detection < 0)] = LOST

        # A track of one box has no speed to be foretold by: it may be farther off.
        pool = np.flatnonzero(tracks.state == UNCONFIRMED)
        if not len(pool) or not len(high):
            return high
        new = self._arrivals(t_ns, boxes, scores, settings.new_late_margin)
        return self._stage(new, pool, high, self._cost(new, pool, high), settings.unconfirmed_match_cost)

    def _stage(self, new: Arrivals, pool: Index, detections: Index, cost: Array, limit: float) -> Index:
        """Matches the tracks ``pool`` with ``detections`` by ``cost`` (P, D); returns the detections left over."""
        if not cost.size:
            return detections
        rows, columns = assign(cost, limit)
        self._match(new, pool[rows], detections[columns])
        return np.delete(detections, columns)

    def _recover(self, new: Arrivals, high: Index) -> Index:
        """Matches tracks of the frame before that are not where they were foretold by their last detection.

        The motion model holds aspects to be constant: a vehicle that comes in over the border, or turns, is foretold
        too wide or too narrow. It begins anew with what is seen. Returns the high-score detections left over.
        """
        tracks, limit = self._tracks, self._settings.last_place_cost
        pool = np.flatnonzero((tracks.state == TRACKED) & (tracks.detection < 0))
        if not limit or not len(pool) or not len(high):
            return high
        cost = 1.0 - iou_matrix(enlarged(tracks.last_xyxy[pool], new.margin), new.grown[high])
        rows, columns = assign(cost, limit)
        found, before, then_ns = pool[rows], tracks.last_xyxy[pool[rows]], tracks.last_ns[pool[rows]]
        self._match(new, found, high[columns])
        seen = measured_from_xyxy(tracks.last_xyxy[found])
        tracks.mean[found], tracks.covariance[found] = self._kalman.initiate(seen)
        passed_s = (new.t_ns - then_ns)[:, None] / 1e9
        tracks.mean[found, 4:6] = (seen[:, :2] - measured_from_xyxy(before)[:, :2]) / passed_s
        return np.delete(high, columns)

    def _continue_low(self, new: Arrivals, low: Index) -> None:
        """Matches tracks that were seen in the frame before with low-score detections, then lost ones."""
        settings = self._settings
        for state, limit in ((TRACKED, settings.low_match_cost), (LOST, settings.lost_low_match_cost)):
            pool = np.flatnonzero((self._tracks.state == state) & (self._tracks.detection < 0))
            if not len(pool) or not len(low):
                continue
            cost = 1.0 - iou_matrix(new.predicted[pool], new.grown[low])
            low = self._stage(new, pool, low, cost, limit)

    def _arrivals(self, t_ns: int, boxes: Array, scores: NDArray[np.floating], late_margin: float) -> Arrivals:
        """A frame's detections beside the tracks as they stand, grown by ``late_margin`` per interval it is late."""
        late = 0.0 if self._last_ns is None else (t_ns - self._last_ns) / 1e9 / self._settings.nominal_interval_s - 1.0
        margin = min(max(0.0, late) * late_margin, self._settings.max_margin)
        predicted = enlarged(xyxy_from_mean(self._tracks.mean), margin)
        return Arrivals(t_ns, boxes, scores, margin, enlarged(boxes, margin), predicted)

    def _cost(self, new: Arrivals, pool: Index, detections: Index) -> Array:
        """Of joining the tracks ``pool`` with ``detections``: 1 - IoU, or 1 - IoU x score: (P, D)."""
        return self._overlap_cost(new, new.predicted[pool], detections)

    def _overlap_cost(self, new: Arrivals, places: Array, detections: Index) -> Array:
        """1 - IoU of ``places`` (P, 4) with ``detections``, or 1 - IoU x score: (P, D)."""
        iou = iou_matrix(places, new.grown[detections])
        return 1.0 - (iou * new.scores[detections] if self._settings.fuse_score else iou)

    def _match(self, new: Arrivals, rows: Index, detections: Index) -> None:
        """Corrects ``rows`` of the tracks by their detections."""
        if not len(rows):
            return
        tracks, seen = self._tracks, new.boxes[detections]
        tracks.mean[rows], tracks.covariance[rows] = self._kalman.update(
            tracks.mean[rows], tracks.covariance[rows], measured_from_xyxy(seen)
        )
        moved = paired_iou(tracks.still_xyxy[rows], seen) < self._settings.still_iou
        tracks.still_xyxy[rows[moved]] = seen[moved]
        tracks.still_ns[rows[moved]] = new.t_ns
        tracks.found_again[rows] = tracks.state[rows] == LOST
        tracks.state[rows] = TRACKED
        tracks.last_ns[rows] = new.t_ns
        tracks.last_xyxy[rows] = seen
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
        state = np.full(n, TRACKED if self._last_ns is None else UNCONFIRMED, np.int8)
        ids = np.arange(self._next_id, self._next_id + n)
        self._next_id += n
        self._tracks = self._tracks.join(
            Tracks(
                track_id=ids,
                state=state,
                start_ns=now,
                last_ns=now.copy(),
                last_xyxy=boxes[detections],
                mean=mean,
                covariance=covariance,
                still_xyxy=boxes[detections],
                still_ns=now.copy(),
                detection=detections,
                found_again=np.zeros(n, bool),
            )
        )

    def _duplicates(self) -> NDArray[np.bool_]:
        """Of every seen and lost track that cover each other, the one with the shorter life: bool (T,)."""
        tracks = self._tracks
        doomed = np.zeros(len(tracks), bool)
        seen, lost = np.flatnonzero(tracks.state != LOST), np.flatnonzero(tracks.state == LOST)
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
            tracks.state[seen] == TRACKED,
            xyxy_from_mean(tracks.mean[seen]),
            tracks.found_again[seen],
            self._still()[seen],
            tuple(closed),
        )
