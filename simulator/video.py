"""Writes clips the way cameras send them: H.264, no B-frames, a keyframe every second."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import av
import numpy as np
from numpy.typing import NDArray


class ClipWriter:
    """An MP4 file under construction; use as a context manager."""

    def __init__(self, path: Path, size: tuple[int, int], fps: int, crf: int = 27) -> None:
        """Opens the file.

        Args:
            path: MP4 to write.
            size: Width and height in px, even.
            fps: Frames per second; also the keyframe interval.
            crf: Constant rate factor of x264: larger is smaller and worse.
        """
        self._container = av.open(str(path), "w")
        self._stream = self._container.add_stream("libx264", rate=fps)
        self._stream.width, self._stream.height = size
        self._stream.pix_fmt = "yuv420p"
        # One thread: x264's output is the same on every machine only then.
        self._stream.thread_count = 1
        self._stream.options = {
            "preset": "slow",
            "crf": str(crf),
            "bf": "0",
            "g": str(fps),
            "keyint_min": str(fps),
            "sc_threshold": "0",
            "threads": "1",
        }

    def write(self, image: NDArray[np.uint8]) -> None:
        """Adds one frame, uint8 (H, W, 3) RGB."""
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        for packet in self._stream.encode(frame):
            self._container.mux(packet)

    def __enter__(self) -> ClipWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            for packet in self._stream.encode():
                self._container.mux(packet)
        self._container.close()
