"""The newest encounters as arrays, and how late each was. Owns a bounded, serialisable ring; concludes nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats, Ints
from tracker.multi_camera.clocks.encounters import Encounter

CAPACITY = 1024
#: The newest encounters of two cameras that an offset is estimated from.
FITTED = 64


class EncounterRing:
    """R = CAPACITY rows of encounters; rows without one have number and cameras -1.

    Attributes:
        taken: Encounters taken so far.
        number: (R,), running number of each.
        cameras: (R, 2), numbers of both cameras, the smaller first.
        seen_s: (R, 2, 2), begin and end before either camera.
        movement: (R, 4), directions in both pictures.
        late_s: (R,), by how much later than usual the second clock showed the vehicle.
        scale_s: (R,), how far that scatters; 0 if unknown.
    """

    def __init__(self) -> None:
        self.taken = 0
        self.number: Ints = np.full(CAPACITY, -1, np.intp)
        self.cameras: Ints = np.full((CAPACITY, 2), -1, np.intp)
        self.seen_s: Floats = np.zeros((CAPACITY, 2, 2))
        self.movement: Floats = np.zeros((CAPACITY, 4))
        self.late_s: Floats = np.zeros(CAPACITY)
        self.scale_s: Floats = np.zeros(CAPACITY)
        self._changed: set[int] = set()

    # ------------------------------------------------------------------ changing

    def put(self, encounter: Encounter, late_s: float, scale_s: float) -> int:
        """Takes an encounter in, over the oldest once all rows are used; returns its row."""
        row = self.taken % CAPACITY
        self.late_s[row], self.scale_s[row] = late_s, scale_s
        self.number[row] = self.taken
        self.cameras[row] = encounter.one, encounter.other
        self.seen_s[row] = encounter.one_s, encounter.other_s
        self.movement[row] = encounter.movement
        self.taken += 1
        self._changed.add(row)
        return row

    def put_back(self, camera: int, rows: NDArray[np.bool_], by_s: float) -> None:
        """Shows what a camera saw in some rows, (R,), earlier by so much."""
        self.seen_s[rows[:, None] & (self.cameras == camera)] -= by_s
        self._changed.update(np.flatnonzero(rows).tolist())

    # ------------------------------------------------------------------ reading

    def between(self, one: int, other: int) -> Ints:
        """Rows of the newest encounters of two cameras, oldest first."""
        rows = np.flatnonzero((self.cameras[:, 0] == one) & (self.cameras[:, 1] == other))
        return rows[np.argsort(self.number[rows])][-FITTED:]

    def comparable(self, camera: int, newest: int) -> Ints:
        """Rows of a camera's newest encounters that can be compared with earlier ones, oldest first."""
        rows = np.flatnonzero(self.of(camera) & (self.scale_s > 0))
        return rows[np.argsort(self.number[rows])][-newest:]

    def of(self, camera: int) -> NDArray[np.bool_]:
        """Whether each row, (R,), is of a camera and another."""
        return np.asarray((self.cameras == camera).any(axis=1))

    def kept(self) -> Ints:
        """Rows that hold an encounter."""
        return np.flatnonzero(self.number >= 0)

    def between_s(self, rows: Ints) -> Floats:
        """From the middle of the one passage to that of the other."""
        between_s: Floats = (self.seen_s[rows, 1] - self.seen_s[rows, 0]).mean(axis=1)
        return between_s

    def sign(self, rows: Ints, camera: int) -> Floats:
        """1 where the camera is the second of a row's, -1 where it is the first."""
        return np.where(self.cameras[rows, 1] == camera, 1.0, -1.0)

    # ------------------------------------------------------------------ state

    def drain_changed(self) -> set[int]:
        """Rows that changed since the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def state(self, row: int) -> dict[str, Any]:
        """JSON-like state of one encounter."""
        values = [*self.cameras[row].tolist(), *self.seen_s[row].ravel().tolist(), *self.movement[row].tolist()]
        late = [float(self.late_s[row]), float(self.scale_s[row])]
        return {"number": int(self.number[row]), "row": values + late}

    def load(self, state: Mapping[str, Any]) -> None:
        """Takes over :meth:`state`."""
        number, values = int(state["number"]), state["row"]
        row = number % CAPACITY
        self.number[row], self.taken = number, max(self.taken, number + 1)
        self.cameras[row], self.movement[row] = values[:2], values[6:10]
        self.seen_s[row] = np.reshape(values[2:6], (2, 2))
        self.late_s[row], self.scale_s[row] = values[10:]
