"""Stored pictures of sightings, read back for a network. Writes none."""

from __future__ import annotations

import logging

from reid.types import Image
from services.crops import CropStore
from services.errors import NotAnImage, NotFound
from services.images import ImageLimits, decode_image

log = logging.getLogger(__name__)

_LIMITS = ImageLimits(min_side_px=1, max_pixels=4_000_000)


def stored_picture(crops: CropStore, key: str) -> Image | None:
    """A stored picture, uint8 (H, W, 3) BGR; None where it is gone or cannot be read."""
    try:
        return decode_image(crops.get(key), _LIMITS, "crop")
    except (NotFound, NotAnImage, OSError) as exc:
        log.debug("picture %s not read: %s", key, exc)
        return None
