"""What asks a process to end. Ends nothing itself."""

from __future__ import annotations

import signal
from collections.abc import Callable


def when_told_to_stop(stop: Callable[[], object]) -> None:
    """Calls ``stop`` at SIGTERM, SIGINT and SIGHUP, which comes when a terminal is closed; call from the main thread.

    Where SIGHUP is ignored, as under nohup, it stays so.
    """
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, lambda *_: stop())
