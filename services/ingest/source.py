"""Opens one camera, file, image or folder as an iterator of frames; never retries, never runs a thread of its own."""

from __future__ import annotations

from collections.abc import Iterator

from detector.types import Frame
from services.errors import SourceUnavailable
from services.ids import IdFactory
from services.ingest.cameras import CameraSettings
from services.ingest.sources.base import Source
from services.ingest.sources.container import Opened, open_container, video_stream
from services.ingest.sources.files import file_frames, folder_frames, image_frames
from services.ingest.sources.live import LiveFrames
from services.ingest.sources.pace import RateCap
from services.ingest.zones import hidden

__all__ = ["Source", "open_source"]


def open_source(settings: CameraSettings, session_ids: IdFactory) -> Source:
    """Opens a camera as a new session.

    A live stream's frames carry the index of their media time (absolute where the server states it; counted on where
    the camera is faster than the rate it states) and the capture time that MediaClock derives on the host's clock, or
    the camera's own time where that was asked for and its sender reports tell it. A file's carry their frame number and
    the time of opening plus their media time; a still image is a clip of three seconds, a folder one frame per image.
    What the camera's masks cover is painted over in every frame. Nothing is held back until its time: whoever plays a
    file as if it were live waits between frames.

    Args:
        settings: Which camera, and how long to wait.
        session_ids: Makes the session's id.

    Returns:
        Its frames, oldest first. Reading blocks until the next one, for about ``read_timeout_s`` at the longest.

    Raises:
        SourceUnavailable: It cannot be opened; one line that holds no password.
    """
    session_id = session_ids()
    if settings.kind in ("image", "folder"):
        stills = image_frames if settings.kind == "image" else folder_frames
        return Source(session_id, _finished(stills(settings, session_id), settings), lambda: None)
    container = open_container(settings)
    try:
        opened = Opened(settings, session_id, container, video_stream(container))
        live = LiveFrames(opened) if settings.kind == "stream" else None
    except SourceUnavailable:
        container.close()
        raise
    if live is None:
        return Source(session_id, _finished(file_frames(opened), settings), container.close)
    return Source(session_id, hidden(iter(live), settings), container.close, live.pace)


def _finished(frames: Iterator[Frame], settings: CameraSettings) -> Iterator[Frame]:
    """At the rate that was set, masked."""
    cap = RateCap(settings.max_fps)
    return hidden((frame for frame in frames if cap.due(frame.captured_at_ns)), settings)
