"""Owns the living tracks of one camera session as arrays, one row each. Never matches or predicts."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Index = NDArray[np.int64]

UNCONFIRMED, TRACKED, LOST = 0, 1, 2


@dataclass(frozen=True, slots=True)
class Step:
    """What one frame meant for the tracks.

    Attributes:
        track_ids: int64 (M,), tracks that have a detection in this frame, in no particular order.
        detections: int64 (M,), row of that detection in what was given.
        confirmed: bool (M,), false for a track that has only this one detection so far.
        boxes_xyxy: float64 (M, 4), filtered boxes.
        found_again: bool (M,), true for a track that had no detection in the frame before.
        still: bool (M,), true for a vehicle that has stood in one place long enough to count as parked.
        closed_ids: Tracks that ended: no box for too long, never confirmed, or a duplicate of an older track.
    """

    track_ids: Index
    detections: Index
    confirmed: NDArray[np.bool_]
    boxes_xyxy: Array
    found_again: NDArray[np.bool_]
    still: NDArray[np.bool_]
    closed_ids: tuple[int, ...]


@dataclass(slots=True)
class Tracks:
    """All living tracks: T rows in every array.

    Attributes:
        track_id: int64 (T,).
        state: int8 (T,), UNCONFIRMED, TRACKED or LOST.
        start_ns: int64 (T,), time of the first detection.
        last_ns: int64 (T,), time of the last detection.
        last_xyxy: (T, 4), that detection.
        mean: (T, 8), state of the motion model.
        covariance: (T, 8, 8), its uncertainty.
        still_xyxy: (T, 4), detection that began the present stand.
        still_ns: int64 (T,), its time.
        detection: int64 (T,), row of this frame's detection, -1 for none.
        found_again: bool (T,), had no detection in the frame before its last.
    """

    track_id: Index
    state: NDArray[np.int8]
    start_ns: Index
    last_ns: Index
    last_xyxy: Array
    mean: Array
    covariance: Array
    still_xyxy: Array
    still_ns: Index
    detection: Index
    found_again: NDArray[np.bool_]

    @classmethod
    def none(cls) -> Tracks:
        """No track."""
        whole = np.zeros(0, np.int64)
        return cls(
            track_id=whole,
            state=np.zeros(0, np.int8),
            start_ns=whole,
            last_ns=whole,
            last_xyxy=np.zeros((0, 4)),
            mean=np.zeros((0, 8)),
            covariance=np.zeros((0, 8, 8)),
            still_xyxy=np.zeros((0, 4)),
            still_ns=whole,
            detection=whole,
            found_again=np.zeros(0, bool),
        )

    def __len__(self) -> int:
        return len(self.track_id)

    def select(self, rows: NDArray[np.bool_]) -> Tracks:
        """The tracks where ``rows``, bool (T,), is true."""
        return Tracks(*(array[rows] for array in self._arrays()))

    def join(self, other: Tracks) -> Tracks:
        """These tracks, then the others."""
        pairs = zip(self._arrays(), other._arrays(), strict=True)
        return Tracks(*(np.concatenate(pair) for pair in pairs))

    def _arrays(self) -> tuple[NDArray[Any], ...]:
        return tuple(getattr(self, field.name) for field in fields(self))
