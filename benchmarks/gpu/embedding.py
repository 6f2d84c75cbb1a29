"""The embedding network in torch on a GPU against the CPU: pictures per second, and how far the vectors differ."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.preprocess import to_batch
from reid.types import Image

Vectors = NDArray[np.float32]

BATCHES = (16, 128)
_PRECISIONS = ("fp32", "fp16")


def synthetic_crops(count: int, seed: int = 1) -> list[Image]:
    """Crops of varied sizes for where there is no city to cut them from: smooth noise, uint8 (H, W, 3) BGR."""
    import cv2

    rng = np.random.default_rng(seed)
    crops = []
    for _ in range(count):
        width, height = int(rng.integers(48, 320)), int(rng.integers(40, 240))
        coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        crops.append(np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8))
    return crops


def embedding_figures(weights: Path, crops: Sequence[Image], seconds: float = 2.0) -> dict[str, Any]:
    """Pictures per second with and without resizing on the CPU, by precision and batch.

    Args:
        weights: Checkpoint of the network.
        crops: uint8 (H, W, 3) BGR, at least one.
        seconds: Of each measurement.

    Raises:
        ModelError: The checkpoint cannot be read.
    """
    import torch

    from reid.checkpoint import load_checkpoint
    from reid.model import EmbeddingGraph

    net, metadata = load_checkpoint(weights)
    size = metadata.preprocessing.input_hw
    on_cpu = EmbeddingGraph(net, metadata.preprocessing).eval()
    some = torch.from_numpy(to_batch([crops[i % len(crops)] for i in range(64)], size))
    with torch.inference_mode():
        expected = on_cpu(some).float().numpy()
    on_gpu = on_cpu.to("cuda")
    figures: dict[str, Any] = {"input_hw": list(size), "dim": int(expected.shape[1])}
    for precision in _PRECISIONS:
        embed = partial(_embed, on_gpu, precision == "fp16")
        found = embed(some)
        row: dict[str, Any] = {"least_cosine_to_cpu": float(np.min(np.sum(found * expected, axis=1)))}
        for batch in BATCHES:
            chosen = [crops[i % len(crops)] for i in range(batch)]
            ready = torch.from_numpy(to_batch(chosen, size))
            row[f"batch_{batch}_images_per_s"] = _per_second(partial(embed, ready), batch, seconds)
            whole = partial(_resized, embed, chosen, size)
            row[f"batch_{batch}_with_resizing_images_per_s"] = _per_second(whole, batch, seconds)
        figures[precision] = row
    figures["device_peak_bytes"] = int(torch.cuda.max_memory_allocated())
    return figures


def _embed(graph: Any, half: bool, pixels: Any) -> Vectors:
    import torch

    with torch.inference_mode(), torch.autocast("cuda", torch.float16) if half else nullcontext():
        vectors: Vectors = graph(pixels.to("cuda")).float().cpu().numpy()
    return vectors


def _resized(embed: Callable[[Any], Vectors], crops: Sequence[Image], size: tuple[int, int]) -> Vectors:
    import torch

    return embed(torch.from_numpy(to_batch(crops, size)))


def _per_second(embed: Callable[[], Any], batch: int, seconds: float) -> float:
    for _ in range(3):
        embed()
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        embed()
        done += batch
    return done / (time.perf_counter() - started)
