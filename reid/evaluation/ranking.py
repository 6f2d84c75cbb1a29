"""Ranks galleries and finds where the right answers stand. Knows arrays and codes; no picture, no network, no protocol.

Ties count against the query everywhere: among similarities closer than `TIE` every wrong answer stands before every
right one, so that a constant embedding scores no better than chance. Sorting alone would let the order of files decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Codes = NDArray[np.int64]
Mask = NDArray[np.bool_]

#: Similarities closer than this are ties: equal vectors must tie in spite of rounding in float32 products.
TIE = 1e-6
_CHUNK = 256

#: What of the gallery a query does not see, besides its own picture: everything of its own camera; its own vehicle in
#: its own camera (junk); nothing.
Rule = Literal["other-cameras", "junk", "everything"]

#: Rows [start, stop) of the similarities, float32 (stop - start, G), higher is more alike.
Scores = Callable[[int, int], Floats]

#: New similarities for one query: (query row, similarities (A,), gallery columns (A,), which are right (A,)) -> (A,).
Reorder = Callable[[int, Floats, Codes, Mask], Floats]


@dataclass(frozen=True, slots=True)
class Side:
    """Queries or gallery as codes; equal codes on both sides mean the same.

    Attributes:
        vehicles: int64 (N,).
        cameras: int64 (N,).
        pictures: int64 (N,); a query never finds its own picture.
        rows: int64 (N,), where each stands in the list it was taken from.
    """

    vehicles: Codes
    cameras: Codes
    pictures: Codes
    rows: Codes

    def __len__(self) -> int:
        return len(self.vehicles)

    def take(self, rows: Codes) -> Side:
        """Part of it."""
        return Side(self.vehicles[rows], self.cameras[rows], self.pictures[rows], self.rows[rows])


@dataclass(frozen=True, slots=True)
class Embedded:
    """Pictures as vectors: ``vectors`` float32 (N, D), rows of L2 norm 1, one per row of ``side``."""

    side: Side
    vectors: Floats

    def __post_init__(self) -> None:
        if self.vectors.ndim != 2 or len(self.vectors) != len(self.side):
            raise ValueError(f"needs one vector for each of {len(self.side)} pictures, got {self.vectors.shape}")

    def take(self, rows: Codes) -> Embedded:
        """Part of it."""
        return Embedded(self.side.take(rows), self.vectors[rows])


@dataclass(frozen=True, slots=True)
class Ranking:
    """All that decides the order of a gallery for each query.

    Attributes:
        query: Q queries.
        gallery: G answers: pictures, or tracks.
        rule: What a query does not see.
        scores: Similarities of queries (rows) and gallery (columns).
        reorder: Re-ranks what a query sees; None for the order of ``scores``.
    """

    query: Side
    gallery: Side
    rule: Rule
    scores: Scores
    reorder: Reorder | None = None


@dataclass(frozen=True, slots=True)
class Answers:
    """One query with what it sees of the gallery.

    Attributes:
        query: Its row.
        columns: int64 (A,), gallery columns that it sees.
        right: (A,), which show its vehicle.
        similarities: float32 (A,), as the network has them.
        order: float32 (A,), what the ranking goes by: ``similarities`` unless re-ranked.
    """

    query: int
    columns: Codes
    right: Mask
    similarities: Floats
    order: Floats


#: Looks at every query that counts, while it is at hand.
Visitor = Callable[[Answers], None]


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of every query that has a right answer; arrays of (J,).

    Attributes:
        query: Rows of the queries in the list they were taken from.
        first: Place of the first right answer, 1 at best.
        last: Place of the last right answer.
        answers: Right answers.
        seen: Answers in all.
        precision: Average precision, in (0, 1].
        best_right: Highest similarity of a right answer.
        best_wrong: Highest similarity of a wrong answer; -inf when there is none.
        weight: Share of a query in the means.
        skipped: Queries without a right answer, which count nowhere.
    """

    query: Codes
    first: Codes
    last: Codes
    answers: Codes
    seen: Codes
    precision: NDArray[np.float64]
    best_right: NDArray[np.float64]
    best_wrong: NDArray[np.float64]
    weight: NDArray[np.float64]
    skipped: int

    def __len__(self) -> int:
        return len(self.query)


def encode(*columns: Sequence[object]) -> list[Codes]:
    """Codes for labels of several lists, equal where labels are equal.

    >>> [codes.tolist() for codes in encode(["b", "a"], ["a", "c"])]
    [[0, 1], [1, 2]]
    """
    known: dict[object, int] = {}
    return [np.array([known.setdefault(label, len(known)) for label in column], np.int64) for column in columns]


def cosine_scores(query: Floats, gallery: Floats) -> Scores:
    """Cosines of unit vectors, computed rows at a time.

    Args:
        query: (Q, D), rows of L2 norm 1.
        gallery: (G, D), rows of L2 norm 1.
    """
    turned = np.ascontiguousarray(gallery.T)

    def scores(start: int, stop: int) -> Floats:
        product: Floats = query[start:stop] @ turned
        return product

    return scores


def pessimistic_places(right: Floats, wrong: Floats) -> Codes:
    """Places of the right answers in the ranking, 1 first, with ties counted against them.

    Args:
        right: (R,) similarities of right answers, in any order.
        wrong: (W,) similarities of wrong answers, in any order.

    Returns:
        int64 (R,), ascending.

    >>> right, wrong = np.array([0.1, 0.9], np.float32), np.array([0.5, 0.9], np.float32)
    >>> pessimistic_places(right, wrong).tolist()
    [2, 4]
    """
    best_first = np.sort(right)[::-1]
    ascending = np.sort(wrong)
    before = len(wrong) - np.searchsorted(ascending, best_first - np.float32(TIE), side="left")
    places: Codes = np.arange(1, len(right) + 1, dtype=np.int64) + before
    return places


def answers_of(ranking: Ranking, query: int) -> Answers:
    """One query with what it sees."""
    return _answers(ranking, query, ranking.scores(query, query + 1)[0])


def judge(ranking: Ranking, visitors: Sequence[Visitor] = ()) -> Judged:
    """Finds the right answers of every query.

    Args:
        ranking: What to judge.
        visitors: Called with every query that has a right answer, in order.

    Raises:
        ValueError: No query has a right answer.
    """
    rows = []
    for answers in _each_query(ranking):
        if not answers.right.any():
            continue
        for visit in visitors:
            visit(answers)
        places = pessimistic_places(answers.order[answers.right], answers.order[~answers.right])
        wrong = answers.similarities[~answers.right]
        rows.append(
            (
                ranking.query.rows[answers.query],
                places[0],
                places[-1],
                len(places),
                len(answers.right),
                np.mean(np.arange(1, len(places) + 1) / places),
                answers.similarities[answers.right].max(),
                wrong.max() if len(wrong) else -np.inf,
            )
        )
    if not rows:
        raise ValueError("no query has a right answer in what it sees of the gallery")
    columns = zip(*rows, strict=True)
    query, first, last, count, seen = (np.array(next(columns), np.int64) for _ in range(5))
    precision, best_right, best_wrong = (np.array(column, np.float64) for column in columns)
    skipped = len(ranking.query) - len(rows)
    return Judged(query, first, last, count, seen, precision, best_right, best_wrong, np.ones(len(rows)), skipped)


def join(parts: Sequence[Judged]) -> Judged:
    """Several rankings' results as one, each ranking weighing alike whatever its number of queries."""
    names = ("query", "first", "last", "answers", "seen", "precision", "best_right", "best_wrong")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in names}
    weight = np.concatenate([part.weight / part.weight.sum() for part in parts])
    return Judged(**joined, weight=weight, skipped=sum(part.skipped for part in parts))


def _each_query(ranking: Ranking) -> Iterator[Answers]:
    for start in range(0, len(ranking.query), _CHUNK):
        block = ranking.scores(start, min(start + _CHUNK, len(ranking.query)))
        for query, similarities in enumerate(block, start=start):
            yield _answers(ranking, query, similarities)


def _answers(ranking: Ranking, query: int, similarities: Floats) -> Answers:
    same = ranking.gallery.vehicles == ranking.query.vehicles[query]
    columns = np.flatnonzero(~_hidden(ranking, query, same))
    seen, right = similarities[columns], same[columns]
    order = ranking.reorder(query, seen, columns, right) if ranking.reorder is not None and right.any() else seen
    return Answers(query, columns, right, seen, order)


def _hidden(ranking: Ranking, query: int, same: Mask) -> Mask:
    """Which columns a query does not see, (G,)."""
    asked, gallery = ranking.query, ranking.gallery
    hidden: Mask = gallery.pictures == asked.pictures[query]
    if ranking.rule == "everything":
        return hidden
    own_camera: Mask = gallery.cameras == asked.cameras[query]
    hidden |= own_camera if ranking.rule == "other-cameras" else own_camera & same
    return hidden
