"""A query's picture or vector made into unit vectors of the gallery's model. Knows nothing of gRPC or gallery."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detector.types import VEHICLE_CLASSES, Detections, VehicleClass
from reid.types import Embedder, EmbedderSpec, Image
from services.errors import InputError, ModelMismatch
from services.images import ImageLimits, decode_image
from services.matcher.batching import BatchRules, MicroBatcher
from services.matcher.types import ImageMode
from services.observability.tracing import step

DEFAULT_PADDING = 0.02
#: Most vehicles of one picture that are asked with.
MAX_VIEWS = 16
_MIN_NORM = 1e-6
_RULES = BatchRules(max_batch=16, max_waiting=256)

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
class Picture:
    """A picture that somebody sends.

    Attributes:
        data: A picture file's bytes.
        mode: Which part is meant.
        box_xyxy: With mode BOX the vehicle, px of the upright picture.
        name: What to call it in messages.
    """

    data: bytes
    mode: ImageMode = ImageMode.LARGEST
    box_xyxy: BoxPx | None = None
    name: str = "image"


@dataclass(frozen=True, slots=True)
class Reading:
    """How a probe was read.

    Attributes:
        vectors: float32 (V, D), unit length, V >= 1.
        spec: The model behind them.
        boxes_xyxy: The vehicles cut out of a picture, px; empty where the whole picture was taken or there was none.
        views: What each vector was made of, uint8 (H, W, 3) BGR; empty where there was no picture.
        class_probs: float32 (4,) of the largest vehicle, by detector.types.VEHICLE_CLASSES; None where none was found.
    """

    vectors: NDArray[np.float32]
    spec: EmbedderSpec
    boxes_xyxy: tuple[BoxPx, ...] = ()
    views: tuple[Image, ...] = ()
    class_probs: NDArray[np.float32] | None = None

    @property
    def box_xyxy(self) -> BoxPx | None:
        """The first vehicle cut out."""
        return self.boxes_xyxy[0] if self.boxes_xyxy else None


class ProbeReader:
    """Reads pictures with one detector and one embedder, those of concurrent calls together. Safe for threads."""

    def __init__(
        self,
        detector: Detector,
        embedder: Callable[[], Embedder],
        limits: ImageLimits,
        rule: CutRule | None = None,
    ) -> None:
        """Takes the networks over: nobody else may call them.

        Args:
            detector: Finds the vehicle in a picture.
            embedder: That of the gallery's model, asked at each batch because a site may change its model.
            limits: What a picture must keep to.
            rule: How the vehicle is cut out.
        """
        self._rule = rule or CutRule()
        self._embedder = embedder
        self._limits = limits
        self._detections: MicroBatcher[Image, Detections] = MicroBatcher("detections", detector_work(detector), _RULES)
        self._embeddings: MicroBatcher[list[Image], tuple[NDArray[np.float32], EmbedderSpec]] = MicroBatcher(
            "embeddings", embedder_work(embedder), _RULES
        )

    @property
    def spec(self) -> EmbedderSpec:
        """The model behind the vectors of now; each reading says which was behind its own."""
        return self._embedder().spec

    def close(self) -> None:
        """Ends the threads of both networks."""
        self._detections.close()
        self._embeddings.close()

    def picture(self, asked: Picture, timeout_s: float = 60.0) -> Reading:
        """The vectors of the vehicles that are meant in a picture.

        Where none is found the whole picture is taken; where the largest fills much of it, both are.

        Args:
            asked: The picture.
            timeout_s: Longest that it may take.

        Raises:
            NotAnImage: As services.images.decode_image.
            InputError: The box lies outside the picture or is too small.
            Overloaded: Too much waits.
            DeadlinePassed: Time ran out.
        """
        pixels = decode_image(asked.data, self._limits, asked.name)
        boxes: list[BoxPx] = []
        probs = None
        if asked.mode is ImageMode.BOX:
            boxes = [self._given(asked, pixels)]
        elif asked.mode is not ImageMode.AS_IS:
            with step("detect"):
                found = self._worth(pixels, self._detections.ask(pixels, timeout_s))
            boxes = [(x1, y1, x2, y2) for x1, y1, x2, y2 in found.boxes_xyxy.tolist()]
            probs = certain(VehicleClass(int(found.class_ids[0]))) if boxes else None
        if asked.mode is ImageMode.LARGEST:
            boxes = boxes[:1]
        views = [self._cut(pixels, box) for box in boxes[:MAX_VIEWS]] or [pixels]
        if asked.mode is ImageMode.LARGEST and boxes and self._fills(boxes[0], pixels):
            views.append(pixels)
        with step("embed", {"crops": len(views)}):
            vectors, spec = self._embeddings.ask(views, timeout_s)
        return Reading(vectors, spec, tuple(boxes[:MAX_VIEWS]), tuple(views), probs)

    def vehicles(self, data: bytes, name: str = "image", timeout_s: float = 60.0) -> tuple[Detections, tuple[int, int]]:
        """The vehicles in a picture that may be meant, largest first, and its width and height in px.

        Raises:
            NotAnImage: As services.images.decode_image.
            Overloaded: Too much waits.
            DeadlinePassed: Time ran out.
        """
        picture = decode_image(data, self._limits, name)
        height, width = picture.shape[:2]
        return self._worth(picture, self._detections.ask(picture, timeout_s)), (width, height)

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
        return Reading((vector / norm).astype(np.float32)[None], spec)

    def _worth(self, picture: Image, found: Detections) -> Detections:
        """Detections that are worth a look, largest first, their boxes inside the picture."""
        height, width = picture.shape[:2]
        boxes = np.clip(found.boxes_xyxy.astype(np.float64), 0, (width, height, width, height))  # (N, 4)
        sides = boxes[:, 2:] - boxes[:, :2]  # (N, 2)
        large = sides.min(axis=1, initial=np.inf) >= self._limits.min_side_px
        fit = large & (found.scores >= self._rule.min_confidence)
        order = [i for i in np.argsort(-sides.prod(axis=1), kind="stable").tolist() if fit[i]]
        return Detections(boxes[order].astype(np.float32), found.scores[order], found.class_ids[order])

    def _given(self, asked: Picture, picture: Image) -> BoxPx:
        """The caller's box, inside the picture.

        Raises:
            InputError: It is missing, not finite, turned round, or too little of it lies inside.
        """
        box = asked.box_xyxy
        if box is None or not all(math.isfinite(v) for v in box) or box[2] <= box[0] or box[3] <= box[1]:
            raise InputError(f"{asked.name}.box: needs finite x1 < x2 and y1 < y2")
        height, width = picture.shape[:2]
        x1, y1 = max(0.0, box[0]), max(0.0, box[1])
        x2, y2 = min(float(width), box[2]), min(float(height), box[3])
        if min(x2 - x1, y2 - y1) < self._limits.min_side_px:
            least = self._limits.min_side_px
            raise InputError(f"{asked.name}.box: less than {least} px of it lie inside the {width}x{height} picture")
        return x1, y1, x2, y2

    def _fills(self, box: BoxPx, picture: Image) -> bool:
        """Whether the picture may itself be a crop of that vehicle."""
        x1, y1, x2, y2 = box
        share = (x2 - x1) * (y2 - y1) / (picture.shape[0] * picture.shape[1])
        return bool(share >= self._rule.whole_share)

    def _cut(self, picture: Image, box: BoxPx) -> Image:
        """The part of a picture inside a padded box, owning its pixels."""
        height, width = picture.shape[:2]
        x1, y1, x2, y2 = box
        dx, dy = self._rule.padding * (x2 - x1), self._rule.padding * (y2 - y1)
        left, top = max(0, math.floor(x1 - dx)), max(0, math.floor(y1 - dy))
        right, bottom = min(width, math.ceil(x2 + dx)), min(height, math.ceil(y2 + dy))
        return np.ascontiguousarray(picture[top:bottom, left:right])


def certain(vehicle_class: VehicleClass) -> NDArray[np.float32]:
    """Class probabilities of a vehicle whose class is known, float32 (4,)."""
    probs = np.zeros(len(VEHICLE_CLASSES), np.float32)
    probs[VEHICLE_CLASSES.index(vehicle_class)] = 1.0
    return probs


def detector_work(detector: Detector) -> Callable[[list[Image]], Sequence[Detections]]:
    """Detection of a batch of pictures."""

    def work(pictures: list[Image]) -> list[Detections]:
        return detector.detect(pictures)

    return work


def embedder_work(
    embedder: Callable[[], Embedder],
) -> Callable[[list[list[Image]]], list[tuple[NDArray[np.float32], EmbedderSpec]]]:
    """Embedding of several requests' crops in one call of the network, with the model that did it."""

    def work(requests: list[list[Image]]) -> list[tuple[NDArray[np.float32], EmbedderSpec]]:
        chosen = embedder()
        vectors = chosen.embed([crop for crops in requests for crop in crops])
        ends = np.cumsum([len(crops) for crops in requests])
        return [(np.asarray(part, np.float32), chosen.spec) for part in np.split(vectors, ends[:-1])]

    return work
