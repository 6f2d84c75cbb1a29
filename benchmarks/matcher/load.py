"""Clients that ask a matcher over gRPC, in processes of their own, and how long each answer took. Judges nothing."""

from __future__ import annotations

import multiprocessing
import threading
import time
from dataclasses import dataclass
from multiprocessing.synchronize import Event
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]

_PROCESSES = 4


@dataclass(frozen=True, slots=True)
class Load:
    """What clients saw.

    Attributes:
        qps: Answers per second, all clients together.
        p50_ms: Half of the answers were faster.
        p99_ms: Of a hundred, one was slower.
        max_ms: The slowest.
        failed: Calls without an answer.
    """

    qps: float
    p50_ms: float
    p99_ms: float
    max_ms: float
    failed: int


@dataclass(frozen=True, slots=True)
class _Share:
    """What one process of clients does."""

    address: str
    queries: Vectors
    clients: int
    seconds: float
    k: int


def measure_load(address: str, queries: Vectors, clients: int, seconds: float, k: int = 10) -> Load:
    """Lets clients ask one search after another, each on a connection of its own.

    Args:
        address: host:port.
        queries: float32 (Q, D), asked in turn.
        clients: How many at once, spread over processes so that they don't wait for each other's interpreter.
        seconds: How long.
        k: Matches wanted.
    """
    context = multiprocessing.get_context("spawn")
    processes = min(_PROCESSES, clients)
    begin, answers = context.Event(), context.Queue()
    shares = [clients // processes + (n < clients % processes) for n in range(processes)]
    running = [
        context.Process(
            target=_clients, args=(_Share(address, queries[n::processes], share, seconds, k), begin, answers)
        )
        for n, share in enumerate(shares)
    ]
    for process in running:
        process.start()
    for _ in running:  # every process has connected
        answers.get(timeout=120)
    begin.set()
    results = [answers.get(timeout=seconds + 300) for _ in running]
    for process in running:
        process.join(60)
    took_ms = np.concatenate([np.asarray(took) for took, _, _ in results]) * 1000
    failed = sum(failures for _, failures, _ in results)
    elapsed = max(duration for _, _, duration in results)
    if len(took_ms) == 0:
        return Load(0.0, 0.0, 0.0, 0.0, failed)
    p50, p99 = np.percentile(took_ms, [50, 99])
    return Load(len(took_ms) / elapsed, float(p50), float(p99), float(took_ms.max()), failed)


def _clients(asked: _Share, begin: Event, answers: Any) -> None:
    """One process of clients: requests are made beforehand and answers not unpacked, so that the load costs little."""
    from services.client import Probe, SearchOptions
    from services.client.packed import PackedSearches, count_matches, pack_search
    from services.errors import VreidError

    options = SearchOptions(k=asked.k)
    requests = [pack_search([Probe(embedding=tuple(vector.tolist()))], options) for vector in asked.queries]
    connections = [PackedSearches(asked.address) for _ in range(asked.clients)]
    for connection in connections:
        if not count_matches(connection.ask(requests[0])):
            raise RuntimeError("the matcher under test finds nothing")
    took: list[float] = []
    failed = [0]
    answers.put(None)
    begin.wait(120)
    started = time.perf_counter()

    def ask(number: int) -> None:
        place = number * 7919
        while time.perf_counter() - started < asked.seconds:
            before = time.perf_counter()
            try:
                connections[number].ask(requests[place % len(requests)])
                took.append(time.perf_counter() - before)
            except VreidError:
                failed[0] += 1
            place += 1

    threads = [threading.Thread(target=ask, args=(number,), name=f"client-{number}") for number in range(asked.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    answers.put((took, failed[0], time.perf_counter() - started))
    for connection in connections:
        connection.close()
