"""Runs the contenders one after the other, each in a process of its own, and compares them. Prints nothing."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.pipeline.contender import NAMES
from simulator.errors import CityError

_TIMEOUT_S = 7200.0


def run_contest(names: Sequence[str], count: int, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Measures contenders on the published frames.

    Args:
        names: Who takes part, of ``NAMES``.
        count: Frames of each camera.
        progress: Called with contenders done and in all.

    Returns:
        Per contender what ``contender.measure`` says, ``frames`` in all, and the ratios that can be told:
        ``ratio_to_naive`` and ``ratio_to_same_detector`` in frames per CPU second, ``share_of_bound`` of what decoding
        and raw inference leave.

    Raises:
        CityError: A contender failed; the message holds its last line.
    """
    document: dict[str, Any] = {}
    for done, name in enumerate(names):
        document[name] = _measured(name, count)
        progress(done + 1, len(names))
    return document | compare(document)


def compare(document: dict[str, Any]) -> dict[str, float | None]:
    """The ratios of a contest; None where a contender did not take part.

    >>> compare({"ours": {"cpu_s_per_frame": 0.02}, "naive": {"cpu_s_per_frame": 0.3}})
    {'ratio_to_naive': 15.0, 'ratio_to_same_detector': None, 'share_of_bound': None}
    """

    def cpu_s(name: str) -> float | None:
        return float(document[name]["cpu_s_per_frame"]) if name in document else None

    ours, decode, infer = cpu_s("ours"), cpu_s("decode_only"), cpu_s("detector_only")
    bound = decode + infer if decode is not None and infer is not None else None
    return {
        "ratio_to_naive": _ratio(cpu_s("naive"), ours),
        "ratio_to_same_detector": _ratio(cpu_s("same_detector"), ours),
        "share_of_bound": _ratio(bound, ours),
    }


def _ratio(part: float | None, whole: float | None) -> float | None:
    return round(part / whole, 3) if part is not None and whole else None


def _measured(name: str, count: int) -> dict[str, Any]:
    if name not in NAMES:
        raise CityError(f"no contender {name!r}; known are {', '.join(NAMES)}")
    with tempfile.TemporaryDirectory(prefix="vreid-bench-") as folder:
        out = Path(folder) / "measured.json"
        command = [sys.executable, "-m", "benchmarks.pipeline.contender", name, str(count), str(out)]
        # Thread counts of the environment would slow some libraries and not others.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("OPENBLAS_")}
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False, env=environment)
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()] or ["no reason given"]
            raise CityError(f"contender {name}: {lines[-1]}")
        measured: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
        return measured
