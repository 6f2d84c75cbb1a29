"""What scoring reads of identities, in rows of flat arrays. Owns the arrays, their growth and the log of changes.

Never knows which sighting stands under which identity; whoever fills a row does.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats, Ints
from tracker.multi_camera.types import Observation
from tracker.multi_camera.visits import NO_CELL, columns, no_visits

COLOURS_MAX = 24
CLASSES = 4
#: Newest changes of rows that are remembered one by one; twice as many at most.
LOGGED = 16_384


class IdentityRows:
    """K rows, in use or free, with M visits each; free rows are empty and are used again.

    Attributes:
        row_ids: Identity of each row, None for a free one.
        used: Rows from here on were never used.
        version: Counts changes of rows.
        versions: int64 (K,), the count at each row's last change.
        centres: float32 (K, D), mean vectors weighted by detail, not scaled to unit length.
        sources: (K,), sightings behind each of them.
        details: float64 (K,), share of the likeness to further sightings that these keep.
        visits: (K, M), by start.
        visit_counts: (K,), how many of them there are.
        last: (K,), the last of them; camera -1 and a start of minus infinity where there is none.
        busy_until_s: (K,), infinite while it is in view.
        last_seen_s: (K,), infinite for a free row.
        class_probs: float64 (K, CLASSES).
        colour_probs: float64 (K, COLOURS_MAX).
        class_total: float64 (CLASSES,), sum over rows.
        colour_total: float64 (COLOURS_MAX,), sum over rows.
    """

    def __init__(self, visits_kept: int) -> None:
        self._free: list[int] = []
        self.row_ids: list[str | None] = []
        self.used = 0
        self.version = 0
        # Rows in the order of their changes, the newest of them, and the version before the first.
        self._log: list[int] = []
        self._log_begins = 0
        k, m = 0, visits_kept
        self.versions = np.zeros(k, np.int64)
        self.centres = np.zeros((k, 1), np.float32)
        self.sources = np.zeros(k, np.intp)
        self.details = np.ones(k)
        self.visits = no_visits((k, m), start_s=np.inf)
        self.visit_counts = np.zeros(k, np.intp)
        self.last = no_visits((k,), start_s=-np.inf)
        self.busy_until_s = np.full(k, -np.inf)
        self.last_seen_s = np.full(k, np.inf)
        self.class_probs = np.zeros((k, CLASSES))
        self.colour_probs = np.zeros((k, COLOURS_MAX))
        self.class_total = np.zeros(CLASSES)
        self.colour_total = np.zeros(COLOURS_MAX)

    def changed_since(self, version: int) -> Ints:
        """Rows that changed after ``self.version`` was so much, ascending."""
        at = version - self._log_begins
        if at < 0:
            return np.flatnonzero(self.versions > version)
        return np.array(sorted(set(self._log[at:])), np.intp)

    # ------------------------------------------------------------------ rows

    def _new_row(self, identity_id: str) -> int:
        if not self._free:
            self._grow()
        row = self._free.pop()
        self.used = max(self.used, row + 1)
        self.row_ids[row] = identity_id
        return row

    def _grow(self) -> None:
        old = len(self.row_ids)
        new = max(64, 2 * old)

        def enlarge(array: NDArray[np.generic], value: object) -> NDArray[np.generic]:
            grown = np.full((new, *array.shape[1:]), value, array.dtype)
            grown[:old] = array
            return grown

        self.centres = enlarge(self.centres, 0)  # type: ignore[assignment]
        self.sources = enlarge(self.sources, 0)  # type: ignore[assignment]
        self.details = enlarge(self.details, 1)  # type: ignore[assignment]
        self.visits = self.visits.enlarged(new, start_s=np.inf)
        self.last = self.last.enlarged(new, start_s=-np.inf)
        self.visit_counts = enlarge(self.visit_counts, 0)  # type: ignore[assignment]
        self.versions = enlarge(self.versions, self.version)  # type: ignore[assignment]
        self.last_seen_s = enlarge(self.last_seen_s, np.inf)
        self.busy_until_s = enlarge(self.busy_until_s, -np.inf)
        self.class_probs = enlarge(self.class_probs, 0)  # type: ignore[assignment]
        self.colour_probs = enlarge(self.colour_probs, 0)  # type: ignore[assignment]
        self.row_ids.extend([None] * (new - old))
        self._free.extend(range(new - 1, old - 1, -1))

    def _free_row(self, row: int) -> None:
        self.row_ids[row] = None
        self._clear(row)
        self._free.append(row)

    def _note_change(self, row: int) -> None:
        self.version += 1
        self.versions[row] = self.version
        self._log.append(row)
        if len(self._log) > 2 * LOGGED:
            del self._log[:LOGGED]
            self._log_begins += LOGGED

    def _clear(self, row: int) -> None:
        self._note_change(row)
        self.class_total -= self.class_probs[row]
        self.colour_total -= self.colour_probs[row]
        self.sources[row] = self.visit_counts[row] = 0
        self.centres[row] = 0
        self.details[row] = 1
        v = self.visits
        v.camera[row], v.start_s[row], v.end_s[row], v.open[row] = -1, np.inf, -np.inf, False
        v.entry[row], v.exit[row] = NO_CELL, NO_CELL
        self.last.camera[row], self.last.start_s[row] = -1, -np.inf
        self.busy_until_s[row] = -np.inf
        self.last_seen_s[row] = np.inf
        self.class_probs[row] = self.colour_probs[row] = 0

    # ------------------------------------------------------------------ filling an empty row

    def _write_visits(self, row: int, cameras: Sequence[int], seen: Sequence[Observation]) -> None:
        """Sightings by start with the numbers of their cameras, M at most."""
        n = len(seen)
        listed = columns(cameras, seen)
        _, _, end_s, open_, _, _ = listed
        for every, last, values in zip(self.visits.arrays, self.last.arrays, listed, strict=True):
            every[row, :n] = values
            last[row] = values[-1]
        self.visit_counts[row] = n
        self.last_seen_s[row] = max(end_s)
        self.busy_until_s[row] = np.inf if any(open_) else max(end_s)

    def _write_attributes(self, row: int, class_probs: NDArray[np.floating], colour_probs: Floats) -> None:
        self.class_probs[row] = class_probs
        self.colour_probs[row] = colour_probs
        self.class_total += self.class_probs[row]
        self.colour_total += self.colour_probs[row]

    def _write_centre(self, row: int, vectors: Sequence[NDArray[np.float32]], details: Sequence[float]) -> None:
        """The mean of vectors, (D,) each, of which there is one at least, weighted by their details."""
        if self.centres.shape[1] == 1:
            self.centres = np.zeros((len(self.centres), len(vectors[0])), np.float32)
        total = sum(details)
        self.centres[row] = sum(v * np.float32(d) for v, d in zip(vectors, details, strict=True)) / np.float32(total)
        self.sources[row] = len(vectors)
        self.details[row] = sum(d * d for d in details) / total
