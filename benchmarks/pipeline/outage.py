"""Takes the store away while vehicles are seen, brings it back, and counts what is missing, doubled or out of order."""

from __future__ import annotations

import itertools
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.pipeline.footage import Footage, rounds
from benchmarks.pipeline.ours import Bench, compose
from benchmarks.pipeline.server import start
from benchmarks.pipeline.soak import ReplayingLooker
from detector.settings import DetectorSettings
from detector.types import Frame
from services.identity.embedded import EmbeddedServer
from services.identity.opening import open_store
from services.identity.settings import RedisSettings
from services.identity.store import WorkItem
from services.ingest.sightings import Outgoing
from services.models.networks import open_detector

_END_TIMEOUT_S = 30.0
#: Frames are processed no faster than this many rounds a second, so that an outage is long in frames as in seconds.
_ROUNDS_PER_S = 10.0


def outage(footage: Footage, away_s: float, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Kills the store's server in the midst of the clips and starts it again after a while.

    Args:
        footage: Played from the beginning again where it ends during the outage.
        away_s: How long there is no server.
        progress: Called with seconds done and in all.

    Returns:
        ``{away_s, handed_over, acknowledged, replayed, superseded, missing, doubled, out_of_order, dropped}``;
        ``missing`` are sightings whose newest revision is not stored, ``doubled`` revisions queued twice,
        ``out_of_order`` work entries of a camera's sighting that come after a newer revision of it.

    Raises:
        RuntimeError: The store did not come back.
    """
    with tempfile.TemporaryDirectory(prefix="vreid-bench-") as folder:
        server = EmbeddedServer(Path(folder))
        process = start(server)
        store = open_store(RedisSettings(command_timeout_s=1.0, reconnect_attempts=1), Path(folder), "bench")
        try:
            bench = compose(footage, Path(folder), store, ReplayingLooker(open_detector(DetectorSettings())))
            newest = _watched(bench)
            frames = _endless(footage)
            _play(bench, frames, seconds=max(away_s / 4, 5.0))
            process.kill()
            process.wait(_END_TIMEOUT_S)
            for second in range(round(away_s)):
                _play(bench, frames, seconds=1.0)
                progress(second + 1, round(away_s))
            process = start(server)
            _play(bench, frames, seconds=max(away_s / 4, 5.0))
            bench.pipeline.finish()
            bench.close()
            return {"away_s": away_s, "handed_over": len(newest)} | _verdict(bench, newest)
        finally:
            process.kill()
            process.wait(_END_TIMEOUT_S)
            store.close()


def _watched(bench: Bench) -> dict[str, int]:
    """Newest revision by sighting of all that is handed over from now on."""
    newest: dict[str, int] = {}
    hand_over = bench.publisher.submit

    def submit(outgoing: Outgoing) -> None:
        newest[outgoing.sighting.sighting_id] = outgoing.sighting.revision
        hand_over(outgoing)

    bench.publisher.submit = submit  # type: ignore[method-assign]
    return newest


def _endless(footage: Footage) -> Iterator[list[Frame]]:
    return itertools.chain.from_iterable(rounds(footage) for _ in itertools.count())


def _play(bench: Bench, frames: Iterator[list[Frame]], seconds: float) -> None:
    end_s = time.monotonic() + seconds
    while (now_s := time.monotonic()) < end_s:
        bench.pipeline.process(next(frames))
        time.sleep(max(0.0, now_s + 1 / _ROUNDS_PER_S - time.monotonic()))


def _verdict(bench: Bench, newest: dict[str, int]) -> dict[str, Any]:
    counts = bench.publisher.counts()
    stored = {sighting.sighting_id: sighting.revision for sighting, _ in bench.store.scan_sightings()}
    work = bench.store.read_work("0-0", 10_000_000, 0)
    return {
        "acknowledged": counts.acknowledged,
        "replayed": counts.replayed,
        "superseded": counts.superseded,
        "missing": sum(stored.get(name) != revision for name, revision in newest.items()),
        "doubled": sum(n - 1 for n in Counter((item.sighting_id, item.revision) for item in work).values()),
        "out_of_order": out_of_order(work),
        "dropped": dict(counts.dropped),
    }


def out_of_order(work: list[WorkItem]) -> int:
    """Entries that come after one of a newer revision of the same sighting.

    >>> out_of_order([WorkItem("1-0", "a", 2, "put"), WorkItem("2-0", "a", 1, "put"), WorkItem("3-0", "b", 1, "put")])
    1
    """
    seen: dict[str, int] = {}
    late = 0
    for item in work:
        late += item.revision < seen.get(item.sighting_id, 0)
        seen[item.sighting_id] = max(item.revision, seen.get(item.sighting_id, 0))
    return late
