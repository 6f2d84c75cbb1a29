"""By how much each camera's clock is wrong, and since when. Owns putting observations right; learns nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tracker.multi_camera.types import Observation
from tracker.multi_camera.visits import NS


@dataclass(frozen=True, slots=True)
class Correction:
    """What is newly known of a clock.

    Attributes:
        camera: Number of the camera.
        since_s: From when on, by the times that counted so far; minus infinity for always.
        by_s: Seconds by which its clock is further ahead than was known.
    """

    camera: int
    since_s: float
    by_s: float

    def passage(self, seen_s: tuple[float, float]) -> tuple[float, float]:
        """Begin and end of a passage before this camera, by the times that count from now on."""
        begin_s, end_s = seen_s
        return seen_s if begin_s < self.since_s else (begin_s - self.by_s, end_s - self.by_s)

    def applied(self, observation: Observation) -> Observation:
        """An observation of this camera with the times that count from now on."""
        if observation.start_ns * NS < self.since_s:
            return observation
        return _earlier(observation, self.by_s)


class Ahead:
    """Seconds by which one clock is ahead of the site's time, by what it shows itself."""

    def __init__(self, history: Sequence[tuple[float, float]] = ((0.0, 0.0),)) -> None:
        self._history = [(float(since), float(by)) for since, by in history]

    @property
    def history(self) -> list[list[float]]:
        """Shown time from which on it was so much ahead, oldest first."""
        return [list(entry) for entry in self._history]

    @property
    def now_s(self) -> float:
        """Seconds ahead by what is known last."""
        return self._history[-1][1]

    def correct(self, correction: Correction) -> None:
        """Takes in what is newly known."""
        if correction.since_s == float("-inf"):
            self._history = [(since, by + correction.by_s) for since, by in self._history]
        else:
            self._history.append((correction.since_s + self.now_s, self.now_s + correction.by_s))

    def put_right(self, shown: Observation) -> Observation:
        """An observation with the site's times in place of those shown."""
        return _earlier(shown, next((by for since, by in reversed(self._history) if since <= shown.start_ns * NS), 0.0))

    def as_shown(self, right: Observation) -> Observation:
        """The reverse of :meth:`put_right`."""
        start_s = right.start_ns * NS
        by_s = next((by for since, by in reversed(self._history) if since <= start_s + by), 0.0)
        return _earlier(right, -by_s)


def _earlier(observation: Observation, by_s: float) -> Observation:
    by_ns = round(by_s / NS)
    if not by_ns:
        return observation
    return replace(observation, start_ns=observation.start_ns - by_ns, end_ns=observation.end_ns - by_ns)
