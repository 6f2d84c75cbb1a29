"""Owns the newest unread frame of each camera, between readers and inference; never decodes, never waits for ever."""

from __future__ import annotations

import threading
from collections import defaultdict
from dataclasses import dataclass

from detector.types import Frame


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """What became of one camera's frames; ``offered = taken + dropped + waiting``, where at most one waits.

    Attributes:
        offered: Frames put in.
        taken: Frames handed to inference.
        dropped: Frames that a newer one replaced.
    """

    offered: int = 0
    taken: int = 0
    dropped: int = 0


class LatestFrames:
    """A place for one frame per camera. The newest wins; a camera never waits behind another."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # Insertion order is waiting order: a replaced frame leaves its camera's place in the queue unchanged.
        self._waiting: dict[str, Frame] = {}
        self._offered: defaultdict[str, int] = defaultdict(int)
        self._taken: defaultdict[str, int] = defaultdict(int)
        self._dropped: defaultdict[str, int] = defaultdict(int)
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._closed

    def put(self, frame: Frame) -> None:
        """Offers a frame; an unread older one of the same camera is dropped. Without effect once closed."""
        with self._changed:
            if not self._closed:
                self._store(frame)

    def put_wait(self, frame: Frame, timeout_s: float) -> bool:
        """Offers a frame once its camera's place is free, so that nothing is dropped.

        Args:
            frame: The frame.
            timeout_s: Longest wait.

        Returns:
            Whether it was accepted; a frame that was not may be offered again.
        """
        with self._changed:
            free = self._changed.wait_for(lambda: self._closed or frame.camera_id not in self._waiting, timeout_s)
            if not free or self._closed:
                return False
            self._store(frame)
            return True

    def take(self, max_frames: int, timeout_s: float) -> list[Frame]:
        """Takes what waits.

        Args:
            max_frames: At most this many, each of another camera; at least 1.
            timeout_s: Longest wait for the first.

        Returns:
            Frames, longest-waiting camera first; empty after the time-out, or when closed and nothing is left.
        """
        if max_frames < 1:
            raise ValueError(f"max_frames must be >= 1, got {max_frames}")
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting, timeout_s)
            cameras = list(self._waiting)[:max_frames]
            frames = [self._waiting.pop(camera_id) for camera_id in cameras]
            for camera_id in cameras:
                self._taken[camera_id] += 1
            if frames:
                self._changed.notify_all()
            return frames

    def discard(self, camera_id: str) -> None:
        """Drops the unread frame of a camera, if there is one."""
        with self._changed:
            if self._waiting.pop(camera_id, None) is not None:
                self._dropped[camera_id] += 1
                self._changed.notify_all()

    def counts(self, camera_id: str) -> SlotCounts:
        """What became of a camera's frames so far; zeros for an unknown camera."""
        with self._changed:
            return SlotCounts(
                self._offered.get(camera_id, 0), self._taken.get(camera_id, 0), self._dropped.get(camera_id, 0)
            )

    def close(self) -> None:
        """Accepts nothing more and wakes everyone; what waits can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _store(self, frame: Frame) -> None:
        camera_id = frame.camera_id
        self._offered[camera_id] += 1
        if camera_id in self._waiting:
            self._dropped[camera_id] += 1
        self._waiting[camera_id] = frame
        self._changed.notify_all()
