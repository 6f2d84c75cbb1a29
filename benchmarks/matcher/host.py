"""A matcher in a process of its own over generated sightings, to be asked over gRPC. Measures its own start only."""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.matcher.generator import load_generator
from detector.types import Detections
from reid.types import Calibration, EmbedderSpec, Image
from services.types import Sighting

if TYPE_CHECKING:
    from benchmarks.matcher.flow import Flow
    from services.matcher.gallery import Gallery
    from services.matcher.types import GalleryStats

#: A gallery of this process only: its vectors mean nothing outside.
MODEL_ID = "bench-matcher"
_CALIBRATION = Calibration(slope=14.0, offset=-8.0)
_START_S = 3600.0
_QUIET_S = 2.0
#: The same while the tier is not what was asked for: one too small to be sealed never becomes a fast one.
_UNDONE_S = 20.0


@dataclass(frozen=True, slots=True)
class Hosting:
    """What to host.

    Attributes:
        count: Sightings, one vector each.
        queries: Held-out queries that the generator makes beside them.
        seed: Of the generator.
        tier: "exact" or "fast".
        folder: Where the snapshot lies, left there for another host; None for a folder of its own.
        flow_per_s: Sightings that can be made to come in, and as many to go, each second; 0 for none.
    """

    count: int
    queries: int
    seed: int
    tier: str = "exact"
    folder: Path | None = None
    flow_per_s: int = 0


@dataclass(frozen=True, slots=True)
class Hosted:
    """A matcher that serves.

    Attributes:
        address: It puts searches together.
        unbatched: The same gallery behind a listener that does not.
        build_s: From the store, or from the snapshot where one lay in the folder, to SERVING.
        bytes_per_vector: Of the index, refinement store included.
        tier: What the gallery says it is.
        pid: Of its process.
        orders: Takes ("snapshot",), ("flow", on) and ("segments",), and answers each.
    """

    address: str
    unbatched: str
    build_s: float
    bytes_per_vector: float
    tier: str
    pid: int
    orders: Orders


class Orders:
    """What a host does beside answering searches. Used by one thread."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def snapshot(self) -> tuple[float, float]:
        """Writes one; how long it took and how long of that it kept feeding waiting, in seconds."""
        return self._ask("snapshot", True)  # type: ignore[no-any-return]

    def flow(self, on: bool) -> int:
        """Has sightings come and go, or stops that; how many have come so far."""
        return self._ask("flow", on)  # type: ignore[no-any-return]

    def segments(self) -> tuple[int, ...]:
        """Vectors in each segment."""
        return self._ask("segments", True)  # type: ignore[no-any-return]

    def _ask(self, what: str, how: bool) -> Any:
        self._connection.send((what, how))
        if not self._connection.poll(_START_S):
            raise TimeoutError(f"the matcher under test does not answer to {what}")
        return self._connection.recv()


@contextmanager
def hosted(asked: Hosting) -> Iterator[Hosted]:
    """Starts a matcher and ends it again."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_host, args=(asked, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        if not ours.poll(_START_S):
            raise TimeoutError("the matcher under test did not start")
        found = ours.recv()
        yield Hosted(**found, pid=process.pid or 0, orders=Orders(ours))
    finally:
        with suppress(OSError):  # it died: what was asked of it has failed already
            ours.send(None)
        process.join(60)
        if process.is_alive():
            process.kill()


class _NoDetector:
    """Stands where the detector is: only vectors are asked with."""

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        raise RuntimeError("the benchmark sends no pictures")


class _NoNetwork:
    """Stands where the embedder is."""

    def __init__(self, dim: int) -> None:
        self.spec = EmbedderSpec(MODEL_ID, dim, (8, 8), _CALIBRATION)

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        raise RuntimeError("the benchmark sends no pictures")


def sighting_name(number: int) -> str:
    """The id of a sighting."""
    return f"s{number:09d}"


def sightings(vectors: NDArray[np.float32], first: int = 0, pitch_ns: int = 1_000_000) -> Iterator[Sighting]:
    """A sighting of each vector, in order of time.

    Args:
        vectors: float32 (N, D).
        first: Number of the first.
        pitch_ns: Time from one to the next; number 0 is at 0.
    """
    from tracker.types import TrackKey

    none = np.zeros(0, np.int64)
    boxes, probs = np.zeros((0, 4), np.float32), np.full(4, 0.25, np.float32)
    nothing = np.zeros((0, vectors.shape[1]), np.float32)
    for number, vector in enumerate(vectors, first):
        camera = f"camera-{number % 16}"
        key = (TrackKey(camera, "bench", number),)
        at_ns = number * pitch_ns
        yield Sighting(
            sighting_name(number), 1, True, key, camera, at_ns, at_ns, none, none, boxes, probs, {}, vector, nothing,
            0.5, MODEL_ID,
        )  # fmt: skip


def _host(asked: Hosting, connection: Connection) -> None:
    from benchmarks.matcher.flow import Flow
    from services.matcher.build import Places, build_matcher
    from services.matcher.server import MatcherServer, Offer
    from services.matcher.servicers import Parts
    from services.matcher.settings import MatcherSettings

    generator = load_generator()
    flow = Flow(asked.count, asked.queries, asked.seed, asked.flow_per_s)
    settings = MatcherSettings(
        listen="127.0.0.1:0",
        tier="fast" if asked.tier == "fast" else "exact",
        snapshot_every_s=None,
    )
    own = None if asked.folder is not None else tempfile.TemporaryDirectory(prefix="vreid-bench-")
    folder = asked.folder or Path(own.name if own is not None else "")
    started = time.perf_counter()
    places = Places(snapshot_folder=folder)
    matcher = build_matcher(flow, _NoDetector(), _NoNetwork(generator.dim), settings, places=places)
    matcher.start()
    while not matcher.gallery.ready:
        time.sleep(0.01)
    build_s = time.perf_counter() - started
    stats = _settled(matcher.gallery, asked.tier)
    parts = matcher.parts
    alone = settings.model_copy(update={"max_batch": 1})
    single = MatcherServer(Offer(Parts(parts.store, parts.gallery, parts.reader, alone)))
    single.set_serving(True)
    single.start()
    connection.send(
        {
            "address": matcher.address,
            "unbatched": single.address,
            "build_s": build_s,
            "bytes_per_vector": stats.bytes / max(1, stats.vectors),
            "tier": stats.tier,
        }
    )
    while (order := connection.recv()) is not None:
        connection.send(_obey(order, matcher.gallery, flow, folder))
    flow.run(False)
    single.stop(1.0)
    matcher.stop()
    if own is not None:
        own.cleanup()


def _obey(order: tuple[str, bool], gallery: Gallery, flow: Flow, folder: Path) -> Any:
    from services.matcher.snapshot import write_snapshot

    what, how = order
    if what == "flow":
        return flow.run(how)
    if what == "segments":
        return gallery.captured(lambda state, _: state.index.segments)
    locked: list[float] = []
    plain = gallery.captured

    def timed(take: Any) -> Any:
        started = time.perf_counter()
        try:
            return plain(take)
        finally:
            locked.append(time.perf_counter() - started)

    gallery.captured = timed  # type: ignore[method-assign]
    try:
        started = time.perf_counter()
        write_snapshot(gallery, folder)
        return time.perf_counter() - started, max(locked)
    finally:
        gallery.captured = plain  # type: ignore[method-assign]


def _settled(gallery: Gallery, tier: str) -> GalleryStats:
    """What the gallery says once its housekeeping has nothing more to do."""
    stats, since = gallery.stats(), time.perf_counter()
    while time.perf_counter() - since < (_QUIET_S if stats.tier == tier else _UNDONE_S):
        time.sleep(0.1)
        found = gallery.stats()
        if found != stats:
            stats, since = found, time.perf_counter()
    return stats
