"""The boundary types of the services: what travels between ingest, Redis, the matcher and the outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tracker.types import Decision, TrackKey

MAX_DIM = 256
MAX_EXEMPLARS = 4
#: The camera of sightings that people enrolled. They have no place or time of their own and do not expire.
ENROLLED_CAMERA = "enrolled"


def _check_vectors(embedding: NDArray[np.float32], exemplars: NDArray[np.float32]) -> None:
    if embedding.ndim != 1 or not 1 <= len(embedding) <= MAX_DIM:
        raise ValueError(f"embedding must be (D,) with D in 1..{MAX_DIM}, got {embedding.shape}")
    norm = float(np.linalg.norm(embedding.astype(np.float32)))
    if not abs(norm - 1.0) < 1e-2:
        raise ValueError(f"embedding must have L2 norm 1, got {norm:.4f}")
    if exemplars.ndim != 2 or len(exemplars) > MAX_EXEMPLARS:
        raise ValueError(f"exemplars must be (E, D) with E <= {MAX_EXEMPLARS}, got {exemplars.shape}")


@dataclass(frozen=True, slots=True)
class ModelVectors:
    """What one model makes of a sighting.

    Attributes:
        model_id: Of the embedder.
        embedding: float32 (D,), D <= 256, L2 = 1.
        exemplars: float32 (E, D), E <= 4, of the same pictures as those of the sighting, in their order.
    """

    model_id: str
    embedding: NDArray[np.float32]
    exemplars: NDArray[np.float32]

    def __post_init__(self) -> None:
        _check_vectors(self.embedding, self.exemplars)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A tracklet as the outside sees it.

    Attributes:
        sighting_id: UUIDv7, fixed at first emission.
        revision: From 1; each replaces its predecessor everywhere.
        final: No further revision will follow.
        track_keys: At least one; several after joining, of a long chain the first and the newest.
        camera_id: Camera of all track keys.
        start_ns: First box, UTC nanoseconds.
        end_ns: Last box, UTC nanoseconds.
        times_ns: int64 (N,), times of the boxes kept.
        frames: int64 (N,), their frame numbers in the source.
        boxes_xyxy: float32 (N, 4), source pixels.
        class_probs: float32 (4,) over ``detector.types.VEHICLE_CLASSES``.
        colour: Probability by colour name; empty when unknown.
        embedding: float32 (D,), D <= 256, L2 = 1.
        exemplars: float32 (E, D), E <= 4, view-diverse, L2 = 1 each.
        quality: In [0, 1].
        model_id: Of the embedder; vectors of different ones are never compared.
        crop_keys: One per exemplar, names in the crop store.
        frame_size: Width and height of the source in pixels, (0, 0) when unknown.
        beside: What another model makes of it, while a site changes its model.
    """

    sighting_id: str
    revision: int
    final: bool
    track_keys: tuple[TrackKey, ...]
    camera_id: str
    start_ns: int
    end_ns: int
    times_ns: NDArray[np.int64]
    frames: NDArray[np.int64]
    boxes_xyxy: NDArray[np.float32]
    class_probs: NDArray[np.float32]
    colour: Mapping[str, float]
    embedding: NDArray[np.float32]
    exemplars: NDArray[np.float32]
    quality: float
    model_id: str
    crop_keys: tuple[str, ...] = ()
    frame_size: tuple[int, int] = (0, 0)
    beside: ModelVectors | None = None

    def __post_init__(self) -> None:
        if not self.track_keys:
            raise ValueError("a sighting has at least one track key")
        if self.revision < 1:
            raise ValueError(f"revision must be >= 1, got {self.revision}")
        if self.end_ns < self.start_ns:
            raise ValueError(f"end_ns {self.end_ns} lies before start_ns {self.start_ns}")
        _check_vectors(self.embedding, self.exemplars)

    @property
    def vectors(self) -> ModelVectors:
        """Its own vectors, those of ``model_id``."""
        return ModelVectors(self.model_id, self.embedding, self.exemplars)

    def seen_by(self, model_id: str) -> Sighting:
        """This sighting with the vectors of a model as its own, where it has them; else as it is.

        So that whoever compares vectors need only look at ``model_id``.
        """
        other = self.beside
        if other is None or model_id == self.model_id or model_id != other.model_id:
            return self
        return replace(
            self,
            model_id=other.model_id,
            embedding=other.embedding,
            exemplars=other.exemplars,
            beside=self.vectors,
        )


@dataclass(frozen=True, slots=True)
class Match:
    """One answer to "where was this vehicle?".

    Attributes:
        identity_id: The vehicle; empty while the sighting has no decision yet.
        sighting_id: The sighting.
        camera_id: Where.
        first_seen_ns: From when, UTC nanoseconds.
        last_seen_ns: Until when, UTC nanoseconds.
        similarity: Cosine of the best pair of views, in [-1, 1].
        probability: That it is the same vehicle, by the model's calibration at even odds.
        evidence: What speaks for it in nats, by source.
        posterior: That it is this vehicle rather than another that was found, if it is one of them; 0 where nothing
            was compared.
    """

    identity_id: str
    sighting_id: str
    camera_id: str
    first_seen_ns: int
    last_seen_ns: int
    similarity: float
    probability: float
    evidence: Mapping[str, float] = field(default_factory=dict)
    posterior: float = 0.0


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act in a role, with the fencing token that every write carries."""

    name: str
    owner: str
    token: int


@dataclass(frozen=True, slots=True)
class Merge:
    """Two identities turned out to be one vehicle; ``absorbed_id`` becomes an alias of ``survivor_id``."""

    survivor_id: str
    absorbed_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class Split:
    """Sightings that turned out to be another vehicle leave for a fresh identity."""

    identity_id: str
    new_identity_id: str
    sighting_ids: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Commit:
    """One atomic change by the associator.

    Attributes:
        lease: Of the associator; a stale token refuses the whole commit.
        decisions: Applied each unless its revision is stale.
        merges: Applied after the decisions.
        splits: Applied after the merges.
        cursor: Last `sightings` stream entry consumed, or None to leave it.
        links: Learned state by link name, replacing what was stored under that name.
    """

    lease: Lease
    decisions: tuple[Decision, ...] = ()
    merges: tuple[Merge, ...] = ()
    splits: tuple[Split, ...] = ()
    cursor: str | None = None
    links: Mapping[str, str] = field(default_factory=dict)
