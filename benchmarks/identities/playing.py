"""Plays one city against the complete product and takes its score. Owns the process; computes no figure itself."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from services.launch import free_port
from simulator.city import City

#: Beyond the city's own length: setting up, the last decisions, scoring.
_BEYOND_S = 600.0


def play(city: City) -> dict[str, Any]:
    """The document of `vreid demo --once --json` on a city.

    Raises:
        RuntimeError: The demo failed; with its last line.
    """
    with tempfile.TemporaryDirectory(prefix="vreid-bench-", ignore_cleanup_errors=True) as folder:
        arguments = ["--once", "--json", "--city", str(city.folder), "--data-dir", str(Path(folder) / "demo")]
        arguments += ["--address", f"127.0.0.1:{free_port('127.0.0.1')}"]
        command = [sys.executable, "-m", "services.cli.main", "demo", *arguments]
        timeout_s = city.duration_s + _BEYOND_S
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s, check=False)
    if done.returncode != 0:
        last = done.stderr.strip().splitlines()[-1:] or ["no reason given"]
        raise RuntimeError(f"{city.name}: {last[0].removeprefix('vreid: ')}")
    document: dict[str, Any] = json.loads(done.stdout)
    return document
