"""A query's picture or vector made into a unit vector of the gallery's model. Knows nothing of gRPC or gallery."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detector.types import Detections
from reid.types import Embedder, EmbedderSpec, Image
from services.errors import InputError, ModelMismatch
from services.images import ImageLimits, decode_image

_MIN_NORM = 1e-6

BoxPx = tuple[float, float, float, float]


class Detector(Protocol):
    """Pictures in, vehicles out."""

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The vehicles of each picture, uint8 (H, W, 3) BGR, in order."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """How a probe was read.

    Attributes:
        vectors: float32 (V, D), unit length.
        box_xyxy: The vehicle cut out of a picture, px; None where the whole picture was taken or there was none.
    """

    vectors: NDArray[np.float32]
    box_xyxy: BoxPx | None = None


class ProbeReader:
    """Reads pictures with one detector and one embedder, one picture at a time. Safe for threads."""

    def __init__(
        self, detector: Detector, embedder: Embedder, limits: ImageLimits, min_confidence: float = 0.25
    ) -> None:
        """Takes the networks over: nobody else may call them.

        Args:
            detector: Finds the vehicle in a picture.
            embedder: Of the gallery's model.
            limits: What a picture must keep to.
            min_confidence: Detections below this score are not taken for the vehicle meant, in [0, 1].
        """
        self._min_confidence = min_confidence
        self._detector = detector
        self._embedder = embedder
        self._limits = limits
        self._turn = threading.Lock()

    @property
    def spec(self) -> EmbedderSpec:
        """The model behind the vectors."""
        return self._embedder.spec

    def image(self, data: bytes, *, as_is: bool, name: str = "image") -> Reading:
        """The vector of the largest vehicle in a picture, or of the whole picture where none is found.

        Args:
            data: A picture file's bytes.
            as_is: Take the whole picture without looking for a vehicle.
            name: What to call it in messages.

        Raises:
            NotAnImage: As services.images.decode_image.
        """
        picture = decode_image(data, self._limits, name)
        with self._turn:
            box = None if as_is else self._largest(picture)
            x1, y1, x2, y2 = (0, 0, picture.shape[1], picture.shape[0]) if box is None else box
            vectors = self._embedder.embed([np.ascontiguousarray(picture[y1:y2, x1:x2])])
        return Reading(vectors, None if box is None else (float(x1), float(y1), float(x2), float(y2)))

    def embedding(self, values: Sequence[float], model_id: str, name: str = "embedding") -> Reading:
        """A vector from outside, checked and scaled to unit length.

        Raises:
            InputError: Wrong length, not finite or zero.
            ModelMismatch: ``model_id`` is neither empty nor this model.
        """
        spec = self.spec
        if model_id and model_id != spec.model_id:
            raise ModelMismatch(f"{name}.model_id: {model_id[:64]} is not the gallery's model {spec.model_id}")
        if len(values) != spec.dim:
            raise InputError(f"{name}.values: expected {spec.dim} numbers, got {len(values)}")
        vector = np.asarray(values, np.float64)
        if not np.isfinite(vector).all():
            raise InputError(f"{name}.values: must be finite")
        norm = float(np.linalg.norm(vector))
        if norm < _MIN_NORM:
            raise InputError(f"{name}.values: must not be zero")
        return Reading((vector / norm).astype(np.float32)[None])

    def _largest(self, picture: Image) -> tuple[int, int, int, int] | None:
        """The largest box in whole pixels inside the picture; None when there is none worth a look."""
        found = self._detector.detect([picture])[0]
        boxes = found.boxes_xyxy[found.scores >= self._min_confidence].astype(np.float64)  # (N, 4)
        if len(boxes) == 0:
            return None
        height, width = picture.shape[:2]
        low = np.floor(np.clip(boxes[:, :2], 0, (width, height)))
        high = np.ceil(np.clip(boxes[:, 2:], 0, (width, height)))
        sides = high - low  # (N, 2)
        best = int(np.argmax(sides.prod(axis=1)))
        if sides[best].min() < self._limits.min_side_px:
            return None
        (x1, y1), (x2, y2) = low[best], high[best]
        return int(x1), int(y1), int(x2), int(y2)
