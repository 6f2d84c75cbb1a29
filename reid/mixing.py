"""Weights between those that a run began with and those that it made. Trains nothing."""

from __future__ import annotations

import math
from itertools import islice
from pathlib import Path

import torch
from torch import nn

from reid.batches import BatchLoader, Place
from reid.checkpoint import load_checkpoint
from reid.config import TrainConfig
from reid.errors import ModelError
from reid.metadata import CheckpointMetadata, metadata_path, read_document
from reid.model import PixelInput, ReidNet
from reid.run import Run
from reid.start import Start, is_checkpoint

#: Pictures that tell the statistics of mixed weights.
STATISTICS_PICTURES = 1536


def require_mixable(config: TrainConfig, start: Start) -> None:
    """Refuses, before anything is trained, what `keep_of_start` could not do at the end.

    Raises:
        ModelError: The run begins with no checkpoint of its own architecture and wants to keep of it.
    """
    if not config.of_start:
        return
    if not is_checkpoint(start):
        raise ModelError("of_start keeps a share of a checkpoint: start from one")
    began = read_document(metadata_path(start), CheckpointMetadata).architecture
    if began != config.architecture:
        raise ModelError(f"of_start mixes weights of one architecture, and {start} has another than the run")


def keep_of_start(net: ReidNet, start: Start, share: float) -> None:
    """Moves a trained network back towards what it began with, in place; the classifier stays as it is.

    Batch statistics are then those of neither: `renew_statistics` is to follow.

    What a run learns from new pictures it pays for with some of what it knew of others. On the straight line between
    both ends lie weights that are better on either than the end is, as long as one came from the other.

    Args:
        net: As trained.
        start: The checkpoint it began with.
        share: Of the start, in [0, 1).

    Source:
        Wortsman et al. 2022, "Robust Fine-Tuning of Zero-Shot Models".
    """
    known, _ = load_checkpoint(Path(start))
    ours = net.state_dict()
    with torch.no_grad():
        for name, began in known.state_dict().items():
            if began.is_floating_point():
                ours[name].lerp_(began.to(ours[name]), share)


def renew_statistics(net: ReidNet, config: TrainConfig, run: Run) -> None:
    """Measures batch statistics anew, of the stages that are not frozen and of the BNNeck, on pictures as trained on.

    Between two networks' weights features have means that lie between neither's statistics: without their own, vectors
    share a direction, and cosines lie close together. `torch.optim.swa_utils.update_bn` would renew frozen stages too.

    Args:
        net: Its statistics are replaced.
        config: Of the run.
        run: Its sampler and its pictures, those of the epoch after the last.

    Source:
        Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization", section 3.2.
    """
    device = next(net.parameters()).device
    pixels = PixelInput(config.preprocessing).to(device)
    fixed = tuple(f"backbone.network.{stage}." for stage in config.frozen)
    norms = [
        module
        for name, module in net.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and not name.startswith(fixed)
    ]
    before = [norm.momentum for norm in norms]
    net.eval()
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # A plain mean over all that follow.
        norm.train()
    drawn = islice(run.sampler.epoch(config.epochs), math.ceil(STATISTICS_PICTURES / config.vehicles / config.pictures))
    batches = (
        [Place(index, step, row) for row, index in enumerate(batch)]
        for step, batch in enumerate(drawn, start=config.epochs * config.batches)
    )
    for _, pictures in BatchLoader(run.pictures, workers=0).epoch(batches):
        with torch.no_grad():
            net.features(pixels(pictures.to(device)))
    for norm, momentum in zip(norms, before, strict=True):
        norm.momentum = momentum
    net.eval()
