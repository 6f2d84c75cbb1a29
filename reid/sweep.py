"""Compares training runs on equal terms: several configurations, one division of the data, one row each."""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from reid.checkpoint import load_checkpoint
from reid.config import RECIPES, TrainConfig, merged, read_config, read_shipped, recipe_path
from reid.export import export_openvino
from reid.journal import LOG_FILE
from reid.metadata import CheckpointMetadata, metadata_path, read_document
from reid.parts import read_parts
from reid.progress import require_same_run
from reid.run import RunOptions
from reid.runtime import OpenVinoEmbedder
from reid.train import train
from reid.types import Embedder

SWEEPS = RECIPES / "sweeps"


class SweepRun(BaseModel):
    """One row of the table."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    recipe: str = Field("default", description="Shipped recipe that it starts from.")
    changes: dict[str, Any] = Field(default_factory=dict, description="What is different in it, nested as a recipe.")


class SweepConfig(BaseModel):
    """A table of runs."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    changes: dict[str, Any] = Field(default_factory=dict, description="What is different in all runs.")
    runs: dict[str, SweepRun] = Field(min_length=1)


def read_sweep(name: str, changes: Mapping[str, Any] | None = None) -> dict[str, TrainConfig]:
    """The runs of a sweep, each a whole configuration.

    Args:
        name: Of a shipped sweep, or the path of a YAML file.
        changes: What to replace in all runs, beyond what the file says (which yields to it).

    Raises:
        DataError: There is no such sweep, or it is malformed; the message names the key.
    """
    sweep = read_shipped(name, SWEEPS, "sweep", SweepConfig)
    return {
        title: read_config(
            recipe_path(run.recipe),
            merged(merged(sweep.changes, run.changes), changes or {}),
            f"sweep {name}, run {title}, as changed:",
        )
        for title, run in sweep.runs.items()
    }


def run_sweep(
    runs: Mapping[str, TrainConfig],
    folders: Mapping[str, Path],
    out: Path,
    options_for: Callable[[str, TrainConfig], RunOptions],
) -> Iterator[dict[str, Any]]:
    """Trains what is not trained yet and yields one row per run.

    Args:
        runs: By title, which is also the run's folder below ``out``.
        folders: Data folder by domain; the same for all.
        out: Folder for all runs. Runs that finished there are not repeated.
        options_for: How to carry out a run.

    Yields:
        ``run``, ``score`` (mean over domains of (rank-1 + mAP) / 2 on held-out vehicles), figures by domain,
        ``seconds`` in the loop, ``ms_per_crop``, ``parameters``, ``weights``.

    Raises:
        ReidError: A run cannot be carried out, or an earlier one in the same folder had another configuration, other
            pictures or other weights to start from.
    """
    for title, config in runs.items():
        folder = out / title
        parts = read_parts(config, folders)
        weights = folder / f"{config.name}.safetensors"
        options = options_for(title, config)
        if weights.exists():
            require_same_run(folder, config, parts, options.start)
        else:
            train(config, parts, folder, options)
        yield _row(title, config, weights)


def _row(title: str, config: TrainConfig, weights: Path) -> dict[str, Any]:
    metadata = read_document(metadata_path(weights), CheckpointMetadata)
    select = metadata.figures["select"]
    log = weights.with_name(LOG_FILE)
    net, _ = load_checkpoint(weights)
    with tempfile.TemporaryDirectory() as folder:
        embedder = OpenVinoEmbedder(export_openvino(weights, Path(folder) / "model"), threads=1)
        speed = ms_per_crop(embedder)
    domains = {name: figures for name, figures in select.items() if isinstance(figures, Mapping)}
    return {
        "run": title,
        "score": round(select["score"], 4),
        "domains": {name: {key: found[key] for key in ("rank1", "mAP")} for name, found in domains.items()},
        "batches": config.epochs * config.batches,
        "seconds": round(sum(json.loads(line)["seconds"] for line in log.read_text().splitlines()), 1),
        "ms_per_crop": round(speed, 2),
        "parameters": sum(parameter.numel() for parameter in net.parameters()),
        "weights": str(weights),
    }


def ms_per_crop(embedder: Embedder, batch: int = 16, repeats: int = 5) -> float:
    """Median processor time for a crop, milliseconds, resizing left out.

    Args:
        embedder: Best with one thread: then other work on the machine disturbs least.
        batch: Crops in a call.
        repeats: Calls measured, after one that is not.
    """
    rng = np.random.default_rng(0)
    crops = list(rng.integers(0, 256, (batch, *embedder.spec.input_hw, 3), dtype=np.uint8))
    embedder.embed(crops)
    spent = []
    for _ in range(repeats):
        started = time.process_time()
        embedder.embed(crops)
        spent.append((time.process_time() - started) / batch * 1e3)
    return statistics.median(spent)
