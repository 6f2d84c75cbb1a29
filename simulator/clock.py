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
