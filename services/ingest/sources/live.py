"""Frames of a live stream, each placed on a clock. Old backlog is thrown away, what nobody would take is not made."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from typing import NamedTuple

import av
from av.video.frame import VideoFrame

from detector.types import Clock, Frame
from services.errors import SourceUnavailable
from services.ingest.media_clock import MediaClock
from services.ingest.sources.base import NS, Converter
from services.ingest.sources.container import Opened, decoded, frame_rate, media_s, time_base
from services.ingest.sources.pace import Pace

#: Media time may go back this far by reordering; beyond it the source started over.
MAX_BACKWARD_S = 1.0
#: A camera's clock that goes back further than this was set; less is waited out.
MAX_SET_BACK_NS = NS
#: Containers that carry no time: a picture's media time is its arrival.
TIMELESS_FORMATS = frozenset({"mpjpeg", "mjpeg"})
#: Codecs whose packets can all be decoded alone.
INTRA_ONLY = frozenset({"mjpeg", "png"})
#: A camera that sends no sender report for so long sends none: reports come every five seconds at the latest.
REPORT_PATIENCE_S = 6.0
_SENDER_TIME = struct.Struct("<q")


class _Moment(NamedTuple):
    picture: VideoFrame
    at_s: float


class SenderClock:
    """Places media time on the camera's own clock, as its sender reports tell it.

    FFmpeg puts the wall time that follows from the last report beside each packet (AVProducerReferenceTime).
    """

    def __init__(self) -> None:
        self._offset_ns: int | None = None
        self._last_ns = 0
        self._began_s = time.monotonic()

    @property
    def known(self) -> bool:
        """Whether a report has come."""
        return self._offset_ns is not None

    @property
    def patient(self) -> bool:
        """Whether a report may still be waited for."""
        return not self.known and time.monotonic() - self._began_s < REPORT_PATIENCE_S

    def observe(self, packet: av.Packet, at_s: float) -> None:
        """Reads a packet's wall time, where there is one.

        Args:
            packet: As it came.
            at_s: Its media time.
        """
        if packet.has_sidedata("prft"):
            said = bytes(packet.get_sidedata("prft"))
            if len(said) >= _SENDER_TIME.size:
                self._offset_ns = _SENDER_TIME.unpack_from(said)[0] * 1000 - round(at_s * NS)

    def captured_at_ns(self, at_s: float) -> int:
        """Capture time by the camera's clock, UTC nanoseconds; later for each call.

        Raises:
            ValueError: No report has come.
            SourceUnavailable: The camera's clock was set back while the session ran.
        """
        if self._offset_ns is None:
            raise ValueError("no sender report was read yet")
        exact = round(at_s * NS) + self._offset_ns
        if exact < self._last_ns - MAX_SET_BACK_NS:
            raise SourceUnavailable("the camera's clock was set back; a new session begins")
        self._last_ns = max(exact, self._last_ns + 1)
        return self._last_ns


class LiveFrames:
    """The frames of one session. What comes faster than real time at the start is backlog: only its end is kept."""

    def __init__(self, opened: Opened) -> None:
        """Takes up a stream; reads nothing yet."""
        stream = opened.stream
        self._opened = opened
        self._fps = frame_rate(stream)
        self._base = time_base(stream)
        codec = stream.codec_context.name
        # The H.264 and H.265 depacketisers hand out a picture only when the next one begins.
        held_back = opened.settings.scheme in ("rtsp", "rtsps") and codec in ("h264", "hevc")
        self._clock = MediaClock(decoder_delay_s=float(1 / self._fps) if held_back else 0.0)
        self._sender = SenderClock() if opened.settings.clock == "camera" else None
        self._timeless = opened.container.format.name in TIMELESS_FORMATS
        self._opened_s = time.monotonic()
        self._packet_s: float | None = None
        self._last_index = -1
        self._convert = Converter()
        self.pace = Pace(opened.settings.max_fps, intra_only=codec in INTRA_ONLY)

    def __iter__(self) -> Iterator[Frame]:
        last_s = float("-inf")
        backlog: _Moment | None = None
        for _, pictures, damaged in decoded(self._opened, self._wants):
            self.pace.count_damaged(damaged)
            for picture in pictures:
                at_s = self._packet_s if self._timeless else media_s(picture, self._base)
                # FFmpeg gives the first picture of an RTSP session no time: it cannot be placed.
                if at_s is None or at_s <= last_s:
                    _check_order(at_s, last_s)
                    continue
                last_s = at_s
                newest = _Moment(picture, at_s)
                if not self._clock.settled or (self._sender is not None and self._sender.patient):
                    backlog = newest
                    continue
                ready, backlog = [newest] if backlog is None else [backlog, newest], None
                yield from self._frames(ready)

    def _wants(self, packet: av.Packet, waited_s: float) -> bool:
        """Notes a packet's arrival; whether it is decoded."""
        self._packet_s = time.monotonic() - self._opened_s if self._timeless else media_s(packet, self._base)
        at_s = self._packet_s
        if at_s is None:
            return True
        self._clock.observe(at_s)
        if self._sender is not None:
            self._sender.observe(packet, at_s)
        lag_s = self._clock.lag_s(at_s) if self._clock.settled else 0.0
        keyframe, disposable = bool(packet.is_keyframe), bool(packet.is_disposable)
        return self.pace.decodes(keyframe=keyframe, disposable=disposable, lag_s=lag_s, waited_s=waited_s, at_s=at_s)

    def _frames(self, moments: list[_Moment]) -> Iterator[Frame]:
        if self._sender is not None and not self._sender.known:
            # The session's first frames decide: a report that comes later would move its time.
            self._sender = None
        clock: Clock = "host" if self._sender is None else "camera"
        for picture, at_s in moments:
            host_ns = self._clock.captured_at_ns(at_s)
            captured_ns = host_ns if self._sender is None else self._sender.captured_at_ns(at_s)
            if self.pace.offers(at_s, captured_ns):
                yield self._frame(picture, at_s, (captured_ns, host_ns), clock)

    def _frame(self, picture: VideoFrame, at_s: float, times_ns: tuple[int, int], clock: Clock) -> Frame:
        settings = self._opened.settings
        # A camera faster than it states has several frames to a number: each gets one of its own.
        self._last_index = max(round(at_s * self._fps), self._last_index + 1)
        image, session_id = self._convert(picture), self._opened.session_id
        return Frame(settings.id, session_id, self._last_index, times_ns[0], clock, image, host_at_ns=times_ns[1])


def _check_order(at_s: float | None, last_s: float) -> None:
    if at_s is not None and at_s < last_s - MAX_BACKWARD_S:
        raise SourceUnavailable("the stream's time went back; it started over")
