"""Whether the bytes of a JPEG are all there. Decodes nothing."""

from __future__ import annotations

import re

_START, _END = b"\xff\xd8", 0xD9
#: A marker that begins a segment, or ends the picture: in coded data 0xFF stands before 0 or the number of a restart.
_MARKER = re.compile(rb"\xff([\x02-\xcf\xd9-\xfe])")


def is_cut_short(data: bytes) -> bool:
    """Whether a JPEG ends before its end marker, as one does that was not copied or received whole.

    Segments are gone through one by one: a thumbnail among the camera's notes has an end marker of its own, and behind
    the picture's anything may follow.

    Args:
        data: The file's bytes.

    Returns:
        False, too, where they are no JPEG.

    Source: ITU-T T.81, B.1.1.
    """
    at = len(_START)
    while data.startswith(_START):
        marker = _MARKER.search(data, at)
        if marker is None:
            return True
        if marker[1][0] == _END:
            return False
        at = marker.end() + int.from_bytes(data[marker.end() : marker.end() + 2], "big")
    return False
