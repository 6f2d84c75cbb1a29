"""Owns the one clock of the city: wall time, media time, frame number and RTP time of a clip; never sends or sleeps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from simulator.clock import TRUE_CLOCK, CameraClock
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
        parameter_sets: To be sent ahead of it; none unless it is a keyframe.
    """

    unit: AccessUnit
    frame: int
    due_ns: int
    rtp_time: int
    parameter_sets: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Timeline:
    """When each picture of a clip is due.

    Attributes:
        clip: What is played.
        t0_ns: Capture time of frame 0, UTC nanoseconds.
        loop: Begin a new day after the last frame.
        clock: The camera's own. Its drift is the drift of RTP time, as both hang on one crystal; its offset and steps
            show in sender reports only. When pictures are sent goes by true time.
        delay_s: How much later than captured a picture is sent.
    """

    clip: Clip
    t0_ns: int
    loop: bool
    clock: CameraClock = TRUE_CLOCK
    delay_s: float = 0.0

    @property
    def end_ns(self) -> int | None:
        """When the last frame has been shown, or None for an endless stream."""
        return None if self.loop else self._due_ns(len(self.clip))

    def ended(self, now_ns: int) -> bool:
        """Whether nothing is left to play."""
        return self.end_ns is not None and now_ns >= self.end_ns

    def media_s(self, frame: int) -> float:
        """Media time of a frame: seconds since t0 as the camera's crystal counts them."""
        return float(frame / self.clip.fps * self._pace)

    def frame_at(self, media_s: float) -> int:
        """The frame of a media time: what undoes ``media_s``, under drift too.

        >>> from simulator.rtsp.clip import AccessUnit
        >>> clip = Clip(Fraction(10), 64, 48, (b"g", b"h"), (AccessUnit(0, True, (b"e",)),))
        >>> fast = Timeline(clip, 0, True, CameraClock(drift_ppm=200.0))
        >>> round(fast.media_s(100_000), 3), fast.frame_at(fast.media_s(100_000))
        (10002.0, 100000)
        """
        return round(Fraction(media_s) / self._pace * self.clip.fps)

    def rtp_time(self, frame: int) -> int:
        """RTP time stamp of a frame, modulo 2^32."""
        return (round(frame * RTP_CLOCK_HZ / self.clip.fps * self._pace) + RTP_OFFSET) % 2**32

    def rtp_time_at(self, now_ns: int) -> int:
        """RTP time stamp of a true time, modulo 2^32; what a sender report pairs with what the camera's clock shows."""
        return (int((now_ns - self.t0_ns) * RTP_CLOCK_HZ * self._pace // _NS) + RTP_OFFSET) % 2**32

    def shown_ns(self, now_ns: int) -> int:
        """What the camera's clock shows at a true time, UTC nanoseconds."""
        return now_ns + round(self.clock.error_s((now_ns - self.t0_ns) / _NS) * _NS)

    def join_position(self, now_ns: int) -> int:
        """Where a client that joins now begins: the latest keyframe due by now, or the very first.

        Returns:
            A position in decoding order, counted over days.
        """
        live = int((now_ns - self.t0_ns - self._delay_ns) * self.clip.fps / _NS) - self.clip.reorder
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
        parameter_sets = self.clip.parameter_sets if unit.keyframe else ()
        return Scheduled(unit, frame, self._due_ns(position), self.rtp_time(frame), parameter_sets)

    def covers(self, position: int) -> bool:
        """Whether anything is played at a position in decoding order."""
        return self.loop or position < len(self.clip)

    @property
    def _pace(self) -> Fraction:
        """Seconds that the camera's crystal counts in a true second."""
        return 1 + Fraction(self.clock.drift_ppm) / 10**6

    @property
    def _delay_ns(self) -> int:
        return round(self.delay_s * _NS)

    def _due_ns(self, position: int) -> int:
        """Sending time: decoding order, held back so that no picture leaves before it was captured."""
        return self.t0_ns + self._delay_ns + round((position + self.clip.reorder) * _NS / self.clip.fps)
