"""Frames of what has an end: video files, still images and folders of images. Every frame is given, none is dropped."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from detector.types import Frame
from services.errors import SourceUnavailable
from services.ingest.cameras import IMAGE_SUFFIXES, CameraSettings
from services.ingest.sources.base import NS, Converter
from services.ingest.sources.container import Opened, decoded, frame_rate, media_s, time_base

log = logging.getLogger(__name__)

IMAGE_DURATION_S = 3.0
IMAGE_FPS = 10.0


def file_frames(opened: Opened) -> Iterator[Frame]:
    """Frames of a video file, to its end."""
    base = time_base(opened.stream)
    fps = frame_rate(opened.stream)
    opened_ns = time.time_ns()
    convert = Converter()
    camera_id, session_id = opened.settings.id, opened.session_id
    begin_s: float | None = None
    index = -1
    for _, pictures, _ in decoded(opened):
        for picture in pictures:
            at_s = media_s(picture, base)
            if begin_s is None:
                begin_s = at_s or 0.0
            offset_s = float((index + 1) / fps) if at_s is None else max(at_s - begin_s, 0.0)
            index = max(round(offset_s * fps), index + 1)
            yield Frame(camera_id, session_id, index, opened_ns + round(offset_s * NS), "host", convert(picture))
    if index < 0:
        raise SourceUnavailable("no picture could be decoded")


def image_frames(settings: CameraSettings, session_id: str) -> Iterator[Frame]:
    """A still image as a clip of three seconds.

    Raises:
        SourceUnavailable: It cannot be read.
    """
    return _still(settings, session_id, read_image(settings.path))


def _still(settings: CameraSettings, session_id: str, image: NDArray[np.uint8]) -> Iterator[Frame]:
    opened_ns = time.time_ns()
    for index in range(round(IMAGE_DURATION_S * IMAGE_FPS)):
        captured_at_ns = opened_ns + round(index * NS / IMAGE_FPS)
        yield Frame(settings.id, session_id, index, captured_at_ns, "host", image.copy())


def folder_frames(settings: CameraSettings, session_id: str) -> Iterator[Frame]:
    """The images of a folder by name, one frame each at ``image_fps``.

    A file that is no picture, or of another size than the first, is left out with a warning; its number is not given
    to another.

    Raises:
        SourceUnavailable: The folder holds no image.
    """
    files = sorted(path for path in settings.path.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise SourceUnavailable(f"no image in {settings.path}")
    return _sequence(settings, session_id, files)


def _sequence(settings: CameraSettings, session_id: str, files: list[Path]) -> Iterator[Frame]:
    opened_ns = time.time_ns()
    size: tuple[int, ...] | None = None
    for index, path in enumerate(files):
        try:
            image = read_image(path)
        except SourceUnavailable as exc:
            log.warning("%s; left out", exc, extra={"camera_id": settings.id})
            continue
        size = size or image.shape
        if image.shape != size:
            log.warning("%s has another size than the first; left out", path, extra={"camera_id": settings.id})
            continue
        yield Frame(settings.id, session_id, index, opened_ns + round(index * NS / settings.image_fps), "host", image)
    if size is None:
        raise SourceUnavailable(f"no readable image in {settings.path}")


def read_image(path: Path) -> NDArray[np.uint8]:
    """A still image, upright, uint8 (H, W, 3) BGR.

    Raises:
        SourceUnavailable: There is none, or it cannot be read.
    """
    try:
        with Image.open(path) as picture:
            rgb = np.asarray(ImageOps.exif_transpose(picture).convert("RGB"), np.uint8)
    except FileNotFoundError as exc:
        raise SourceUnavailable(f"no such file: {path}") from exc
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as exc:
        raise SourceUnavailable(f"not a readable image: {path}") from exc
    return np.ascontiguousarray(rgb[:, :, ::-1])


class Playback:
    """Tells when the frames of a file are due that is played as if it were live, by a clock that nobody sets."""

    def __init__(self) -> None:
        """Begins now: the capture times to come are the host's UTC as it is now."""
        self._utc_offset_ns = time.time_ns() - time.monotonic_ns()

    def left_s(self, frame: Frame) -> float:
        """Seconds until a frame's capture time; 0 when it is past."""
        return max(frame.captured_at_ns - self._utc_offset_ns - time.monotonic_ns(), 0) / NS


def paced(frames: Iterable[Frame]) -> Iterator[Frame]:
    """Holds each frame until its capture time, as if it were live."""
    playback = Playback()
    for frame in frames:
        time.sleep(playback.left_s(frame))
        yield frame
