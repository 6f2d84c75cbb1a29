"""Serves an exported model on the CPU with OpenVINO. Never imports torch, never trains, never converts."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from reid.errors import ModelError
from reid.metadata import SPEC_FILE, ExportSpec, Precision, read_document
from reid.preprocess import to_batch
from reid.types import EmbedderSpec, Image

MODEL_FILE = "model.xml"
ONNX_FILE = "model.onnx"


class OpenVinoEmbedder:
    """`reid.types.Embedder` over a folder that `reid.export` wrote. May be called from several threads; one computes.

    Computes in FP32 also where the processor offers less: vectors of one model id must agree between machines.
    """

    def __init__(self, model_dir: Path, threads: int | None = None) -> None:
        """Reads and compiles the model.

        Args:
            model_dir: Holds `spec.json` and either `model.xml` with `model.bin`, or `model.onnx`.
            threads: CPU threads to use; None leaves it to OpenVINO.

        Raises:
            ModelError: A file is missing or damaged.
        """
        written = read_document(model_dir / SPEC_FILE, ExportSpec)
        self._spec = written.build()
        self._max_batch = written.max_batch
        self._precision = written.precision
        settings: dict[str, str | int] = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_PRECISION_HINT": "f32",
        }
        if threads is not None:
            if threads < 1:
                raise ValueError(f"threads must be >= 1, got {threads}")
            settings["INFERENCE_NUM_THREADS"] = threads
        file = model_dir / (ONNX_FILE if (model_dir / ONNX_FILE).is_file() else MODEL_FILE)
        try:
            self._model = openvino.Core().compile_model(str(file), "CPU", settings)
        except RuntimeError as exc:
            raise ModelError(f"cannot load {file}: {' '.join(str(exc).split())[:300]}") from exc
        self._request = self._model.create_infer_request()
        self._lock = threading.Lock()

    @property
    def spec(self) -> EmbedderSpec:
        """The model behind the vectors."""
        return self._spec

    @property
    def precision(self) -> Precision:
        """Of the arithmetic. Apart from the model's id: precisions that passed the parity test are interchangeable."""
        return self._precision

    @property
    def runtime(self) -> str:
        """What computes, with its version, for instance "openvino 2026.4.1"."""
        return f"openvino {openvino.__version__.split('-')[0]}"

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """Embeds crops of any size, in batches of bounded size.

        Args:
            crops: uint8 (H, W, 3) BGR pictures of one vehicle each; may be empty.

        Returns:
            float32 (N, D) in the order of ``crops``, each row of L2 norm 1; (0, D) for no crops.

        Raises:
            ValueError: A crop is not uint8 (H, W, 3) or has no pixels.
        """
        vectors = np.empty((len(crops), self._spec.dim), np.float32)
        for start in range(0, len(crops), self._max_batch):
            batch = to_batch(crops[start : start + self._max_batch], self._spec.input_hw)
            with self._lock:
                self._request.infer([batch])
                vectors[start : start + len(batch)] = self._request.get_output_tensor(0).data
        return vectors
