"""What a running supervisor leaves in the data folder: its lock and ``run.json``. Never starts or stops a process.

``run.json`` names the processes and addresses of what runs; the lock, which the kernel gives back when its holder dies,
says whether anything does.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from services.errors import ConfigError


def started_at(pid: int) -> int | None:
    """When a process started, in ticks since boot; with its pid that names it for ever. None when it is gone."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if after_name[0] == "Z" else int(after_name[19])


@dataclass(frozen=True, slots=True)
class ProcessRef:
    """A process, told apart from a later one with the same number."""

    pid: int
    started: int | None

    def alive(self) -> bool:
        """Whether this very process still runs."""
        return self.started is not None and started_at(self.pid) == self.started


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What runs on a data folder: the supervisor, its roles' processes, and addresses by name."""

    supervisor: ProcessRef
    roles: Mapping[str, ProcessRef] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)


def write_run(data_dir: Path, info: RunInfo) -> None:
    """Replaces ``run.json`` in one step.

    Raises:
        OSError: The disk is full, for instance; the file stays as it was.
    """
    fresh = data_dir / f"run.json.{os.getpid()}"
    try:
        fresh.write_text(json.dumps(asdict(info), sort_keys=True) + "\n", "utf-8")
        fresh.replace(data_dir / "run.json")
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def load_run(data_dir: Path) -> RunInfo | None:
    """What ``run.json`` says, true or not; None when there is none or it is damaged."""
    try:
        said = json.loads((data_dir / "run.json").read_text("utf-8"))
        return RunInfo(
            supervisor=ProcessRef(**said["supervisor"]),
            roles={name: ProcessRef(**ref) for name, ref in said["roles"].items()},
            addresses=dict(said["addresses"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def read_run(data_dir: Path) -> RunInfo | None:
    """What runs on a data folder now; None when nothing does."""
    info = load_run(data_dir)
    return info if info is not None and info.supervisor.alive() else None


def end_leftovers(data_dir: Path, patience_s: float = 5.0) -> None:
    """Waits for the processes of a supervisor that died, and ends those that stay.

    They die with it by themselves; this makes sure before the data folder gets new owners. Call it with the lock held.
    """
    info = load_run(data_dir)
    left = [ref for ref in info.roles.values() if ref.alive()] if info is not None else []
    deadline = time.monotonic() + patience_s
    while left and time.monotonic() < deadline:
        time.sleep(0.02)
        left = [ref for ref in left if ref.alive()]
    for ref in left:
        try:
            os.kill(ref.pid, signal.SIGKILL)
        except ProcessLookupError:
            continue


class DataDirLock:
    """The right to run on a data folder. Held until released or until this process ends, however it ends."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "lock"
        self._fd: int | None = None

    def acquire(self) -> None:
        """Takes the lock.

        Raises:
            ConfigError: Another process holds it, or the folder cannot be written.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise ConfigError(f"cannot use the data folder {self._path.parent}: {exc.strerror}") from exc
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            holder = os.pread(fd, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(fd)
            raise ConfigError(f"vreid already runs on {self._path.parent} (process {holder})") from exc
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        self._fd = fd

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._fd is not None

    def release(self) -> None:
        """Gives the lock back; does nothing when it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None
