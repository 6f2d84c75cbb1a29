"""One role's process: spawned, watched, ended. Decides nothing about restarts."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from services.supervisor import child
from services.supervisor.role import Role

_LOG_BYTES_MAX = 16 * 1024 * 1024


class RoleProcess:
    """A running process in a session of its own, bound to die with this one.

    Args:
        role: What to run.
        log: Gets its stdout and stderr, appended.
    """

    def __init__(self, role: Role, log: Path) -> None:
        self._role = role
        inherited = {name: value for name, value in os.environ.items() if name not in role.unset}
        if log.exists() and log.stat().st_size > _LOG_BYTES_MAX:
            log.replace(log.with_suffix(".1.log"))
        with log.open("ab") as out:
            self._popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(child.__file__), str(os.getpid()), *role.argv],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**inherited, **role.env},
                start_new_session=True,
            )
        self.pid = self._popen.pid
        self.started_s = time.monotonic()

    def poll(self) -> int | None:
        """Exit code once it ended (negative for a signal), None while it runs. Whatever it left behind is killed."""
        if self._popen.returncode is None:
            ended = os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None:
                return None
            self._signal_group(signal.SIGKILL)
        return self._popen.poll()

    def _signal_group(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def stop(self) -> int:
        """SIGTERM, then SIGKILL after the role's time; returns the exit code."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + self._role.stop_timeout_s
        while (code := self.poll()) is None:
            if time.monotonic() >= deadline:
                self._signal_group(signal.SIGKILL)
                return self._popen.wait()
            time.sleep(0.01)
        return code
