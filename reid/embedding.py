"""Runs a torch network over pictures on disk, for judging and calibrating. Serving uses `reid.runtime` instead."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

from reid.data import Sample, require_picture
from reid.model import EmbeddingGraph, ReidNet
from reid.preprocess import Preprocessing, to_batch
from reid.types import Image

#: Most batches that are read ahead.
_AHEAD = 8


def embed_samples(
    net: ReidNet,
    samples: Sequence[Sample],
    preprocessing: Preprocessing,
    batch: int = 64,
    through: Callable[[Image], Image] | None = None,
) -> NDArray[np.float32]:
    """Embeds pictures in order, without augmentation.

    Args:
        net: Put into evaluation mode, and back into its own afterwards.
        samples: N pictures.
        preprocessing: Of the network.
        batch: Pictures at once.
        through: What each picture goes through first; called by several threads.

    Returns:
        float32 (N, D), rows of L2 norm 1.

    Raises:
        DataError: A picture cannot be read any more.
    """
    was_training = net.training
    device = next(net.parameters()).device
    graph = EmbeddingGraph(net, preprocessing).to(device).eval()
    rows: list[NDArray[np.float32]] = []

    def read(some: Sequence[Sample]) -> NDArray[np.uint8]:
        pictures = [require_picture(sample.path) for sample in some]
        return to_batch(pictures if through is None else list(map(through, pictures)), preprocessing.input_hw)

    for pixels in _batches(samples, read, batch):
        with torch.no_grad():
            rows.append(graph(torch.from_numpy(pixels).to(device)).float().cpu().numpy())
    net.train(was_training)
    return np.concatenate(rows) if rows else np.zeros((0, net.architecture.dim), np.float32)


def _batches(
    samples: Sequence[Sample], read: Callable[[Sequence[Sample]], NDArray[np.uint8]], size: int
) -> Iterator[NDArray[np.uint8]]:
    """Network inputs in order, read by threads while those before them are computed."""
    with ThreadPoolExecutor(min(_AHEAD, os.cpu_count() or 1), "embed-read") as pool:
        waiting: deque[Future[NDArray[np.uint8]]] = deque()
        for start in range(0, len(samples), size):
            if len(waiting) >= _AHEAD:
                yield waiting.popleft().result()
            waiting.append(pool.submit(read, samples[start : start + size]))
        while waiting:
            yield waiting.popleft().result()
