"""Looks at frames for vehicles: which are worth it, at which input size, what of the found counts. Tracks nothing."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detector.types import Detections, Frame
from services.ingest.cameras import CameraSettings
from services.ingest.motion import MotionGate
from services.ingest.zones import Zones

InputSize = tuple[int, int]


class Detector(Protocol):
    """Pictures in, vehicles out, one answer per picture and in their order."""

    def detect(self, images: Sequence[NDArray[np.uint8]]) -> list[Detections]:
        """Finds the vehicles of each picture."""
        ...


class FrameLooker:
    """Batches the frames of all cameras through the detector of their input size. One caller at a time."""

    def __init__(
        self,
        detector: Detector,
        cameras: Callable[[str], CameraSettings | None] = lambda _: None,
        *,
        sized: Mapping[InputSize, Detector] | None = None,
        gate_longest_s: float = 1.0,
    ) -> None:
        """Starts without having seen a camera.

        Args:
            detector: For cameras that name no input size of their own.
            cameras: Settings by camera id, None for an unknown one, which is then neither gated nor zoned.
            sized: Detectors by input width and height, for those that do.
            gate_longest_s: A camera in which nothing moves is looked at this often all the same.
        """
        self._detector = detector
        self._cameras = cameras
        self._sized = dict(sized or {})
        self._longest_ns = round(gate_longest_s * 1e9)
        self._gates: dict[str, MotionGate] = {}
        self._zones: dict[str, tuple[CameraSettings, Zones]] = {}

    def look(self, frames: Sequence[Frame], busy: Collection[str]) -> list[Detections | None]:
        """See ``pipeline.Looker``."""
        answers: list[Detections | None] = [None] * len(frames)
        groups: dict[InputSize | None, list[int]] = {}
        cameras = [self._cameras(frame.camera_id) for frame in frames]
        for index, (frame, settings) in enumerate(zip(frames, cameras, strict=True)):
            if self._worth(frame, settings, busy):
                size = settings.input_size if settings is not None else None
                groups.setdefault(size if size in self._sized else None, []).append(index)
        for size, members in groups.items():
            detector = self._detector if size is None else self._sized[size]
            found = detector.detect([frames[index].image for index in members])
            for index, detections in zip(members, found, strict=True):
                answers[index] = self._counted(frames[index], cameras[index], detections)
        return answers

    def _worth(self, frame: Frame, settings: CameraSettings | None, busy: Collection[str]) -> bool:
        if settings is None or not settings.gated:
            return True
        gate = self._gates.setdefault(frame.camera_id, MotionGate())
        if frame.camera_id in busy:
            gate.forget()
            return True
        return gate.notices(frame.image, frame.captured_at_ns, self._longest_ns)

    def _counted(self, frame: Frame, settings: CameraSettings | None, detections: Detections) -> Detections:
        if settings is None:
            return detections
        known = self._zones.get(frame.camera_id)
        if known is None or known[0] is not settings:
            known = self._zones[frame.camera_id] = (settings, Zones(settings.include, settings.exclude))
        height, width = frame.image.shape[:2]
        return known[1].keep(detections, width, height)
