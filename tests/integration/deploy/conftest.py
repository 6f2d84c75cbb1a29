"""An external store as deployments have it: the bundled server's program on a TCP port, with a password."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from services.identity.embedded import bundled_binary

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = ROOT / "deploy" / "valkey" / "valkey.conf"
PASSWORD = "only-for-this-test"


@dataclass
class ExternalStore:
    """A server under test, reached over TCP."""

    port: int
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, password=PASSWORD, protocol=2)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A port that nobody listens on."""

    def make() -> int:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])

    return make


@pytest.fixture
def start_store(free_port, wait_until) -> Iterator[Callable[[Path], ExternalStore]]:
    """Starts a server with the settings that deployments use, on a folder."""
    started: list[ExternalStore] = []

    def start(folder: Path) -> ExternalStore:
        folder.mkdir(parents=True, exist_ok=True)
        port = free_port()
        command = [bundled_binary(), SETTINGS, "--dir", folder, "--port", str(port), "--requirepass", PASSWORD]
        process = subprocess.Popen([str(part) for part in command], stdout=subprocess.DEVNULL)
        store = ExternalStore(port, folder, process)
        started.append(store)

        def answers() -> bool:
            assert process.poll() is None, "the server ended"
            try:
                with store.client() as client:
                    return bool(client.ping())
            except redis.RedisError:
                return False

        wait_until(answers)
        return store

    yield start
    for store in started:
        store.process.kill()
        store.process.wait(30)


@pytest.fixture(scope="session")
def wait_until() -> Callable[..., None]:
    """Returns once something is true, or fails after long."""

    def wait(true: Callable[[], bool], timeout_s: float = 120.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not true():
            assert time.monotonic() < deadline, "it did not happen in time"
            time.sleep(0.1)

    return wait


@pytest.fixture
def start_role(tmp_path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Starts a command of the product as deployments do, by its own name; ends what is left."""
    running: list[subprocess.Popen[bytes]] = []

    def start(*arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "services.cli.main", *arguments]
        env = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "NICEGUI_"))}
        env |= {"OMP_NUM_THREADS": "1"} | environment
        with (tmp_path / f"{arguments[0]}-{len(running)}.log").open("wb") as log:
            running.append(subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log))
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait(30)
