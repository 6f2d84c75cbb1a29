"""Pictures small enough to stand inside a page. Reads pictures; writes none."""

from __future__ import annotations

import base64
from pathlib import Path

import cv2

from reid.data import read_picture

WIDTH_PX, HEIGHT_PX = 104, 88
_QUALITY = 80


def data_url(path: Path) -> str | None:
    """A picture as a `data:` address, at most `WIDTH_PX` × `HEIGHT_PX`, proportions kept, never enlarged.

    Returns:
        The address, or None when the picture cannot be read (any more).
    """
    picture = read_picture(path)
    if picture is None:
        return None
    height, width = picture.shape[:2]
    scale = min(WIDTH_PX / width, HEIGHT_PX / height, 1.0)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    done, encoded = cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode('ascii')}" if done else None
