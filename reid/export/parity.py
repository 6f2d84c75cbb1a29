"""Compares an exported model with the network it was made of. Converts nothing and decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from reid.checkpoint import load_checkpoint
from reid.data import Sample, crosses_cameras
from reid.errors import ModelError
from reid.evaluation import cross_camera
from reid.metadata import ExportSpec, ParityRecord, Precision
from reid.model import EmbeddingGraph
from reid.openvino_core import openvino_core
from reid.preprocess import to_batch
from reid.runtime import model_file
from reid.types import Embedder, Image

BATCH_SIZES = (1, 7, 32)
LEAST_COSINE: Mapping[Precision, float] = {"fp32": 0.999, "int8": 0.99}
#: Most that INT8 may cost.
MOST_RANK1_LOSS = 0.005


@dataclass(frozen=True, slots=True)
class Parity:
    """How near an exported model is to torch.

    Attributes:
        cosine: Smallest cosine between the two vectors of a picture, by batch size; with the stored file also of that
            file run on the whole batch.
        pictures: How many were compared.
        least: Smallest cosine over all pictures.
        median: Median cosine over all pictures.
        rank1: Of torch and of the exported model, cross-camera; None without labelled pictures of several cameras.
    """

    cosine: Mapping[int, float]
    pictures: int
    least: float
    median: float
    rank1: tuple[float, float] | None = None

    @property
    def worst(self) -> float:
        """Smallest cosine of any comparison."""
        return min(self.least, *self.cosine.values())

    def document(self) -> dict[str, Any]:
        """JSON form."""
        found: dict[str, Any] = {"cosine": {str(n): round(value, 6) for n, value in self.cosine.items()}}
        found |= {"pictures": self.pictures, "least": round(self.least, 6), "median": round(self.median, 6)}
        if self.rank1 is not None:
            found["rank1"] = {"torch": round(self.rank1[0], 4), "exported": round(self.rank1[1], 4)}
        return found

    def record(self, spec: ExportSpec, ms_per_crop: Mapping[str, float]) -> ParityRecord:
        """What is kept beside the model, so that serving may choose it."""
        return ParityRecord(
            model_id=spec.model_id,
            precision=spec.precision,
            pictures=self.pictures,
            least_cosine=round(self.worst, 6),
            median_cosine=round(self.median, 6),
            rank1=self.rank1,
            ms_per_crop=dict(ms_per_crop),
        )

    def refusal(self, precision: Precision) -> str | None:
        """Why the model is not interchangeable with its checkpoint; None where it is."""
        if self.worst < LEAST_COSINE[precision]:
            return f"the exported model strays from torch: cosine {self.worst:.4f} < {LEAST_COSINE[precision]}"
        if self.rank1 is not None and self.rank1[0] - self.rank1[1] > MOST_RANK1_LOSS:
            return f"the exported model costs rank-1: {self.rank1[0]:.4f} became {self.rank1[1]:.4f}"
        return None

    def require(self, precision: Precision) -> None:
        """Refuses a model that is not interchangeable with its checkpoint.

        Raises:
            ModelError: It strays too far.
        """
        if told := self.refusal(precision):
            raise ModelError(told)


def check_parity(
    weights: Path,
    exported: Embedder,
    pictures: Sequence[Image],
    samples: Sequence[Sample] = (),
    stored: Path | None = None,
) -> Parity:
    """Runs both over the same pictures.

    Args:
        weights: Checkpoint that ``exported`` was made of.
        exported: The model as a runtime runs it.
        pictures: uint8 (H, W, 3) BGR; where there are fewer than a batch needs they are repeated.
        samples: One per picture, for rank-1; empty leaves it out.
        stored: Folder of the exported model. ``exported`` may run it picture by picture; its file is then run itself in
            whole batches, as other runtimes will.

    Returns:
        What was found.

    Raises:
        ValueError: No pictures, or labels that are not as many.
        ModelError: The checkpoint is missing or damaged, or the stored model takes no batch of one of the sizes.
    """
    if not pictures or (samples and len(samples) != len(pictures)):
        raise ValueError(f"needs pictures, and labels for all or none: got {len(pictures)} and {len(samples)}")
    net, metadata = load_checkpoint(weights)
    graph = EmbeddingGraph(net, metadata.preprocessing).eval()

    def reference(some: Sequence[Image]) -> NDArray[np.float32]:
        batches = [some[start : start + 32] for start in range(0, len(some), 32)]
        with torch.no_grad():
            rows = [graph(torch.from_numpy(to_batch(b, metadata.preprocessing.input_hw))).numpy() for b in batches]
        return np.concatenate(rows)

    cosine = {}
    for size in BATCH_SIZES:
        batch = [pictures[i % len(pictures)] for i in range(size)]
        wanted, sides = reference(batch), [exported.embed(batch)]
        if stored is not None:
            sides.append(_run_whole(model_file(stored), to_batch(batch, metadata.preprocessing.input_hw), wanted.shape))
        cosine[size] = min(float((wanted * side).sum(axis=1).min()) for side in sides)
    both = (reference(pictures), exported.embed(pictures))
    each = (both[0] * both[1]).sum(axis=1)
    spread = (len(pictures), float(each.min()), float(np.median(each)))
    if not crosses_cameras(samples):
        return Parity(cosine, *spread)
    labels = ([s.identity[0] + "/" + s.vehicle for s in samples], [s.domain + "/" + s.camera for s in samples])
    ranks = [cross_camera(vectors, *labels).rank1 for vectors in both]
    return Parity(cosine, *spread, (ranks[0], ranks[1]))


def _run_whole(file: Path, batch: NDArray[np.uint8], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Vectors, of that shape, of a batch (B, H, W, 3) that goes through the network in one piece.

    Raises:
        ModelError: The network takes no such batch.
    """
    core = openvino_core()
    try:
        compiled = core.compile_model(core.read_model(str(file)), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        request = compiled.create_infer_request()  # Outlives the vectors that it lends.
        vectors: NDArray[np.float32] = request.infer([batch])[0].copy()
    except RuntimeError as exc:
        told = " ".join(str(exc).split())[:300]
        raise ModelError(f"the exported model takes no batch of {len(batch)}: {told}") from exc
    if vectors.shape != shape:
        raise ModelError(f"the exported model takes no batch of {len(batch)}: it answers {vectors.shape}, not {shape}")
    return vectors
