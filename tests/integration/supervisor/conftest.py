"""Supervised programs that start in milliseconds, and waiting for what they do."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.supervisor import Role


def _eventually(condition: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


@pytest.fixture
def eventually() -> Callable[..., None]:
    return _eventually


@pytest.fixture
def is_alive() -> Callable[[int], bool]:
    def alive(pid: int) -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except FileNotFoundError:
            return False

    return alive


@pytest.fixture
def python_role() -> Callable[..., Role]:
    def make(name: str, code: str, **changes) -> Role:
        return Role(name, (sys.executable, "-I", "-S", "-u", "-c", code), **changes)

    return make


@pytest.fixture
def start_supervisor_process(tmp_path: Path):
    """Runs a supervisor over ``sleep`` roles in a process of its own, to be killed."""
    started: list[subprocess.Popen] = []

    def start(code: str, *arguments: str) -> subprocess.Popen:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()
