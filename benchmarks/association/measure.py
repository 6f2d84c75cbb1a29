"""Times decisions under an offered load. Owns the clock and the memory figures; draws nothing."""

from __future__ import annotations

import gc
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.association.load import EPOCH_NS, MODEL_ID, SECOND_NS, Arrival, LoadPlan, Traffic
from reid.types import Calibration
from tracker.multi_camera.associate import Associator
from tracker.multi_camera.settings import AssociationSettings

#: Trips that teach a link before the load; from about five on a link is known.
LESSON_TRIPS = 8
#: As the default network's.
CALIBRATION = Calibration(14.0, -8.0, 6.0)
_MB = 1e6


@dataclass(slots=True)
class Timed:
    """What came of a load.

    Attributes:
        latency_ms: Of every decision, bucket wait aside.
        decide_ms: Of every bucket.
        cpu_s: Processor time of all buckets, every thread's.
        behind_s: How far the associator was behind when the last arrival was decided.
    """

    latency_ms: list[float]
    decide_ms: list[float]
    cpu_s: float
    behind_s: float


def bench_association(plans: Sequence[LoadPlan], progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Measures each plan in a process of its own, so that memory is that of one alone.

    Returns:
        ``{active: {"1000": {p50_ms, p99_ms, …}, …}, load: {…}}``.
    """
    active: dict[str, Any] = {}
    spawn = multiprocessing.get_context("spawn")
    for number, plan in enumerate(plans):
        progress(number, len(plans))
        with ProcessPoolExecutor(1, mp_context=spawn) as pool:
            active[str(plan.active)] = pool.submit(measure, plan).result()
    progress(len(plans), len(plans))
    first = plans[0]
    names = (
        "seconds",
        "cameras",
        "out_degree",
        "window_s",
        "unknown_share",
        "burst",
        "per_s",
        "revisions",
    )
    return {"active": active, "load": {name: getattr(first, name) for name in names}}


def measure(plan: LoadPlan) -> dict[str, float | int]:
    """One load, in this process."""
    traffic = Traffic(plan)
    settings = AssociationSettings(max_trip_s=plan.window_s)
    links = _taught(traffic, settings)
    associator = _associator(settings)
    assigned, queue = traffic.remembered()
    associator.restore(assigned, links)
    del assigned
    arrivals = list(traffic.arrivals(queue))
    gc.collect()
    before_mb, active_before = resident_mb(), associator.active
    timed = offer(associator, arrivals, settings.bucket_s)
    gc.collect()
    growth_mb = resident_mb() - before_mb
    p50, p99 = np.percentile(timed.latency_ms, [50, 99])
    return {
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MB, 1),
        "worst_ms": round(max(timed.latency_ms), 2),
        "bucket_p50_ms": round(float(np.median(timed.decide_ms)), 2),
        "resident_mb": round(before_mb, 1),
        "growth_mb": round(growth_mb, 1),
        "decisions": len(timed.latency_ms),
        "cpu_ms_per_decision": round(1000 * timed.cpu_s / len(timed.latency_ms), 3),
        "busy_share": round(sum(timed.decide_ms) / 1000 / plan.seconds, 3),
        "behind_s": round(timed.behind_s, 2),
        "active_before": active_before,
        "active_after": associator.active,
    }


def _associator(settings: AssociationSettings) -> Associator:
    count = iter(range(10**9))
    return Associator(settings, CALIBRATION, MODEL_ID, lambda: f"i{next(count):08d}")


def _taught(traffic: Traffic, settings: AssociationSettings) -> dict[str, str]:
    """Learned state in which every known link has been travelled."""
    associator = _associator(settings)
    observations = traffic.lesson(LESSON_TRIPS)
    for begin in range(0, len(observations), 32):
        for observation in observations[begin : begin + 32]:
            associator.push(observation, observation.end_ns)
        associator.decide()
    return dict(associator.snapshot().links)


def offer(associator: Associator, arrivals: Sequence[Arrival], bucket_s: float) -> Timed:
    """Plays arrivals on a clock on which only taking in and deciding take time.

    A bucket is due ``bucket_s`` after its first arrival, and begins then or when the one before has been decided,
    whichever is later; it takes in what has arrived by then. The latency of a decision is counted from when its bucket
    was due, or from its own arrival where that was later: an associator that cannot keep up shows it.

    Args:
        associator: Ready.
        arrivals: By time.
        bucket_s: As its settings say.
    """
    timed = Timed([], [], 0.0, 0.0)
    free_s = 0.0
    position = 0
    while position < len(arrivals):
        due_s = arrivals[position].at_s + bucket_s
        begin_s = max(due_s, free_s)
        batch = _until(arrivals, position, begin_s)
        position += len(batch)
        started, cpu_s = time.perf_counter(), time.process_time()
        for arrival in batch:
            associator.push(arrival.observation, EPOCH_NS + round(arrival.at_s * SECOND_NS))
        associator.decide()
        took_s = time.perf_counter() - started
        free_s = begin_s + took_s
        timed.cpu_s += time.process_time() - cpu_s
        timed.decide_ms.append(1000 * took_s)
        timed.latency_ms += [1000 * (free_s - max(due_s, arrival.at_s)) for arrival in batch]
        timed.behind_s = free_s - due_s
    return timed


def _until(arrivals: Sequence[Arrival], position: int, until_s: float) -> list[Arrival]:
    end = position
    while end < len(arrivals) and arrivals[end].at_s <= until_s:
        end += 1
    return list(arrivals[position:end])


def resident_mb() -> float:
    """Memory of this process that is resident now, MB."""
    status: Iterable[str] = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024 / _MB
