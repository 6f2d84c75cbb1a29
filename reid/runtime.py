"""Serves an exported model on the CPU with OpenVINO. Never imports torch, never trains, never converts."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
import openvino
from numpy.typing import NDArray

from reid.errors import ModelError
from reid.metadata import SPEC_FILE, ExportSpec, Precision, read_document
from reid.openvino_core import openvino_core
from reid.preprocess import check_crop, resize_crop
from reid.types import EmbedderSpec, Image

MODEL_FILE = "model.xml"
ONNX_FILE = "model.onnx"


def model_file(model_dir: Path) -> Path:
    """The network in a folder that `reid.export` wrote."""
    return model_dir / (ONNX_FILE if (model_dir / ONNX_FILE).is_file() else MODEL_FILE)


class OpenVinoEmbedder:
    """`reid.types.Embedder` over a folder that `reid.export` wrote. Threads that call it take turns.

    Computes in FP32 also where the processor offers less: vectors of one model id must agree between machines. Each
    crop is a request of its own, so its vector does not depend on what else was asked for.
    """

    def __init__(self, model_dir: Path, threads: int | None = None) -> None:
        """Reads and compiles the model.

        Args:
            model_dir: Holds `spec.json` and either `model.xml` with `model.bin`, or `model.onnx`.
            threads: Crops computed at once, each on one CPU thread; None for one per core that may be used.

        Raises:
            ModelError: A file is missing or damaged.
            ValueError: Fewer than one thread.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads must be >= 1, got {threads}")
        count = threads or len(os.sched_getaffinity(0))
        written = read_document(model_dir / SPEC_FILE, ExportSpec)
        self._spec = written.build()
        self._precision = written.precision
        file = model_file(model_dir)
        try:
            self._requests = _compile(file, self._spec.input_hw, count)
        except RuntimeError as exc:
            raise ModelError(f"cannot load {file}: {' '.join(str(exc).split())[:300]}") from exc
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
        """Embeds crops of any size and number.

        Args:
            crops: uint8 (H, W, 3) BGR pictures of one vehicle each; may be empty.

        Returns:
            float32 (N, D) in the order of ``crops``, each row of L2 norm 1; (0, D) for no crops.

        Raises:
            ValueError: A crop is not uint8 (H, W, 3) or has no pixels.
        """
        for crop in crops:
            check_crop(crop)
        vectors = np.empty((len(crops), self._spec.dim), np.float32)
        with self._lock:
            for row, crop in enumerate(crops):
                request = self._requests[row % len(self._requests)]
                if row >= len(self._requests):
                    request.take(vectors)
                request.start(crop, row)
            for request in islice(self._requests, len(crops)):
                request.take(vectors)
        return vectors


class _Request:
    """One crop on its way through the network, with the memory for its pixels."""

    def __init__(self, request: openvino.InferRequest, input_hw: tuple[int, int]) -> None:
        self._request = request
        self._input_hw = input_hw
        self._pixels = np.empty((1, *input_hw, 3), np.uint8)
        self._row = 0
        request.set_input_tensor(openvino.Tensor(self._pixels, shared_memory=True))

    def start(self, crop: Image, row: int) -> None:
        """Begins to compute the vector of that row."""
        self._row = row
        self._pixels[0] = resize_crop(crop, self._input_hw)
        self._request.start_async()

    def take(self, vectors: NDArray[np.float32]) -> None:
        """Waits for the vector and puts it into its row of ``vectors`` (N, D)."""
        self._request.wait()
        vectors[self._row] = self._request.get_output_tensor(0).data[0]


def _compile(file: Path, input_hw: tuple[int, int], threads: int) -> list[_Request]:
    """Requests of the network in ``file``, enough that no thread waits while the next crop is prepared."""
    core = openvino_core()
    model = core.read_model(str(file))
    model.reshape([1, *input_hw, 3])
    settings: dict[str, str | int | bool] = {
        # A stream of one thread per crop: nothing waits, spinning, for another thread within a layer.
        "NUM_STREAMS": threads,
        "INFERENCE_NUM_THREADS": threads,
        # Pinned threads of several processes would queue on the same cores while others idle.
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    compiled = core.compile_model(model, "CPU", settings)
    return [_Request(compiled.create_infer_request(), input_hw) for _ in range(2 * threads)]
