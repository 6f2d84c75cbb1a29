"""How a camera's own clock differs from the true time: offset, drift, steps; how options write it. Arithmetic only."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from simulator.errors import CityError


@dataclass(frozen=True, slots=True)
class CameraClock:
    """A clock that is wrong in the ways that cameras' clocks are.

    Attributes:
        offset_s: How far it is ahead at time 0 of the city; negative is behind.
        drift_ppm: How much faster than true time it runs, parts per million.
        steps: Pairs (at_s, by_s): from true time at_s on it is by_s further ahead, as after somebody set it.
    """

    offset_s: float = 0.0
    drift_ppm: float = 0.0
    steps: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        if abs(self.drift_ppm) >= 1e5:
            raise CityError(f"drift_ppm must lie within 100000 of 0, got {self.drift_ppm:g}")

    def error_s(self, true_s: float) -> float:
        """How far the clock is ahead at a true time, seconds since the city's time 0.

        >>> CameraClock(2.0, 100.0, ((60.0, 5.0),)).error_s(100.0)
        7.01
        """
        stepped = sum(by_s for at_s, by_s in self.steps if true_s >= at_s)
        return self.offset_s + self.drift_ppm * 1e-6 * true_s + stepped

    def shown_s(self, true_s: float) -> float:
        """What the clock shows at a true time."""
        return true_s + self.error_s(true_s)

    def merged(self, other: CameraClock) -> CameraClock:
        """This clock made wrong by another's errors as well; steps in order of time."""
        steps = tuple(sorted(self.steps + other.steps))
        return CameraClock(self.offset_s + other.offset_s, self.drift_ppm + other.drift_ppm, steps)


#: A clock that is right.
TRUE_CLOCK = CameraClock()

_FORMS = "CAMERA=+5 (s ahead), CAMERA=drift:40 (ppm) or CAMERA=step:5@60 (by 5 s at 60 s)"


def parse_clock(text: str) -> tuple[str, CameraClock]:
    """Reads one error of one camera's clock, as options of commands write it.

    Args:
        text: ``CAMERA=SECONDS``, ``CAMERA=drift:PPM`` or ``CAMERA=step:SECONDS@AT_S``; CAMERA may be a pattern such as
            ``*``.

    Returns:
        The camera as written, and a clock with this error only.

    Raises:
        CityError: It is none of these forms.

    >>> parse_clock("north=step:5@60")
    ('north', CameraClock(offset_s=0.0, drift_ppm=0.0, steps=((60.0, 5.0),)))
    """
    camera, _, error = text.partition("=")
    kind, colon, value = error.rpartition(":")
    if not camera.strip() or kind not in ("", "drift", "step") or (colon and not kind):
        raise CityError(f"clock {text!r} is not understood: write {_FORMS}")
    numbers = [_finite(part, text) for part in value.split("@", 1 if kind == "step" else 0)]
    if kind == "drift":
        return camera.strip(), CameraClock(drift_ppm=numbers[0])
    if kind == "step":
        if len(numbers) != 2:
            raise CityError(f"clock {text!r} says not when it steps: write {camera}=step:{value}@60")
        return camera.strip(), CameraClock(steps=((numbers[1], numbers[0]),))
    return camera.strip(), CameraClock(offset_s=numbers[0])


def merge(errors: Iterable[tuple[str, CameraClock]], cameras: Sequence[str]) -> dict[str, CameraClock]:
    """One clock per camera from all errors that name it.

    Args:
        errors: As parse_clock returns them; a camera may be named often, and by a pattern (``*``, ``north*``).
        cameras: The cameras that there are.

    Returns:
        The cameras whose clocks are wrong.

    Raises:
        CityError: A name that fits no camera.
    """
    clocks: dict[str, CameraClock] = {}
    for name, error in errors:
        for camera in matching(name, cameras):
            clocks[camera] = clocks.get(camera, TRUE_CLOCK).merged(error)
    return clocks


def matching(name: str, cameras: Sequence[str]) -> list[str]:
    """The cameras that a name or pattern (``*`` and ``?``) means.

    Raises:
        CityError: None.
    """
    found = [camera for camera in cameras if fnmatchcase(camera, name)]
    if not found:
        raise CityError(f"no camera {name!r}; the city has {', '.join(cameras)}")
    return found


def _finite(number: str, text: str) -> float:
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise CityError(f"clock {text!r} is not understood: {number!r} is no number; write {_FORMS}")
    return value
