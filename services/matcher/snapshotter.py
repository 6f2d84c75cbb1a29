"""Writes the gallery to disk now and then, in a thread of its own. Owns when, not how."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

from services.errors import SnapshotError
from services.matcher.gallery import Gallery
from services.matcher.snapshot import FILE_NAME, write_snapshot

log = logging.getLogger(__name__)


class Snapshotter:
    """A loop of the matcher."""

    def __init__(self, gallery: Gallery, folder: Path, every_s: float) -> None:
        """Writes nothing yet.

        Args:
            gallery: Read only.
            folder: Where the snapshot lies.
            every_s: Pause between two.
        """
        self._gallery = gallery
        self._folder = folder
        self._every_s = every_s
        self._written = ""

    @property
    def path(self) -> Path:
        """Where the newest one lies, if there is any."""
        return self._folder / FILE_NAME

    def run(self, stop: threading.Event) -> None:
        """Writes one after each pause and at the end, where something has changed."""
        while not stop.wait(self._every_s):
            self._write()
        self._write()

    def _write(self) -> None:
        gallery = self._gallery
        if not gallery.ready or gallery.log_position == self._written:
            return
        try:
            self._written = write_snapshot(gallery, self._folder).log_position
        except SnapshotError as exc:
            log.warning("no snapshot: %s", exc)
