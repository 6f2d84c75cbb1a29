"""Takes pictures spread over an operator's clips and folders, one at a time. Writes none anywhere."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from services.errors import ModelFileError, SourceUnavailable
from services.ingest.cameras import IMAGE_SUFFIXES, CameraSettings
from services.ingest.sources.base import Converter
from services.ingest.sources.container import Opened, decoded, open_container, video_stream
from services.ingest.sources.files import read_image

#: Pictures that are taken in all, where the footage has as many.
USUAL_PICTURES = 100

Image = NDArray[np.uint8]


def spread_pictures(footage: Sequence[Path], most: int = USUAL_PICTURES) -> Iterator[Image]:
    """Pictures spread evenly over every clip and every folder, each of which gives as many.

    That something is missing or that there is too much is told at once; the rest where it is read.

    Args:
        footage: Clips, pictures, and folders of pictures.
        most: How many in all.

    Returns:
        uint8 (H, W, 3) BGR in order; sizes may differ.

    Raises:
        ModelFileError: There are so many that one would not give two pictures.
        SourceUnavailable: Something is not there, holds no picture, or cannot be read; the message names it.
    """
    if 2 * len(footage) > most:
        raise ModelFileError(f"at most {most // 2} clips and folders can be taken, got {len(footage)}")
    for path in footage:
        if not path.exists():
            raise SourceUnavailable(f"no such file: {path}")
    return _spread_pictures(footage, most // max(len(footage), 1))


def _spread_pictures(footage: Sequence[Path], each: int) -> Iterator[Image]:
    for path in footage:
        try:
            yield from _of_folder(path, each) if path.is_dir() else _of_file(path, each)
        except SourceUnavailable as exc:
            raise SourceUnavailable(str(exc) if str(path) in str(exc) else f"{path}: {exc}") from exc


def _of_folder(folder: Path, most: int) -> Iterator[Image]:
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise SourceUnavailable(f"no picture in the folder {folder}; clips are named one by one")
    for index in _spread(len(files), most):
        yield read_image(files[index])


def _of_file(path: Path, most: int) -> Iterator[Image]:
    if path.suffix.lower() in IMAGE_SUFFIXES:
        yield read_image(path)
        return
    pictures, keyframes = _count(path)
    # Of a long clip keyframes alone are decoded: an hour takes seconds then.
    sparse = keyframes >= most
    wanted = set(_spread(keyframes if sparse else pictures, most))
    convert = Converter()
    number = taken = 0
    with _opened(path) as opened:
        for _, completed, _ in decoded(opened, _keyframes if sparse else None):
            for picture in completed:
                if number in wanted:
                    yield convert(picture)
                    taken += 1
                number += 1
    if not taken:
        raise SourceUnavailable("no picture could be decoded")


def _count(path: Path) -> tuple[int, int]:
    """Pictures and keyframes of a clip, by its packets."""
    with _opened(path) as opened:
        packets = [packet.is_keyframe for packet, _, _ in decoded(opened, lambda *_: False) if packet.size]
    return len(packets), sum(packets)


def _keyframes(packet: av.Packet, _waited_s: float) -> bool:
    """What is decoded alone; the empty packet at the end brings out what the decoder still holds."""
    return packet.is_keyframe or not packet.size


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Opened]:
    settings = CameraSettings(id="footage", url=str(path.resolve()))
    with contextlib.closing(open_container(settings)) as container:
        yield Opened(settings, "", container, video_stream(container))


def _spread(count: int, most: int) -> list[int]:
    """At most so many of the numbers below ``count``, in equal steps from the middle of the first."""
    taken = min(count, most)
    return [int((index + 0.5) * count / taken) for index in range(taken)]
