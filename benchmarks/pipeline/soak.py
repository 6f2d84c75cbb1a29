"""Runs very many frames through everything but the detector, whose answers are replayed, and watches the memory.

Decoding, tracking, embedding, crops, spool and store are real. Every round of the clips is a new session of each.
"""

from __future__ import annotations

import gc
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.pipeline.footage import Footage, rounds
from benchmarks.pipeline.ours import Bench, open_bench
from benchmarks.pipeline.process import holdings
from detector.settings import DetectorSettings
from detector.types import Detections, Frame
from services.ingest.looking import Detector
from services.models.networks import open_detector

#: Of the rounds, the first share is warm-up; memory is compared between the tenth after it and the last tenth.
WARM_UP = 0.1


class ReplayingLooker:
    """Looks at each frame of each clip once, and gives that answer again in every later round."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._known: dict[tuple[str, int], Detections] = {}

    def look(self, frames: Sequence[Frame], busy: Collection[str]) -> list[Detections | None]:
        """See ``pipeline.Looker``; no frame is left out."""
        fresh = [frame for frame in frames if (frame.camera_id, frame.index) not in self._known]
        for frame, found in zip(fresh, self._detector.detect([frame.image for frame in fresh]), strict=True):
            self._known[frame.camera_id, frame.index] = found
        return [self._known[frame.camera_id, frame.index] for frame in frames]


def soak(footage: Footage, frames: int, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Runs at least so many frames.

    Args:
        footage: The clips, played again and again.
        frames: How many in all.
        progress: Called with frames done and in all.

    Returns:
        ``{frames, seconds, sightings, acknowledged, dropped, warm_mb, end_mb, growth, threads, files}``; the last two
        as they were after warm-up and at the end.

    Raises:
        RuntimeError: The store could not be used.
    """
    count = max(-(-frames // footage.frames), 4)
    began_s = time.monotonic()
    memory: list[float] = []
    looker = ReplayingLooker(open_detector(DetectorSettings()))
    with (
        tempfile.TemporaryDirectory(prefix="vreid-bench-") as folder,
        open_bench(footage, Path(folder), looker) as bench,
    ):
        warm = first = holdings()
        for number in range(count):
            _one_round(bench, footage)
            shutil.rmtree(Path(folder) / "crops", ignore_errors=True)
            gc.collect()
            memory.append(holdings().resident_mb)
            if number == round(count * WARM_UP):
                warm = holdings()
            progress(min((number + 1) * footage.frames, frames), frames)
        bench.close()
        counts, end = bench.publisher.counts(), holdings()
    warm_mb, end_mb = growth_between(memory)
    return {
        "frames": count * footage.frames,
        "seconds": round(time.monotonic() - began_s, 1),
        "acknowledged": counts.acknowledged,
        "dropped": dict(counts.dropped),
        "before_mb": first.resident_mb,
        "warm_mb": warm_mb,
        "end_mb": end_mb,
        "growth": round(end_mb / warm_mb - 1, 4),
        "threads": [warm.threads, end.threads],
        "files": [warm.files, end.files],
    }


def growth_between(memory: Sequence[float]) -> tuple[float, float]:
    """Median memory in the tenth of the rounds after warm-up and in the last tenth, each one round at least.

    >>> growth_between([50, 100, 100, 101, 102, 102])
    (100, 102)
    """
    tenth = max(len(memory) // 10, 1)
    begin = max(round(len(memory) * WARM_UP), 1)
    return median(memory[begin : begin + tenth]), median(memory[-tenth:])


def _one_round(bench: Bench, footage: Footage) -> None:
    for frames in rounds(footage):
        bench.pipeline.process(frames)
    bench.pipeline.finish()
    bench.wait_written()
