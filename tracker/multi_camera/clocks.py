"""Whether a camera's clock stepped, from trips before and after. Owns the test; learns nothing and mends nothing.

A step makes trips into a camera longer and trips out of it shorter by as much. Traffic that slows makes both longer, so
the two are told apart by sign.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: The newest trips of a camera, tested against those before.
RECENT = 12
#: Of them, those that must have earlier trips over the same link to be compared with.
LEAST_RECENT = 8
LEAST_EARLIER = 5
#: Share of the newest trips that must have moved the same way.
AGREEING = 0.8
#: A step smaller than this is not told: lights and queues move many trips by a second together.
LEAST_STEP_S = 2.0
#: Standard errors of a median that a step must exceed.
ERRORS = 5.0
#: Standard deviation of normal values by their median absolute deviation, and error of a median by that of a mean.
MAD_TO_SD, MEDIAN_ERROR = 1.4826, 1.2533


@dataclass(frozen=True, slots=True)
class Trip:
    """One trip that very likely was one.

    Attributes:
        origin: Camera left.
        camera: Camera reached.
        mode: How its duration was measured.
        seconds: Its duration by the two clocks.
    """

    origin: int
    camera: int
    mode: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Step:
    """A clock that moved: whose, by how many seconds forward, and from how many trips that is concluded."""

    camera: int
    change_s: float
    trips: int


def steps(trips: list[Trip], cameras: int) -> list[Step]:
    """Clocks that stepped lately.

    Args:
        trips: In the order in which they ended.
        cameras: Number of cameras.

    Returns:
        By camera; empty while too little is known.
    """
    return [step for camera in range(cameras) if (step := _step(trips, camera)) is not None]


def _step(trips: list[Trip], camera: int) -> Step | None:
    mine = [t for t in trips if (t.origin == camera) != (t.camera == camera)]
    earlier, recent = mine[:-RECENT], mine[-RECENT:]
    known: dict[tuple[int, int, int], list[float]] = defaultdict(list)
    for t in earlier:
        known[t.origin, t.camera, t.mode].append(t.seconds)
    usual = {link: float(np.median(s)) for link, s in known.items() if len(s) >= LEAST_EARLIER}
    now = _moved(recent, usual, camera)
    if len(now) < LEAST_RECENT:
        return None
    spread_s = MAD_TO_SD * float(np.median(np.abs(_moved(earlier, usual, camera))))
    change_s = float(np.median(now))
    least_s = max(LEAST_STEP_S, ERRORS * MEDIAN_ERROR * spread_s / len(now) ** 0.5)
    if abs(change_s) < least_s or np.mean(np.sign(now) == np.sign(change_s)) < AGREEING:
        return None
    return Step(camera, change_s, len(now))


def _moved(trips: list[Trip], usual: dict[tuple[int, int, int], float], camera: int) -> Floats:
    """Seconds by which trips say that the camera's clock went forward, of trips over links with a usual duration."""
    return np.array(
        [
            (1.0 if t.camera == camera else -1.0) * (t.seconds - usual[t.origin, t.camera, t.mode])
            for t in trips
            if (t.origin, t.camera, t.mode) in usual
        ]
    )
