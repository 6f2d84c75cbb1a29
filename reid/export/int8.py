"""Checkpoints to OpenVINO models in INT8, with as few layers left in FP32 as accuracy allows. Trains nothing."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from reid.errors import ModelError
from reid.export.folder import MODEL_FILE, explained_missing_packages, model_folder, spec_of
from reid.export.openvino import traced
from reid.export.sensitivity import embedded, layer_damage, quantised_layers
from reid.preprocess import to_batch
from reid.types import Image

if TYPE_CHECKING:
    import openvino

FEWEST_PICTURES = 3
#: Pictures that do. The worst of them decides, so an attempt is judged on many.
USUAL_PICTURES = 1500
#: Of them so many give ranges and biases, if two of three are as many; more hardly help there. The others judge.
_MOST_RANGES = 300
#: Least cosines to FP32 that an attempt must reach on the pictures that judge it, one after another while others refuse
#: the result. Above what is asked of it, because others will judge that.
AIMED_COSINES = (0.993, 0.996, 0.998)
#: Pictures that tell layers apart.
_TELLING = 32


@dataclass(frozen=True, slots=True)
class Quantisation:
    """How a model was quantised.

    Attributes:
        layers: Layers that could be quantised.
        kept: Of them, those left in FP32, the most sensitive first.
        least_cosine: To FP32, over the pictures that chose ``kept``.
    """

    layers: int
    kept: tuple[str, ...]
    least_cosine: float

    def document(self) -> dict[str, Any]:
        """JSON form."""
        return {"layers": self.layers, "fp32_layers": len(self.kept), "chosen_at_cosine": round(self.least_cosine, 4)}


def export_openvino_int8(
    weights: Path, out_dir: Path, pictures: Sequence[Image], aimed_cosine: float = AIMED_COSINES[0]
) -> Quantisation:
    """Converts a checkpoint and quantises it, leaving the fewest layers in FP32 that keep every picture's vector.

    Nothing is known beforehand of the network: all its layers are quantised first. If a picture's vector then strays,
    every layer is quantised alone to see what it costs, and the costliest are put back, as few as do (found by
    bisection, each attempt quantised anew). Activations are taken as asymmetric and biases are corrected layer by
    layer, as the quick correction leaves several times the error. The head, whatever follows the last convolution,
    always stays: rounding after the last normalisation would leave vectors that are not of norm 1.

    Args:
        weights: Checkpoint, `*.safetensors` with its description beside it.
        out_dir: Folder to write `model.xml`, `model.bin` and `spec.json` to; replaced if it exists.
        pictures: uint8 (H, W, 3) BGR, a few hundred like those to come, at least 3.
        aimed_cosine: Least cosine to FP32 wanted.

    Returns:
        What was quantised.

    Raises:
        ValueError: There are too few pictures, or one is no picture.
        ModelError: The checkpoint is missing or damaged, what conversion needs is not installed, or even a network
            that is nearly all FP32 misses the cosine.
    """
    if len(pictures) < FEWEST_PICTURES:
        told = f"INT8 needs at least {FEWEST_PICTURES} pictures to take ranges from"
        raise ValueError(f"{told}, got {len(pictures) or 'none'}")
    with explained_missing_packages():
        import nncf  # noqa: F401 - asked for here, so that its absence is one line before any work
        import openvino

        from reid.checkpoint import load_checkpoint
        from reid.model import EmbeddingGraph

        net, metadata = load_checkpoint(weights)
        spec = spec_of(weights, metadata, "int8")
        batch = to_batch(pictures, spec.input_hw)
        logging.getLogger("nncf").setLevel(logging.ERROR)
        with redirect_stdout(sys.stderr), model_folder(out_dir, spec, weights) as draft:  # It draws bars on stdout.
            search = _Search(traced(EmbeddingGraph(net, metadata.preprocessing), spec.input_hw), batch)
            quantised, found = search.run(aimed_cosine)
            openvino.save_model(quantised, draft / MODEL_FILE, compress_to_fp16=False)
    return found


def fewest(most: int, does: Callable[[int], bool]) -> int | None:
    """The smallest count in [0, most] that does, if more always do where fewer do.

    >>> fewest(63, lambda count: count >= 17), fewest(4, lambda count: False)
    (17, None)
    """
    low, high = -1, most + 1  # Counts known not to do, and taken to do.
    asked = 0
    while high - low > 1:
        low, high = (low, asked) if does(asked) else (asked, high)
        asked = (low + high) // 2
    return high if high <= most else None


class _Search:
    """Tries to leave the n costliest layers in FP32, for several n, and keeps the best."""

    def __init__(self, plain: openvino.Model, batch: NDArray[np.uint8]) -> None:
        ranges = np.flatnonzero(np.arange(len(batch)) % 3 != 2)
        if len(ranges) > _MOST_RANGES:
            ranges = ranges[np.linspace(0, len(ranges) - 1, _MOST_RANGES).round().astype(int)]
        judges = np.ones(len(batch), bool)
        judges[ranges] = False
        self._plain = plain
        self._ranges, self._judges = batch[~judges], batch[judges]
        self._reference = embedded(plain, self._judges)
        self._head = _behind_last_convolution(plain)
        self._by_cost: list[str] = []
        self._best: tuple[openvino.Model, Quantisation] | None = None

    def run(self, aimed_cosine: float) -> tuple[openvino.Model, Quantisation]:
        """The model with the fewest layers in FP32 that reaches the cosine.

        Raises:
            ModelError: None does.
        """
        raw = self._quantise(correct_biases=False)
        layers = len(quantised_layers(raw))

        def does(kept: int) -> bool:
            if kept and not self._by_cost:
                damage = layer_damage(self._plain, raw, self._judges[:_TELLING], self._reference[:_TELLING])
                self._by_cost = sorted(damage, key=lambda name: (-damage[name], name))
            names = tuple(self._by_cost[:kept])
            attempt = self._quantise(names)
            cosine = float((embedded(attempt, self._judges) * self._reference).sum(axis=1).min())
            if cosine >= aimed_cosine:
                self._best = (attempt, Quantisation(layers, names, cosine))
            return cosine >= aimed_cosine

        fewest(layers - 1, does)
        if self._best is None:
            raise ModelError(f"no layer can be quantised at a cosine of {aimed_cosine:g} to FP32")
        return self._best

    def _quantise(self, kept: Sequence[str] = (), *, correct_biases: bool = True) -> openvino.Model:
        import nncf

        return nncf.quantize(
            self._plain,
            nncf.Dataset([row[None] for row in self._ranges]),
            preset=nncf.QuantizationPreset.MIXED,
            subset_size=len(self._ranges),
            fast_bias_correction=False,
            ignored_scope=nncf.IgnoredScope(names=[*self._head, *kept], validate=False),
            advanced_parameters=nncf.AdvancedQuantizationParameters(disable_bias_correction=not correct_biases),
        )


def _behind_last_convolution(model: openvino.Model) -> list[str]:
    """Names of everything between the last convolution and the result."""
    nodes = [node for node in model.get_ordered_ops() if node.get_type_name() not in ("Constant", "Result")]
    convolutions = [i for i, node in enumerate(nodes) if node.get_type_name().endswith("Convolution")]
    return [node.get_friendly_name() for node in nodes[convolutions[-1] + 1 :]]
