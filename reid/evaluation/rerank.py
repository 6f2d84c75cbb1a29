"""k-reciprocal re-ranking of the top of a ranking. Its memory is that of the top alone, whatever the gallery's size.

Source: Zhong et al., "Re-ranking person re-identification with k-reciprocal encoding", CVPR 2017. Departure: the paper
encodes all queries and the whole gallery together, which needs (Q + G)² memory and lets queries help each other; here
each query is encoded with its own best K answers, which is what a live search can do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.evaluation.ranking import TIE, Codes, Floats, Mask, Reorder

#: Re-ranked answers stand above all others, whose cosines are 1 at most.
_ABOVE = 3.0


@dataclass(frozen=True, slots=True)
class Rerank:
    """Settings; the defaults are the paper's.

    Attributes:
        top: K, answers to re-rank.
        k1: Neighbours in a k-reciprocal set.
        k2: Neighbours whose encodings are averaged (local query expansion); 1 for none.
        share: λ, weight of the original distance, in [0, 1].
    """

    top: int = 100
    k1: int = 20
    k2: int = 6
    share: float = 0.3

    def __post_init__(self) -> None:
        if self.top < 1 or self.k1 < 1 or self.k2 < 1 or not 0 <= self.share <= 1:
            raise ValueError(
                f"needs top, k1, k2 >= 1 and share in [0, 1], got {self.top}, {self.k1}, {self.k2}, {self.share}"
            )


def rerank_top(query: Floats, gallery: Floats, settings: Rerank) -> Reorder:
    """How to re-rank the answers of each of Q queries.

    Ties at the edge of the top, and inside it, count against the query, as everywhere: among equals the wrong answers
    are taken first.

    Args:
        query: (Q, D), rows of L2 norm 1.
        gallery: (G, D), rows of L2 norm 1.
        settings: What to re-rank.
    """

    def reorder(row: int, similarities: Floats, columns: Codes, right: Mask) -> Floats:
        strict = similarities - np.float32(2 * TIE) * right
        top = np.argsort(-strict, kind="stable")[: settings.top]
        distances = k_reciprocal_distances(query[row], gallery[columns[top]], settings)
        order = similarities.copy()
        order[top] = _ABOVE - distances
        return order

    return reorder


def k_reciprocal_distances(query: Floats, candidates: Floats, settings: Rerank) -> NDArray[np.float64]:
    """Distances of a query to its candidates, (1 - λ) Jaccard + λ original, each in [0, 1].

    Args:
        query: (D,), L2 norm 1.
        candidates: (K, D), rows of L2 norm 1.
        settings: k1, k2 and λ.

    Returns:
        float64 (K,).

    Source:
        Zhong et al., CVPR 2017: sets by equations 2-3, encoding by 5-7, expansion by 11, distances by 10 and 12; with
        squared Euclidean distances divided by each row's largest, as in the authors' code.
    """
    vectors = np.vstack([query[None], candidates]).astype(np.float64)
    distances = np.maximum(2 - 2 * (vectors @ vectors.T), 0)  # (K + 1, K + 1)
    np.fill_diagonal(distances, 0)
    largest = distances.max(axis=1, keepdims=True)
    distances = np.divide(distances, largest, out=np.zeros_like(distances), where=largest > 0)
    ranked = np.argsort(distances - np.eye(len(vectors)), axis=1, kind="stable")  # A vector is its own nearest.

    encoding = np.exp(-distances) * _expanded_sets(ranked, settings.k1)
    encoding /= encoding.sum(axis=1, keepdims=True)
    if settings.k2 > 1:
        encoding = encoding[ranked[:, : settings.k2]].mean(axis=1)
    shared = np.minimum(encoding[0], encoding[1:]).sum(axis=1)
    jaccard = 1 - shared / (2 - shared)
    mixed: NDArray[np.float64] = (1 - settings.share) * jaccard + settings.share * distances[0, 1:]
    return mixed


def _expanded_sets(ranked: Codes, k1: int) -> Mask:
    """R*(i, k1) as rows of a (N, N) mask: k-reciprocal neighbours and theirs, where two thirds of those are shared."""
    full, half = _reciprocal(ranked, k1), _reciprocal(ranked, int(np.around(k1 / 2)))
    # Whole numbers, because a threaded BLAS takes longer to start than a product of this size takes.
    shared = np.einsum("im,jm->ij", full.astype(np.int32), half.astype(np.int32))  # members of j's half set in i's set
    joins = full & (shared > 2 / 3 * half.sum(axis=1))
    expanded: Mask = full | (np.einsum("ij,jm->im", joins.astype(np.int32), half.astype(np.int32)) > 0)
    return expanded


def _reciprocal(ranked: Codes, k: int) -> Mask:
    """Who is among whose k nearest, mutually, (N, N); everyone is in its own set."""
    near = np.zeros(ranked.shape, np.bool_)
    np.put_along_axis(near, ranked[:, : k + 1], True, axis=1)
    mutual: Mask = near & near.T
    return mutual
