"""Owns clips at another picture size: encoded once, kept in a cache folder; never plays them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import av
from av.video.frame import PictureType, VideoFrame

from simulator.rtsp.clip import Clip, ClipError, load_clip

_START_CODE = b"\x00\x00\x00\x01"
#: Goes into every file's name: files that another version wrote are not taken up.
_VERSION = 1


def cache_folder() -> Path:
    """Where encoded clips are kept: ``vreid/scaled`` in the user's cache."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "vreid" / "scaled"


def scaled_clip(clip: Clip, size: tuple[int, int], cache: Path | None = None) -> Clip:
    """A clip with its pictures at another size: same rate, same frames, same keyframes, no B-frames.

    Args:
        clip: What to scale.
        size: Width and height in px, even.
        cache: Folder to look in and write to; ``cache_folder()`` if None.

    Raises:
        ClipError: It cannot be decoded, or the folder cannot be written.
    """
    folder = cache or cache_folder()
    path = folder / f"{_digest(clip)}-{size[0]}x{size[1]}-{_VERSION}.mp4"
    try:
        if not path.exists():
            folder.mkdir(parents=True, exist_ok=True)
            # Two processes may do the same at once: each writes a file of its own, the last one stays.
            temporary = path.with_suffix(f".{os.getpid()}.mp4")
            try:
                _encode(clip, size, temporary)
                temporary.replace(path)
            finally:
                temporary.unlink(missing_ok=True)
        return load_clip(path)
    except (av.FFmpegError, OSError) as exc:
        raise ClipError(f"cannot be scaled to {size[0]}x{size[1]}: {exc.strerror or exc}") from exc


def _encode(clip: Clip, size: tuple[int, int], path: Path) -> None:
    keyframes = {clip.units[k].frame for k in clip.keyframes}
    options = {"preset": "veryfast", "crf": "27", "bf": "0", "g": str(len(clip) + 1), "sc_threshold": "0"}
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=clip.fps, options=options | {"threads": "1", "forced-idr": "1"})
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.thread_count = 1
        for number, picture in enumerate(_pictures(clip)):
            frame = picture.reformat(width=size[0], height=size[1], format="yuv420p")
            frame.pts, frame.time_base = number, 1 / clip.fps
            frame.pict_type = PictureType.I if number in keyframes else PictureType.NONE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _pictures(clip: Clip) -> Iterator[VideoFrame]:
    """All pictures, in display order."""
    decoder = av.CodecContext.create("h264", "r")
    decoder.thread_count = 1
    for unit in clip.units:
        nals = (clip.parameter_sets if unit.keyframe else ()) + unit.nals
        packet = av.Packet(b"".join(_START_CODE + nal for nal in nals))
        packet.pts = unit.frame
        yield from decoder.decode(packet)
    yield from decoder.decode(None)


def _digest(clip: Clip) -> str:
    digest = hashlib.sha256(f"{clip.fps} {len(clip)}".encode())
    for unit in clip.units:
        for nal in unit.nals:
            digest.update(nal)
    return digest.hexdigest()[:24]
