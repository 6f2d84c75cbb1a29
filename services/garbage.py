"""When Python's garbage collector looks at what, in a process that remembers much. Knows not what is remembered.

By itself it looks at every object there is whenever a quarter more were made, with all threads stopped meanwhile: a
good part of a second with a hundred thousand identities remembered, of which next to nothing is ever garbage that
reference counts leave behind. So what has lasted is set aside, and only what was made since is looked at, a little at a
time, between one piece of work and the next.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable

#: Seconds between two looks at all that was made since: what is in use then is set aside.
RECENT_S = 60.0
#: Seconds between two looks at everything: what was set aside may have become garbage. Twice as many where somebody is
#: always waiting.
EVERYTHING_S = 3600.0


class Collector:
    """Says when the collector works. One thread's; what it does concerns the whole process.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._all_s = self._recent_s = clock()

    def everything(self) -> None:
        """Looks at all objects and sets aside those in use. For when much was made, or dropped, at once."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._all_s = self._recent_s = self._clock()

    def between(self, *, idle: bool) -> None:
        """Looks at what is new, so that the work that follows is not stopped for it; takes a millisecond or some.

        Args:
            idle: Nobody waits for this thread, so that a look at everything, if it is time for one, delays nothing.
        """
        now_s = self._clock()
        if now_s - self._all_s >= EVERYTHING_S * (1 if idle else 2):
            self.everything()
        elif now_s - self._recent_s >= RECENT_S:
            self._recent_s = now_s
            gc.collect()
            gc.freeze()
        else:
            gc.collect(1)
