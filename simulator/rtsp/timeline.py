"""Owns the one clock of the city: wall time, media time, frame number and RTP time of a clip; never sends or sleeps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from simulator.rtsp.clip import AccessUnit, Clip

RTP_CLOCK_HZ = 90_000
#: RTP time of frame 0. Odd, so that a time stamp that wraps never becomes 0, which clients take for "not given".
RTP_OFFSET = 1_234_567
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A picture with its place in time.

    Attributes:
        unit: The coded picture.
        frame: Frame number since t0; goes on counting over days.
        due_ns: When to send it, UTC nanoseconds.
        rtp_time: Of its display, modulo 2^32.
    """

    unit: AccessUnit
    frame: int
    due_ns: int
    rtp_time: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """When each picture of a clip is due.

    Attributes:
        clip: What is played.
        t0_ns: Capture time of frame 0, UTC nanoseconds.
        loop: Begin a new day after the last frame.
    """

    clip: Clip
    t0_ns: int
    loop: bool

    @property
    def end_ns(self) -> int | None:
        """When the last frame has been shown, or None for an endless stream."""
        return None if self.loop else self._due_ns(len(self.clip))

    def ended(self, now_ns: int) -> bool:
        """Whether nothing is left to play."""
        return self.end_ns is not None and now_ns >= self.end_ns

    def media_s(self, frame: int) -> float:
        """Media time of a frame in seconds since t0."""
        return float(frame / self.clip.fps)

    def rtp_time(self, frame: int) -> int:
        """RTP time stamp of a frame, modulo 2^32."""
        return (round(frame * RTP_CLOCK_HZ / self.clip.fps) + RTP_OFFSET) % 2**32

    def rtp_time_at(self, now_ns: int) -> int:
        """RTP time stamp of a wall time, modulo 2^32; what a sender report pairs with that wall time."""
        return ((now_ns - self.t0_ns) * RTP_CLOCK_HZ // _NS + RTP_OFFSET) % 2**32

    def join_position(self, now_ns: int) -> int:
        """Where a client that joins now begins: the latest keyframe due by now, or the very first.

        Returns:
            A position in decoding order, counted over days.
        """
        live = int((now_ns - self.t0_ns) * self.clip.fps / _NS) - self.clip.reorder
        if live <= 0:
            return 0
        if not self.loop:
            live = min(live, len(self.clip) - 1)
        day, position = divmod(live, len(self.clip))
        return day * len(self.clip) + self.clip.keyframe_at_or_before(position)

    def at(self, position: int) -> Scheduled:
        """The picture at a position in decoding order, counted over days."""
        day, k = divmod(position, len(self.clip))
        unit = self.clip.units[k]
        frame = day * len(self.clip) + unit.frame
        return Scheduled(unit, frame, self._due_ns(position), self.rtp_time(frame))

    def from_position(self, position: int) -> Iterator[Scheduled]:
        """All pictures from a position on, in decoding order."""
        while self.loop or position < len(self.clip):
            yield self.at(position)
            position += 1

    def _due_ns(self, position: int) -> int:
        """Sending time: decoding order, held back so that no picture leaves before it was captured."""
        return self.t0_ns + round((position + self.clip.reorder) * _NS / self.clip.fps)
