"""Answers a batch of questions from one moment of the gallery. Owns the ranking; changes nothing.

The lock is held to look at the columns before a search and to read the answer out of them after it, not while the index
is searched. A row that was dropped in between no longer stands for what was found in it and is passed over.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from services.matcher.columns import UNDECIDED
from services.matcher.index.contract import Neighbours
from services.matcher.state import GalleryState
from services.matcher.types import Grouping, Question, SearchFilter, SightingSummary

Found = list[tuple[SightingSummary, float]]

#: More is asked for than k, because what was dropped meanwhile and an identity's further sightings do not count;
#: deepened by this factor until it suffices.
_SPARE = 8
_DEEPEN = 4
#: By which products of the same vectors differ, depending on what else is multiplied with them and on the processor.
_ROUNDING = 1e-6
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

    def answers(self, groups: Sequence[Group]) -> dict[int, Found]:
        """The answer of each question of all groups, by its number."""
        return {number: found for group in groups for number, found in self.answer(group)}

    def answer(self, group: Group) -> Iterator[tuple[int, Found]]:
        """The number and the answer of each question of a group."""
        waiting = list(zip(group.numbers, group.questions, strict=True))
        depth = max(question.k for question in group.questions) + _SPARE
        while waiting:
            depth = min(depth, max(1, self._held))
            found = self._search(group, [question for _, question in waiting], depth)
            done, still = self._sorted_out(waiting, found, depth, group)
            yield from done
            waiting, depth = still, depth * _DEEPEN

    def _sorted_out(
        self, waiting: list[tuple[int, Question]], found: Neighbours, depth: int, group: Group
    ) -> tuple[list[tuple[int, Found]], list[tuple[int, Question]]]:
        """Answers that suffice or cannot get better, and questions that must be searched for more deeply."""
        rows, scores = found.ids.tolist(), found.scores.tolist()  # NO_ID stays below zero
        done: list[tuple[int, list[tuple[int, float]]]] = []
        still = []
        start = 0
        with self._lock:
            for number, question in waiting:
                end = start + len(question.positives)
                ranked = self._ranked(rows[start:end], scores[start:end], question, group)
                limit = self._held if question.negatives is None else _MAX_DEPTH_WITH_NEGATIVES
                exhausted = depth >= min(limit, self._held) or all(own[-1] < 0 for own in rows[start:end])
                if len(ranked) >= question.k or exhausted:
                    done.append((number, ranked))
                else:
                    still.append((number, question))
                start = end
            summaries = iter(self._state.table.summaries([row for _, ranked in done for row, _ in ranked]))
        return [(number, [(next(summaries), score) for _, score in ranked]) for number, ranked in done], still

    def _search(self, group: Group, questions: Sequence[Question], depth: int) -> Neighbours:
        queries = np.concatenate([question.positives for question in questions])
        may = group.may
        if may is None:
            return self._view.search(queries, depth)
        return self._view.search(queries, depth, lambda ids: may[ids])

    def _ranked(
        self, rows: list[list[int]], scores: list[list[float]], question: Question, group: Group
    ) -> list[tuple[int, float]]:
        """The groups that a question's vectors found and that are surely ranked rightly: row and score, best first."""
        best: dict[int, float] = {}
        floor = -np.inf
        for own_rows, own_scores in zip(rows, scores, strict=True):
            for row, score in zip(own_rows, own_scores, strict=True):
                if row >= 0 and score > best.get(row, -np.inf):
                    best[row] = score
            # Below the worst that a full list of one vector shows, another row might still come first.
            if own_rows[-1] >= 0 and len(own_rows) < self._held:
                floor = max(floor, own_scores[-1])
        answer: list[tuple[int, float]] = []
        seen: set[int] = set()
        for row, score in self._in_order(best):
            if score < floor or len(answer) == question.k:
                break
            own = row if group.codes is None else int(group.codes[row])
            if own not in seen and self._stands(row) and self._is_like(row, score, question):
                seen.add(own)
                answer.append((row, score))
        return answer

    def _in_order(self, best: dict[int, float]) -> list[tuple[int, float]]:
        """Highest scores first, equal ones by sighting id. A single vector's come ordered but for the equal ones."""
        found = list(best.items())
        if any(one[1] <= other[1] for one, other in pairwise(found)):
            # A row that was dropped since has no name, and does not stand.
            found.sort(key=lambda pair: (-pair[1], self._state.table.sighting_id(pair[0])))
        return found

    def _stands(self, row: int) -> bool:
        """Whether a row still stands for what was found in it."""
        return self._state.stands_since(row, self._drops)

    def _is_like(self, row: int, score: float, question: Question) -> bool:
        """Whether a row is at least as much like a positive as like any negative."""
        negatives = question.negatives
        if negatives is None or len(negatives) == 0:
            return True
        ids = self._state.vector_ids([row], "a sighting that was found")
        return float((self._state.index.get(ids) @ negatives.T).max()) <= score + _ROUNDING
