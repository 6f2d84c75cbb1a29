"""What follows training: retrieval on held-out vehicles, calibration, the checkpoint. Moves no weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reid.calibrate import NO_CALIBRATION, calibrate_network
from reid.checkpoint import first_without_numbers, save_checkpoint
from reid.config import TrainConfig
from reid.data import Sample
from reid.embedding import embed_samples
from reid.errors import DataError, TrainingError
from reid.evaluation import cross_camera
from reid.journal import log
from reid.metadata import CalibrationData, CheckpointMetadata
from reid.model import ReidNet
from reid.parts import Parts
from reid.preprocess import Preprocessing

#: Among the figures of a checkpoint without a calibration: why it has none.
NOT_CALIBRATED = "not_calibrated"


def judge(net: ReidNet, held_out: Mapping[str, Sequence[Sample]], preprocessing: Preprocessing) -> dict[str, Any]:
    """Retrieval on held-out vehicles, by domain; ``score`` is the mean over domains of (rank-1 + mAP) / 2."""
    found: dict[str, Any] = {}
    scores = []
    for domain, samples in held_out.items():
        embeddings = embed_samples(net, samples, preprocessing)
        labels = ([s.vehicle for s in samples], [s.camera for s in samples], [s.kind for s in samples])
        figures = cross_camera(embeddings, *labels)
        found[domain] = figures.document()
        scores.append((figures.rank1 + figures.mean_average_precision) / 2)
    return found | {"score": float(np.mean(scores))}


def calibrated_figures(figures: Mapping[str, Any], judged: Mapping[str, dict[str, Any]]) -> dict[str, Any]:
    """A checkpoint's figures with those of its calibration, by domain, in place of what an earlier one left."""
    kept = {name: figure for name, figure in figures.items() if name != NOT_CALIBRATED}
    log_loss = {domain: found.get("log_loss") for domain, found in judged.items()}
    return kept | {"calibration_log_loss": log_loss, "calibration": dict(judged)}


def finish(net: ReidNet, config: TrainConfig, parts: Parts, weights: Path, command: str) -> None:
    """Judges a trained network, calibrates it on vehicles of its own and writes the checkpoint.

    Where it cannot be calibrated it is written without, and told: what was trained is not lost for it. The description
    holds nothing that changes between two runs that compute the same, such as times.

    Raises:
        TrainingError: The last step left weights that are no numbers, which no loss has told.
        DataError: A picture held out to select on cannot be read any more.
    """
    if first_without_numbers(net.state_dict()) is not None:
        raise TrainingError("the weights are no numbers after the last batch; lower the learning rate")
    net.eval()
    figures: dict[str, Any] = {"vehicles": len({sample.identity for sample in parts.fit})}
    figures["select"] = judge(net, parts.select, config.preprocessing)
    calibration = NO_CALIBRATION
    try:
        calibration, judged = calibrate_network(net, config.preprocessing, parts.calibrate, parts.select)
    except DataError as exc:
        figures[NOT_CALIBRATED] = str(exc)
        log.warning("%s is not calibrated: %s; `vreid calibrate` does so on other vehicles", weights, exc)
    else:
        figures = calibrated_figures(figures, judged)
    metadata = CheckpointMetadata(
        architecture=config.architecture,
        preprocessing=config.preprocessing,
        calibration=CalibrationData.of(calibration),
        seed=config.seed,
        training_command=command,
        figures=figures,
    )
    save_checkpoint(net, metadata, weights)
    log.info("%s", json.dumps({"weights": str(weights), "figures": figures}))
