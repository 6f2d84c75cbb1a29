"""How often each caller may ask: a bucket of allowances that fills evenly. Knows names only."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_CALLERS = 10_000


class Limiter:
    """Allowances by name. Safe for threads."""

    def __init__(self, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begins with full buckets.

        Args:
            per_s: Allowances a second; as many may be saved up.
            clock: Seconds.
        """
        self._per_s = per_s
        self._most = max(1.0, per_s)
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, name: str) -> float:
        """Takes one allowance; returns 0, or the seconds after which there is one where there is none now."""
        now = self._clock()
        with self._lock:
            left, at = self._kept.pop(name, (self._most, now))
            left = min(self._most, left + (now - at) * self._per_s)
            granted = left >= 1.0
            self._kept[name] = (left - 1.0 if granted else left, now)
            while len(self._kept) > _MOST_CALLERS:
                self._kept.popitem(last=False)
        return 0.0 if granted else (1.0 - left) / self._per_s
