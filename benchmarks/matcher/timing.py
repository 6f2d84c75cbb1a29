"""How fast a search in this process answers: many queries at a time, one at a time. Judges no answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Search = Callable[[Vectors, int], Any]

K = 10
BATCH = 64


def batched_qps(search: Search, queries: Vectors, least_s: float = 2.0, batch: int = BATCH) -> float:
    """Queries per second in batches.

    Args:
        search: Takes float32 (B, D) and K.
        queries: float32 (Q, D), asked in turn.
        least_s: How long, after one batch to warm up.
        batch: B; fewer where there are fewer queries.
    """
    starts = range(0, len(queries) - batch + 1, batch)
    batches: Sequence[Vectors] = [queries[n : n + batch] for n in starts] or [queries]
    search(batches[0], K)
    started, asked, turn = time.perf_counter(), 0, 0
    while time.perf_counter() - started < least_s:
        part = batches[turn % len(batches)]
        search(part, K)
        asked += len(part)
        turn += 1
    return asked / (time.perf_counter() - started)


def single_ms(search: Search, queries: Vectors, seconds: float) -> tuple[float, float]:
    """p50 and p99 of one query at a time, in ms, after one to warm up."""
    took: list[float] = []
    search(queries[:1], K)
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        before = time.perf_counter()
        search(queries[len(took) % len(queries)][None], K)
        took.append((time.perf_counter() - before) * 1000)
    p50, p99 = np.percentile(took, [50, 99])
    return float(p50), float(p99)
