"""Answers a batch of questions from one moment of the gallery. Owns the ranking; changes nothing.

The lock is held to look at the columns before a search and to read the answer out of them after it, not while the index
is searched. A row that was dropped in between no longer stands for what was found in it and is passed over.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from services.matcher.columns import UNDECIDED
from services.matcher.index.contract import NO_ID, Ids, Neighbours
from services.matcher.state import SLOT_BITS, VIEWS, GalleryState
from services.matcher.types import Grouping, Question, SearchFilter, SightingSummary

Found = list[tuple[SightingSummary, float]]

#: More is asked for than k, because a sighting has several vectors; deepened by this factor until it suffices.
_SPARE = 8
_DEEPEN = 4
#: With negatives the search goes no deeper for each query: beyond, what is left out is all that looks alike.
_MAX_DEPTH_WITH_NEGATIVES = 16_384


@dataclass(frozen=True, slots=True)
class Group:
    """Questions with one filter and grouping.

    Attributes:
        numbers: Their places in the batch.
        questions: Themselves.
        may: bool (rows,), None where every row may answer.
        codes: int32 (rows,), whose each row is; None where a row is a group of its own.
    """

    numbers: list[int]
    questions: list[Question]
    may: NDArray[np.bool_] | None
    codes: NDArray[np.int32] | None


class BatchSearch:
    """One search of one state."""

    def __init__(self, state: GalleryState, lock: threading.Condition) -> None:
        """Looks at the state; the caller holds the lock."""
        self._state = state
        self._lock = lock
        self._drops = state.drops
        self._view = state.index.view()
        self._held = len(state.index)

    def groups(self, questions: Sequence[Question]) -> list[Group]:
        """Questions that can be searched for together; the caller holds the lock."""
        alike: dict[tuple[SearchFilter, Grouping], list[int]] = defaultdict(list)
        for number, question in enumerate(questions):
            alike[question.wanted, question.grouping].append(number)
        table = self._state.table
        made = []
        for (wanted, grouping), numbers in alike.items():
            may = None if wanted == SearchFilter() else table.mask(wanted)
            codes = None
            if grouping is Grouping.IDENTITY:
                codes = table.identity_codes().copy()
                may = codes != UNDECIDED if may is None else may & (codes != UNDECIDED)
            made.append(Group(numbers, [questions[n] for n in numbers], may, codes))
        return made

    def answer(self, group: Group) -> Iterator[tuple[int, Found]]:
        """The number and the answer of each question of a group."""
        waiting = list(zip(group.numbers, group.questions, strict=True))
        depth = max(question.k for question in group.questions) + _SPARE
        while waiting:
            depth = min(depth, max(1, self._held))
            found = self._search(group, [question for _, question in waiting], depth)
            still = []
            start = 0
            for number, question in waiting:
                end = start + len(question.positives)
                answer = self._read(found.ids[start:end], found.scores[start:end], question, group)
                limit = self._held if question.negatives is None else _MAX_DEPTH_WITH_NEGATIVES
                exhausted = depth >= min(limit, self._held) or bool((found.ids[start:end, -1] == NO_ID).all())
                if len(answer) >= question.k or exhausted:
                    yield number, answer[: question.k]
                else:
                    still.append((number, question))
                start = end
            waiting, depth = still, depth * _DEEPEN

    def _search(self, group: Group, questions: Sequence[Question], depth: int) -> Neighbours:
        queries = np.concatenate([question.positives for question in questions])
        may = group.may
        if may is None:
            return self._view.search(queries, depth)
        return self._view.search(queries, depth, lambda ids: may[ids >> SLOT_BITS])

    def _read(self, ids: Ids, scores: NDArray[np.float32], question: Question, group: Group) -> Found:
        """The groups that a question's vectors found and that are surely ranked rightly, best first."""
        best: dict[int, float] = {}
        for identifier, score in zip(ids.ravel().tolist(), scores.ravel().tolist(), strict=True):
            row = identifier >> SLOT_BITS
            if identifier != NO_ID and score > best.get(row, -np.inf):
                best[row] = score
        # Below the worst that a full list of one vector shows, another row might still come first.
        full = ids[:, -1] != NO_ID
        floor = float(scores[full, -1].max()) if full.any() and scores.shape[1] < self._held else -np.inf
        with self._lock:
            state = self._state
            rows = [
                row
                for row, score in best.items()
                if score >= floor
                and state.dropped_at.get(row, 0) <= self._drops
                and self._is_like(row, score, question)
            ]
            rows.sort(key=lambda row: (-best[row], state.table.sighting_id(row)))
            answer: Found = []
            seen: set[int] = set()
            for row in rows:
                own = row if group.codes is None else int(group.codes[row])
                if own not in seen:
                    seen.add(own)
                    answer.append((state.table.summary(row), best[row]))
                if len(answer) == question.k:
                    break
        return answer

    def _is_like(self, row: int, score: float, question: Question) -> bool:
        """Whether a row is at least as much like a positive as like any negative."""
        negatives = question.negatives
        if negatives is None or len(negatives) == 0:
            return True
        count = self._state.table.vector_count([row])
        ids = np.array([row << SLOT_BITS | slot for slot in range(min(count, VIEWS))], np.int64)
        return float((self._state.index.get(ids) @ negatives.T).max()) <= score
