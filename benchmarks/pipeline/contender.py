"""Measures one contender in a process of its own, so that its time and memory are its alone.

``python -m benchmarks.pipeline.contender NAME COUNT OUT.json``
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.pipeline.footage import Footage, TrackRow, published, single_camera_idf1

Contender = Callable[[Footage, Callable[[], None]], list[TrackRow]]
NAMES = ("ours", "naive", "same_detector", "decode_only", "detector_only")
TRACKING = ("ours", "naive", "same_detector")


def contender(name: str) -> Contender:
    """The function behind a name; its libraries are loaded here and not before."""
    if name == "ours":
        from benchmarks.pipeline.ours import run_ours

        return run_ours
    from benchmarks.pipeline import peers

    found: Contender = getattr(peers, f"run_{name}")
    return found


def measure(name: str, footage: Footage) -> dict[str, Any]:
    """Runs a contender over the footage.

    Returns:
        ``frames_per_s``, ``cpu_s_per_frame`` (this process with its children, from after loading on), ``peak_mb``
        (largest of them), ``idf1`` (None for those that track nothing).
    """
    marks: list[tuple[float, float]] = []
    rows = contender(name)(footage, lambda: marks.append((time.perf_counter(), _cpu_s())))
    # Children count once they have ended: the run above waits for its own.
    wall_s, cpu_s = time.perf_counter() - marks[0][0], _cpu_s() - marks[0][1]
    peaks_kb = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "frames_per_s": round(footage.frames / wall_s, 2),
        "cpu_s_per_frame": round(cpu_s / footage.frames, 6),
        "peak_mb": round(sum(peaks_kb) / 1000, 1),
        "idf1": round(single_camera_idf1(footage, rows), 4) if name in TRACKING else None,
    }


def _cpu_s() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main(argv: list[str]) -> int:
    """Measures and writes the document."""
    name, count, out = argv
    Path(out).write_text(json.dumps(measure(name, published(int(count)))), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
