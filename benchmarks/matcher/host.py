"""A matcher in a process of its own over generated sightings, to be asked over gRPC. Measures its own start only."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.matcher.generator import load_generator
from reid.types import Calibration, EmbedderSpec, Image
from services.types import Sighting

#: A gallery of this process only: its vectors mean nothing outside.
MODEL_ID = "bench-matcher"
_CALIBRATION = Calibration(slope=14.0, offset=-8.0)
_START_S = 3600.0


@dataclass(frozen=True, slots=True)
class Hosting:
    """What to host.

    Attributes:
        count: Sightings, one vector each.
        queries: Held-out queries that the generator makes beside them.
        seed: Of the generator.
        tier: "exact" or "fast".
    """

    count: int
    queries: int
    seed: int
    tier: str = "exact"


@dataclass(frozen=True, slots=True)
class Hosted:
    """A matcher that serves.

    Attributes:
        address: It puts searches together.
        unbatched: The same gallery behind a listener that does not.
        build_s: From nothing to SERVING, read from the store.
        restart_s: The same from a snapshot.
        bytes_per_vector: Of the index, refinement store included.
        tier: What the gallery says it is.
    """

    address: str
    unbatched: str
    build_s: float
    restart_s: float
    bytes_per_vector: float
    tier: str


@contextmanager
def hosted(asked: Hosting) -> Iterator[Hosted]:
    """Starts a matcher and ends it again."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_host, args=(asked, theirs), daemon=True)
    process.start()
    try:
        if not ours.poll(_START_S):
            raise TimeoutError("the matcher under test did not start")
        yield ours.recv()
    finally:
        ours.send(None)
        process.join(60)
        if process.is_alive():
            process.kill()


class _NoNetwork:
    """Stands where the networks are: only vectors are asked with."""

    def __init__(self, dim: int) -> None:
        self.spec = EmbedderSpec(MODEL_ID, dim, (8, 8), _CALIBRATION)

    def embed(self, crops: list[Image]) -> NDArray[np.float32]:
        raise RuntimeError("the benchmark sends no pictures")


def sightings(vectors: NDArray[np.float32]) -> Iterator[tuple[Sighting, str | None]]:
    """A sighting of each vector, without decisions, in order of time."""
    from tracker.types import TrackKey

    none = np.zeros(0, np.int64)
    boxes, probs = np.zeros((0, 4), np.float32), np.full(4, 0.25, np.float32)
    nothing = np.zeros((0, vectors.shape[1]), np.float32)
    for number, vector in enumerate(vectors):
        camera = f"camera-{number % 16}"
        key = (TrackKey(camera, "bench", number),)
        at_ns = number * 1_000_000
        yield (
            Sighting(
                f"s{number:09d}", 1, True, key, camera, at_ns, at_ns, none, none, boxes, probs, {}, vector, nothing,
                0.5, MODEL_ID,
            ),
            None,
        )  # fmt: skip


def _host(asked: Hosting, connection: Connection) -> None:
    from services.identity.memory_store import MemoryStore
    from services.matcher.build import Places, build_matcher
    from services.matcher.server import MatcherServer
    from services.matcher.servicers import Parts
    from services.matcher.settings import MatcherSettings
    from services.matcher.snapshot import write_snapshot

    vectors, _ = load_generator().gallery(asked.count, asked.queries, asked.seed)

    class Recorded(MemoryStore):
        """Holds nothing but says that it holds the generated sightings."""

        def scan_sightings(self, *, ended_since_ns: int = 0) -> Iterator[tuple[Sighting, str | None]]:
            del ended_since_ns
            yield from sightings(vectors)

    settings = MatcherSettings(
        listen="127.0.0.1:0", tier="fast" if asked.tier == "fast" else "exact", snapshot_every_s=None
    )
    folder = Path(tempfile.mkdtemp(prefix="vreid-bench-"))
    times = []
    for fresh in (True, False):
        started = time.perf_counter()
        reader = _NoNetwork(vectors.shape[1])
        matcher = build_matcher(Recorded(), None, reader, settings, places=Places(snapshot_folder=folder))  # type: ignore[arg-type]
        matcher.start()
        while not matcher.gallery.ready:
            time.sleep(0.01)
        times.append(time.perf_counter() - started)
        if fresh:
            write_snapshot(matcher.gallery, folder)
            matcher.stop()
    while _working(matcher.gallery.stats().tier, asked.tier):
        time.sleep(0.1)
    stats = matcher.gallery.stats()
    parts = matcher.parts
    single = MatcherServer(
        Parts(parts.store, parts.gallery, parts.reader, settings.model_copy(update={"max_batch": 1}))
    )
    single.set_serving(True)
    single.start()
    per_vector = stats.bytes / max(1, stats.vectors)
    connection.send(Hosted(matcher.address, single.address, times[0], times[1], per_vector, stats.tier))
    connection.recv()
    single.stop(1.0)
    matcher.stop()


def _working(tier: str, wanted: str) -> bool:
    """Whether the first pass is still being built."""
    return wanted == "fast" and tier != "fast"
