"""Weights between those that a run began with and those that it made. Trains nothing."""

from __future__ import annotations

from pathlib import Path

import torch

from reid.checkpoint import load_checkpoint
from reid.config import TrainConfig
from reid.errors import ModelError
from reid.metadata import CheckpointMetadata, metadata_path, read_document
from reid.model import ReidNet
from reid.start import Start


def require_mixable(config: TrainConfig, start: Start) -> None:
    """Refuses, before anything is trained, what `keep_of_start` could not do at the end.

    Raises:
        ModelError: The run begins with no checkpoint of its own architecture and wants to keep of it.
    """
    if not config.of_start:
        return
    if not isinstance(start, Path) or start.suffix != ".safetensors":
        raise ModelError("of_start keeps a share of a checkpoint: start from one")
    began = read_document(metadata_path(start), CheckpointMetadata).architecture
    if began != config.architecture:
        raise ModelError(f"of_start mixes weights of one architecture, and {start} has another than the run")


def keep_of_start(net: ReidNet, start: Start, share: float) -> None:
    """Moves a trained network back towards what it began with, in place; the classifier stays as it is.

    What a run learns from new pictures it pays for with some of what it knew of others. On the straight line between
    both ends lie weights that are better on either than the end is, as long as one came from the other.

    Args:
        net: As trained.
        start: The checkpoint it began with.
        share: Of the start, in [0, 1); 0 changes nothing.

    Source:
        Wortsman et al. 2022, "Robust Fine-Tuning of Zero-Shot Models".
    """
    if not share:
        return
    known, _ = load_checkpoint(Path(start))
    ours = net.state_dict()
    with torch.no_grad():
        for name, began in known.state_dict().items():
            if began.is_floating_point():
                ours[name].lerp_(began.to(ours[name]), share)
