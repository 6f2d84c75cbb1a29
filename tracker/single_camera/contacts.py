"""Owns the moments at which a track may have changed over to another vehicle. Never looks at pictures."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

import numpy as np

from tracker.single_camera.assignment import paired_iou
from tracker.single_camera.box_log import Row

Votes = tuple[float, ...]

_KEPT = 8


@dataclass(frozen=True, slots=True)
class Moment:
    """One such moment.

    Attributes:
        rows: The first box that may be another vehicle's, and before it the last that is not, where there is one.
        votes: Summed class scores of the boxes before it.
    """

    rows: tuple[Row, ...]
    votes: Votes

    @property
    def t_ns(self) -> int:
        """Time of the first box that may be another vehicle's."""
        return self.rows[-1][0]


class ContactLog:
    """Joins frames in contact to episodes and names the likeliest moment of each.

    A track is in contact while its box and another track's overlap, and in the frame in which it is found again after
    having been lost: only then can association have gone wrong. Of an episode, the frame whose box agrees least with
    the one before is the likeliest moment of a change. The newest eight episodes are kept.
    """

    def __init__(self) -> None:
        self._closed: deque[Moment] = deque(maxlen=_KEPT)
        self._open: Moment | None = None
        self._agreement = np.inf
        self._last: Row | None = None

    def observe(self, row: Row, votes: Votes, *, touching: bool) -> bool:
        """Takes the track's next box.

        Args:
            row: Its time, its frame, and left, top, right, bottom.
            votes: Summed class scores of the boxes before this one.
            touching: The track is in contact in this frame.

        Returns:
            Whether an episode began or ended with this frame.
        """
        before, self._last = self._last, row
        if not touching:
            ended = self._open is not None
            if self._open is not None:
                self._closed.append(self._open)
                self._open = None
            return ended
        began = self._open is None
        agreement = 0.0 if before is None else float(paired_iou(np.array([before[2]]), np.array([row[2]]))[0])
        if self._open is None or agreement < self._agreement:
            rows = (row,) if before is None else (before, row)
            self._open, self._agreement = Moment(rows, votes), agreement
        return began

    def moments(self) -> tuple[Moment, ...]:
        """One per episode, by time; an episode that goes on has its likeliest so far."""
        return (*self._closed, *((self._open,) if self._open else ()))

    def after(self, t_ns: int, votes: Votes) -> ContactLog:
        """What is left for a track that begins at ``t_ns``, of whose class scores ``votes`` were another's."""
        rest = ContactLog()
        later = [m for m in self._closed if m.t_ns > t_ns]
        rest._closed.extend(replace(m, votes=_less(m.votes, votes)) for m in later)
        if self._open is not None and self._open.t_ns > t_ns:
            rest._open = replace(self._open, votes=_less(self._open.votes, votes))
            rest._agreement = self._agreement
        rest._last = self._last
        return rest


def _less(all_votes: Votes, others: Votes) -> Votes:
    return tuple(a - b for a, b in zip(all_votes, others, strict=True))
