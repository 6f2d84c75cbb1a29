"""Where ids lie in a buffer that only grows, found without looking through it. Knows no vector."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from services.matcher.index.contract import NO_ID, Ids

Places = NDArray[np.int64]


class PlaceBook:
    """The newest place of each id, in sorted blocks, each more than twice the next. One thread at a time.

    Adding N ids to n costs about N log n; finding one costs a binary search in each of the log n blocks.
    """

    def __init__(self) -> None:
        self._blocks: list[tuple[Ids, Places]] = []

    def add(self, ids: Ids, start: int) -> None:
        """Says that ids (N,), each once, lie from ``start`` on; where they lay before is forgotten."""
        if len(ids) == 0:
            return
        self._blocks.append(_sorted(ids, np.arange(start, start + len(ids))))
        while len(self._blocks) > 1 and len(self._blocks[-2][0]) <= 2 * len(self._blocks[-1][0]):
            older, newer = self._blocks[-2:]
            kept = ~np.isin(older[0], newer[0], assume_unique=True)
            both = [np.concatenate([old[kept], new]) for old, new in zip(older, newer, strict=True)]
            self._blocks[-2:] = [_sorted(both[0], both[1])]

    def find(self, ids: Ids) -> Places:
        """Where ids lie: int64 (N,), -1 for those that were never added."""
        found = np.full(len(ids), NO_ID, np.int64)
        for known, places in reversed(self._blocks):
            at = np.minimum(np.searchsorted(known, ids), len(known) - 1)
            here = (known[at] == ids) & (found == NO_ID)
            found[here] = places[at[here]]
        return found

    def clear(self) -> None:
        """Forgets all."""
        self._blocks = []


def _sorted(ids: Ids, places: Places) -> tuple[Ids, Places]:
    order = np.argsort(ids, kind="stable")
    return ids[order], places[order]
