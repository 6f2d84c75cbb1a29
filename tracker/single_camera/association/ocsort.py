"""Owns OC-SORT: what detections, rather than predictions, say about where a vehicle went. Never keeps pictures."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tracker.single_camera.assignment import assign, enlarged
from tracker.single_camera.association.bytetrack import Arrivals, ByteTrack
from tracker.single_camera.association.kalman import measured_from_xyxy
from tracker.single_camera.association.tracks import LOST, TRACKED, Array, Index
from tracker.single_camera.settings import AssociationSettings, OcSortSettings

#: Detections kept of a track; the direction's time span is covered up to 50 frames a second by the default settings.
_KEPT = 16
#: A longer gap is bridged by as many steps, each longer.
_MOST_VIRTUAL = 60
_NO_MOVE_PX = 1e-6
_SLACK_NS = 1_000_000  # capture times jitter


@dataclass(slots=True)
class _Observed:
    """What is remembered of a track's detections.

    Attributes:
        seen: Time and box (4,) of the newest detections, oldest first.
        mean: (8,), state after the last correction.
        covariance: (8, 8), its uncertainty.
        direction: (2,), unit vector of recent movement; None before there is one.
    """

    mean: Array
    covariance: Array
    seen: deque[tuple[int, Array]] = field(default_factory=lambda: deque(maxlen=_KEPT))
    direction: Array | None = None


class OcSort(ByteTrack):
    """ByteTrack's stages with three changes that trust detections more than the motion model.

    Momentum: a match that turns a vehicle off the direction it came in costs more. Recovery: what the first stage left
    over is matched once more, by overlap with the last detection instead of the prediction: first the tracks of the
    frame before, then the lost ones. Re-update: when recovery finds a lost track, its motion model goes back to the
    last detection and is led along a straight line to the new one.

    Source: Cao et al. 2023, "Observation-Centric SORT: Rethinking SORT for Robust Multi-Object Tracking", in the form
    of ultralytics' implementation (state, buffers and confirmation as ByteTrack; re-update in recovery only).
    Departures: ByteTrack's here (real time steps, buffers in seconds, boxes enlarged where a frame is late); the
    direction is taken over a time span, not a number of frames; the straight line has a point per nominal interval; a
    vehicle without any movement has no direction, so that nothing is a turn.
    """

    def __init__(self, settings: AssociationSettings, ocsort: OcSortSettings) -> None:
        super().__init__(settings)
        self._ocsort = ocsort
        self._observed: dict[int, _Observed] = {}

    def rename(self, track_id: int, new_id: int) -> bool:
        """As ByteTrack does; what was remembered goes along."""
        alive = super().rename(track_id, new_id)
        if alive:
            self._observed[new_id] = self._observed.pop(track_id)
        return alive

    def _cost(self, new: Arrivals, pool: Index, detections: Index) -> Array:
        """Overlap cost plus the weighted turn, a share of half a circle: (P, D)."""
        return super()._cost(new, pool, detections) + self._ocsort.inertia * self._turns(new, pool, detections)

    def _turns(self, new: Arrivals, pool: Index, detections: Index) -> Array:
        """Angle between a track's direction and the way to a detection, in half circles: (P, D), in [0, 1]."""
        result = np.zeros((len(pool), len(detections)))
        centres = _centres(new.boxes[detections])
        for k, track_id in enumerate(self._tracks.track_id[pool].tolist()):
            observed = self._observed[track_id]
            if observed.direction is None:
                continue
            way = centres - _centres(observed.seen[-1][1][None])
            length = np.linalg.norm(way, axis=1)
            far = length > _NO_MOVE_PX
            cosine = np.clip(way[far] @ observed.direction / length[far], -1.0, 1.0)
            result[k, far] = np.arccos(cosine) / math.pi
        return result

    def _recover(self, new: Arrivals, high: Index) -> Index:
        """Matches tracks by their last detection: those of the frame before, then lost ones."""
        for state in (TRACKED, LOST):
            pool = np.flatnonzero((self._tracks.state == state) & (self._tracks.detection < 0))
            if not len(pool) or not len(high):
                continue
            ids = self._tracks.track_id[pool].tolist()
            last = np.stack([self._observed[track_id].seen[-1][1] for track_id in ids])
            cost = self._overlap_cost(new, enlarged(last, new.margin), high)
            rows, columns = assign(cost, self._settings.match_cost)
            if state == LOST:
                self._lead(new, pool[rows], high[columns])
            self._match(new, pool[rows], high[columns])
            high = np.delete(high, columns)
        return high

    def _lead(self, new: Arrivals, rows: Index, detections: Index) -> None:
        """Predicts the motion models of ``rows`` anew, along straight lines from last detection to new one."""
        for row, detection in zip(rows.tolist(), detections.tolist(), strict=True):
            observed = self._observed[int(self._tracks.track_id[row])]
            then_ns, start = observed.seen[-1]
            gap_s = (new.t_ns - then_ns) / 1e9
            steps = min(max(1, round(gap_s / self._settings.nominal_interval_s)), _MOST_VIRTUAL)
            mean, covariance = observed.mean[None], observed.covariance[None]
            for k in range(1, steps + 1):
                mean, covariance = self._kalman.predict(mean, covariance, gap_s / steps)
                if k < steps:
                    between = start + k / steps * (new.boxes[detection] - start)
                    mean, covariance = self._kalman.update(mean, covariance, measured_from_xyxy(between[None]))
            self._tracks.mean[row], self._tracks.covariance[row] = mean[0], covariance[0]

    def _continue_low(self, new: Arrivals, low: Index) -> None:
        """As ByteTrack does, where the settings say so."""
        if self._ocsort.low_scores:
            super()._continue_low(new, low)

    def _match(self, new: Arrivals, rows: Index, detections: Index) -> None:
        """Corrects the tracks, then remembers detection, state and direction."""
        super()._match(new, rows, detections)
        for row, detection in zip(rows.tolist(), detections.tolist(), strict=True):
            observed = self._observed[int(self._tracks.track_id[row])]
            observed.seen.append((new.t_ns, new.boxes[detection]))
            self._remember(observed, row)
            observed.direction = self._direction(observed)

    def _start(self, t_ns: int, boxes: Array, detections: Index) -> None:
        """Begins the tracks and remembers their first detection."""
        super()._start(t_ns, boxes, detections)
        for row in range(len(self._tracks) - len(detections), len(self._tracks)):
            observed = _Observed(self._tracks.mean[row], self._tracks.covariance[row])
            observed.seen.append((t_ns, boxes[self._tracks.detection[row]]))
            self._remember(observed, row)
            self._observed[int(self._tracks.track_id[row])] = observed

    def _drop(self, rows: NDArray[np.bool_]) -> list[int]:
        """Ends the tracks and forgets what was remembered of them."""
        ids = super()._drop(rows)
        for track_id in ids:
            del self._observed[track_id]
        return ids

    def _remember(self, observed: _Observed, row: int) -> None:
        """Keeps the state after a correction, to go back to."""
        observed.mean, observed.covariance = self._tracks.mean[row].copy(), self._tracks.covariance[row].copy()

    def _direction(self, observed: _Observed) -> Array | None:
        """Unit vector from the newest detection that is old enough, else the oldest kept, to the last one; (2,)."""
        now_ns, last = observed.seen[-1]
        old_ns = now_ns - self._ocsort.direction_s * 1e9 + _SLACK_NS
        earlier = next((box for t_ns, box in reversed(observed.seen) if t_ns <= old_ns), observed.seen[0][1])
        way = _centres(last[None])[0] - _centres(earlier[None])[0]
        length = float(np.linalg.norm(way))
        return way / length if length > _NO_MOVE_PX else None


def _centres(boxes_xyxy: Array) -> Array:
    """Centres (N, 2) of boxes (N, 4)."""
    return (boxes_xyxy[:, :2] + boxes_xyxy[:, 2:]) / 2
