"""The boundary types of detection: what a frame is and what a detector says about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Clock = Literal["host", "camera"]


class VehicleClass(IntEnum):
    """The vehicle classes of COCO, by their COCO class index."""

    CAR = 2
    MOTORCYCLE = 3
    BUS = 5
    TRUCK = 7


#: The order of every ``class_probs`` vector in the product.
VEHICLE_CLASSES: tuple[VehicleClass, ...] = (
    VehicleClass.CAR,
    VehicleClass.MOTORCYCLE,
    VehicleClass.BUS,
    VehicleClass.TRUCK,
)


#: Every name that ``detector.colour.colour_probabilities`` may give.
COLOURS: tuple[str, ...] = (
    "white",
    "silver",
    "grey",
    "black",
    "red",
    "orange",
    "yellow",
    "green",
    "blue",
    "brown",
    "beige",
)


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded picture of one camera.

    Attributes:
        camera_id: The camera's configured name.
        session_id: New at every (re)connection; track ids mean something only within one.
        index: Frame number in the source, derived from its media time (not a count of what was decoded).
        captured_at_ns: Capture time, UTC nanoseconds.
        clock: Whose clock ``captured_at_ns`` is: the host's, or the camera's where sender reports can be read.
        image: uint8 (H, W, 3), BGR.
        host_at_ns: Capture time by the host's clock, where ``captured_at_ns`` is by another; None where it is the same.
    """

    camera_id: str
    session_id: str
    index: int
    captured_at_ns: int
    clock: Clock
    image: NDArray[np.uint8]
    host_at_ns: int | None = None

    def __post_init__(self) -> None:
        if self.image.ndim != 3 or self.image.shape[2] != 3 or self.image.dtype != np.uint8:
            raise ValueError(f"image must be uint8 (H, W, 3), got {self.image.dtype} {self.image.shape}")
        if self.index < 0:
            raise ValueError(f"index must be >= 0, got {self.index}")

    @property
    def seen_at_ns(self) -> int:
        """Capture time by the host's clock, from which a frame's age counts."""
        return self.captured_at_ns if self.host_at_ns is None else self.host_at_ns


@dataclass(frozen=True, slots=True)
class Detections:
    """The vehicles of one frame.

    Attributes:
        boxes_xyxy: float32 (N, 4), source pixels, x1 < x2 and y1 < y2.
        scores: float32 (N,), confidence in [0, 1], highest first.
        class_ids: int64 (N,), values of VehicleClass.
    """

    boxes_xyxy: NDArray[np.float32]
    scores: NDArray[np.float32]
    class_ids: NDArray[np.int64]

    def __post_init__(self) -> None:
        n = len(self.scores)
        if self.boxes_xyxy.shape != (n, 4):
            raise ValueError(f"boxes_xyxy must be ({n}, 4), got {self.boxes_xyxy.shape}")
        if self.class_ids.shape != (n,):
            raise ValueError(f"class_ids must be ({n},), got {self.class_ids.shape}")

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls) -> Detections:
        """No vehicle."""
        return cls(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros(0, np.int64))
