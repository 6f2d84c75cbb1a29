"""Owns when a live frame was captured: media time placed on the host's clock; never reads a stream."""

from __future__ import annotations

import time
from collections.abc import Callable

from services.errors import SourceUnavailable

NanoClock = Callable[[], int]
_NS = 1_000_000_000

#: Packets that arrive this much faster than their media time are a backlog being delivered.
BURST_RATIO = 0.5
#: A stream that never settles (a server that does not pace) is taken as it comes after this long.
MAX_SETTLING_S = 5.0
#: The anchor may creep up this fast, so that a camera whose clock runs slow does not fall behind for ever.
ANCHOR_CREEP = 200e-6
#: A step of the host's clock beyond this ends the session.
MAX_CLOCK_STEP_NS = _NS // 2


class MediaClock:
    """Maps media time to UTC by the least delayed packet so far.

    The difference between arrival and media time is the session's anchor plus a delay that is never negative, so its
    running minimum is the anchor and jitter does not enter. Arrivals are taken on the monotonic clock and placed on UTC
    by one offset.
    """

    def __init__(
        self,
        *,
        decoder_delay_s: float = 0.0,
        monotonic_ns: NanoClock = time.monotonic_ns,
        utc_ns: NanoClock = time.time_ns,
    ) -> None:
        """Starts a session.

        Args:
            decoder_delay_s: How long the demuxer is known to hold each packet back.
            monotonic_ns: Clock of arrivals.
            utc_ns: Clock of the results.
        """
        self._delay_ns = round(decoder_delay_s * _NS)
        self._monotonic_ns = monotonic_ns
        self._utc_ns = utc_ns
        self._utc_offset_ns = utc_ns() - monotonic_ns()
        self._anchor_ns: float | None = None
        self._first_arrival_ns = 0
        self._last_arrival_ns = 0
        self._advanced_at_ns = 0
        self._last_media_ns = 0
        self._last_captured_ns = 0
        self.settled = False

    def observe(self, media_s: float) -> None:
        """Notes that a packet arrives now.

        Args:
            media_s: Its media time.

        Raises:
            SourceUnavailable: The host's clock was set while the session ran.
        """
        now_ns = self._monotonic_ns()
        media_ns = round(media_s * _NS)
        if abs(self._utc_ns() - now_ns - self._utc_offset_ns) > MAX_CLOCK_STEP_NS:
            raise SourceUnavailable("the host's clock was set; a new session begins")
        if self._anchor_ns is None:
            self._anchor_ns = now_ns - media_ns
            self._first_arrival_ns = self._last_arrival_ns = self._advanced_at_ns = now_ns
            self._last_media_ns = media_ns
            return
        creep_ns = (now_ns - self._last_arrival_ns) * ANCHOR_CREEP if self.settled else 0.0
        self._anchor_ns = min(self._anchor_ns + creep_ns, now_ns - media_ns)
        self._note_pace(now_ns, media_ns)

    def captured_at_ns(self, media_s: float) -> int:
        """Capture time of a frame in UTC nanoseconds; later for each call.

        Raises:
            ValueError: No packet was observed yet.
        """
        if self._anchor_ns is None:
            raise ValueError("no packet was observed yet")
        exact = round(self._anchor_ns) + round(media_s * _NS) + self._utc_offset_ns - self._delay_ns
        self._last_captured_ns = max(exact, self._last_captured_ns + 1)
        return self._last_captured_ns

    def lag_s(self, media_s: float) -> float:
        """How much later than the least delayed packet one is that arrives now; 0 before any was observed.

        Args:
            media_s: Its media time.
        """
        if self._anchor_ns is None:
            return 0.0
        return (self._monotonic_ns() - self._anchor_ns - media_s * _NS) / _NS

    def _note_pace(self, now_ns: int, media_ns: int) -> None:
        """The stream has settled once packets come at the pace of their media time."""
        self._last_arrival_ns = now_ns
        advance_ns = media_ns - self._last_media_ns
        if advance_ns > 0:
            paced = now_ns - self._advanced_at_ns >= BURST_RATIO * advance_ns
            self.settled = self.settled or paced or now_ns - self._first_arrival_ns > MAX_SETTLING_S * _NS
            self._advanced_at_ns = now_ns
            self._last_media_ns = media_ns
