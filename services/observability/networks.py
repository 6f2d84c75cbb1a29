"""Networks whose calls are timed and counted. Change no answer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detector.types import Detections
from reid.types import Embedder, EmbedderSpec, Image
from services.observability import catalogue
from services.observability.instruments import histogram
from services.observability.tracing import step


class Detector(Protocol):
    """Pictures in, vehicles out."""

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The vehicles of each picture, uint8 (H, W, 3) BGR, in order."""
        ...


class MeasuredDetector:
    """A detector that says how long it takes."""

    def __init__(self, inner: Detector) -> None:
        self._inner = inner
        self._seconds = histogram(catalogue.DETECTOR_SECONDS)
        self._batch = histogram(catalogue.DETECTOR_BATCH)

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """See Detector."""
        began_s = time.perf_counter()
        with step("detect", {"pictures": len(images)}):
            found = self._inner.detect(images)
        self._seconds.observe(time.perf_counter() - began_s)
        self._batch.observe(len(images))
        return found


class MeasuredEmbedder:
    """An embedder that says how long it takes."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._seconds = histogram(catalogue.EMBEDDER_SECONDS)
        self._batch = histogram(catalogue.EMBEDDER_BATCH)

    @property
    def spec(self) -> EmbedderSpec:
        """See Embedder."""
        return self._inner.spec

    def embed(self, crops: Sequence[Image]) -> NDArray[np.float32]:
        """See Embedder."""
        if not crops:
            return self._inner.embed(crops)
        began_s = time.perf_counter()
        with step("embed", {"crops": len(crops)}):
            vectors = self._inner.embed(crops)
        self._seconds.observe(time.perf_counter() - began_s)
        self._batch.observe(len(crops))
        return vectors
