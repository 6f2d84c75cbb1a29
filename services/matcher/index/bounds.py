"""Upper bounds of scores from few numbers of each vector, so that an exact search reads whole only what can be found.

Vectors of a re-identification network lie in few directions. A score is what the leading directions of query and row
give, plus what the rest gives, which is at most the product of both rests' lengths (Cauchy-Schwarz). Both go into one
matrix product, where the last number is the length of the rest. A row whose bound is below the k-th best score known so
far cannot be among the k best; all others are scored exactly. Nothing is lost, whatever the data; only how many are
left depends on it.

Source: the pruning of partial-distance search with a bound on what is left out, as in principal component trees and
VA-files (Weber, Schek, Blott, VLDB 1998), over a matrix product in place of a loop with early exits.
"""

from __future__ import annotations

import numpy as np

from services.matcher.index.codes import Half, Mask, Positions, in_pieces
from services.matcher.index.contract import NO_ID, NO_SCORE, Vectors

#: Numbers kept of a vector, the last one the length of the rest.
WIDTH = 64
#: Fewer queries at once are scanned as fast without.
MIN_QUERIES = 8
#: Rows whose bounds are looked at together.
_BLOCK = 32
#: Scores are sums of float32: bounds within this of a score, for unit vectors, do not tell.
_SLACK = 2e-5
#: Where more than this share of all scores would have to be computed exactly, bounds are no help.
_MAX_LEFT = 0.06
#: Below every bound but that of a row that may not answer.
_LEAST = np.float32(-1e30)


class Leading:
    """The directions that most of the vectors lie in. Learned once per index."""

    def __init__(self, sample: Vectors) -> None:
        """Learns from float32 (N, dim), dim > WIDTH."""
        _, directions = np.linalg.eigh(sample.T @ sample / len(sample))
        self._directions: Vectors = np.ascontiguousarray(directions[:, :-WIDTH:-1].astype(np.float32))

    def split(self, vectors: Vectors) -> Vectors:
        """float32 (N, WIDTH): along the leading directions, and the length of the rest."""
        along = vectors @ self._directions  # (N, WIDTH - 1)
        rest = np.linalg.norm(vectors - along @ self._directions.T, axis=1)
        return np.concatenate([along, rest[:, None]], axis=1)

    def bounds(self, half: Half) -> Bounds:
        """The bounds of a segment's rows, float16 (N, dim)."""
        filled = -(-len(half) // _BLOCK) * _BLOCK
        kept = np.zeros((filled, WIDTH), np.float32)
        start, longest = 0, 0.0
        for rows in in_pieces(half):
            kept[start : start + len(rows)] = self.split(rows)
            start += len(rows)
            longest = max(longest, float(np.linalg.norm(rows, axis=1).max()))
        return Bounds(self, kept, longest)


class Bounds:
    """What is known of a segment's rows without reading them whole. Never changes."""

    def __init__(self, leading: Leading, kept: Vectors, longest: float) -> None:
        """Use Leading.bounds."""
        self.leading = leading
        self._kept = kept
        self._longest = longest
        self.nbytes = kept.nbytes

    def scan(self, half: Half, asked: Asked, k: int, may: Mask | None) -> tuple[Vectors, Positions] | None:
        """The k best rows of each query, exactly, but for those surely worse than what ``asked`` knows already.

        Args:
            half: The rows, float16 (N, dim).
            asked: The queries.
            k: At least 1.
            may: bool (N,), which rows may answer; None for all.

        Returns:
            Scores float32 (Q, k), best first, and positions int64 (Q, k), padded with -inf and -1; None where bounds
            leave so much that a plain scan is cheaper.
        """
        queries, blocks = asked.queries, len(self._kept) // _BLOCK
        if k > blocks // 4:
            return None
        upper = asked.split @ self._kept.T  # (Q, N')
        upper[:, len(half) :] = NO_SCORE  # what only fills the last block
        if may is not None:
            upper[:, : len(may)] += np.where(may, 0, NO_SCORE).astype(np.float32)
        # A block is made of rows far apart: their maximum is then taken over whole stretches of memory.
        blocked = upper.reshape(len(queries), _BLOCK, blocks)
        peaks = blocked.max(axis=1)  # (Q, blocks)
        floor = asked.floor
        if not np.isfinite(floor).all():
            floor = np.maximum(floor, _first_floor(half, queries, blocked, peaks, k))
        floor = np.maximum(floor - _SLACK * asked.lengths * max(1.0, self._longest), _LEAST)
        of_query, block = np.nonzero(peaks >= floor[:, None])
        chosen, within = np.nonzero(blocked[of_query, :, block] >= floor[of_query, None])
        of_query, places = of_query[chosen], within * blocks + block[chosen]
        if len(places) > _MAX_LEFT * upper.size:
            return None
        scores = _exact(half, queries, of_query, places)
        return _best(scores, of_query, places, len(queries), k)


class Asked:
    """Queries while parts are scanned for them one after another, by several threads.

    Attributes:
        leading: The directions.
        queries: float32 (Q, dim).
        split: Of them, float32 (Q, WIDTH).
        lengths: Of them, float32 (Q,).
        floor: A score that k rows are known to reach, float32 (Q,); -inf while none is.
    """

    def __init__(self, leading: Leading, queries: Vectors) -> None:
        """Nothing is known yet."""
        self.leading = leading
        self.queries = queries
        self.split = leading.split(queries)
        self.lengths: Vectors = np.linalg.norm(queries, axis=1)
        self.floor: Vectors = np.full(len(queries), NO_SCORE, np.float32)

    def learn(self, scores: Vectors) -> None:
        """Takes the k best scores of one part, (Q, k). Of two threads one may go unheard: only time is lost."""
        np.maximum(self.floor, scores[:, -1], out=self.floor)


def _first_floor(half: Half, queries: Vectors, blocked: Vectors, peaks: Vectors, k: int) -> Vectors:
    """A score that k rows of each query reach: the least of one row out of each of the k blocks with the best bounds.

    It is -inf where so many blocks hold no row that may answer.
    """
    best = np.argpartition(-peaks, k - 1, axis=1)[:, :k]  # (Q, k)
    rows = np.take_along_axis(blocked, best[:, None, :], axis=2).argmax(axis=1) * peaks.shape[1] + best
    enough = np.isfinite(np.take_along_axis(peaks, best, axis=1)).all(axis=1)
    sure = np.minimum(rows, len(half) - 1).ravel()
    scores = _exact(half, queries, np.repeat(np.arange(len(queries)), k), sure).reshape(rows.shape)
    floor: Vectors = np.where(enough, scores.min(axis=1), NO_SCORE).astype(np.float32)
    return floor


def _exact(half: Half, queries: Vectors, of_query: Positions, places: Positions) -> Vectors:
    scores: Vectors = np.einsum("nd,nd->n", half[places].astype(np.float32), queries[of_query])
    return scores


def _best(scores: Vectors, of_query: Positions, places: Positions, queries: int, k: int) -> tuple[Vectors, Positions]:
    """The k best of each query out of a list of all queries' rows."""
    order = np.lexsort((-scores, of_query))
    scores, of_query, places = scores[order], of_query[order], places[order]
    counts = np.bincount(of_query, minlength=queries)
    rank = np.arange(len(of_query)) - np.repeat(np.cumsum(counts) - counts, counts)
    kept = rank < k
    best = np.full((queries, k), NO_SCORE, np.float32)
    found = np.full((queries, k), NO_ID, np.int64)
    best[of_query[kept], rank[kept]] = scores[kept]
    found[of_query[kept], rank[kept]] = places[kept]
    return best, found
