"""What each camera adds to every vector it sees. Owns the running means and the shifts taken off before comparing.

Stored vectors stay raw; only association compares shifted ones. All shifts are renewed when a camera's count has
doubled, so that comparisons do not drift between; not again before a quarter more was seen, so that cameras that count
alike do not have everything compared anew in turn. Whoever remembers much takes renewed shifts over camera by camera.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

#: How much more must have been seen at all cameras together before shifts are renewed once more.
GROWN = 1.25
#: Names of learned state that goes with a model and says nothing of another's vectors begin so.
LINK_PREFIX = "mean/"


class CameraMeans:
    """Per-camera mean vectors, without effect until ``minimum`` sightings of at least two cameras were seen."""

    def __init__(self, minimum: int) -> None:
        self._minimum = minimum
        self._sums: dict[str, NDArray[np.float64]] = {}
        self._counts: dict[str, int] = {}
        self._due: dict[str, int] = {}
        # Sightings counted when the shifts were last renewed.
        self._renewed_at = 0
        self._shifts: dict[str, Vector] = {}
        # Renewed shifts that are not taken off yet, those that wait longest first, and the cameras that may follow now.
        self._renewed: dict[str, Vector] = {}
        self._allowed = 0.0
        self._changed: set[str] = set()

    def add(self, camera_id: str, embedding: Vector) -> bool:
        """Counts one sighting; true when shifts were renewed, which :meth:`take_over` puts into effect."""
        total = self._sums.setdefault(camera_id, np.zeros(len(embedding)))
        total += embedding
        self._counts[camera_id] = self._counts.get(camera_id, 0) + 1
        self._changed.add(camera_id)
        due = self._counts[camera_id] >= self._due.setdefault(camera_id, self._minimum)
        if not due or sum(self._counts.values()) < GROWN * self._renewed_at:
            return False
        self._due[camera_id] *= 2
        return self._renew()

    def _renew(self) -> bool:
        ready = sorted(c for c, n in self._counts.items() if n >= self._minimum)
        if len(ready) < 2:
            return False
        means = {c: self._sums[c] / self._counts[c] for c in ready}
        grand = np.mean(list(means.values()), axis=0)
        for camera_id in ready:
            n = self._counts[camera_id]
            self._due[camera_id] = 2 * n
            shrink = n / (n + self._minimum)
            self._renewed[camera_id] = (shrink * (means[camera_id] - grand)).astype(np.float32)
        self._renewed_at = sum(self._counts.values())
        self._changed.update(ready)
        return True

    def take_over(self, share: float) -> list[str]:
        """Takes renewed shifts off from now on; what was compared with the old ones is out of date.

        Args:
            share: Of all cameras with a mean, how many follow now, in (0, 1]; fractions of a camera add up.

        Returns:
            Cameras whose shift is another now; none when nothing waits.
        """
        if not self._renewed:
            self._allowed = 0.0
            return []
        self._allowed += share * len(self._shifts | self._renewed)
        taken = list(self._renewed)[: int(self._allowed)]
        self._allowed -= len(taken)
        for camera_id in taken:
            self._shifts[camera_id] = self._renewed.pop(camera_id)
        return taken

    def remove(self, camera_id: str, vectors: Vector) -> Vector:
        """Vectors without the camera's share.

        Args:
            camera_id: Where they were seen.
            vectors: float32 (N, D), L2 = 1 each; not changed.

        Returns:
            float32 (N, D), L2 = 1 each.
        """
        shift = self._shifts.get(camera_id)
        if shift is None:
            return vectors
        moved = vectors - shift
        return np.asarray(moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-6), np.float32)

    def drain_links(self) -> dict[str, str]:
        """Means that changed since the last call, by name, as JSON text."""
        links = {f"{LINK_PREFIX}{camera_id}": self._dump(camera_id) for camera_id in sorted(self._changed)}
        self._changed.clear()
        return links

    def all_links(self) -> dict[str, str]:
        """All means by name, as JSON text."""
        return {f"{LINK_PREFIX}{camera_id}": self._dump(camera_id) for camera_id in self._sums}

    def _dump(self, camera_id: str) -> str:
        shift = self._renewed.get(camera_id, self._shifts.get(camera_id))
        return json.dumps(
            {
                "kind": "mean",
                "camera": camera_id,
                "count": self._counts[camera_id],
                "due": self._due[camera_id],
                "renewed_at": self._renewed_at,
                "sum": base64.b64encode(self._sums[camera_id].astype("<f8").tobytes()).decode(),
                "shift": None if shift is None else base64.b64encode(shift.astype("<f4").tobytes()).decode(),
            }
        )

    def load(self, links: Mapping[str, str]) -> None:
        """Takes over means from JSON text, all shifts at once; entries of other kinds are left alone.

        Raises:
            ValueError: An entry is not what this class writes.
        """
        try:
            for state in (json.loads(text) for text in links.values()):
                if state.get("kind") != "mean":
                    continue
                camera_id = state["camera"]
                self._counts[camera_id] = int(state["count"])
                self._due[camera_id] = int(state["due"])
                self._renewed_at = max(self._renewed_at, int(state.get("renewed_at", 0)))
                self._sums[camera_id] = np.frombuffer(base64.b64decode(state["sum"]), "<f8").copy()
                if state["shift"] is not None:
                    self._shifts[camera_id] = np.frombuffer(base64.b64decode(state["shift"]), "<f4").copy()
        except (KeyError, TypeError) as exc:
            raise ValueError(f"camera means cannot be read: {exc}") from exc
        self._changed.clear()
