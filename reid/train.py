"""Trains the network. `train` is the loop, from top to bottom; everything it calls says one thing in its own file."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from reid.batches import BatchLoader, Place
from reid.config import TrainConfig
from reid.finish import finish, judge
from reid.journal import Journal, log
from reid.losses.cross_entropy import smoothed_cross_entropy
from reid.mixing import keep_of_start, renew_statistics, require_mixable
from reid.optimise import divide_gradients, freeze, rate_at, set_rate
from reid.parts import VEHICLES_FILE, Parts, going_on, write_vehicles
from reid.precision import exact
from reid.ranks import Ranks, joined
from reid.run import Run, RunOptions, set_up
from reid.tally import Tally


def train(config: TrainConfig, parts: Parts, out: Path, options: RunOptions | None = None) -> Path:
    """Trains, keeps the averaged weights of the end, mixed with those of the start where asked, calibrates them.

    The end, not the best-looking epoch: a choice between epochs by a few dozen vehicles is mostly chance, and the fully
    annealed average was better on others. Held-out retrieval is there to follow a run and to compare runs.

    Killed at any time, the same call with ``resume`` goes on from the last finished epoch to the same result. Under
    `torchrun` each process takes its share of the vehicles of every batch.

    Args:
        config: The run.
        parts: Pictures, from `reid.parts.read_parts`.
        out: Folder for everything written: the checkpoint, `log.jsonl`, `vehicles.json`, `last.pt`, TensorBoard events.
        options: How it is carried out.

    Returns:
        The checkpoint, `<name>.safetensors`, with its description beside it.

    Raises:
        TrainingError: The folder holds a run and ``resume`` is off, or another run; the loss is no number, or a weight
            at the end; P does not divide over the processes.
        DataError: The weights to start from were made of vehicles held out here; too few vehicles, a picture that
            cannot be read any more, a stage to freeze that is not there.
        ModelError: The weights to start from cannot be had, do not fit or cannot be mixed with what is made of them, or
            there is no stage to keep in 32 bits.
    """
    options = options or RunOptions()
    parts = going_on(parts, options.start)
    require_mixable(config, options.start)
    weights = out / f"{config.name}.safetensors"
    with joined(options.device) as ranks:
        run = set_up(config, parts, out, options, ranks)
        if ranks.is_first:
            out.mkdir(parents=True, exist_ok=True)
            write_vehicles(parts, out / VEHICLES_FILE)
        _loop(run, config, parts, _open_journal(run, config, out, ranks), options, ranks)
        if ranks.is_first:
            if config.of_start:
                keep_of_start(run.averaged.module, options.start, config.of_start)
                renew_statistics(run.averaged.module, config, run)
            finish(run.averaged.module, config, parts, weights, options.command)
    return weights


def _loop(run: Run, config: TrainConfig, parts: Parts, journal: Journal, options: RunOptions, ranks: Ranks) -> None:
    """All epochs that are left."""
    objective, steps = config.objective, config.epochs * config.batches
    loader = BatchLoader(run.pictures, config.workers)

    def hear(step: int, figures: dict[str, float]) -> None:
        journal.batch(step, figures)
        options.progress(step + 1, steps)

    for epoch in range(run.first_epoch, config.epochs):
        started, told = time.monotonic(), Tally(run.collapse, hear)
        run.model.train()
        freeze(run.net, config.frozen)
        torch.manual_seed(_seed(config, epoch))  # What layers draw repeats when an epoch is repeated.
        drawn = run.sampler.epoch(epoch, run.alike(config, epoch))
        batches = (_places(b, epoch * config.batches + n, ranks) for n, b in enumerate(drawn))
        for batch, loaded in loader.epoch(batches):
            step = batch[0].step
            pictures = loaded.to(ranks.device, non_blocking=True)  # (b, H, W, 3) uint8, b = B / processes
            labels = run.labels_of(batch, ranks.device)  # (b,)
            set_rate(run.optimiser, rate_at(step, steps, config.warm_up))

            with (
                torch.autocast(ranks.device.type, dtype=run.precision, enabled=run.precision is not None),
                exact(run.net, (*config.frozen, *config.full_precision)),
            ):
                features, logits = run.model(run.pixels(pictures))  # (b, D), (b, classes)
            features, logits = features.float(), logits.float()  # Distances and softmax in 32 bits.
            chance = torch.Generator().manual_seed(_seed(config, step))
            own = run.attributes_of(batch, ranks.device)  # (b, A)
            attributes = None if own is None else ranks.gather(own)
            metric = run.metric(ranks.gather(features), ranks.gather(labels), chance, attributes)  # over (B, D)
            classification = smoothed_cross_entropy(objective.logits(logits, labels), labels, objective.smoothing)
            # Gradients are averaged over processes, the metric's parts are to be summed: `reid.ranks` says why.
            loss = objective.metric_weight * ranks.size * metric.loss + objective.cross_entropy_weight * classification

            run.optimiser.zero_grad(set_to_none=True)
            run.scaler.scale(loss).backward()
            run.scaler.unscale_(run.optimiser)
            divide_gradients(run.net.criterion, ranks.size)  # Every process has all rows' already.
            nn.utils.clip_grad_norm_(run.net.parameters(), config.clip)
            run.scaler.step(run.optimiser)
            run.scaler.update()
            run.averaged.update_parameters(run.net)

            right = (logits.argmax(dim=1) == labels).float().mean()
            figures = torch.stack([loss, metric.loss, classification, right, metric.active, metric.spread])
            told.tell(step, figures.detach())

        told.read()
        record: dict[str, Any] = {**told.means(config.batches), "epoch": epoch + 1}
        record |= {"seconds": time.monotonic() - started, "collapsed": told.collapsed}
        if told.collapsed:
            log.warning("epoch %d: all features have run into one point (loss %.4f)", epoch + 1, record["metric"])
        if ranks.is_first and ((epoch + 1) % config.judge_every == 0 or epoch + 1 == config.epochs):
            record |= judge(run.averaged.module, parts.select, config.preprocessing)
        journal.epoch(record, (epoch + 1) * config.batches)
        if ranks.is_first:
            run.save(epoch + 1)
    journal.close()


def _open_journal(run: Run, config: TrainConfig, out: Path, ranks: Ranks) -> Journal:
    return Journal(
        out if ranks.is_first else None,
        first_epoch=run.first_epoch,
        first_step=run.first_epoch * config.batches,
        tensorboard=config.tensorboard,
    )


def _places(batch: Sequence[int], step: int, ranks: Ranks) -> list[Place]:
    """This process's part of a batch, each picture with its place in the run."""
    return [Place(batch[row], step, row) for row in ranks.share(range(len(batch)))]


def _seed(config: TrainConfig, number: int) -> int:
    """A seed of its own for each epoch or batch of a run."""
    return config.seed * 1_000_003 + number
