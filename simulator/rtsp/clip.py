"""Owns the H.264 packets of one clip, read once from its file; never decodes and never knows a clock."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext

_START_CODE = re.compile(rb"\x00{2,}\x01")
_NAL_SPS, _NAL_PPS, _NAL_AUD = 7, 8, 9


class ClipError(ValueError):
    """A file that cannot be played: not H.264, no keyframe first, or frames not evenly spaced."""


@dataclass(frozen=True, slots=True)
class AccessUnit:
    """One coded picture.

    Attributes:
        frame: Its frame number in the clip, from 0, in display order.
        keyframe: A client may join here.
        nals: Its NAL units without start codes; parameter sets left out.
    """

    frame: int
    keyframe: bool
    nals: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Clip:
    """The packets of one camera's day.

    Attributes:
        fps: Frames per second, exact.
        width: Pixels.
        height: Pixels.
        parameter_sets: SPS and PPS NAL units, SPS first.
        units: In decoding order; the first is a keyframe.
        keyframes: Positions of the keyframes in ``units``, ascending.
        reorder: Frames that decoding runs ahead of display (0 without B-frames).
    """

    fps: Fraction
    width: int
    height: int
    parameter_sets: tuple[bytes, ...]
    units: tuple[AccessUnit, ...]
    keyframes: tuple[int, ...] = field(init=False)
    reorder: int = field(init=False)

    def __post_init__(self) -> None:
        if not self.units or not self.units[0].keyframe:
            raise ClipError("a clip begins with a keyframe")
        if sorted(unit.frame for unit in self.units) != list(range(len(self.units))):
            raise ClipError(f"frames are not evenly spaced at {float(self.fps):g} per second")
        if not {_NAL_SPS, _NAL_PPS} <= {nal[0] & 0x1F for nal in self.parameter_sets}:
            raise ClipError("no sequence and picture parameter sets")
        object.__setattr__(self, "keyframes", tuple(k for k, unit in enumerate(self.units) if unit.keyframe))
        object.__setattr__(self, "reorder", max(unit.frame - k for k, unit in enumerate(self.units)))

    def __len__(self) -> int:
        return len(self.units)

    def keyframe_at_or_before(self, position: int) -> int:
        """The latest keyframe's position that is not beyond ``position`` (in decoding order)."""
        return self.keyframes[max(bisect_right(self.keyframes, position) - 1, 0)]


def split_nals(annex_b: bytes) -> tuple[bytes, ...]:
    """Splits a byte stream at its start codes.

    >>> split_nals(bytes([0, 0, 0, 1]) + b"SPS" + bytes([0, 0, 1]) + b"PPS")
    (b'SPS', b'PPS')
    """
    return tuple(nal for nal in _START_CODE.split(annex_b) if nal)


def load_clip(path: Path) -> Clip:
    """Reads all packets of a file's video stream.

    Args:
        path: A file with H.264 video at a constant frame rate.

    Returns:
        Its packets, in memory.

    Raises:
        ClipError: The file cannot be read or played.
    """
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise ClipError(f"{path.name}: no video stream")
            stream = container.streams.video[0]
            if stream.codec_context.name != "h264":
                raise ClipError(f"{path.name}: codec {stream.codec_context.name}, expected h264")
            fps = stream.average_rate
            if not fps:
                raise ClipError(f"{path.name}: no frame rate")
            to_annex_b = BitStreamFilterContext("h264_mp4toannexb", stream)
            coded = [p for packet in container.demux(stream) for p in to_annex_b.filter(packet) if p.size]
            parameter_sets, units = _access_units(coded, Fraction(fps))
            return Clip(Fraction(fps), stream.width, stream.height, parameter_sets, units)
    except (av.FFmpegError, OSError) as exc:
        raise ClipError(f"{path.name}: {exc.strerror or exc}") from exc


def _access_units(packets: Sequence[av.Packet], fps: Fraction) -> tuple[tuple[bytes, ...], tuple[AccessUnit, ...]]:
    """Sorts NAL units into parameter sets (the first of each kind and content) and pictures."""
    if any(packet.pts is None for packet in packets):
        raise ClipError("packets without time stamps")
    first_pts = min((packet.pts for packet in packets), default=0)
    parameter_sets: dict[bytes, None] = {}
    units = []
    for packet in packets:
        nals = []
        for nal in split_nals(bytes(packet)):
            kind = nal[0] & 0x1F
            if kind in (_NAL_SPS, _NAL_PPS):
                parameter_sets[nal] = None
            elif kind != _NAL_AUD:
                nals.append(nal)
        frame = round((packet.pts - first_pts) * packet.time_base * fps)
        units.append(AccessUnit(frame, packet.is_keyframe, tuple(nals)))
    return tuple(sorted(parameter_sets, key=lambda nal: nal[0] & 0x1F)), tuple(units)
