"""Puts together what a training run works with: network, average, optimiser, sampler, pictures. Trains nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.optim.swa_utils import AveragedModel

from reid.attributes import AttributeTable
from reid.batches import AugmentedPictures, Place
from reid.collapse import CollapseWatch
from reid.config import TrainConfig
from reid.data import Sample
from reid.errors import TrainingError
from reid.hard_vehicles import hard_vehicles
from reid.journal import log
from reid.lookalikes import look_alikes
from reid.memory import keep_freed_memory
from reid.model import PixelInput, ReidNet
from reid.objective import MetricLoss, Vocabulary
from reid.optimise import Rates, freeze, make_optimiser, moving_average
from reid.parts import Parts
from reid.precision import half_precision, no_shortened_products
from reid.progress import PROGRESS_FILE, Progress, RunIdentity
from reid.ranks import Ranks
from reid.sampler import Alike, PKSampler, PKSettings
from reid.start import NOTHING, Start, initialise, is_checkpoint


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a run is carried out; but for ``start``, nothing here changes what is computed on one device.

    Attributes:
        start: Weights to begin with.
        resume: Go on after the last finished epoch in the folder; without it such a folder is refused.
        device: "auto", or what torch calls it.
        command: How this was called, for the record.
        progress: Told batches done and batches in all.
    """

    start: Start = NOTHING
    resume: bool = False
    device: str = "auto"
    command: str = ""
    progress: Callable[[int, int], None] = lambda done, total: None


@dataclass(frozen=True, slots=True)
class Run:
    """What the loop works with.

    Attributes:
        net: The network itself.
        model: The network as called: itself, or wrapped so that processes average their gradients.
        averaged: Its running average, which is judged and kept.
        optimiser: Moves ``net``.
        scaler: Keeps float16 gradients in range; does nothing for other types.
        precision: 16-bit type to compute in; None for 32 bits.
        pixels: uint8 pictures to network input.
        metric: The metric loss.
        collapse: Watches it.
        sampler: Chooses batches.
        pictures: Loads them.
        labels: Class number by identity.
        attributes: Class numbers of what else is learned of a picture.
        progress: What was left by an interrupted run, and will be left by this one.
        first_epoch: Epochs finished before.
        trained: Its features told vehicles apart before the first batch: it began with a checkpoint of ours.
    """

    net: ReidNet
    model: nn.Module
    averaged: AveragedModel
    optimiser: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    precision: torch.dtype | None
    pixels: PixelInput
    metric: MetricLoss
    collapse: CollapseWatch
    sampler: PKSampler
    pictures: AugmentedPictures
    labels: dict[tuple[str, str], int]
    attributes: AttributeTable
    progress: Progress
    first_epoch: int
    trained: bool

    def save(self, epochs: int) -> None:
        """Leaves behind what it takes to go on after ``epochs`` finished epochs."""
        self.progress.save(epochs, **_stateful(self.net, self.averaged, self.optimiser, self.scaler))

    def labels_of(self, batch: Sequence[Place], device: torch.device) -> Tensor:
        """(B,) class numbers of a batch."""
        numbers = [self.labels[self.pictures.samples[place.index].identity] for place in batch]
        return torch.tensor(numbers).to(device, non_blocking=True)

    def alike(self, config: TrainConfig, epoch: int) -> Alike | None:
        """Which vehicles the averaged network takes for alike; None before it has learned anything, or unasked."""
        # The classifier is fresh, whatever the features began with.
        learned = bool(self.averaged.n_averaged) or (config.objective.offline and self.trained)
        if not self.sampler.draws_blocks or not learned:
            return None
        net = self.averaged.module
        if config.objective.offline:
            return hard_vehicles(net, self.pictures.samples, config.preprocessing, (config.seed, epoch))
        return look_alikes(net.classifier.weight, sorted(self.labels, key=self.labels.__getitem__))

    def attributes_of(self, batch: Sequence[Place], device: torch.device) -> Tensor | None:
        """(B, A) class numbers of a batch's attributes; None where the run has none."""
        return self.attributes.codes([self.pictures.samples[p.index] for p in batch], device)


def set_up(config: TrainConfig, parts: Parts, out: Path, options: RunOptions, ranks: Ranks) -> Run:
    """Builds everything, from the start or as the last finished epoch left it.

    Raises:
        TrainingError: The folder holds a run and ``resume`` is off, or another run; P does not divide over processes.
        DataError: Too few vehicles, a stage to freeze that is not there, or an attribute that no picture tells.
        ModelError: The weights to start from cannot be had or do not fit, or there is no stage to keep in 32 bits.
    """
    keep_freed_memory()
    no_shortened_products()
    torch.manual_seed(config.seed)
    sampler = make_sampler(config, parts.fit, ranks)
    labels = {identity: n for n, identity in enumerate(sorted({s.identity for s in parts.fit}))}
    progress = Progress(out / PROGRESS_FILE, RunIdentity.of(config, parts, options.start), resume=options.resume)
    attributes = AttributeTable.of(parts.fit, config.objective.attributes)
    net = ReidNet(config.architecture, len(labels), config.objective.build_classifier)
    metric = config.objective.build(Vocabulary(config.architecture.dim, attributes.sizes))
    net.carry(metric)
    if not progress.exists:
        if options.start == NOTHING and config.frozen:
            log.warning("%s stay as they are, and they start from nothing: set frozen=[]", ", ".join(config.frozen))
        initialise(net, options.start)
    net = net.to(ranks.device, memory_format=torch.channels_last)
    freeze(net, config.frozen)
    for name in config.full_precision:
        net.backbone.stage(name)  # Before any work is done.
    averaged = AveragedModel(net, multi_avg_fn=moving_average(config.averaging), use_buffers=True)
    optimiser = make_optimiser(net, Rates(config.learning_rate, config.head_rate, config.weight_decay))
    precision = half_precision(ranks.device) if config.mixed_precision else None
    scaler = torch.amp.GradScaler(ranks.device.type, enabled=precision is torch.float16)
    first_epoch = progress.restore(**_stateful(net, averaged, optimiser, scaler))
    return Run(
        net=net,
        model=_wrapped(net, ranks),
        averaged=averaged,
        optimiser=optimiser,
        scaler=scaler,
        precision=precision,
        pixels=PixelInput(config.preprocessing).to(ranks.device),
        metric=metric,
        collapse=CollapseWatch(metric.at_collapse, metric.scale),
        sampler=sampler,
        pictures=AugmentedPictures(parts.fit, config.preprocessing.input_hw, config.augment, config.seed),
        labels=labels,
        attributes=attributes,
        progress=progress,
        first_epoch=first_epoch,
        trained=is_checkpoint(options.start),
    )


def make_sampler(config: TrainConfig, samples: Sequence[Sample], ranks: Ranks) -> PKSampler:
    """The sampler that a configuration describes.

    Raises:
        TrainingError: The vehicles of a batch cannot be shared out evenly between the processes, or mining is offline
            and there are several, or no blocks to bring vehicles together in.
        DataError: Too few vehicles.
    """
    if config.objective.offline and ranks.size > 1:
        raise TrainingError("offline mining looks at all pictures in one process; train without torchrun")
    if config.vehicles % ranks.size:
        raise TrainingError(f"{config.vehicles} vehicles a batch do not divide over {ranks.size} processes")
    shares = {name: domain.share for name, domain in config.domains.items()}
    few = {name: domain.pictures_each for name, domain in config.domains.items() if domain.pictures_each}
    settings = PKSettings(
        config.vehicles, config.pictures, config.batches, config.balance, shares, few, block=config.block
    )
    sampler = PKSampler(samples, settings, config.seed)
    if config.objective.offline and not sampler.draws_blocks:
        raise TrainingError("objective.offline chooses who stands together in a block: set block to 2 or more")
    return sampler


def _stateful(
    net: ReidNet, averaged: AveragedModel, optimiser: torch.optim.Optimizer, scaler: torch.amp.GradScaler
) -> dict[str, Any]:
    return {"net": net, "averaged": averaged, "optimiser": optimiser, "scaler": scaler}


def _wrapped(net: ReidNet, ranks: Ranks) -> nn.Module:
    """The network, its gradients averaged over processes, its batch statistics too where there are GPUs."""
    if ranks.size == 1:
        return net
    if ranks.device.type != "cuda":
        return DistributedDataParallel(net)
    # Replaces layers within `net` and keeps their parameters, which the optimiser holds already.
    nn.SyncBatchNorm.convert_sync_batchnorm(net)
    return DistributedDataParallel(net, device_ids=[ranks.device.index])
