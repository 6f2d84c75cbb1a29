"""How fast cities are rendered on this machine, in processes apart from torch, which crashes beside it."""

from __future__ import annotations

import os
from typing import Any

from simulator.frame_rate import frame_rate_probe

SIZE_PX, VEHICLES = (960, 540), 10
LIGHTS = ("noon", "night")


def renderer_speed(seconds: float = 10.0, processes: int | None = None) -> dict[str, Any]:
    """Frames per second, all processes together, with truth and sensor.

    Args:
        seconds: How long each light is measured.
        processes: How many render at once; one per core by default.

    Returns:
        ``frames_per_s`` in the slower light, ``size``, ``vehicles``, ``processes``, ``by_light``.

    Raises:
        CityError: No meshes, no OpenGL, or a process failed.
    """
    count = processes or os.cpu_count() or 1
    by_light = {light: round(frame_rate_probe(SIZE_PX, VEHICLES, seconds, light, count), 2) for light in LIGHTS}
    return {
        "frames_per_s": min(by_light.values()),
        "size": list(SIZE_PX),
        "vehicles": VEHICLES,
        "processes": count,
        "by_light": by_light,
    }
