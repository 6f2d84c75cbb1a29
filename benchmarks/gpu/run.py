"""`vreid bench gpu`: search and embedding on a GPU, with what the machine is. Measures and reports."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.gpu.embedding import embedding_figures, synthetic_crops
from benchmarks.gpu.search import NoGpuError, SearchBench, search_figures
from reid.weights import default_weights

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class GpuBench:
    """What to measure.

    Attributes:
        search: Of the gallery.
        weights: Checkpoint of the embedder.
        crops: How many pictures to embed.
    """

    search: SearchBench = field(default_factory=SearchBench)
    weights: Path = field(default_factory=default_weights)
    crops: int = 256


def bench_gpu(bench: GpuBench, report: Report) -> dict[str, Any]:
    """The document of `vreid bench gpu --json`.

    Raises:
        NoGpuError: There is no GPU, or FAISS cannot use it.
        ModelError: The checkpoint cannot be read.
    """
    document: dict[str, Any] = {"machine": _machine(), "search": {}}
    steps = len(bench.search.sizes) + 1
    for number, size in enumerate(bench.search.sizes):
        document["search"][str(size)] = search_figures(size, bench.search)
        report(number + 1, steps)
    document["embed"] = embedding_figures(bench.weights, synthetic_crops(bench.crops), bench.search.seconds)
    report(steps, steps)
    return document


def _machine() -> dict[str, Any]:
    try:
        import torch
    except ImportError as exc:
        raise NoGpuError(f"the GPU needs torch: {exc}") from exc
    if not torch.cuda.is_available():
        raise NoGpuError("torch sees no CUDA device")
    shown = torch.cuda.get_device_properties(0)
    return {
        "gpu": shown.name,
        "gpu_memory_bytes": int(shown.total_memory),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cpus": os.cpu_count(),
    }
