"""Owns a track's boxes, bounded in number. Never decides which box belongs to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Box = tuple[float, float, float, float]
#: A box of a track or one that it may be lengthened by: time in nanoseconds, frame number, left, top, right, bottom.
Row = tuple[int, int, Box]

_SLACK = 0.9  # frames a little early still count as one spacing apart


class BoxLog:
    """Times, frames and boxes of a track, at most ``cap`` of them, thinned evenly; first and newest always stay."""

    def __init__(self, cap: int) -> None:
        self._cap = cap
        self._rows: list[Row] = []
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

    def prepend(self, rows: Sequence[Row]) -> None:
        """Puts boxes, ascending and earlier than all, before the others, as far as there is room."""
        room = max(0, self._cap - len(self._rows))
        self._rows = [*rows[len(rows) - min(room, len(rows)) :], *self._rows]

    def head(self, span_s: float) -> list[Row]:
        """The boxes of the first ``span_s`` seconds."""
        return [row for row in self._rows if row[0] <= self._rows[0][0] + span_s * 1e9]

    def tail(self, span_s: float) -> list[Row]:
        """The boxes of the last ``span_s`` seconds."""
        return [row for row in self._rows if row[0] >= self._rows[-1][0] - span_s * 1e9]

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

    def including(self, rows: Sequence[Row]) -> BoxLog:
        """A log that has ``rows``, boxes of the same track, too, those among them that were thinned out."""
        return self._other(sorted({row[0]: row for row in (*rows, *self._rows)}.values()))

    def since(self, t_ns: int) -> BoxLog:
        """A log of the boxes from ``t_ns`` on."""
        return self._other([row for row in self._rows if row[0] >= t_ns])

    def _other(self, rows: list[Row]) -> BoxLog:
        log = BoxLog(self._cap)
        log._rows, log._spacing_ns = rows, self._spacing_ns
        return log
