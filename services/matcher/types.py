"""What is asked of a gallery and what it answers, as the matcher and its client both speak of it. Light to import."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from detector.types import VehicleClass
from services.identity.store import IdentityRecord
from services.types import Match


class Grouping(Enum):
    """What one match stands for."""

    SIGHTING = "sighting"
    IDENTITY = "identity"


class Reranking(Enum):
    """How the best matches are put in order once more."""

    NONE = "none"
    K_RECIPROCAL = "k-reciprocal"
    GEOMETRIC = "geometric"


class ImageMode(Enum):
    """Which part of a picture is the vehicle."""

    LARGEST = "largest"
    ALL = "all"
    BOX = "box"
    AS_IS = "as-is"


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Which sightings may answer; what is empty or None does not restrict.

    Attributes:
        camera_ids: Only these cameras.
        exclude_camera_ids: Not these cameras.
        from_ns: Not those that ended before, UTC nanoseconds; what is in view has not ended.
        to_ns: Not those that began after, UTC nanoseconds.
        classes: Only these most probable classes.
        colours: Only these most probable colours, by name.
        exclude_sighting_ids: Not these sightings.
        exclude_identity_ids: Not these identities, aliases included.
    """

    camera_ids: frozenset[str] = frozenset()
    exclude_camera_ids: frozenset[str] = frozenset()
    from_ns: int | None = None
    to_ns: int | None = None
    classes: frozenset[VehicleClass] = frozenset()
    colours: frozenset[str] = frozenset()
    exclude_sighting_ids: frozenset[str] = frozenset()
    exclude_identity_ids: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class SightingSummary:
    """One passage of a vehicle through one camera. ``identity_id`` is empty while there is no decision."""

    sighting_id: str
    identity_id: str
    camera_id: str
    start_ns: int
    end_ns: int
    vehicle_class: VehicleClass
    quality: float
    revision: int
    final: bool
    colour: str = ""


@dataclass(frozen=True, slots=True)
class IdentityDetail:
    """An identity with its sightings by start; in a list ``sightings`` is empty while ``sighting_count`` is not.

    Attributes:
        record: The identity.
        sighting_count: How many sightings it has.
        sightings: By start.
        best_sighting_id: Its sighting of best quality.
        vehicle_class: The most probable class of that.
        colour: The most probable colour of that; empty when unknown.
    """

    record: IdentityRecord
    sighting_count: int
    sightings: tuple[SightingSummary, ...] = ()
    best_sighting_id: str = ""
    vehicle_class: VehicleClass = VehicleClass.CAR
    colour: str = ""


@dataclass(frozen=True, slots=True)
class IdentityFilter:
    """Which identities a list shows; what is empty or None does not restrict.

    Attributes:
        camera_ids: Only those seen by one of these.
        from_ns: Not those last seen before, UTC nanoseconds; who is in view is seen now.
        to_ns: Not those first seen after, UTC nanoseconds.
        statuses: Only those whose latest decision went so.
        min_cameras: Only those seen by so many cameras at least.
        active: Only those in view or within the active window.
        classes: Only those with a sighting of one of these most probable classes.
        colours: Only those with a sighting of one of these most probable colours.
        enrolled: Only those that are kept as enrolled ones are.
    """

    camera_ids: frozenset[str] = frozenset()
    from_ns: int | None = None
    to_ns: int | None = None
    statuses: frozenset[str] = frozenset()
    min_cameras: int = 0
    active: bool = False
    classes: frozenset[VehicleClass] = frozenset()
    colours: frozenset[str] = frozenset()
    enrolled: bool = False


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """Something that happened to an identity; see HistoryEvent in proto/vreid.proto."""

    event_id: str
    at_ns: int
    kind: str
    identity_id: str
    other_identity_id: str = ""
    sighting_ids: tuple[str, ...] = ()
    actor: str = ""
    reason: str = ""
    undoes: str = ""
    status: str = ""
    probability: float = 0.0
    evidence: Mapping[str, float] = field(default_factory=dict)
    sighting_count: int = 0


@dataclass(frozen=True, slots=True)
class PastSighting:
    """A sighting as it was believed to be of an identity.

    Attributes:
        sighting_id: The sighting.
        summary: What is still known of it; None where it was deleted since.
    """

    sighting_id: str
    summary: SightingSummary | None


@dataclass(frozen=True, slots=True)
class PastIdentity:
    """An identity as it was believed to be at a moment, its sightings by start, those deleted since last.

    On a page ``sightings`` are fewer than ``sighting_count``.
    """

    identity_id: str
    at_ns: int
    status: str
    aliases: tuple[str, ...]
    sightings: tuple[PastSighting, ...]
    sighting_count: int


@dataclass(frozen=True, slots=True)
class IdentityHistory:
    """What happened to an identity, oldest first, and what was believed of it where a moment was asked for.

    A page with more behind it names in ``next_event_id`` the event to go on after.
    """

    events: tuple[HistoryEntry, ...]
    believed: PastIdentity | None = None
    next_event_id: str = ""


@dataclass(frozen=True, slots=True)
class CorrectionAnswer:
    """A correction that was made; ``new_identity_id`` is empty but for a split."""

    event_id: str
    log_position: str
    new_identity_id: str = ""


@dataclass(frozen=True, slots=True)
class GalleryEntry:
    """One vehicle as the gallery holds it."""

    identity_id: str
    status: str
    cameras: tuple[str, ...]
    first_seen_ns: int
    last_seen_ns: int
    sighting_count: int
    vector_count: int


@dataclass(frozen=True, slots=True)
class GalleryStats:
    """Counts and sizes. ``tier`` is "exact": the answers of brute force."""

    identities: int
    sightings: int
    vectors: int
    bytes: int
    segments: int
    tier: str
    backend: str
    model_id: str
    log_position: str


@dataclass(frozen=True, slots=True)
class Question:
    """One search.

    Attributes:
        positives: float32 (P, dim), P >= 1, unit vectors; a sighting counts by its best similarity to any of them.
        k: At least 1.
        wanted: Which sightings may answer.
        grouping: Per identity, sightings without a decision are left out.
        negatives: float32 (N, dim); a sighting that is more like one of them than like any positive is left out.
        model_id: Of the vectors; empty for the gallery's.
    """

    positives: NDArray[np.float32]
    k: int
    wanted: SearchFilter = field(default_factory=SearchFilter)
    grouping: Grouping = Grouping.SIGHTING
    negatives: NDArray[np.float32] | None = None
    model_id: str = ""


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """Matches, best first; per probe the vehicle cut out of its picture (x1, y1, x2, y2 in px), None where none was."""

    matches: tuple[Match, ...]
    boxes_xyxy: tuple[tuple[float, float, float, float] | None, ...] = ()
    log_position: str = field(default="0-0")
