"""How a camera's own clock differs from the true time: offset, drift, steps. Arithmetic only."""

from __future__ import annotations

from dataclasses import dataclass

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


#: A clock that is right.
TRUE_CLOCK = CameraClock()


def parse_clocks(texts: list[str]) -> dict[str, CameraClock]:
    """Clocks by camera, from ``camera=+5``, ``camera=drift:40`` and ``camera=step:5@1800``; several of a camera add up.

    Raises:
        CityError: A text is none of these.

    >>> parse_clocks(["gate=+5", "gate=step:-2@60"])["gate"].error_s(100.0)
    3.0
    """
    clocks: dict[str, CameraClock] = {}
    for text in texts:
        camera, _, setting = text.partition("=")
        before = clocks.get(camera, TRUE_CLOCK)
        try:
            kind, _, value = setting.rpartition(":")
            if kind == "drift":
                added = CameraClock(0.0, float(value))
            elif kind == "step":
                by_s, _, at_s = value.partition("@")
                added = CameraClock(0.0, 0.0, ((float(at_s), float(by_s)),))
            elif not kind:
                added = CameraClock(float(value))
            else:
                raise ValueError(kind)
        except ValueError:
            expected = "CAMERA=+5 (s), CAMERA=drift:40 (ppm) or CAMERA=step:5@1800 (s at s)"
            raise CityError(f"clock {text!r}: expected {expected}") from None
        clocks[camera] = CameraClock(
            before.offset_s + added.offset_s, before.drift_ppm + added.drift_ppm, (*before.steps, *added.steps)
        )
    return clocks
