"""What every source shares: the session that is handed out, pictures made into frames, failures put into one line."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator

import av
import numpy as np
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter

from detector.types import Frame
from services.errors import SourceGone, SourceUnavailable
from services.ingest.cameras import redact
from services.ingest.sources.pace import Pace

NS = 1_000_000_000


class Source:
    """Frames of one session, from opening to its end. Used and closed by one thread.

    Attributes:
        session_id: New for every session.
        pace: How fast a live source gives frames, and what it left out; None for what is read to its end.
    """

    def __init__(
        self, session_id: str, frames: Iterator[Frame], close: Callable[[], None], pace: Pace | None = None
    ) -> None:
        self.session_id = session_id
        self.pace = pace
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


class Converter:
    """Makes images of decoded pictures, and ends the session when their size changes."""

    def __init__(self) -> None:
        self._reformatter = VideoReformatter()
        self._size: tuple[int, int] | None = None

    def __call__(self, picture: VideoFrame) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
        """The picture, uint8 (H, W, 3) BGR.

        Raises:
            SourceUnavailable: It has another size than those before, or cannot be converted.
        """
        size = (picture.width, picture.height)
        if self._size not in (None, size):
            old = self._size or size
            raise SourceUnavailable(f"picture size changed from {old[0]}x{old[1]} to {size[0]}x{size[1]}")
        self._size = size
        try:
            bgr = self._reformatter.reformat(picture, format="bgr24", threads=1).to_ndarray()
        except (av.FFmpegError, ValueError) as exc:
            raise unavailable(exc, None) from exc
        return np.asarray(bgr, np.uint8)


def unavailable(exc: Exception, waited: str | None) -> SourceUnavailable:
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
