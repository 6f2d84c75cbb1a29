"""Makes the trackers of camera sessions. Owns what outlives a session: each camera's entry and exit zones."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from zlib import crc32

import numpy as np

from services.ingest.cameras import CameraSettings
from tracker.single_camera.session import CameraTracker
from tracker.single_camera.settings import TrackerSettings
from tracker.single_camera.zones import CameraZones, ZoneBook, drawn_zones


class CameraTrackers:
    """A tracker for every session of every camera. One caller at a time."""

    def __init__(
        self,
        settings: TrackerSettings,
        cameras: Iterable[CameraSettings] = (),
        make: Callable[[str, str, TrackerSettings, ZoneBook], CameraTracker] = CameraTracker,
    ) -> None:
        """Starts without trackers.

        Args:
            settings: Of all of them.
            cameras: Those whose zones may be drawn; others learn theirs.
            make: Camera, session, settings and the camera's zones to a tracker.
        """
        self._make = make
        self._settings = settings
        self._drawn = {camera.id: drawn_zones(camera.entries, camera.exits) for camera in cameras}
        self._books: dict[str, ZoneBook] = {}

    def __call__(self, camera_id: str, session_id: str) -> CameraTracker:
        """A tracker without tracks."""
        return self._make(camera_id, session_id, self._settings, self._book(camera_id))

    def zones(self, camera_id: str) -> CameraZones:
        """Where vehicles enter and leave a camera's view, as known now."""
        return self._book(camera_id).zones

    def _book(self, camera_id: str) -> ZoneBook:
        if camera_id not in self._books:
            rng = np.random.default_rng(crc32(camera_id.encode()))
            self._books[camera_id] = ZoneBook(self._settings.zones, rng, self._drawn.get(camera_id, ()))
        return self._books[camera_id]
