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

#: Collections of the middle generation since the last full one from which what is new is looked at: 15,000 objects.
NEW_ENOUGH = 2
#: Seconds between two looks at everything: what was set aside may have become garbage since.
EVERYTHING_S = 3600.0


class Collector:
    """Says when the collector works. One thread's; what it does concerns the whole process.

    Args:
        clock: Monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._looked_at_all_s = clock()

    def everything(self) -> None:
        """Looks at all objects and sets aside those in use. For when much was made, or dropped, at once."""
        gc.unfreeze()
        gc.collect()
        gc.freeze()
        self._looked_at_all_s = self._clock()

    def between(self, *, idle: bool) -> None:
        """Looks at what was made lately, if that is enough, and sets aside what is in use; takes some milliseconds.

        Args:
            idle: Nobody waits for this thread, so that a look at everything, if it is time for one, delays nothing.
        """
        if idle and self._clock() - self._looked_at_all_s >= EVERYTHING_S:
            self.everything()
        elif gc.get_count()[2] >= NEW_ENOUGH:
            gc.collect()
            gc.freeze()
