"""Checkpoints to ONNX, for runtimes other than OpenVINO."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

from reid.export.folder import ONNX_FILE, explained_missing_packages, model_folder, spec_of

INPUT_NAME = "pictures"
OUTPUT_NAME = "vectors"


def export_onnx(weights: Path, out_dir: Path) -> Path:
    """Converts a checkpoint to `model.onnx`: ``pictures`` uint8 (B, H, W, 3) BGR to ``vectors`` float32 (B, D), any B.

    Args:
        weights: Checkpoint, `*.safetensors` with its description beside it.
        out_dir: Folder to write to; replaced if it exists.

    Returns:
        ``out_dir``.

    Raises:
        ModelError: The checkpoint is missing or damaged, or what conversion needs is not installed.
    """
    with explained_missing_packages():
        import onnxscript  # noqa: F401  (torch's exporter needs it and says so late)
        import torch

        from reid.checkpoint import load_checkpoint
        from reid.model import EmbeddingGraph

        net, metadata = load_checkpoint(weights)
        height, width = metadata.preprocessing.input_hw
        graph = EmbeddingGraph(net, metadata.preprocessing).eval()
        example = torch.zeros(2, height, width, 3, dtype=torch.uint8)
        spec = spec_of(weights, metadata)
        with _quiet(), model_folder(out_dir, spec, weights) as draft:
            program = torch.onnx.export(
                graph,
                (example,),
                input_names=[INPUT_NAME],
                output_names=[OUTPUT_NAME],
                dynamic_shapes={INPUT_NAME: {0: torch.export.Dim("batch", min=1, max=spec.max_batch)}},
                dynamo=True,
                verbose=False,
            )
            program.save(str(draft / ONNX_FILE), external_data=False)
    return out_dir


class _quiet:  # noqa: N801
    """Keeps the exporter's remarks on its own passes to itself."""

    def __enter__(self) -> None:
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("ignore")
        self._level = logging.getLogger("torch.onnx").level
        logging.getLogger("torch.onnx").setLevel(logging.ERROR)

    def __exit__(self, *_: object) -> None:
        logging.getLogger("torch.onnx").setLevel(self._level)
        self._warnings.__exit__(None, None, None)
