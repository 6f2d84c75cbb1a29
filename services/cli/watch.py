"""Reads what the live view shows, and keeps it on the terminal while something runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.live import Live

from services.cli.live import LiveState, draw
from services.cli.output import stderr
from services.errors import StoreUnavailable
from services.identity.store import IdentityStore

REFRESH_S = 0.5
_COUNTED = 1000


class Watch:
    """The state of a run as its store tells it."""

    def __init__(self, store: IdentityStore, title: str, *, duration_s: float | None = None) -> None:
        """Counts time from now on; ``began_ns`` moves that, and ``note`` is the last line."""
        self.began_ns = time.time_ns()
        self.note = ""
        self._store = store
        self.title = title
        self._duration_s = duration_s
        self._last: LiveState | None = None

    def read(self) -> LiveState:
        """What to show now; what was shown last while the store is away."""
        elapsed_s = max(0.0, (time.time_ns() - self.began_ns) / 1e9)
        try:
            identities = self._store.list_identities(limit=_COUNTED)
            cameras = self._store.list_cameras()
        except StoreUnavailable:
            last = self._last or LiveState(self.title, (), (), 0, 0, elapsed_s, self._duration_s)
            return LiveState(
                last.title,
                last.cameras,
                last.identities,
                last.identity_count,
                last.multi_camera_count,
                elapsed_s,
                self._duration_s,
                "the identity store is being restarted",
            )
        multi = sum(len(identity.cameras) > 1 for identity in identities)
        self._last = LiveState(
            self.title, cameras, identities, len(identities), multi, elapsed_s, self._duration_s, self.note
        )
        return self._last


@contextmanager
def shown(watch: Watch, *, quiet: bool) -> Iterator[Callable[[], None]]:
    """Shows the view on stderr while the block runs; yields what refreshes it, at most every half second.

    Args:
        watch: What to show.
        quiet: Show no view; a log still says what the view is of and its note, once.
    """
    if quiet:
        stderr.print(f"{watch.title} · {watch.note}", markup=False, highlight=False, soft_wrap=True)
        yield lambda: None
        return
    with Live(draw(watch.read()), console=stderr, auto_refresh=False) as live:
        due = 0.0

        def refresh() -> None:
            nonlocal due
            if time.monotonic() >= due:
                live.update(draw(watch.read()), refresh=True)
                due = time.monotonic() + REFRESH_S

        yield refresh
        live.update(draw(watch.read()), refresh=True)
