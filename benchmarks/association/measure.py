"""Times decisions under an offered load. Owns the clock and the memory figures; draws nothing."""

from __future__ import annotations

import gc
import multiprocessing
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from benchmarks.association.load import EPOCH_NS, MODEL_ID, SECOND_NS, Arrival, LoadPlan, Traffic
from benchmarks.association.truth import joined
from reid.types import Calibration
from services.garbage import Collector
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
        take_ms: Of taking in what arrived at one instant and comparing it ahead.
        step_ms: Of every step of second looks and learning.
        waiting: Sightings that every bucket held.
        cpu_s: Processor time of it all, every thread's.
        behind_s: How far the associator was behind when the last arrival was decided.
        finished_s: When the last step was done, seconds after the last arrival was due.
    """

    latency_ms: list[float] = field(default_factory=list)
    decide_ms: list[float] = field(default_factory=list)
    take_ms: list[float] = field(default_factory=list)
    step_ms: list[float] = field(default_factory=list)
    waiting: list[int] = field(default_factory=list)
    cpu_s: float = 0.0
    behind_s: float = 0.0
    finished_s: float = 0.0


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


def measure(plan: LoadPlan) -> dict[str, float | int | bool]:
    """One load, in this process."""
    traffic = Traffic(plan)
    settings = AssociationSettings(max_trip_s=plan.window_s)
    links = _taught(traffic, settings)
    associator = _associator(settings)
    assigned, queue = traffic.remembered()
    associator.restore(assigned, links)
    del assigned
    arrivals = list(traffic.arrivals(queue))
    collector = Collector()
    collector.everything()
    before_mb, active_before = resident_mb(), associator.active
    with threadpool_limits(1, "blas"):  # as a matcher has it
        timed = offer(associator, arrivals, settings.bucket_s, collector)
    gc.collect()
    growth_mb = resident_mb() - before_mb
    arrived = {arrival.observation.sighting_id for arrival in arrivals}
    precision, recall = joined(associator.snapshot().assigned, traffic.vehicles, arrived)
    return {
        **_latency(timed, plan),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MB, 1),
        "resident_mb": round(before_mb, 1),
        "growth_mb": round(growth_mb, 1),
        "active_before": active_before,
        "active_after": associator.active,
        "precision": round(precision, 3),
        "recall": round(recall, 3),
    }


def _latency(timed: Timed, plan: LoadPlan) -> dict[str, float | int | bool]:
    p50, p99 = np.percentile(timed.latency_ms, [50, 99])
    busy_ms = sum(timed.decide_ms) + sum(timed.take_ms) + sum(timed.step_ms)
    early, late = np.array_split(np.array(timed.waiting), 2)
    return {
        "p50_ms": round(float(p50), 2),
        "p99_ms": round(float(p99), 2),
        "worst_ms": round(max(timed.latency_ms), 2),
        "bucket_p50_ms": round(float(np.median(timed.decide_ms)), 2),
        "decisions": len(timed.latency_ms),
        "take_ms_per_sighting": round(sum(timed.take_ms) / len(timed.latency_ms), 3),
        "decide_ms_per_decision": round(sum(timed.decide_ms) / len(timed.latency_ms), 3),
        "second_looks_ms_per_decision": round(sum(timed.step_ms) / len(timed.latency_ms), 3),
        "step_p50_ms": round(float(np.median(timed.step_ms)), 2),
        "step_p99_ms": round(float(np.percentile(timed.step_ms, 99)), 2),
        "cpu_ms_per_decision": round(1000 * timed.cpu_s / len(timed.latency_ms), 3),
        "busy_share": round(busy_ms / 1000 / plan.seconds, 3),
        "bucket_sightings_first_half": round(float(early.mean()), 1) if len(early) else 0.0,
        "bucket_sightings_second_half": round(float(late.mean()), 1) if len(late) else 0.0,
        "behind_s": round(timed.behind_s, 2),
        "finished_s": round(timed.finished_s, 2),
        "sustained": timed.finished_s < AssociationSettings().bucket_s,
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
        associator.decide_fully()
    return dict(associator.snapshot().links)


def offer(
    associator: Associator, arrivals: Sequence[Arrival], bucket_s: float, collector: Collector | None = None
) -> Timed:
    """Plays arrivals on a clock on which only taking in, deciding and second looks take time.

    One thread does what the matcher's does: it decides a bucket that is due, unless too many before it are unfinished;
    else it takes in what has arrived, and takes a step of what is unfinished. A bucket is due
    ``bucket_s`` after its first arrival came. The latency of a decision is counted from then, or from its own arrival
    where that was later, to when its bucket is handed over: waiting for a step or for the bucket before is part of it.

    Args:
        associator: Ready.
        arrivals: By time.
        bucket_s: As its settings say.
        collector: Told when garbage may be looked for, as a matcher's is; None leaves that to Python.
    """
    timed, clock = Timed(), _Clock()
    cpu_s = time.process_time()
    step = partial(_step, associator, collector)
    position, bucket, due_s = 0, list[Arrival](), 0.0
    while position < len(arrivals) or bucket or associator.unfinished:
        if bucket and clock.now_s >= due_s and associator.may_decide:
            timed.decide_ms.append(clock.run(associator.decide))
            timed.latency_ms += [1000 * (clock.now_s - max(due_s, arrival.at_s)) for arrival in bucket]
            timed.waiting.append(len(bucket))
            timed.behind_s = clock.now_s - due_s
            bucket = []
        elif came := _until(arrivals, position, clock.now_s):
            position += len(came)
            due_s = due_s if bucket else came[0].at_s + bucket_s
            bucket += came
            timed.take_ms.append(clock.run(partial(_take, associator, came)))
        elif associator.unfinished:
            timed.step_ms.append(clock.run(step))
        else:
            nearest_s = [due_s] if bucket else []
            nearest_s += [arrivals[position].at_s] if position < len(arrivals) else []
            clock.now_s = max(clock.now_s, min(nearest_s))
    timed.cpu_s = time.process_time() - cpu_s
    timed.finished_s = clock.now_s - due_s
    return timed


class _Clock:
    """A clock on which only what is run takes time."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def run(self, work: Callable[[], object]) -> float:
        """Does the work and lets its time pass; returns that in ms."""
        started = time.perf_counter()
        work()
        took_s = time.perf_counter() - started
        self.now_s += took_s
        return 1000 * took_s


def _take(associator: Associator, came: Sequence[Arrival]) -> None:
    for arrival in came:
        associator.push(arrival.observation, EPOCH_NS + round(arrival.at_s * SECOND_NS))
    associator.prepare()


def _step(associator: Associator, collector: Collector | None) -> None:
    behind = associator.behind
    associator.reconsider()
    if collector is not None and associator.behind < behind:
        collector.between(idle=False)


def _until(arrivals: Sequence[Arrival], position: int, until_s: float) -> list[Arrival]:
    end = position
    while end < len(arrivals) and arrivals[end].at_s <= until_s:
        end += 1
    return list(arrivals[position:end])


def resident_mb() -> float:
    """Memory of this process that is resident now, MB."""
    status: Iterable[str] = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmRSS")) * 1024 / _MB
