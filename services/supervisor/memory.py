"""How much memory processes take, from /proc. Reads only."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Memory:
    """Memory of several processes together.

    Attributes:
        pss_bytes: Pages shared by several processes counted by share: what all of them together take.
        rss_bytes: Shared pages counted in each.
    """

    pss_bytes: int
    rss_bytes: int


def descendants(pids: Iterable[int]) -> list[int]:
    """The processes and all below them, each once; those that are gone are left out."""
    found: list[int] = []
    todo = list(pids)
    while todo:
        pid = todo.pop()
        tasks = Path(f"/proc/{pid}/task")
        if pid in found or not tasks.exists():
            continue
        found.append(pid)
        for task in tasks.glob("*/children"):
            try:
                todo += [int(child) for child in task.read_text("ascii").split()]
            except OSError:
                continue
    return found


def own_memory(pid: int) -> Memory:
    """Memory of a process without those below it; nothing for one that is gone."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines()
    except OSError:
        return _resident(pid)
    kib = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines[1:])}
    if "Pss" not in kib or "Rss" not in kib:
        return _resident(pid)
    return Memory(kib["Pss"] * 1024, kib["Rss"] * 1024)


def _resident(pid: int) -> Memory:
    """Where shares cannot be read, resident pages stand for both; nothing for a process that is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text("ascii").split()[1])
    except (OSError, IndexError):
        return Memory(0, 0)
    return Memory(pages * os.sysconf("SC_PAGESIZE"), pages * os.sysconf("SC_PAGESIZE"))


def memory_of(pids: Iterable[int]) -> Memory:
    """Memory of processes and all below them."""
    each = [own_memory(pid) for pid in descendants(pids)]
    return Memory(sum(m.pss_bytes for m in each), sum(m.rss_bytes for m in each))
