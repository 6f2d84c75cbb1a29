"""How often vehicles come into each camera's view. Owns the decayed counts of arrivals; knows cameras by number."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tracker.multi_camera.arrays import Floats

RATE_MEMORY_S = 600.0


class ArrivalRates:
    """Counts that fade, by camera.

    Args:
        prior_per_s: Arrivals per second expected at one camera before any was seen.
    """

    def __init__(self, prior_per_s: float) -> None:
        self._prior_per_s = prior_per_s
        # Per camera: decayed arrivals, first and last arrival (s).
        self._counts: Floats = np.zeros((0, 3))

    def grow(self) -> None:
        """Makes room for one camera more."""
        self._counts = np.pad(self._counts, ((0, 1), (0, 0)))

    def count(self, camera: int, came_s: float, site_s: float = math.inf) -> None:
        """Takes in a vehicle that came into view.

        Args:
            camera: Into whose.
            came_s: When, by the camera's clock.
            site_s: What time it is at the site. What is later, by a clock that is ahead or was so, counts as now: else
                all other counts would fade at once, and its own no more.
        """
        now_s = min(came_s, site_s)
        np.minimum(self._counts[:, 1:], site_s, out=self._counts[:, 1:])
        state = self._counts[camera]
        if state[0] == 0:
            state[1] = state[2] = now_s
        age_s = max(now_s - state[2], 0.0)
        state[0] = state[0] * math.exp(-age_s / RATE_MEMORY_S) + 1.0
        state[2] = max(state[2], now_s)

    def log_rates(self) -> Floats:
        """Log of arrivals per second, (C,)."""
        decayed, first_s, last_s = self._counts.T
        seen = decayed > 0
        now_s = last_s.max(initial=0.0, where=seen)
        begun_s = first_s.min(initial=now_s, where=seen)
        span_s = -RATE_MEMORY_S * np.expm1(-(now_s - begun_s) / RATE_MEMORY_S)
        recent = decayed * np.exp(-np.where(seen, now_s - last_s, 0.0) / RATE_MEMORY_S)
        rates: Floats = np.log((recent + 1.0) / (span_s + 1.0 / self._prior_per_s))
        return rates

    def state(self, camera: int) -> list[float]:
        """JSON-like counts of one camera."""
        counts: list[float] = self._counts[camera].tolist()
        return counts

    def load(self, camera: int, state: Sequence[float]) -> None:
        """Takes over :meth:`state`."""
        self._counts[camera] = state
