"""`vreid bench matcher`: our search against FAISS called directly, and against other servers. Measures and reports."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from benchmarks.crash.enrolment import run_enrolments
from benchmarks.crash.faults import CrashBench
from benchmarks.matcher.fuzz import fuzz_figures
from benchmarks.matcher.generator import load_generator
from benchmarks.matcher.host import Hosting, hosted
from benchmarks.matcher.keeping import ChurnBench, churn_figures, restart_figures
from benchmarks.matcher.load import measure_load
from benchmarks.matcher.peers import OUTSIDE, Ids, Peer, Skipped, Vectors
from benchmarks.matcher.timing import BATCH, K, batched_qps, single_ms
from services.matcher.index.segment import SegmentRules
from services.matcher.index.segmented import faiss_index
from services.matcher.index.testbed import FaissHnsw, RawFaiss

TIE = 1e-3
_MAX_EFFORT = 2048
_UNBATCHED = (1, 4, 16, 64)
#: Of matcher, server and power each: a hundred in all.
_KILLS = 34

#: What can be measured: the exact tier, the fast one, other servers, starts and snapshots, coming and going, kills,
#: requests that nobody should send.
PARTS = ("exact", "fast", "peers", "restart", "churn", "crash", "hostile")

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class MatcherBench:
    """What to measure.

    Attributes:
        sizes: Galleries, vectors each.
        peer_size: Gallery of the comparison with other servers; 0 leaves it out.
        seconds: Of each load.
        clients: Of the heaviest load.
        queries: Held-out queries.
        recall: That every approximate search is turned up to in the comparison.
        seed: Of the generator.
        parts: Of PARTS.
        churn_s: How long sightings come and go.
        hostile: Hostile requests sent.
    """

    sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    peer_size: int = 100_000
    seconds: float = 10.0
    clients: int = 64
    queries: int = 1000
    recall: float = 0.99
    seed: int = 1
    parts: tuple[str, ...] = ("exact", "fast", "peers")
    churn_s: float = 300.0
    hostile: int = 10_000


def bench_matcher(bench: MatcherBench, report: Report) -> dict[str, Any]:
    """The document of `vreid bench matcher --json`; of parts left out it says nothing."""
    outside = (*OUTSIDE, "faiss-hnsw", "vreid") if "peers" in bench.parts and bench.peer_size else ()
    steps = len(bench.parts) - ("peers" in bench.parts) + len(outside)
    steps += len(bench.sizes) - 1 if "exact" in bench.parts else 0
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        report(done, steps)

    document: dict[str, Any] = {"sizes": {}, "fast": None, "peers": {}, "skipped": {}}
    if "exact" in bench.parts:
        for size in bench.sizes:
            document["sizes"][str(size)] = exact_figures(size, bench)
            step()
    whole: dict[str, Callable[[], dict[str, Any]]] = {
        "fast": lambda: fast_figures(max(bench.sizes), bench),
        "restart": lambda: restart_figures(max(bench.sizes), bench.seconds, bench.seed),
        "churn": lambda: churn_figures(
            ChurnBench(size=max(bench.sizes) // 2, seconds=bench.churn_s, seed=bench.seed), "fast"
        ),
        "crash": lambda: run_enrolments(CrashBench(times=_KILLS, seed=bench.seed)),
        "hostile": lambda: fuzz_figures(bench.hostile, bench.seed),
    }
    for name, measured in whole.items():
        if name in bench.parts:
            document[name] = measured()
            step()
    if outside:
        _against_others(bench, document, step)
    return document


def _against_others(bench: MatcherBench, document: dict[str, Any], step: Callable[[], None]) -> None:
    gallery, queries = load_generator().gallery(bench.peer_size, bench.queries, bench.seed)
    document["peers"]["vreid"] = our_figures(gallery, queries, bench)
    step()
    document["peers"]["faiss-hnsw"] = peer_figures(FaissHnsw(), gallery, queries, bench)
    step()
    for name, opened in OUTSIDE.items():
        peer = opened()
        if isinstance(peer, Skipped):
            document["skipped"][name] = peer.reason
        else:
            document["peers"][name] = peer_figures(peer, gallery, queries, bench)
        step()


def exact_figures(size: int, bench: MatcherBench) -> dict[str, Any]:
    """The exact tier over gRPC against FAISS's own half-precision and flat indexes in process, the better of them."""
    gallery, queries = load_generator().gallery(size, bench.queries, bench.seed)
    raw = max((RawFaiss(gallery, half=half) for half in (True, False)), key=lambda r: batched_qps(r.search, queries))
    raw_qps = batched_qps(raw.search, queries)
    raw_p50, raw_p99 = single_ms(raw.search, queries, bench.seconds)
    exact = raw.search(queries, K)
    kind = raw.kind
    del raw
    ours = faiss_index(gallery.shape[1], SegmentRules(tier="exact"))
    ours.add(np.arange(size), gallery)
    same = tie_aware_recall(ours.search(queries, K).ids, exact, gallery, queries)
    ours.close()
    with hosted(Hosting(size, bench.queries, bench.seed)) as host:
        one = measure_load(host.address, queries, 1, bench.seconds)
        many = measure_load(host.address, queries, bench.clients, bench.seconds)
        single = {n: measure_load(host.unbatched, queries, n, bench.seconds) for n in _UNBATCHED}
    best = max(single.values(), key=lambda load: load.qps)
    return {
        "grpc_64_qps": many.qps,
        "grpc_64_p99_ms": many.p99_ms,
        "raw_batch64_qps": raw_qps,
        "raw_kind": kind,
        "unbatched_best_qps": best.qps,
        "unbatched_best_p99_ms": best.p99_ms,
        "grpc_1_p50_ms": one.p50_ms,
        "grpc_1_p99_ms": one.p99_ms,
        "raw_1_p50_ms": raw_p50,
        "raw_1_p99_ms": raw_p99,
        "same_as_brute_force": same,
        "failed": many.failed + one.failed,
        "build_s": host.build_s,
        "bytes_per_vector": host.bytes_per_vector,
    }


def fast_figures(size: int, bench: MatcherBench) -> dict[str, Any]:
    """The fast tier against the exact one, both in process and in batches of 64."""
    gallery, queries = load_generator().gallery(size, bench.queries, bench.seed)
    qps: dict[str, float] = {}
    found: dict[str, Ids] = {}
    per_vector = 0.0
    for tier in ("exact", "fast"):
        index = faiss_index(gallery.shape[1], SegmentRules(tier="exact" if tier == "exact" else "fast"))
        index.add(np.arange(size), gallery)
        index.settle()
        view = index.view()
        with threadpool_limits(1, "blas"):  # as a matcher has it
            qps[tier] = batched_qps(view.search, queries)
        found[tier] = view.search(queries, K).ids
        per_vector = index.nbytes / size
        index.close()
    return {
        "size": size,
        "exact_qps": qps["exact"],
        "fast_qps": qps["fast"],
        "speedup": qps["fast"] / qps["exact"],
        "recall": tie_aware_recall(found["fast"], found["exact"], gallery, queries),
        "bytes_per_vector": per_vector,
    }


def our_figures(gallery: Vectors, queries: Vectors, bench: MatcherBench) -> dict[str, Any]:
    """Ours at the same recall, over gRPC by concurrent clients, and in process as FAISS is."""
    index = faiss_index(gallery.shape[1], SegmentRules(tier="fast"))
    index.add(np.arange(len(gallery)), gallery)
    index.settle()
    view = index.view()
    recall = tie_aware_recall(view.search(queries, K).ids, _exact(gallery, queries), gallery, queries)
    with threadpool_limits(1, "blas"):  # as a matcher has it
        in_process_qps = batched_qps(view.search, queries)
        in_process_p50, in_process_p99 = single_ms(view.search, queries, bench.seconds)
    index.close()
    with tempfile.TemporaryDirectory(prefix="vreid-bench-") as name:
        asked = Hosting(len(gallery), bench.queries, bench.seed, "fast", Path(name))
        with hosted(asked) as host:
            one = measure_load(host.address, queries, 1, bench.seconds)
            many = measure_load(host.address, queries, bench.clients, bench.seconds)
            host.orders.snapshot()
        with hosted(asked) as again:
            restart_s = again.build_s
    return {
        "qps": many.qps,
        "recall": recall,
        "p50_ms": one.p50_ms,
        "p99_ms": one.p99_ms,
        "bytes_per_vector": host.bytes_per_vector,
        "build_s": host.build_s,
        "restart_s": restart_s,
        "in_process_qps": in_process_qps,
        "in_process_p50_ms": in_process_p50,
        "in_process_p99_ms": in_process_p99,
    }


def peer_figures(peer: Peer, gallery: Vectors, queries: Vectors, bench: MatcherBench) -> dict[str, Any]:
    """A peer at the recall wanted, or at its most effort."""
    try:
        started = time.perf_counter()
        peer.fill(gallery)
        build_s = time.perf_counter() - started
        exact = _exact(gallery, queries)
        effort = 16
        while True:
            turned = peer.tune(effort)
            found = np.concatenate([peer.search(queries[n : n + BATCH], K) for n in range(0, len(queries), BATCH)])
            recall = tie_aware_recall(found, exact, gallery, queries)
            if recall >= bench.recall or not turned or effort >= _MAX_EFFORT:
                break
            effort *= 2
        p50, p99 = single_ms(peer.search, queries, bench.seconds)
        return {
            "qps": batched_qps(peer.search, queries),
            "recall": recall,
            "p50_ms": p50,
            "p99_ms": p99,
            "bytes_per_vector": peer.size() / len(gallery),
            "build_s": build_s,
            "effort": effort,
        }
    finally:
        peer.close()


def tie_aware_recall(found: Ids, exact: Ids, gallery: Vectors, queries: Vectors) -> float:
    """Share of the k nearest that were found; one as near as the k-th, within TIE, counts as one of them.

    Args:
        found: int64 (Q, k), -1 for nothing.
        exact: int64 (Q, k), by brute force.
        gallery: float32 (N, D).
        queries: float32 (Q, D).
    """
    worst = np.einsum("qd,qd->q", queries, gallery[exact[:, -1]])
    hits = 0
    for row, ids in enumerate(found):
        real = np.unique(ids[ids >= 0])
        hits += int((gallery[real] @ queries[row] >= worst[row] - TIE).sum())
    return hits / exact.size


def _exact(gallery: Vectors, queries: Vectors) -> Ids:
    nearest = [np.argpartition(-(part @ gallery.T), K - 1, axis=1)[:, :K] for part in np.array_split(queries, 16)]
    ids: NDArray[np.int64] = np.concatenate(nearest)
    scores = np.einsum("qd,qkd->qk", queries, gallery[ids])
    return np.take_along_axis(ids, np.argsort(-scores, axis=1), axis=1)
