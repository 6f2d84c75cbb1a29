"""Owns the moments at which a track may have changed over to another vehicle. Never looks at pictures."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from tracker.single_camera.assignment import paired_iou

Box = tuple[float, float, float, float]
Votes = tuple[float, ...]

_KEPT = 8


@dataclass(frozen=True, slots=True)
class Moment:
    """One such moment.

    Attributes:
        t_ns: Time of the first box that may be another vehicle's.
        votes: Summed class scores of the boxes before it.
    """

    t_ns: int
    votes: Votes


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
        self._last: Box | None = None

    def observe(self, t_ns: int, box: Box, votes: Votes, *, touching: bool) -> bool:
        """Takes the track's next box.

        Args:
            t_ns: Its time.
            box: Left, top, right, bottom.
            votes: Summed class scores of the boxes before this one.
            touching: The track is in contact in this frame.

        Returns:
            Whether an episode began or ended with this frame.
        """
        before, self._last = self._last, box
        if not touching:
            ended = self._open is not None
            if self._open is not None:
                self._closed.append(self._open)
                self._open = None
            return ended
        began = self._open is None
        agreement = 0.0 if before is None else float(paired_iou(np.array([before]), np.array([box]))[0])
        if self._open is None or agreement < self._agreement:
            self._open, self._agreement = Moment(t_ns, votes), agreement
        return began

    def moments(self) -> tuple[Moment, ...]:
        """One per episode, by time; an episode that goes on has its likeliest so far."""
        return (*self._closed, *((self._open,) if self._open else ()))

    def after(self, t_ns: int, votes: Votes) -> ContactLog:
        """What is left for a track that begins at ``t_ns``, of whose class scores ``votes`` were another's."""
        rest = ContactLog()
        later = [m for m in self._closed if m.t_ns > t_ns]
        rest._closed.extend(Moment(m.t_ns, _less(m.votes, votes)) for m in later)
        if self._open is not None and self._open.t_ns > t_ns:
            rest._open, rest._agreement = Moment(self._open.t_ns, _less(self._open.votes, votes)), self._agreement
        rest._last = self._last
        return rest


def _less(all_votes: Votes, others: Votes) -> Votes:
    return tuple(a - b for a, b in zip(all_votes, others, strict=True))
