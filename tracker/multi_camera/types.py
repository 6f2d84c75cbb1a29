"""What association consumes and produces. Owns no behaviour and knows nothing of services or storage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tracker.types import Decision

#: Centre of a box as fractions of frame width and height.
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Observation:
    """One vehicle's passage through one camera, as association sees it.

    Attributes:
        sighting_id: Fixed over all revisions.
        revision: From 1; each replaces its predecessor.
        final: No further revision will follow.
        camera_id: Where.
        start_ns: First box, UTC nanoseconds.
        end_ns: Last box so far, UTC nanoseconds.
        entry: Centre of the first box, None when the frame size is unknown.
        exit: Centre of the last box so far, None when the frame size is unknown.
        embedding: float32 (D,), L2 = 1, raw (no camera mean removed).
        class_probs: float32 (4,) over ``detector.types.VEHICLE_CLASSES``.
        colour: Probability by colour name; empty when unknown.
        model_id: Of the embedder; vectors of different ones are never compared.
        detail: Share of the likeness to other pictures of the vehicle that its own, being small, keep, in (0, 1].
    """

    sighting_id: str
    revision: int
    final: bool
    camera_id: str
    start_ns: int
    end_ns: int
    entry: Point | None
    exit: Point | None
    embedding: NDArray[np.float32]
    class_probs: NDArray[np.float32]
    colour: Mapping[str, float]
    model_id: str
    detail: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.detail <= 1:
            raise ValueError(f"detail must lie in (0, 1], got {self.detail}")
        if self.end_ns < self.start_ns:
            raise ValueError(f"end_ns {self.end_ns} lies before start_ns {self.start_ns}")
        if self.embedding.ndim != 1 or self.embedding.size == 0:
            raise ValueError(f"embedding must be (D,), got {self.embedding.shape}")


@dataclass(frozen=True, slots=True)
class Assigned:
    """An observation with the identity it stands under; what a restart rebuilds the memory from.

    Attributes:
        observation: Its newest decided revision.
        identity_id: Aliases resolved.
        ambiguous: Its identity is provisional and waits to be resolved.
        settled: It is not looked at again by itself.
        corrected: A person put its identity right: it stays there, and that is made one with no other such identity.
    """

    observation: Observation
    identity_id: str
    ambiguous: bool = False
    settled: bool = False
    corrected: bool = False


@dataclass(frozen=True, slots=True)
class IdentityMerge:
    """``absorbed_id`` becomes an alias of ``survivor_id``; ``reason`` says why, with the nats that speak for it."""

    survivor_id: str
    absorbed_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class IdentitySplit:
    """``sighting_ids`` leave ``identity_id`` for the fresh ``new_identity_id``; ``reason`` as of a merge."""

    identity_id: str
    new_identity_id: str
    sighting_ids: tuple[str, ...]
    reason: str


IdentityChange = IdentityMerge | IdentitySplit


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one bucket led to: first the decisions, then the changes in their order.

    A decision on a later revision names the identity the sighting stood under before the bucket; a change of identity
    is always a split, a merge, or a split followed by a merge, so nothing moves silently.

    Attributes:
        decisions: One per sighting of the bucket.
        changes: Splits and merges; each may name identities made by those before it.
        links: Learned state that changed, by name, as JSON text.
    """

    decisions: tuple[Decision, ...] = ()
    changes: tuple[IdentityChange, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.decisions or self.changes or self.links)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that an associator needs to go on as if it had never stopped; undecided arrivals are not part of it."""

    assigned: tuple[Assigned, ...]
    links: Mapping[str, str]
