"""Frames of a city's clips. Reads them one after the other; keeps none."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np

from simulator.city import CityCamera
from simulator.errors import CityDamaged
from simulator.inspect.drawing import Image


def read_clip(camera: CityCamera) -> Iterator[tuple[int, Image]]:
    """All frames of a clip.

    Args:
        camera: Whose.

    Yields:
        Number from 1, as in the truth, and uint8 (H, W, 3) RGB, writable.

    Raises:
        CityDamaged: The clip cannot be decoded.
    """
    try:
        with av.open(str(camera.path)) as container:
            for number, frame in enumerate(container.decode(video=0), 1):
                yield number, np.array(frame.to_ndarray(format="rgb24"), np.uint8)
    except (av.FFmpegError, OSError) as exc:
        raise CityDamaged(f"{camera.path.name} cannot be decoded: restore it, or render the city again") from exc
