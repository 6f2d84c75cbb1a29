"""What a supervised role is, and how it fares. Plain data."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Literal

Restart = Literal["always", "on-failure", "never"]
State = Literal["waiting", "starting", "up", "backoff", "done", "failed", "stopped"]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class Role:
    """One process to keep running.

    Attributes:
        name: Lower-case letters, digits, "-" and "_"; names the log file.
        argv: Program and arguments; the program is looked up in PATH.
        env: Added to the supervisor's environment.
        unset: Taken out of it.
        restart: "always", "on-failure" (exit 0 means done) or "never".
        stop_timeout_s: Between SIGTERM and SIGKILL.
        ready: Says without blocking whether it serves; None counts as ready once started. A VreidError or OSError
            counts as not yet.
        ready_timeout_s: Longest wait for ``ready`` when everything starts.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)
    unset: Collection[str] = ()
    restart: Restart = "always"
    stop_timeout_s: float = 10.0
    ready: Callable[[], bool] | None = None
    ready_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"a role's name must be lower-case letters, digits, '-' or '_', got {self.name!r}")
        if not self.argv:
            raise ValueError(f"role {self.name} has no program")
        if self.stop_timeout_s < 0 or self.ready_timeout_s <= 0:
            raise ValueError(f"role {self.name}: stop_timeout_s must be >= 0 and ready_timeout_s > 0")


@dataclass(frozen=True, slots=True)
class RoleStatus:
    """How a role fares.

    Attributes:
        pid: Of the running process, None when there is none.
        state: "waiting" (for its turn), "starting" (not ready yet), "up", "backoff" (died, will be restarted), "done",
            "failed" (died, will not be), "stopped".
        restarts: How often it was started again.
        exit_code: Of the last process that ended; negative for a signal; None when none has.
    """

    pid: int | None
    state: State
    restarts: int
    exit_code: int | None
