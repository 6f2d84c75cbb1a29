"""Exact search on the GPU against the same on the CPU, ours and FAISS's own, in one process. Judges and times."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.matcher.generator import load_generator
from benchmarks.matcher.run import tie_aware_recall
from benchmarks.matcher.timing import K, batched_qps, single_ms
from services.matcher.index.contract import VectorIndex
from services.matcher.index.faiss_gpu import FaissGpuIndex
from services.matcher.index.segment import SegmentRules
from services.matcher.index.segmented import faiss_index
from services.matcher.index.testbed import RawFaiss, RawFaissGpu

Vectors = NDArray[np.float32]

BATCHES = (1, 64, 512)
_CALLERS = 16
_ADDED = 16_384


class NoGpuError(Exception):
    """There is no GPU to measure, or FAISS cannot use it; the message says which."""


@dataclass(frozen=True, slots=True)
class SearchBench:
    """What to measure.

    Attributes:
        sizes: Galleries, vectors each.
        seconds: Of each measurement.
        queries: Held-out queries.
        seed: Of the generator.
        with_cpu: Measure the CPU beside it.
    """

    sizes: tuple[int, ...] = (100_000, 1_000_000)
    seconds: float = 2.0
    queries: int = 1024
    seed: int = 1
    with_cpu: bool = True


def search_figures(size: int, bench: SearchBench) -> dict[str, Any]:
    """Throughput, latency, memory and agreement at one size.

    Raises:
        NoGpuError: The index fell back to the CPU.
    """
    gallery, queries = load_generator().gallery(size, bench.queries, bench.seed)
    free_before = _free_bytes()
    ours = FaissGpuIndex(gallery.shape[1], SegmentRules(tier="exact"))
    if ours.backend != "faiss-gpu":
        raise NoGpuError("the index fell back to the CPU; the warning above says why")
    figures: dict[str, Any] = {"ours": {"fill_s": _fill(ours, gallery)}}
    figures["ours"] |= _timed(ours.search, queries, bench.seconds)
    figures["ours"] |= {
        "device_bytes": free_before - _free_bytes(),
        "filtered_p50_ms": single_ms(_half_of_it(ours), queries, bench.seconds)[0],
        "callers_16_qps": _concurrent_qps(ours, queries, bench.seconds),
    }
    asked = queries[:256]
    found, host = ours.search(asked, K).ids, ours.host.search(asked, K).ids
    figures["ours"]["same_as_cpu"] = tie_aware_recall(found, host, gallery, asked)
    figures["ours"]["backend"] = ours.backend
    ours.close()
    figures["faiss_gpu"] = _timed(RawFaissGpu(gallery).search, queries, bench.seconds)
    if bench.with_cpu:
        figures |= _cpu_figures(gallery, queries, bench)
        best = max(figures[name]["batch_64_qps"] for name in ("cpu_ours", "cpu_flat", "cpu_fp16"))
        figures["speedup_batch_64"] = figures["ours"]["batch_64_qps"] / best
    return figures


def _cpu_figures(gallery: Vectors, queries: Vectors, bench: SearchBench) -> dict[str, Any]:
    figures: dict[str, Any] = {}
    index = faiss_index(gallery.shape[1], SegmentRules(tier="exact"))
    seconds = _fill(index, gallery)
    figures["cpu_ours"] = {"fill_s": seconds, **_timed(index.view().search, queries, bench.seconds)}
    index.close()
    for name, half in (("cpu_flat", False), ("cpu_fp16", True)):
        figures[name] = _timed(RawFaiss(gallery, half=half).search, queries, bench.seconds)
    return figures


def _fill(index: VectorIndex, gallery: Vectors) -> float:
    started = time.perf_counter()
    for start in range(0, len(gallery), _ADDED):
        part = gallery[start : start + _ADDED]
        index.add(np.arange(start, start + len(part)), part)
    index.settle()
    return time.perf_counter() - started


def _timed(search: Callable[[Vectors, int], Any], queries: Vectors, seconds: float) -> dict[str, float]:
    p50, p99 = single_ms(search, queries, seconds)
    return {"p50_ms": p50, "p99_ms": p99} | {
        f"batch_{batch}_qps": batched_qps(search, queries, seconds, batch) for batch in BATCHES[1:]
    }


def _half_of_it(index: VectorIndex) -> Callable[[Vectors, int], Any]:
    return lambda queries, k: index.search(queries, k, lambda ids: ids % 2 == 0)


def _concurrent_qps(index: VectorIndex, queries: Vectors, seconds: float) -> float:
    """Single queries per second by threads that ask one after another."""
    answered = [0] * _CALLERS
    started = time.perf_counter()

    def ask(caller: int) -> None:
        while time.perf_counter() - started < seconds:
            index.search(queries[(answered[caller] * _CALLERS + caller) % len(queries)][None], K)
            answered[caller] += 1

    threads = [threading.Thread(target=ask, args=(caller,), name=f"caller-{caller}") for caller in range(_CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(answered) / (time.perf_counter() - started)


def _free_bytes() -> int:
    import torch

    if not torch.cuda.is_available():
        raise NoGpuError("torch sees no CUDA device")
    torch.cuda.synchronize()
    return int(torch.cuda.mem_get_info()[0])
