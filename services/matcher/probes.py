"""A query's picture or vector made into a unit vector of the gallery's model. Knows nothing of gRPC or gallery."""

from __future__ import annotations

import math
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

DEFAULT_PADDING = 0.02
_MIN_NORM = 1e-6

BoxPx = tuple[float, float, float, float]


class Detector(Protocol):
    """Pictures in, vehicles out."""

    def detect(self, images: Sequence[Image]) -> list[Detections]:
        """The vehicles of each picture, uint8 (H, W, 3) BGR, in order."""
        ...


@dataclass(frozen=True, slots=True)
class CutRule:
    """How the vehicle is cut out of a query's picture.

    Attributes:
        min_confidence: Weaker detections are not taken for the vehicle meant, in [0, 1].
        padding: Margin on every side as a share of the box's side: what the gallery's own crops have.
        whole_share: From this share of the picture on, the picture may itself be a crop of the vehicle: it is asked
            with whole as well, and the better similarity counts.
    """

    min_confidence: float = 0.25
    padding: float = DEFAULT_PADDING
    whole_share: float = 0.15


@dataclass(frozen=True, slots=True)
class Reading:
    """How a probe was read.

    Attributes:
        vectors: float32 (V, D), unit length, V >= 1.
        box_xyxy: The vehicle cut out of a picture, px; None where the whole picture was taken or there was none.
    """

    vectors: NDArray[np.float32]
    box_xyxy: BoxPx | None = None


class ProbeReader:
    """Reads pictures with one detector and one embedder, one picture at a time. Safe for threads."""

    def __init__(
        self, detector: Detector, embedder: Embedder, limits: ImageLimits, rule: CutRule | None = None
    ) -> None:
        """Takes the networks over: nobody else may call them.

        Args:
            detector: Finds the vehicle in a picture.
            embedder: Of the gallery's model.
            limits: What a picture must keep to.
            rule: How the vehicle is cut out.
        """
        self._rule = rule or CutRule()
        self._detector = detector
        self._embedder = embedder
        self._limits = limits
        self._turn = threading.Lock()

    @property
    def spec(self) -> EmbedderSpec:
        """The model behind the vectors."""
        return self._embedder.spec

    def image(self, data: bytes, *, as_is: bool, name: str = "image") -> Reading:
        """The vectors of the largest vehicle in a picture.

        Where none is found the whole picture is taken; where the vehicle fills much of it, both are.

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
            if box is None:
                return Reading(self._embedder.embed([picture]))
            x1, y1, x2, y2 = box
            views = [self._cut(picture, box)]
            if (x2 - x1) * (y2 - y1) >= self._rule.whole_share * picture.shape[0] * picture.shape[1]:
                views.append(picture)
            return Reading(self._embedder.embed(views), box)

    def vehicles(self, data: bytes, name: str = "image") -> tuple[Detections, tuple[int, int]]:
        """The vehicles in a picture that may be meant, largest first, and its width and height in px.

        Raises:
            NotAnImage: As services.images.decode_image.
        """
        picture = decode_image(data, self._limits, name)
        with self._turn:
            found = self._detector.detect([picture])[0]
        height, width = picture.shape[:2]
        boxes = np.clip(found.boxes_xyxy, 0, (width, height, width, height)).astype(np.float32)
        sides = boxes[:, 2:] - boxes[:, :2]  # (N, 2)
        fit = (found.scores >= self._rule.min_confidence) & (sides.min(axis=1, initial=1e9) >= self._limits.min_side_px)
        order = [i for i in np.argsort(-sides.prod(axis=1), kind="stable") if fit[i]]
        return Detections(boxes[order], found.scores[order], found.class_ids[order]), (width, height)

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

    def _largest(self, picture: Image) -> BoxPx | None:
        """The largest box inside the picture; None when there is none worth a look."""
        found = self._detector.detect([picture])[0]
        boxes = found.boxes_xyxy[found.scores >= self._rule.min_confidence].astype(np.float64)  # (N, 4)
        if len(boxes) == 0:
            return None
        height, width = picture.shape[:2]
        boxes = np.clip(boxes, 0, (width, height, width, height))
        sides = boxes[:, 2:] - boxes[:, :2]  # (N, 2)
        best = int(np.argmax(sides.prod(axis=1)))
        if sides[best].min() < self._limits.min_side_px:
            return None
        x1, y1, x2, y2 = boxes[best].tolist()
        return x1, y1, x2, y2

    def _cut(self, picture: Image, box: BoxPx) -> Image:
        """The part of a picture inside a padded box, owning its pixels."""
        height, width = picture.shape[:2]
        x1, y1, x2, y2 = box
        dx, dy = self._rule.padding * (x2 - x1), self._rule.padding * (y2 - y1)
        left, top = max(0, math.floor(x1 - dx)), max(0, math.floor(y1 - dy))
        right, bottom = min(width, math.ceil(x2 + dx)), min(height, math.ceil(y2 + dy))
        return np.ascontiguousarray(picture[top:bottom, left:right])
