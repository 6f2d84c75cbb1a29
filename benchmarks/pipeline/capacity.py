"""How many live cameras this machine holds: more and more of them, until frames come late or too few."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean
from typing import Any

from benchmarks.pipeline.live import Cameras, handled_rate, running_ingest, wait_up
from benchmarks.pipeline.process import holdings
from benchmarks.pipeline.server import running_store
from services.identity.store import CameraRecord

_SAMPLE_S = 1.0
#: What a camera must keep to count as held: frames a second while vehicles move in it, and their 99th percentile age.
LEAST_RATE, LONGEST_AGE_S = 4.0, 1.0


def run_capacity(
    cities: Sequence[str], copies: Sequence[int], seconds: float, progress: Callable[[int, int], None]
) -> dict[str, Any]:
    """Plays the cities' cameras once, twice, ... and watches ingest.

    Args:
        cities: Names or folders of cities, each a site of its own.
        copies: How often each camera is played, one measurement for each.
        seconds: How long each measurement takes, after all cameras came up.
        progress: Called with measurements done and in all.

    Returns:
        ``{levels: [{cameras, frame_age_p99_s, slowest_busy_per_s, mean_handled_per_s, resident_mb, held}],
        most_held}``. ``slowest_busy_per_s`` is the least mean rate of any camera over the moments in which vehicles
        were in it; ``held`` says that both limits were kept by all cameras.

    Raises:
        CityError: A city cannot be played.
        RuntimeError: The cameras did not come up, or ingest ended.
    """
    levels = []
    for done, count in enumerate(copies):
        levels.append(_level(cities, count, seconds))
        progress(done + 1, len(copies))
    held = [level["cameras"] for level in levels if level["held"]]
    return {"levels": levels, "most_held": max(held, default=0)}


def _level(cities: Sequence[str], copies: int, seconds: float) -> dict[str, Any]:
    cameras = Cameras(copies, cities)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="vreid-bench-") as folder,
            running_store(Path(folder)) as store,
            running_ingest(Path(folder), cameras.urls) as process,
        ):
            wait_up(store, process, len(cameras.urls))
            samples = [store.list_cameras()]
            end_s = time.monotonic() + seconds
            while time.monotonic() < end_s:
                time.sleep(_SAMPLE_S)
                samples.append(store.list_cameras())
            resident_mb = holdings(process.pid).resident_mb
    finally:
        cameras.close()
    return level_of(samples) | {"resident_mb": resident_mb}


def level_of(samples: Sequence[Sequence[CameraRecord]]) -> dict[str, Any]:
    """What a series of camera records says of all cameras together.

    Args:
        samples: All cameras at one moment after another; at least two moments.
    """
    busy: dict[str, list[float]] = {}
    for records in samples:
        for record in records:
            if record.stats.get("vehicles", 0.0) > 0:
                busy.setdefault(record.camera_id, []).append(record.stats["frames_per_s"])
    first = {record.camera_id: record for record in samples[0]}
    last = samples[-1]
    age_s = max((record.stats["frame_age_p99_s"] for record in last), default=0.0)
    rates = [handled_rate(first[record.camera_id], record) for record in last if record.camera_id in first]
    slowest = min((mean(rates_of) for rates_of in busy.values()), default=0.0)
    return {
        "cameras": len(last),
        "frame_age_p99_s": round(age_s, 3),
        "slowest_busy_per_s": round(slowest, 2),
        "mean_handled_per_s": round(mean(rates), 2) if rates else 0.0,
        "held": age_s < LONGEST_AGE_S and slowest >= LEAST_RATE and all(each.state == "up" for each in last),
    }
