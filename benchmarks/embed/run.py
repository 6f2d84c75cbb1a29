"""Times the product's embedder and torchreid's extractor on the same crops, in turns. Prints nothing."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.embed.peer import INPUT_HW, MODEL
from reid.export.speed import ms_per_crop
from reid.types import EmbedderSpec

Image = NDArray[np.uint8]
Embed = Callable[[list[Image]], Any]

BATCHES = (16, 1)


@dataclass(frozen=True, slots=True)
class EmbedBench:
    """What to time.

    Attributes:
        ours: The product's embedder in FP32.
        ours_int8: The same in INT8, None where none is installed.
        torchreid: The peer.
        spec: Of ours.
        cores: Threads that each may use.
        rounds: Batches that each gets.
    """

    ours: Embed
    ours_int8: Embed | None
    torchreid: Embed
    spec: EmbedderSpec
    cores: int
    rounds: int


def keep_to_cores(cores: int) -> int:
    """Confines this process to so many processors, where the system can; returns how many are left to use.

    Raises:
        ValueError: ``cores`` is below 1.
    """
    if cores < 1:
        raise ValueError(f"cores must be >= 1, got {cores}")
    if not hasattr(os, "sched_setaffinity"):
        return cores
    usable = sorted(os.sched_getaffinity(0))[:cores]
    os.sched_setaffinity(0, usable)
    return len(usable)


def time_embedders(bench: EmbedBench, crops: Sequence[Image]) -> dict[str, Any]:
    """Milliseconds per crop, from uint8 crops to vectors, at batch 16 and 1.

    Args:
        bench: What to time.
        crops: uint8 (H, W, 3) BGR of varied sizes.

    Returns:
        ``ours_ms_per_crop``, ``torchreid_ms_per_crop`` and their ``ratio`` at batch 16 in FP32, ``input_size`` (height,
        width) of both, ``int8`` and ``batch_1`` likewise (``int8`` None where there is none), and what was timed.
    """
    sides: dict[str, Embed] = {"ours": bench.ours, "torchreid": bench.torchreid}
    if bench.ours_int8 is not None:
        sides["int8"] = bench.ours_int8
    times = {batch: ms_per_crop(sides, crops, batch, bench.rounds) for batch in BATCHES}
    heights, widths = (sorted(crop.shape[axis] for crop in crops) for axis in (0, 1))
    return {
        **_row(times[16], "ours"),
        "input_size": {"ours": list(bench.spec.input_hw), "torchreid": list(INPUT_HW)},
        "int8": _row(times[16], "int8"),
        "batch": 16,
        "batch_1": {**_row(times[1], "ours"), "int8": _row(times[1], "int8")},
        "torchreid_model": MODEL,
        "model_id": bench.spec.model_id,
        "cores": bench.cores,
        "rounds": bench.rounds,
        "crops": len(crops),
        "crop_size_px": {
            "least": [heights[0], widths[0]],
            "median": [heights[len(crops) // 2], widths[len(crops) // 2]],
            "largest": [heights[-1], widths[-1]],
        },
    }


def _row(times: dict[str, float], ours: str) -> Any:
    if ours not in times:
        return None
    mine, peer = times[ours], times["torchreid"]
    return {
        "ours_ms_per_crop": round(mine, 3),
        "torchreid_ms_per_crop": round(peer, 3),
        "ratio": round(peer / mine, 2),
    }
