"""Runs a torch network over pictures on disk, for judging and calibrating. Serving uses `reid.runtime` instead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from reid.data import Sample, require_picture
from reid.model import EmbeddingGraph, ReidNet
from reid.preprocess import Preprocessing, to_batch


def embed_samples(
    net: ReidNet, samples: Sequence[Sample], preprocessing: Preprocessing, batch: int = 64
) -> NDArray[np.float32]:
    """Embeds pictures in order, without augmentation.

    Args:
        net: Put into evaluation mode, and back into its own afterwards.
        samples: N pictures.
        preprocessing: Of the network.
        batch: Pictures at once.

    Returns:
        float32 (N, D), rows of L2 norm 1.

    Raises:
        DataError: A picture cannot be read any more.
    """
    was_training = net.training
    device = next(net.parameters()).device
    graph = EmbeddingGraph(net, preprocessing).to(device).eval()
    rows: list[NDArray[np.float32]] = []
    for start in range(0, len(samples), batch):
        pictures = [require_picture(sample.path) for sample in samples[start : start + batch]]
        with torch.no_grad():
            batch_pixels = torch.from_numpy(to_batch(pictures, preprocessing.input_hw)).to(device)
            rows.append(graph(batch_pixels).float().cpu().numpy())
    net.train(was_training)
    return np.concatenate(rows) if rows else np.zeros((0, net.architecture.dim), np.float32)
