"""Milliseconds per crop of several embedders on the same crops, in turns. Judges no vectors."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reid.types import Image

#: Between two turns, for the worker threads of the last one to go to sleep.
_SETTLE_S = 0.01


def ms_per_crop(
    embedders: Mapping[str, Callable[[list[Image]], Any]], crops: Sequence[Image], batch: int, rounds: int
) -> dict[str, float]:
    """Medians over batches, every batch given to each in turn, so that a busy moment meets all of them.

    Args:
        embedders: Crops in, vectors out, by name.
        crops: uint8 (H, W, 3) BGR, of any size; taken in order, again from the start when used up.
        batch: Crops in a call.
        rounds: Batches each gets, at least 1; one more warms up.

    Returns:
        Median milliseconds per crop, pre-processing included, by name.

    Raises:
        ValueError: There are no crops, or ``batch`` or ``rounds`` is below 1.
    """
    if not crops or batch < 1 or rounds < 1:
        raise ValueError(f"needs crops, batch >= 1 and rounds >= 1, got {len(crops)}, {batch} and {rounds}")
    taken_ms: dict[str, list[float]] = {name: [] for name in embedders}
    for turn in range(rounds + 1):
        some = [crops[(turn * batch + i) % len(crops)] for i in range(batch)]
        for name, embed in embedders.items():
            time.sleep(_SETTLE_S)
            began = time.perf_counter()
            embed(some)
            if turn:
                taken_ms[name].append((time.perf_counter() - began) * 1e3 / batch)
    return {name: statistics.median(values) for name, values in taken_ms.items()}
