"""The boundary types of tracking: tracklets of one camera and decisions across cameras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, order=True)
class TrackKey:
    """Names a track. Only the triple is unique."""

    camera_id: str
    session_id: str
    track_id: int


@dataclass(frozen=True, slots=True)
class Crop:
    """One picture of a tracked vehicle.

    Attributes:
        image: uint8 (H, W, 3) BGR, cut from the source frame; owns its pixels.
        t_ns: Capture time, UTC nanoseconds.
        frame: Frame number in the source.
        box_xyxy: float32 (4,), source pixels.
        quality: Confidence x sharpness x size x (1 - occlusion), in [0, 1].
    """

    image: NDArray[np.uint8]
    t_ns: int
    frame: int
    box_xyxy: NDArray[np.float32]
    quality: float


@dataclass(frozen=True, slots=True)
class Contact:
    """A moment at which a track may have changed over to another vehicle.

    Attributes:
        t_ns: Time of the first box that may be another vehicle's; later than the track's first.
        votes_before: float32 (4,) over ``detector.types.VEHICLE_CLASSES``, summed scores of the boxes before it.
        votes_after: float32 (4,), of the others.
    """

    t_ns: int
    votes_before: NDArray[np.float32]
    votes_after: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Tracklet:
    """The path of one vehicle through one camera, as known at this revision.

    Attributes:
        key: Camera, session and track.
        revision: 1 for the first emission, then counting up; each replaces its predecessor.
        final: No further revision will follow.
        times_ns: int64 (N,), capture times, ascending.
        frames: int64 (N,), frame numbers, ascending.
        boxes_xyxy: float32 (N, 4), source pixels.
        class_probs: float32 (4,) over ``detector.types.VEHICLE_CLASSES``, sums to 1.
        crops: Best pictures so far, best first.
        quality: Of the best crop, in [0, 1].
        contacts: Where it may be two vehicles, by time.
        continues: A track of this session that ended shortly before where this one began; by time and motion it may be
            the same vehicle. The final revision of that track is told at the same time, before this one.
    """

    key: TrackKey
    revision: int
    final: bool
    times_ns: NDArray[np.int64]
    frames: NDArray[np.int64]
    boxes_xyxy: NDArray[np.float32]
    class_probs: NDArray[np.float32]
    crops: tuple[Crop, ...]
    quality: float
    contacts: tuple[Contact, ...] = ()
    continues: TrackKey | None = None

    def __post_init__(self) -> None:
        n = len(self.times_ns)
        if n == 0:
            raise ValueError("a tracklet has at least one box")
        if self.frames.shape != (n,) or self.boxes_xyxy.shape != (n, 4):
            raise ValueError(f"frames {self.frames.shape} and boxes {self.boxes_xyxy.shape} must match {n} times")
        if self.revision < 1:
            raise ValueError(f"revision must be >= 1, got {self.revision}")


class DecisionStatus(StrEnum):
    """What the association said of a sighting."""

    MATCHED = "matched"
    NEW = "new"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, slots=True)
class Decision:
    """Which identity a sighting belongs to, and why.

    Attributes:
        sighting_id: The sighting decided on.
        revision: The revision of it that was looked at.
        status: MATCHED to a known identity, NEW, or AMBIGUOUS (a provisional identity of its own until resolved).
        identity_id: The identity assigned; for NEW and AMBIGUOUS a fresh one.
        log_likelihood_ratio: Total evidence for the assigned identity in nats; 0 for NEW.
        margin: Nats between the assigned choice and the runner-up.
        probability: Of the choice taken, in [0, 1].
        evidence: Nats by source: appearance, time, zone, class, colour.
        runner_up: Identity that came second, if any.
    """

    sighting_id: str
    revision: int
    status: DecisionStatus
    identity_id: str
    log_likelihood_ratio: float
    margin: float
    probability: float
    evidence: Mapping[str, float] = field(default_factory=dict)
    runner_up: str | None = None
