"""The processes of a site that are killed and started again: server and matcher. Never looks at what they hold."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from benchmarks.crash.unsynced import UnsyncedDisk
from services.client import MatcherClient
from services.errors import Unavailable
from services.identity.embedded import EmbeddedServer
from services.identity.redis_client import connect
from services.identity.redis_store import RedisStore
from services.identity.settings import RedisSettings

_START_S = 120.0


class CrashSite:
    """An embedded server and a matcher on a folder of their own.

    Args:
        folder: Data folder, empty.
        shim: Run the server behind the shim that throws away what was not fsynced.
        snapshots: Have the matcher write snapshots of its gallery into the folder all the time.
    """

    def __init__(self, folder: Path, *, shim: bool, snapshots: bool = False) -> None:
        self._options = ["--snapshots", str(folder / "gallery")] if snapshots else []
        self._embedded = EmbeddedServer(folder)
        self._disk = UnsyncedDisk(folder) if shim else None
        self._server: subprocess.Popen[bytes] | None = None
        self._matcher: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self.client = MatcherClient(self.address, timeout_s=20, actor="crash")
        self.store = RedisStore(connect(self._embedded.url, RedisSettings()), "crash")

    def __enter__(self) -> CrashSite:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.close()
        self.kill_matcher()
        self.kill_server()

    @property
    def matcher_pid(self) -> int:
        """Of the matcher's process; 0 where it does not run."""
        return 0 if self._matcher is None or self._matcher.poll() is not None else self._matcher.pid

    @property
    def syncs(self) -> int:
        """How often the server asked for its files to reach the disk; 0 without the shim."""
        return 0 if self._disk is None else self._disk.syncs

    @property
    def lost_bytes(self) -> int:
        """How much the shim has thrown away."""
        return 0 if self._disk is None else self._disk.lost_bytes

    def start(self) -> None:
        """Starts what does not run, and returns when the matcher serves.

        Raises:
            UnsupportedError: The kernel does not offer what the shim needs.
            Unavailable: Something does not come back.
        """
        if self._server is None:
            command = self._embedded.command()
            if self._disk is None:
                started = subprocess.Popen(command, stdout=subprocess.DEVNULL)
            else:
                started = self._disk.start(command)
            self._server = started
            self._embedded.wait_ready(_START_S, lambda: started.poll() is None)
        if self._matcher is None:
            command = [sys.executable, "-m", "benchmarks.crash.matcher", "--listen", self.address]
            environment = os.environ | {"OMP_NUM_THREADS": "1"}
            self._matcher = subprocess.Popen(
                [*command, "--url", self._embedded.url, *self._options], env=environment, stderr=subprocess.DEVNULL
            )
        deadline = time.monotonic() + _START_S
        while not self._serves():
            if time.monotonic() > deadline or self._matcher.poll() is not None:
                raise Unavailable("the matcher does not come back")
            time.sleep(0.05)

    def _serves(self) -> bool:
        try:
            return self.client.serving()
        except Unavailable:
            return False

    def kill_matcher(self) -> None:
        """SIGKILL to the matcher."""
        if self._matcher is not None:
            self._matcher.kill()
            self._matcher.wait()
            self._matcher = None

    def kill_server(self) -> None:
        """SIGKILL to the server; what it has written stays written."""
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def cut_power(self) -> None:
        """SIGKILL to both, and what the server had not synced is gone."""
        self.kill_matcher()
        if self._disk is not None and self._server is not None:
            self._disk.cut_power()
            self._server = None
