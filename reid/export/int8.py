"""Checkpoints to OpenVINO models in INT8, by quantisation after training with NNCF. Trains nothing."""

from __future__ import annotations

import logging
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING

from reid.export.folder import MODEL_FILE, explained_missing_packages, model_folder, spec_of
from reid.export.openvino import traced
from reid.preprocess import to_batch
from reid.types import Image

if TYPE_CHECKING:
    import openvino

#: Pictures that ranges and biases are taken from; fewer do, more hardly help.
USUAL_PICTURES = 300
#: Convolutions at the input that stay in FP32: with few channels they cost little, and their error reaches everything.
_FIRST_KEPT = 8


def export_openvino_int8(weights: Path, out_dir: Path, pictures: Sequence[Image]) -> Path:
    """Converts a checkpoint and quantises what costs most: all convolutions but the first eight, none of the head.

    Activations are taken as asymmetric and biases are corrected layer by layer: with MobileNetV2 the quick correction
    leaves single crops at a cosine of 0.96 to FP32, this one at 0.99. The head stays, because rounding after the last
    normalisation would leave vectors that are not of norm 1.

    Args:
        weights: Checkpoint, `*.safetensors` with its description beside it.
        out_dir: Folder to write `model.xml`, `model.bin` and `spec.json` to; replaced if it exists.
        pictures: uint8 (H, W, 3) BGR, a few hundred like those to come; ranges are taken from them.

    Returns:
        ``out_dir``.

    Raises:
        ValueError: There are no pictures, or one is no picture.
        ModelError: The checkpoint is missing or damaged, or what conversion needs is not installed.
    """
    if not pictures:
        raise ValueError("INT8 needs pictures to take ranges from, got none")
    with explained_missing_packages():
        import nncf
        import openvino

        from reid.checkpoint import load_checkpoint
        from reid.model import EmbeddingGraph

        net, metadata = load_checkpoint(weights)
        spec = spec_of(weights, metadata, "int8")
        batch = to_batch(pictures, spec.input_hw)
        model = traced(EmbeddingGraph(net, metadata.preprocessing), spec.input_hw)
        nncf.set_log_level(logging.ERROR)
        with redirect_stdout(sys.stderr), model_folder(out_dir, spec) as draft:  # It draws bars on stdout.
            quantised = nncf.quantize(
                model,
                nncf.Dataset([row[None] for row in batch]),
                preset=nncf.QuantizationPreset.MIXED,
                subset_size=len(batch),
                fast_bias_correction=False,
                ignored_scope=nncf.IgnoredScope(names=_kept_in_fp32(model), validate=False),
            )
            openvino.save_model(quantised, draft / MODEL_FILE, compress_to_fp16=True)
    return out_dir


def _kept_in_fp32(model: openvino.Model) -> list[str]:
    """Names of the first convolutions and of everything behind the last one."""
    nodes = [node for node in model.get_ordered_ops() if node.get_type_name() not in ("Constant", "Result")]
    convolutions = [i for i, node in enumerate(nodes) if node.get_type_name().endswith("Convolution")]
    kept = [nodes[i] for i in convolutions[:_FIRST_KEPT]] + nodes[convolutions[-1] + 1 :]
    return [node.get_friendly_name() for node in kept]
