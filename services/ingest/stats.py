"""Counts how every camera fares: frames, ages, rates, vehicles. Writes nothing; others read it."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from services.observability import catalogue
from services.observability.instruments import histogram

_SMALLEST_S = 1e-3
_GROWTH = 1.05
_BINS = 300  # up to 1 ms x 1.05^300, more than half an hour
_WINDOW_S = 300.0
_RATE_WINDOW_S = 5.0


class AgeHistogram:
    """Durations in bins 5 % apart, so quantiles are right to 5 % in constant memory."""

    def __init__(self) -> None:
        self._counts = [0] * _BINS
        self._total = 0

    def add(self, seconds: float) -> None:
        """Counts one duration; below a millisecond or negative ones fall into the first bin."""
        index = 0 if seconds <= _SMALLEST_S else math.ceil(math.log(seconds / _SMALLEST_S) / math.log(_GROWTH))
        self._counts[min(index, _BINS - 1)] += 1
        self._total += 1

    def merged(self, other: AgeHistogram) -> AgeHistogram:
        """Both together, as a new one."""
        out = AgeHistogram()
        out._counts = [a + b for a, b in zip(self._counts, other._counts, strict=True)]
        out._total = self._total + other._total
        return out

    def quantile(self, q: float) -> float:
        """Upper edge in seconds of the bin that holds quantile ``q`` in [0, 1]; 0 when nothing was counted."""
        if self._total == 0:
            return 0.0
        wanted, seen = max(1, math.ceil(q * self._total)), 0
        for index, count in enumerate(self._counts):
            seen += count
            if seen >= wanted:
                return _SMALLEST_S * _GROWTH**index
        raise AssertionError("counts and total disagree")

    def __len__(self) -> int:
        return self._total


class _Camera:
    def __init__(self, camera_id: str, now_s: float) -> None:
        self.exposed_ages = histogram(catalogue.FRAME_AGE).labels(camera_id)
        self.inferred = 0
        self.gated = 0
        self.vehicles = 0
        self.recent: deque[float] = deque(maxlen=1000)
        self.current, self.previous = AgeHistogram(), AgeHistogram()
        self.window_since_s = now_s


@dataclass(frozen=True, slots=True)
class CameraFigures:
    """How a camera fares. Ages are over the last five to ten minutes, the rate over the last five seconds."""

    frames_inferred: int
    frames_gated: int
    frame_age_p50_s: float
    frame_age_p99_s: float
    frames_per_s: float
    vehicles: int


class IngestStats:
    """Figures of all cameras of a process. Any thread may call."""

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        """Starts empty.

        Args:
            monotonic_s: A clock that never goes back.
        """
        self._monotonic_s = monotonic_s
        self._cameras: dict[str, _Camera] = {}
        self._lock = threading.Lock()

    def frame_done(self, camera_id: str, age_s: float, vehicles: int) -> None:
        """A frame went through.

        Args:
            camera_id: Its camera.
            age_s: From capture until its results were handed on.
            vehicles: Tracks open in it now.
        """
        now_s = self._monotonic_s()
        with self._lock:
            camera = self._camera(camera_id, now_s)
            if now_s - camera.window_since_s > _WINDOW_S:
                camera.previous, camera.current, camera.window_since_s = camera.current, AgeHistogram(), now_s
            camera.current.add(age_s)
            camera.exposed_ages.observe(max(0.0, age_s))
            camera.inferred += 1
            camera.vehicles = vehicles
            camera.recent.append(now_s)

    def frame_gated(self, camera_id: str) -> None:
        """A frame was not looked at because nothing had moved."""
        with self._lock:
            self._camera(camera_id, self._monotonic_s()).gated += 1

    def _camera(self, camera_id: str, now_s: float) -> _Camera:
        """A camera's figures; the caller holds the lock."""
        if camera_id not in self._cameras:
            self._cameras[camera_id] = _Camera(camera_id, now_s)
        return self._cameras[camera_id]

    def set_vehicles(self, camera_id: str, vehicles: int) -> None:
        """Tracks open now, where no frame says so."""
        with self._lock:
            if camera_id in self._cameras:
                self._cameras[camera_id].vehicles = vehicles

    def figures(self, camera_id: str) -> CameraFigures:
        """How a camera fares; all zero when no frame went through."""
        now_s = self._monotonic_s()
        with self._lock:
            camera = self._cameras.get(camera_id)
            if camera is None:
                return CameraFigures(0, 0, 0.0, 0.0, 0.0, 0)
            ages = camera.current.merged(camera.previous)
            lately = sum(1 for at in camera.recent if now_s - at <= _RATE_WINDOW_S)
            return CameraFigures(
                frames_inferred=camera.inferred,
                frames_gated=camera.gated,
                frame_age_p50_s=ages.quantile(0.5),
                frame_age_p99_s=ages.quantile(0.99),
                frames_per_s=lately / _RATE_WINDOW_S,
                vehicles=camera.vehicles,
            )
