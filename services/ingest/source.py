"""Owns one opened camera, file or image as an iterator of frames; never retries, never runs a thread of its own."""

from __future__ import annotations

import errno
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image, ImageOps

from detector.types import Frame
from services.errors import SourceGone, SourceUnavailable
from services.ids import IdFactory
from services.ingest.cameras import PROTOCOLS, CameraSettings, redact
from services.ingest.media_clock import MediaClock

IMAGE_DURATION_S = 3.0
IMAGE_FPS = 10.0
#: Taken where a source states no believable rate.
FALLBACK_FPS = Fraction(25)
MAX_FPS = 240
#: Media time may go back this far by reordering; beyond it the source started over.
MAX_BACKWARD_S = 1.0
#: A rate this close to a whole or NTSC one is that one, rounded where it was written down.
RATE_ROUNDING = Fraction(1, 20_000)
#: Containers that carry no time: a picture's media time is its arrival.
TIMELESS_FORMATS = frozenset({"mpjpeg", "mjpeg"})
_NS = 1_000_000_000


class Source:
    """Frames of one session, from opening to its end. Used and closed by one thread."""

    def __init__(self, session_id: str, frames: Iterator[Frame], close: Callable[[], None]) -> None:
        self.session_id = session_id
        self._frames = frames
        self._close = close

    def __iter__(self) -> Iterator[Frame]:
        return self

    def __next__(self) -> Frame:
        """The next frame.

        Raises:
            StopIteration: The file ended, or the server closed the stream in an orderly way.
            SourceUnavailable: The stream was lost, or what came cannot be decoded.
        """
        return next(self._frames)

    def close(self) -> None:
        """Closes the connection or file."""
        self._close()


@dataclass(frozen=True, slots=True)
class _Opened:
    settings: CameraSettings
    session_id: str
    container: InputContainer
    stream: VideoStream


def open_source(settings: CameraSettings, session_ids: IdFactory) -> Source:
    """Opens a camera as a new session.

    A live stream's frames carry the index of their media time (absolute where the server states it) and the capture
    time that MediaClock derives on the host's clock. A file's carry their frame number and the time of opening plus
    their media time; a still image is a clip of three seconds.

    Args:
        settings: Which camera, and how long to wait.
        session_ids: Makes the session's id.

    Returns:
        Its frames, oldest first. Reading blocks until the next one, for about ``read_timeout_s`` at the longest.

    Raises:
        SourceUnavailable: It cannot be opened; one line that holds no password.
    """
    session_id = session_ids()
    if settings.kind == "image":
        frames = _image_frames(settings, session_id, _read_image(settings.path))
        return Source(session_id, _capped(_paced(frames, settings), settings.max_fps), lambda: None)
    container = _open_container(settings)
    try:
        stream = _video_stream(container)
    except SourceUnavailable:
        container.close()
        raise
    opened = _Opened(settings, session_id, container, stream)
    frames = _live_frames(opened) if settings.kind == "stream" else _paced(_file_frames(opened), settings)
    return Source(session_id, _capped(frames, settings.max_fps), container.close)


def _open_container(settings: CameraSettings) -> InputContainer:
    options = {"protocol_whitelist": PROTOCOLS[settings.scheme]}
    address, demuxer = settings.url, None
    if settings.kind == "file":
        if not settings.path.is_file():
            raise SourceUnavailable(f"no such file: {settings.path}")
        address = str(settings.path.resolve())
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
        raise _unavailable(exc, f"no answer within {settings.open_timeout_s:g} s" if waited else None) from exc
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


def _video_stream(container: InputContainer) -> VideoStream:
    if not container.streams.video:
        raise SourceUnavailable("no video stream")
    stream = container.streams.video[0]
    if stream.codec_context is None:
        raise SourceUnavailable("no decoder for the video stream")
    stream.thread_type = "NONE"
    stream.codec_context.thread_count = 1
    return stream


def _frame_rate(stream: VideoStream) -> Fraction:
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


def _live_frames(opened: _Opened) -> Iterator[Frame]:
    """Frames of a stream. What comes faster than real time at the start is an old backlog: only its end is kept."""
    stream, time_base = opened.stream, _time_base(opened.stream)
    fps = _frame_rate(stream)
    # The H.264 and H.265 depacketisers hand out a picture only when the next one begins.
    held_back = opened.settings.scheme in ("rtsp", "rtsps") and stream.codec_context.name in ("h264", "hevc")
    clock = MediaClock(decoder_delay_s=float(1 / fps) if held_back else 0.0)
    to_frame = _Converter(opened)
    timeless = opened.container.format.name in TIMELESS_FORMATS
    opened_s = time.monotonic()
    last_media_s = float("-inf")
    backlog: tuple[VideoFrame, float] | None = None
    for packet, pictures in _decoded(opened):
        arrival_s = time.monotonic() - opened_s
        packet_s = arrival_s if timeless else _media_s(packet, time_base)
        if packet_s is not None:
            clock.observe(packet_s)
        for picture in pictures:
            media_s = arrival_s if timeless else _media_s(picture, time_base)
            # FFmpeg gives the first picture of an RTSP session no time: it cannot be placed.
            if media_s is None or media_s <= last_media_s:
                _check_order(media_s, last_media_s)
                continue
            last_media_s = media_s
            newest = (picture, media_s)
            if not clock.settled:
                backlog = newest
                continue
            ready, backlog = [newest] if backlog is None else [backlog, newest], None
            for each, moment_s in ready:
                yield to_frame(each, index=round(moment_s * fps), captured_at_ns=clock.captured_at_ns(moment_s))


def _check_order(media_s: float | None, last_media_s: float) -> None:
    if media_s is not None and media_s < last_media_s - MAX_BACKWARD_S:
        raise SourceUnavailable("the stream's time went back; it started over")


def _file_frames(opened: _Opened) -> Iterator[Frame]:
    """Frames of a video file, to its end."""
    time_base = _time_base(opened.stream)
    fps = _frame_rate(opened.stream)
    opened_ns = time.time_ns()
    to_frame = _Converter(opened)
    begin_s: float | None = None
    index = -1
    for _, pictures in _decoded(opened):
        for picture in pictures:
            media_s = _media_s(picture, time_base)
            if begin_s is None:
                begin_s = media_s or 0.0
            offset_s = float((index + 1) / fps) if media_s is None else max(media_s - begin_s, 0.0)
            index = max(round(offset_s * fps), index + 1)
            yield to_frame(picture, index=index, captured_at_ns=opened_ns + round(offset_s * _NS))
    if index < 0:
        raise SourceUnavailable("no picture could be decoded")


def _decoded(opened: _Opened) -> Iterator[tuple[av.Packet, list[VideoFrame]]]:
    """Packets with the pictures that each completed; damaged ones are left out.

    Raises:
        SourceUnavailable: The stream was lost, or gave no picture for ``read_timeout_s``.
    """
    patience_s = opened.settings.read_timeout_s
    good_s = time.monotonic()
    try:
        for packet in opened.container.demux(opened.stream):
            try:
                pictures = [picture for picture in packet.decode() if not picture.is_corrupt]
            except av.error.InvalidDataError:
                pictures = []
            now_s = time.monotonic()
            if pictures:
                good_s = now_s
            elif now_s - good_s > patience_s:
                raise SourceUnavailable(f"no picture could be decoded for {patience_s:g} s")
            yield packet, pictures
            # What the consumer took is not the source's fault.
            good_s += time.monotonic() - now_s
    except (av.FFmpegError, OSError) as exc:
        silent = time.monotonic() - good_s >= patience_s
        raise _unavailable(exc, f"no data for {patience_s:g} s" if silent else None) from exc


def _time_base(stream: VideoStream) -> Fraction:
    if stream.time_base is None:
        raise SourceUnavailable("the video stream states no time base")
    return stream.time_base


def _media_s(timed: av.Packet | VideoFrame, time_base: Fraction) -> float | None:
    return None if timed.pts is None else float(timed.pts * time_base)


class _Converter:
    """Makes frames of pictures, and ends the session when their size changes."""

    def __init__(self, opened: _Opened) -> None:
        self._opened = opened
        self._reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None

    def __call__(self, picture: VideoFrame, *, index: int, captured_at_ns: int) -> Frame:
        size = (picture.width, picture.height)
        if self._size not in (None, size):
            old = self._size or size
            raise SourceUnavailable(f"picture size changed from {old[0]}x{old[1]} to {size[0]}x{size[1]}")
        self._size = size
        try:
            bgr = self._reformatter.reformat(picture, format="bgr24", threads=1).to_ndarray()
        except (av.FFmpegError, ValueError) as exc:
            raise _unavailable(exc, None) from exc
        image = np.asarray(bgr, np.uint8)
        return Frame(self._opened.settings.id, self._opened.session_id, max(index, 0), captured_at_ns, "host", image)


def _read_image(path: Path) -> NDArray[np.uint8]:
    """A still image, upright, uint8 (H, W, 3) BGR."""
    try:
        with Image.open(path) as picture:
            rgb = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"), np.uint8)
    except FileNotFoundError as exc:
        raise SourceUnavailable(f"no such file: {path}") from exc
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise SourceUnavailable(f"not a readable image: {path}") from exc
    return np.ascontiguousarray(rgb[:, :, ::-1])


def _image_frames(settings: CameraSettings, session_id: str, image: NDArray[np.uint8]) -> Iterator[Frame]:
    opened_ns = time.time_ns()
    for index in range(round(IMAGE_DURATION_S * IMAGE_FPS)):
        captured_at_ns = opened_ns + round(index * _NS / IMAGE_FPS)
        yield Frame(settings.id, session_id, index, captured_at_ns, "host", image.copy())


def _paced(frames: Iterator[Frame], settings: CameraSettings) -> Iterator[Frame]:
    """Holds each frame until its capture time where a file is played as if live."""
    for frame in frames:
        if settings.realtime:
            time.sleep(max(frame.captured_at_ns - time.time_ns(), 0) / _NS)
        yield frame


def _capped(frames: Iterator[Frame], max_fps: float | None) -> Iterator[Frame]:
    """Leaves out frames beyond a rate, judged by capture time; steady even where the rates do not divide."""
    if max_fps is None:
        yield from frames
        return
    interval_ns = _NS / max_fps
    due_ns = float("-inf")
    for frame in frames:
        late_ns = frame.captured_at_ns - due_ns
        # A tenth of an interval early counts as due: capture times carry rounding and jitter.
        if late_ns >= -interval_ns / 10:
            due_ns = (due_ns if late_ns < interval_ns else frame.captured_at_ns) + interval_ns
            yield frame


def _unavailable(exc: Exception, waited: str | None) -> SourceUnavailable:
    """The one line that stands for a failure of FFmpeg; addresses in it lose their passwords."""
    if isinstance(exc, av.error.HTTPUnauthorizedError):
        return SourceUnavailable("user or password refused")
    if isinstance(exc, av.error.HTTPNotFoundError):
        return SourceGone("the server knows no such stream", for_good=False)
    if isinstance(exc, av.error.HTTPOtherClientError):
        return SourceGone("the server no longer offers the stream", for_good=True)
    if waited or isinstance(exc, av.error.ExitError | av.error.TimeoutError):
        return SourceUnavailable(waited or "no answer in time")
    if isinstance(exc, OSError) and exc.errno == errno.EIO:
        return SourceUnavailable("the host is unknown or the connection broke")
    reason = getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
    return SourceUnavailable(redact(" ".join(str(reason).split())))
