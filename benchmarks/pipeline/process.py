"""What a process holds: threads, open files, memory, from /proc. Starts and ends nothing."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holdings:
    """Attributes: threads, open files (sockets among them), resident memory in MB."""

    threads: int
    files: int
    resident_mb: float


def holdings(pid: int | str = "self") -> Holdings:
    """Of a process of this user.

    Raises:
        OSError: It has ended.
    """
    folder = Path("/proc") / str(pid)
    status = dict(line.split(":", 1) for line in (folder / "status").read_text(encoding="utf-8").splitlines())
    resident_kb = int(status["VmRSS"].split()[0])
    return Holdings(int(status["Threads"]), len(list((folder / "fd").iterdir())), round(resident_kb / 1000, 1))
