"""Makes the segments of an index faster, in a thread of its own. Never changes what is held.

Who feeds the index never waits for it: a segment is scanned exactly until it has what spares that. The thread lives
while something is due, holds one sample or a piece of a segment in full precision at a time, and takes one core.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import faiss
import numpy as np

from services.matcher.index.bounds import WIDTH, Leading
from services.matcher.index.coarse import TRAINING_ROWS, CoarseQuantiser, can_quantise
from services.matcher.index.contract import Vectors
from services.matcher.index.segment import Segment, SegmentRules
from services.memory import give_back

log = logging.getLogger(__name__)

_Subject = Literal["quantiser", "directions"]


class Quickener:
    """Learns a quantiser and leading directions from an index's rows, once each, and gives them to its segments."""

    def __init__(
        self, dim: int, rules: SegmentRules, gate: threading.Lock, sealed: Callable[[], Sequence[Segment]]
    ) -> None:
        """Starts nothing.

        Args:
            dim: Length of a vector.
            rules: When what is due.
            gate: Held while a segment is given something.
            sealed: The segments as they are now; a list that nobody changes any more.
        """
        self._dim = dim
        self._rules = rules
        self._gate = gate
        self._sealed = sealed
        self._moved = threading.Condition()
        self._working = False
        self._closed = False
        self._quantiser: CoarseQuantiser | None = None
        self._leading: Leading | None = None
        #: What is being learned or will be, from the segments of the moment when it became due: what is learned
        #: depends on what was fed, not on when the thread came to it.
        self._lessons: dict[_Subject, Sequence[Segment]] = {}
        #: After a failure nothing is tried before there are as many rows.
        self._rests_below = 0

    def wake(self, living: int) -> None:
        """Has the thread work if anything is due; never waits for it. Feeding thread only.

        Args:
            living: Vectors that a search of the index can find.
        """
        sealed = self._sealed()
        with self._moved:
            if self._closed or _rows(sealed) < self._rests_below:
                return
            self._ask(sealed, living)
            if self._working or self._due(sealed) is None:
                return
            self._working = True
        try:
            threading.Thread(target=self._work, name="index-quickener").start()
        except RuntimeError as exc:  # the system gives no more threads
            self._rest(exc)

    def wait(self) -> None:
        """Returns when the thread has nothing left to do, or has failed."""
        with self._moved:
            self._moved.wait_for(lambda: not self._working)

    def close(self) -> None:
        """Lets the thread end with the piece that it is at, whose result nobody sees; does not wait for it."""
        with self._moved:
            self._closed = True

    def _ask(self, sealed: Sequence[Segment], living: int) -> None:
        rules, rows = self._rules, _rows(sealed)
        if rows < rules.learn_from:
            return
        fast = rules.tier == "fast" or (rules.tier == "auto" and living >= rules.fast_from)
        if fast and can_quantise(self._dim) and self._quantiser is None:
            self._lessons.setdefault("quantiser", sealed)
        if self._bounds_wanted(rows) and self._leading is None:
            self._lessons.setdefault("directions", sealed)

    def _bounds_wanted(self, rows: int) -> bool:
        rules = self._rules
        return rules.tier != "fast" and rules.bounds_from <= rows <= rules.fast_from and self._dim > WIDTH

    def _work(self) -> None:
        # Searches need the cores; FAISS counts threads for each thread that calls it.
        faiss.omp_set_num_threads(1)
        try:
            while (piece := self._take()) is not None:
                piece()
                give_back()
        except Exception as exc:  # the top of a thread: the index answers as well without
            self._rest(exc)

    def _take(self) -> Callable[[], None] | None:
        with self._moved:
            piece = None if self._closed else self._due(self._sealed())
            if piece is None:
                self._working = False
                self._moved.notify_all()
            return piece

    def _due(self, sealed: Sequence[Segment]) -> Callable[[], None] | None:
        """The next bounded piece of work; a first pass comes before the bounds that it makes needless."""
        for subject, segments in self._lessons.items():
            return partial(self._learn, subject, segments)
        quantiser, leading = self._quantiser, self._leading
        slow = next((s for s in sealed if s.coarse is None), None)
        if quantiser is not None and slow is not None:
            return partial(self._encode, quantiser, slow)
        if not self._bounds_wanted(_rows(sealed)):
            held = next((s for s in sealed if s.bounds is not None), None)
            return None if held is None else partial(self._bound, None, held)
        unbounded = next((s for s in sealed if s.bounds is None), None)
        if leading is None or unbounded is None:
            return None
        return partial(self._bound, leading, unbounded)

    def _learn(self, subject: _Subject, segments: Sequence[Segment]) -> None:
        if subject == "quantiser":
            self._quantiser = CoarseQuantiser(_sample(segments))
        else:
            self._leading = Leading(_sample(segments))
        with self._moved:
            del self._lessons[subject]

    def _encode(self, quantiser: CoarseQuantiser, segment: Segment) -> None:
        coarse = quantiser.encode(segment.codes.half)
        with self._gate:
            segment.coarse = coarse

    def _bound(self, leading: Leading | None, segment: Segment) -> None:
        bounds = None if leading is None else leading.bounds(segment.codes.half)
        with self._gate:
            segment.bounds = bounds

    def _rest(self, reason: Exception) -> None:
        """Leaves the index as fast as it is until it has twice the rows; told before who waits goes on."""
        log.warning("the index was not made faster and answers as it is", exc_info=reason)
        with self._moved:
            self._rests_below = 2 * max(1, _rows(self._sealed()))
            self._lessons.clear()
            self._working = False
            self._moved.notify_all()


def _rows(sealed: Sequence[Segment]) -> int:
    return sum(segment.size for segment in sealed)


def _sample(sealed: Sequence[Segment]) -> Vectors:
    """At most TRAINING_ROWS rows or one of each segment, spread evenly over all: float32 (N, dim)."""
    step = -(-_rows(sealed) // TRAINING_ROWS)
    rows: Vectors = np.concatenate([s.codes.half[::step] for s in sealed]).astype(np.float32)
    return rows
