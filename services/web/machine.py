"""What the console knows of the machine that it runs on: processes, disk, and the doctor. Starts and stops no role."""

from __future__ import annotations

import asyncio
import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.supervisor.memory import memory_of, own_memory
from services.supervisor.runfile import load_run
from services.web.texts import _

_DOCTOR_S = 120.0


@dataclass(frozen=True, slots=True)
class Running:
    """A process of this data folder: role, number, whether it runs, its share of memory in MB."""

    role: str
    pid: int
    alive: bool
    memory_mb: float


class Machine:
    """This machine, as far as a data folder tells of it."""

    def __init__(self, data_dir: Path, config_file: Path | None = None) -> None:
        """Looks at nothing yet.

        Args:
            data_dir: Of the site.
            config_file: What the doctor is to read; None for its defaults.
        """
        self._data_dir = data_dir
        self._config_file = config_file
        self._looking = asyncio.Lock()

    def processes(self) -> list[Running]:
        """The supervisor and its roles, by name; empty where none was started on this folder."""
        info = load_run(self._data_dir)
        if info is None:
            return []
        refs = {"supervisor": info.supervisor, **dict(sorted(info.roles.items()))}
        memory = {"supervisor": own_memory(info.supervisor.pid)}  # its roles are below it, and counted for themselves
        memory |= {role: memory_of([ref.pid]) for role, ref in info.roles.items()}
        return [Running(role, ref.pid, ref.alive(), memory[role].pss_bytes / 1e6) for role, ref in refs.items()]

    def disk(self) -> tuple[float, float]:
        """Free and total of the data folder's disk, GB."""
        folder = self._data_dir.resolve()
        while not folder.exists():
            folder = folder.parent
        usage = shutil.disk_usage(folder)
        return usage.free / 1e9, usage.total / 1e9

    async def doctor(self) -> list[tuple[str, str, str]]:
        """What `vreid doctor` finds: check, status, detail. One at a time; a failure of it is its only row."""
        command = [sys.executable, "-m", "services.cli.main", "doctor", "--json"]
        if self._config_file is not None:
            command += ["--config", str(self._config_file)]
        async with self._looking:
            process = await asyncio.create_subprocess_exec(
                *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
            )
            try:
                said, failed = await asyncio.wait_for(process.communicate(), _DOCTOR_S)
            except TimeoutError:
                process.kill()
                await process.wait()
                return [("doctor", "failed", _("it took too long"))]
        return checks_of(said) or [("doctor", "failed", " ".join(failed.decode(errors="replace").split())[:500])]


def checks_of(document: bytes) -> list[tuple[str, str, str]]:
    """The rows of what `vreid doctor --json` printed; none where it is no such document.

    >>> checks_of(b'[{"name": "disk", "status": "ok", "detail": "9 GB"}]')
    [('disk', 'ok', '9 GB')]
    """
    try:
        said: Any = json.loads(document)
    except ValueError:
        return []
    rows = said.get("checks", []) if isinstance(said, dict) else said
    if not isinstance(rows, list):
        return []
    return [(str(row.get("name", "")), str(row.get("status", "")), _with_advice(row)) for row in rows]


def _with_advice(row: dict[str, Any]) -> str:
    detail, advice = str(row.get("detail", "")), str(row.get("advice", ""))
    return f"{detail} → {advice}" if advice else detail
