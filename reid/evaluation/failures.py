"""The queries that a network gets most confidently wrong, with what it answered. Reads no picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reid.evaluation.ranking import TIE, Judged, Ranking, answers_of


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer to a query.

    Attributes:
        row: Of the picture (a track's first), in the list the gallery was taken from.
        place: In the ranking, 1 first, ties counted against the query.
        similarity: Cosine.
        right: It shows the query's vehicle.
    """

    row: int
    place: int
    similarity: float
    right: bool


@dataclass(frozen=True, slots=True)
class Failure:
    """A query whose first answer is wrong.

    Attributes:
        row: Of the query, in the list it was taken from.
        answers: The first ones, best first; the first right one is added at the end if it is not among them.
    """

    row: int
    answers: tuple[Answer, ...]


def worst_failures(ranking: Ranking, judged: Judged, count: int, depth: int = 8) -> tuple[Failure, ...]:
    """Failures by how much more alike the best wrong answer is than the best right one, at most one per vehicle.

    Args:
        ranking: What was judged.
        judged: Its result.
        count: How many at most.
        depth: Answers to show of each.
    """
    query_of = {int(row): query for query, row in enumerate(ranking.query.rows)}
    margins = judged.best_wrong - judged.best_right
    found: list[Failure] = []
    vehicles: set[int] = set()
    for place in np.argsort(-margins, kind="stable"):
        if len(found) == count:
            break
        query = query_of[int(judged.query[place])]
        vehicle = int(ranking.query.vehicles[query])
        if judged.first[place] > 1 and vehicle not in vehicles:
            vehicles.add(vehicle)
            found.append(_failure(ranking, query, depth))
    return tuple(found)


def _failure(ranking: Ranking, query: int, depth: int) -> Failure:
    seen = answers_of(ranking, query)
    order = np.argsort(-(seen.order - np.float32(TIE) * seen.right), kind="stable")
    first_right = int(np.flatnonzero(seen.right[order])[0])
    shown = [*range(min(depth, len(order))), *([first_right] if first_right >= depth else [])]
    answers = [
        Answer(
            row=int(ranking.gallery.rows[seen.columns[order[place]]]),
            place=place + 1,
            similarity=float(seen.similarities[order[place]]),
            right=bool(seen.right[order[place]]),
        )
        for place in shown
    ]
    return Failure(int(ranking.query.rows[query]), tuple(answers))
