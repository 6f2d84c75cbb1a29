"""Lets faults befall one camera of several and watches the others, the return, and what the ingest process holds.

Ingest runs as a process of its own on a real store; the cameras are the city's RTSP server in another.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from benchmarks.pipeline.live import Cameras, handled, handled_rate, running_ingest, wait_up
from benchmarks.pipeline.process import Holdings, holdings
from benchmarks.pipeline.server import running_store
from services.identity.redis_store import RedisStore
from simulator.rtsp.faults.kinds import KINDS

SCRIPT = ("drop", "stall", "garbage", "resolution", "password", "restart", "slow")
#: What a kind needs beyond its defaults to hurt.
_DETAILS: dict[str, dict[str, Any]] = {"slow": {"kbit_s": 60.0, "latency_s": 0.5}}
_SAMPLE_S = 0.5
#: Later than this after the fault's end the camera counts as not returned.
_RETURN_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class FaultBench:
    """What befalls whom.

    Attributes:
        copies: Each of the city's four cameras is played so often.
        kinds: Kinds of faults, one after the other.
        trials: How often each.
        before_s: Time without faults that a fault is compared with.
        fault_s: How long a fault holds.
    """

    copies: int = 2
    kinds: tuple[str, ...] = SCRIPT
    trials: int = 3
    before_s: float = 30.0
    fault_s: float = 15.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One fault: what it was, how the others' frame rates changed (after / before, each), when its camera was back."""

    kind: str
    others: tuple[float, ...]
    back_s: float | None


def run_faults(bench: FaultBench, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Runs every kind of fault so often.

    Args:
        bench: What to do.
        progress: Called with trials done and in all.

    Returns:
        ``{cameras, trials: {kind: {others_change, others_ci95, back_s, back_max_s}}, ids_reused, threads, files,
        resident_mb}``. ``others_change`` is the change of the other cameras' median frame rate, 0 for none, with a
        bootstrap interval over trials; the last three are pairs, before the first fault and after the last.

    Raises:
        RuntimeError: The cameras did not come up, or ingest ended.
        ValueError: A kind is unknown.
    """
    unknown = set(bench.kinds) - set(KINDS)
    if unknown:
        raise ValueError(f"no fault {sorted(unknown)[0]!r}; known are {', '.join(KINDS)}")
    cameras = Cameras(bench.copies)
    try:
        with tempfile.TemporaryDirectory(prefix="vreid-bench-") as folder, running_store(Path(folder)) as store:
            with running_ingest(Path(folder), cameras.urls) as process:
                wait_up(store, process, len(cameras.urls))
                time.sleep(bench.before_s / 2)
                first = holdings(process.pid)
                trials = _trials(bench, cameras, store, progress)
                last = holdings(process.pid)
            reused = ids_reused(store)
    finally:
        cameras.close()
    return _document(len(cameras.urls), trials, (first, last)) | {"ids_reused": reused}


def _trials(
    bench: FaultBench, cameras: Cameras, store: RedisStore, progress: Callable[[int, int], None]
) -> list[Trial]:
    victim = sorted(cameras.urls)[0]
    script = [kind for _ in range(bench.trials) for kind in bench.kinds]
    trials = []
    for done, kind in enumerate(script):
        before = _rates(store, bench.before_s)
        values = {"kind": kind, "camera": victim, "for_s": bench.fault_s, **_DETAILS.get(kind, {})}
        cameras.befall(KINDS[kind].model_validate(values))
        during = _rates(store, bench.fault_s)
        others = tuple(during[name] / rate for name, rate in before.items() if name != victim and rate > 0)
        trials.append(Trial(kind, others, _back_after(store, victim)))
        progress(done + 1, len(script))
    return trials


def _document(cameras: int, trials: Sequence[Trial], held: tuple[Holdings, Holdings]) -> dict[str, Any]:
    by_kind: dict[str, Any] = {}
    for kind in dict.fromkeys(trial.kind for trial in trials):
        mine = [trial for trial in trials if trial.kind == kind]
        backs = [trial.back_s for trial in mine if trial.back_s is not None]
        by_kind[kind] = {
            **change_of([trial.others for trial in mine]),
            "back_s": round(median(backs), 1) if backs else None,
            "back_max_s": round(max(backs), 1) if len(backs) == len(mine) else None,
        }
    return {
        "cameras": cameras,
        "trials": by_kind,
        "overall": change_of([trial.others for trial in trials]),
        "threads": [each.threads for each in held],
        "files": [each.files for each in held],
        "resident_mb": [each.resident_mb for each in held],
    }


def change_of(others: Sequence[Sequence[float]], samples: int = 2000) -> dict[str, Any]:
    """Change of the other cameras' median frame rate, with a 95 % bootstrap interval over trials.

    >>> change_of([(1.0, 1.0, 0.9), (1.0, 1.0, 1.1)])
    {'others_change': 0.0, 'others_ci95': [0.0, 0.0]}
    """
    per_trial = np.array([median(ratios) for ratios in others if ratios], np.float64)
    if per_trial.size == 0:
        return {"others_change": None, "others_ci95": None}
    rng = np.random.default_rng(0)
    drawn = np.median(rng.choice(per_trial, (samples, per_trial.size)), axis=1) - 1
    low, high = np.quantile(drawn, [0.025, 0.975])
    return {
        "others_change": round(float(np.median(per_trial)) - 1, 4),
        "others_ci95": [round(float(low), 4), round(float(high), 4)],
    }


def ids_reused(store: RedisStore) -> int:
    """Tracks of a session that stand in more than one sighting."""
    keys = [key for sighting, _ in store.scan_sightings() for key in sighting.track_keys]
    return len(keys) - len(set(keys))


def _rates(store: RedisStore, seconds: float) -> dict[str, float]:
    """Frames a second of every camera that were looked at or found unchanged, over a while."""
    first = {record.camera_id: record for record in store.list_cameras()}
    time.sleep(seconds)
    last = {record.camera_id: record for record in store.list_cameras()}
    return {name: handled_rate(record, last[name]) for name, record in first.items() if name in last}


def _back_after(store: RedisStore, camera_id: str) -> float | None:
    """Seconds from now, the end of a fault, until frames of a camera are handled again; None when they are not."""
    began_s, before = time.monotonic(), None
    while (waited_s := time.monotonic() - began_s) < _RETURN_TIMEOUT_S:
        record = next((each for each in store.list_cameras() if each.camera_id == camera_id), None)
        if record is not None and before is not None and record.state == "up" and handled(record) > before:
            return waited_s
        before = handled(record) if record is not None else before
        time.sleep(_SAMPLE_S)
    return None
