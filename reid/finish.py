"""What follows training: retrieval on held-out vehicles, calibration, the checkpoint. Moves no weights."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from reid.calibrate import calibrate_network
from reid.checkpoint import save_checkpoint
from reid.config import TrainConfig
from reid.data import Sample
from reid.embedding import embed_samples
from reid.evaluation import cross_camera
from reid.journal import log
from reid.metadata import CalibrationData, CheckpointMetadata
from reid.model import ReidNet
from reid.parts import Parts
from reid.preprocess import Preprocessing


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


def finish(net: ReidNet, config: TrainConfig, parts: Parts, weights: Path, command: str) -> None:
    """Judges a trained network, calibrates it on vehicles of its own and writes the checkpoint.

    The description holds nothing that changes between two runs that compute the same, such as times.

    Raises:
        DataError: The vehicles held out for calibration do not allow it.
    """
    net.eval()
    figures: dict[str, Any] = {"vehicles": len({sample.identity for sample in parts.fit})}
    figures["select"] = judge(net, parts.select, config.preprocessing)
    calibration, judged = calibrate_network(net, config.preprocessing, parts.calibrate, parts.select)
    figures["calibration_log_loss"] = {domain: found.get("log_loss") for domain, found in judged.items()}
    figures["calibration"] = judged
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
