"""torchreid's FeatureExtractor with its own defaults, on random weights: speed does not ask what they are."""

from __future__ import annotations

import contextlib
import io
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MODEL = "osnet_x1_0"
#: FeatureExtractor's default, height and width in px.
INPUT_HW = (256, 128)


class TorchreidExtractor:
    """Crops in, vectors out, as a user of torchreid would have it on the CPU."""

    def __init__(self, threads: int) -> None:
        """Builds the network. Downloads nothing: it is handed weights, which keeps it from fetching its own.

        Args:
            threads: CPU threads of torch.

        Raises:
            ImportError: torch, torchreid or something that it needs is not installed.
        """
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):  # It greets.
            warnings.simplefilter("ignore")
            import torch
            from torchreid.reid.models import build_model
            from torchreid.reid.utils import FeatureExtractor

            torch.manual_seed(0)
            torch.set_num_threads(threads)
            with tempfile.TemporaryDirectory() as folder:
                weights = Path(folder) / "random.pth"
                torch.save(build_model(MODEL, num_classes=1, pretrained=False).state_dict(), weights)
                self._extract: Any = FeatureExtractor(MODEL, str(weights), device="cpu", verbose=False)

    def embed(self, crops: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """uint8 (H, W, 3) BGR crops of any size to float32 (N, 512)."""
        vectors: NDArray[np.float32] = self._extract(list(crops)).numpy()
        return vectors
