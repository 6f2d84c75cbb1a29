"""A gallery that changes, is written to disk and starts again, while it is searched. Measures; judges nothing."""

from __future__ import annotations

import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.matcher.generator import load_generator
from benchmarks.matcher.host import Hosting, hosted
from benchmarks.matcher.load import measure_load

_PAGE_BYTES = 4096
_SETTLED_S = 60.0


@dataclass(frozen=True, slots=True)
class ChurnBench:
    """What to measure.

    Attributes:
        size: Vectors held.
        per_s: Sightings that come, and that go, each second.
        seconds: How long.
        clients: That search meanwhile, one search after another each.
        seed: Of the generator.
    """

    size: int = 500_000
    per_s: int = 500
    seconds: float = 300.0
    clients: int = 1
    seed: int = 1


def churn_figures(bench: ChurnBench, tier: str = "exact") -> dict[str, Any]:
    """Search beside a steady coming and going, against the same search while nothing changes.

    Returns:
        ``idle_p50_ms, idle_p99_ms, churn_p50_ms, churn_p99_ms, p99_ratio``, ``come_per_s`` in fact, ``rss_mb`` after
        the first minute (or the first fifth of a shorter run) and what the later samples' p5 and p95 are of it
        (``rss_p5, rss_p95``), and ``largest_segment``, the largest share that one segment had.
    """
    _, queries = load_generator().gallery(1000, 1000, bench.seed + 1)
    with hosted(Hosting(bench.size, 0, bench.seed, tier, flow_per_s=bench.per_s)) as host:
        idle = measure_load(host.address, queries, bench.clients, min(30.0, bench.seconds))
        samples: list[tuple[float, int]] = []
        shares: list[float] = []
        ended = threading.Event()

        def look() -> None:
            started = time.monotonic()
            while not ended.wait(1.0):
                samples.append((time.monotonic() - started, _rss_bytes(host.pid)))
                rows = host.orders.segments()
                shares.append(max(rows) / max(1, sum(rows)))

        began, before = time.monotonic(), host.orders.flow(True)
        watcher = threading.Thread(target=look, name="watcher")
        watcher.start()
        churn = measure_load(host.address, queries, bench.clients, bench.seconds)
        ended.set()
        watcher.join()
        come = host.orders.flow(False) - before
        took_s = time.monotonic() - began
    settled = min(_SETTLED_S, bench.seconds / 5)
    later = np.array([rss for at_s, rss in samples if at_s >= settled] or [rss for _, rss in samples])
    p5, p95 = np.percentile(later / later[0], [5, 95])
    return {
        "size": bench.size,
        "tier": tier,
        "seconds": bench.seconds,
        "come_per_s": come / took_s,
        "idle_p50_ms": idle.p50_ms,
        "idle_p99_ms": idle.p99_ms,
        "churn_p50_ms": churn.p50_ms,
        "churn_p99_ms": churn.p99_ms,
        "p99_ratio": churn.p99_ms / max(1e-9, idle.p99_ms),
        "failed": idle.failed + churn.failed,
        "rss_mb": float(later[0]) / 2**20,
        "rss_p5": float(p5),
        "rss_p95": float(p95),
        "largest_segment": max(shares, default=0.0),
    }


def restart_figures(size: int, seconds: float, seed: int, clients: int = 4) -> dict[str, Any]:
    """From the start of a process to SERVING, from the store and from a snapshot; and search while one is written.

    Returns:
        ``build_s`` and ``restart_s`` from the process's start; ``snapshot_s``, ``snapshot_bytes``; ``locked_ms``, how
        long it kept what is new from being taken in; ``idle_max_ms`` and ``snapshot_max_ms``, the slowest answers
        without and with snapshots being written one after another.
    """
    _, queries = load_generator().gallery(1000, 1000, seed + 1)
    with tempfile.TemporaryDirectory(prefix="vreid-bench-") as name:
        folder = Path(name)
        started = time.perf_counter()
        with hosted(Hosting(size, 0, seed, folder=folder)) as host:
            build_s = time.perf_counter() - started
            idle = measure_load(host.address, queries, clients, seconds)
            written: list[tuple[float, float]] = []
            ended = threading.Event()

            def write() -> None:
                while not ended.is_set():
                    written.append(host.orders.snapshot())

            writer = threading.Thread(target=write, name="writer")
            writer.start()
            busy = measure_load(host.address, queries, clients, seconds)
            ended.set()
            writer.join()
        snapshot_bytes = sum(path.stat().st_size for path in folder.iterdir())
        started = time.perf_counter()
        with hosted(Hosting(size, 0, seed, folder=folder)):
            restart_s = time.perf_counter() - started
    return {
        "size": size,
        "build_s": build_s,
        "restart_s": restart_s,
        "snapshot_s": max(took for took, _ in written),
        "snapshot_bytes": snapshot_bytes,
        "locked_ms": max(locked for _, locked in written) * 1000,
        "idle_p99_ms": idle.p99_ms,
        "snapshot_p99_ms": busy.p99_ms,
        "idle_max_ms": idle.max_ms,
        "snapshot_max_ms": busy.max_ms,
        "failed": idle.failed + busy.failed,
    }


def _rss_bytes(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES
    except OSError:  # no such system, or the process died, which the search shows
        return 0
