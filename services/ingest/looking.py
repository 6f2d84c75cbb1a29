"""Looks at frames for vehicles: which are worth it, at which input size, what of the found counts. Tracks nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from detector.types import Detections, Frame
from services.ingest.cameras import CameraSettings
from services.ingest.input_size import InputSize, SizeChooser
from services.ingest.motion import MotionGate
from services.ingest.zones import Zones


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
        chooser: SizeChooser | None = None,
        gate_longest_s: float = 1.0,
    ) -> None:
        """Starts without having seen a camera.

        Args:
            detector: For cameras that name no input size of their own.
            cameras: Settings by camera id, None for an unknown one, which is then neither gated nor zoned.
            sized: Detectors by input width and height, for those that do, and for the sizes of ``chooser``.
            chooser: Chooses the size of live cameras that name none; without it they have that of ``detector``.
            gate_longest_s: A camera in which nothing moves is looked at this often all the same.
        """
        self._detector = detector
        self._cameras = cameras
        self._sized = dict(sized or {})
        self._chooser = chooser
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
                groups.setdefault(self.input_size(settings), []).append(index)
        for size, members in groups.items():
            found = self._detect(size, [frames[index].image for index in members])
            for index, detections in zip(members, found, strict=True):
                answers[index] = self._counted(frames[index], cameras[index], detections)
        if self._chooser is not None:
            self._look_again(self._chooser, frames, cameras, answers)
        return answers

    def input_size(self, settings: CameraSettings | None) -> InputSize | None:
        """In which size a camera's frames are looked at now; None for that of the general detector, where not known."""
        usual = None if self._chooser is None else self._chooser.sizes[0]
        if settings is None:
            return usual
        if settings.input_size is not None:
            return settings.input_size if settings.input_size in self._sized else usual
        return self._chooser.size_of(settings.id) if self._chooser is not None and settings.live else usual

    def _detect(self, size: InputSize | None, images: list[NDArray[np.uint8]]) -> list[Detections]:
        detector = self._detector if size is None else self._sized.get(size, self._detector)
        began_s = time.perf_counter()
        found = detector.detect(images)
        if self._chooser is not None and size is not None:
            self._chooser.took(size, len(images), time.perf_counter() - began_s)
        return found

    def _look_again(
        self,
        chooser: SizeChooser,
        frames: Sequence[Frame],
        cameras: Sequence[CameraSettings | None],
        answers: Sequence[Detections | None],
    ) -> None:
        """Shows at most one frame to a detector of another size, to learn what that would find; no answer changes."""
        asked = False
        for frame, settings, found in zip(frames, cameras, answers, strict=True):
            if found is None or settings is None or settings.input_size is not None or not settings.live:
                continue
            chooser.looked(settings.id)
            other = None if asked else chooser.second_look(settings.id)
            if other is not None:
                asked = True
                height, width = frame.image.shape[:2]
                there = self._counted(frame, settings, self._detect(other, [frame.image])[0])
                chooser.compared(settings.id, (width, height), found, other, there)

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
