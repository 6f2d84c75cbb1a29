"""Opens containers with FFmpeg and decodes them packet by packet, within time-outs. Knows no frames and no clocks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from services.errors import ConfigError, SourceUnavailable
from services.ingest.cameras import PROTOCOLS, CameraSettings
from services.ingest.sources.base import unavailable

#: Taken where a source states no believable rate.
FALLBACK_FPS = Fraction(25)
MAX_FPS = 240
#: A rate this close to a whole or NTSC one is that one, rounded where it was written down.
RATE_ROUNDING = Fraction(1, 20_000)

#: (packet, seconds that were waited for it) to whether it is worth decoding.
Wanted = Callable[[av.Packet, float], bool]


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened container and the stream in it that is looked at."""

    settings: CameraSettings
    session_id: str
    container: InputContainer
    stream: VideoStream


def open_container(settings: CameraSettings) -> InputContainer:
    """Opens a stream or a video file.

    Raises:
        SourceUnavailable: It cannot be opened; one line that holds no password.
    """
    options = {"protocol_whitelist": PROTOCOLS[settings.scheme]}
    demuxer = None
    try:
        address = settings.address()
    except ConfigError as exc:
        raise SourceUnavailable(str(exc)) from exc
    if settings.kind == "file":
        if not settings.path.is_file():
            raise SourceUnavailable(f"no such file: {settings.path}")
    elif settings.scheme in ("rtsp", "rtsps"):
        demuxer = "rtsp"
        options |= _rtsp_options(settings)
    timeouts = (settings.open_timeout_s, settings.read_timeout_s)
    begin_s = time.monotonic()
    try:
        container: InputContainer = av.open(address, format=demuxer, options=options, timeout=timeouts)
    except (av.FFmpegError, ValueError, OSError) as exc:
        if settings.kind == "file" and isinstance(exc, av.error.InvalidDataError):
            raise SourceUnavailable(f"not a readable video: {settings.path}") from exc
        waited = time.monotonic() - begin_s >= settings.open_timeout_s
        raise unavailable(exc, f"no answer within {settings.open_timeout_s:g} s" if waited else None) from exc
    return container


def _rtsp_options(settings: CameraSettings) -> dict[str, str]:
    """Low latency without losing the first keyframe.

    ``fflags=nobuffer`` would throw away what probing reads, and with it all up to the second keyframe; probing is kept
    to nothing instead. ``correct_ts_overflow`` would fold media times beyond 13 hours.
    """
    # The name changed with libavformat 59; before, ``timeout`` meant "wait for an incoming connection".
    timeout_name = "timeout" if av.library_versions["libavformat"] >= (59,) else "stimeout"
    longest_s = max(settings.open_timeout_s, settings.read_timeout_s)
    return {
        "rtsp_transport": settings.transport,
        timeout_name: str(round(longest_s * 1e6)),
        "allowed_media_types": "video",
        "flags": "low_delay",
        "probesize": "32",
        "analyzeduration": "1",
        "fpsprobesize": "0",
        "max_ts_probe": "0",
        "correct_ts_overflow": "0",
    }


def video_stream(container: InputContainer) -> VideoStream:
    """The stream to look at, set to decode in its reader's own thread.

    Raises:
        SourceUnavailable: There is none that can be decoded.
    """
    if not container.streams.video:
        raise SourceUnavailable("no video stream")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise SourceUnavailable("no decoder for the video stream")
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    return stream


def frame_rate(stream: VideoStream) -> Fraction:
    """Frames per second as stated, or a fallback."""
    for rate in (stream.average_rate, stream.guessed_rate, stream.codec_context.framerate):
        if rate and 0 < rate <= MAX_FPS:
            return exact_rate(Fraction(rate))
    return FALLBACK_FPS


def exact_rate(stated: Fraction) -> Fraction:
    """The rate that a rounded one stands for: 29.97 is 30000/1001, and over a day that is thousands of frames.

    >>> exact_rate(Fraction(2997, 100)), exact_rate(Fraction(10)), exact_rate(Fraction(25, 2))
    (Fraction(30000, 1001), Fraction(10, 1), Fraction(25, 2))
    """
    for exact in (Fraction(round(stated)), Fraction(round(stated * 1001 / 1000) * 1000, 1001)):
        if abs(stated - exact) < exact * RATE_ROUNDING:
            return exact
    return stated


def decoded(opened: Opened, wanted: Wanted | None = None) -> Iterator[tuple[av.Packet, list[VideoFrame], int]]:
    """Packets with the pictures that each completed, and how many pictures or packets were damaged and left out.

    Args:
        opened: What to read.
        wanted: Asked before a packet is decoded; one that is not wanted completes no picture.

    Raises:
        SourceUnavailable: The stream was lost, or gave no picture for ``read_timeout_s``.
    """
    patience_s = opened.settings.read_timeout_s
    good_s = asked_s = time.monotonic()
    try:
        for packet in opened.container.demux(opened.stream):
            skipped = wanted is not None and not wanted(packet, time.monotonic() - asked_s)
            pictures, damaged = ([], 0) if skipped else _pictures(packet)
            now_s = time.monotonic()
            if pictures or skipped:
                good_s = now_s
            elif now_s - good_s > patience_s:
                raise SourceUnavailable(f"no picture could be decoded for {patience_s:g} s")
            yield packet, pictures, damaged
            asked_s = time.monotonic()
            # What the consumer took is not the source's fault.
            good_s += asked_s - now_s
    except (av.FFmpegError, OSError) as exc:
        silent = time.monotonic() - good_s >= patience_s
        raise unavailable(exc, f"no data for {patience_s:g} s" if silent else None) from exc


def _pictures(packet: av.Packet) -> tuple[list[VideoFrame], int]:
    try:
        pictures = packet.decode()
    except av.error.InvalidDataError:
        return [], 1
    whole = [picture for picture in pictures if not picture.is_corrupt]
    return whole, len(pictures) - len(whole)


def time_base(stream: VideoStream) -> Fraction:
    """Seconds per tick of the stream's times.

    Raises:
        SourceUnavailable: It states none.
    """
    if stream.time_base is None:
        raise SourceUnavailable("the video stream states no time base")
    return stream.time_base


def media_s(timed: av.Packet | VideoFrame, base: Fraction) -> float | None:
    """Media time in seconds, None where a packet or picture states none."""
    return None if timed.pts is None else float(timed.pts * base)
