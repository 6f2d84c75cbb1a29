"""Vocabulary tree: local features as words of a hierarchical vocabulary, found through an inverted index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from reid.baselines.keypoints import Detector, LocalFeatures, local_features
from reid.baselines.kmeans import Codes, Rows, kmeans, nearest_centre
from reid.baselines.types import Search
from reid.types import Image

#: Descriptors that a tree is built from, at most.
_LEARNED_FROM = 60_000


@dataclass(frozen=True, slots=True)
class _Node:
    """Centres of the children and where each one's number begins; leaves have none."""

    number: int
    centres: Rows
    children: tuple[_Node, ...]


class VocabularyTree:
    """Hierarchical k-means; every node below the root is a word.

    Source:
        Nistér, Stewénius 2006, "Scalable Recognition with a Vocabulary Tree", section 3.
    """

    def __init__(self, rows: Rows, rng: np.random.Generator, branches: int = 8, depth: int = 4) -> None:
        """Builds the tree.

        Args:
            rows: (N, D) descriptors to learn from, N ≥ 1.
            rng: Of all clusterings.
            branches: Children of a node.
            depth: Levels below the root.
        """
        self._branches = branches
        self._count = 0
        self._root = self._grow(rows, depth, rng)

    @property
    def words(self) -> int:
        """Nodes below the root."""
        return self._count - 1

    def _grow(self, rows: Rows, levels: int, rng: np.random.Generator) -> _Node:
        number, self._count = self._count, self._count + 1
        if levels == 0 or len(rows) <= self._branches:
            return _Node(number, rows[:0], ())
        centres = kmeans(rows, self._branches, rng, iterations=10)
        codes = nearest_centre(rows, centres)
        children = tuple(self._grow(rows[codes == k], levels - 1, rng) for k in range(len(centres)))
        return _Node(number, centres, children)

    def counts(self, rows: Rows) -> NDArray[np.float64]:
        """How many descriptors pass through each word, float64 (words,), every level on the way down counted."""
        passed = np.zeros(self._count)
        waiting = [(self._root, rows)]
        while waiting:
            node, own = waiting.pop()
            passed[node.number] = len(own)
            if len(own) and node.children:
                codes: Codes = nearest_centre(own, node.centres)
                waiting += [(child, own[codes == k]) for k, child in enumerate(node.children)]
        return passed[1:]


class InvertedIndex:
    """For each word the pictures that have it; similarities touch only words that the query has.

    Source:
        Nistér, Stewénius 2006, section 4: entropy weights w_i = ln(N / N_i) (equation 1), vectors of L1 norm 1,
        distance ‖q − d‖₁ = 2 + Σ (|q_i − d_i| − |q_i| − |d_i|) over words that both have (equations 3 to 5).
    """

    def __init__(self, counts: NDArray[np.float64]) -> None:
        """Indexes pictures; ``counts`` is (G, words)."""
        having = (counts > 0).sum(axis=0)
        self._weights = np.where(having > 0, np.log(len(counts) / np.maximum(having, 1)), 0.0)
        self._postings = sparse.csc_matrix(self.weighted(counts))

    def weighted(self, counts: NDArray[np.float64]) -> NDArray[np.float64]:
        """(N, words) weighted counts, rows of L1 norm 1; rows without any word that tells stay 0."""
        rows = counts * self._weights
        normalised: NDArray[np.float64] = rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-12)
        return normalised

    def similarities(self, counts: NDArray[np.float64]) -> NDArray[np.float32]:
        """1 − ‖q − d‖₁ / 2 of one query's (words,) counts with every picture, float32 (G,) in [0, 1]."""
        query = self.weighted(counts[None])[0]
        words = np.flatnonzero(query)
        part = self._postings[:, words]
        shared = np.minimum(part.data, np.repeat(query[words], np.diff(part.indptr)))  # (|q| + |d| − |q − d|) / 2
        return np.bincount(part.indices, weights=shared, minlength=part.shape[0]).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Words:
    """One picture: its local features, and its count of each word."""

    features: LocalFeatures
    counts: NDArray[np.float32]


class VocabularyBaseline:
    """Retrieval by words of a vocabulary tree over ORB or SIFT."""

    def __init__(self, detector: Detector = "sift") -> None:
        self._detector = detector
        self._tree: VocabularyTree | None = None

    def learn(self, pictures: Sequence[Image], rng: np.random.Generator) -> None:
        """Builds the tree from the descriptors of pictures.

        Raises:
            ValueError: No picture has a keypoint.
        """
        rows = np.concatenate([local_features(picture, self._detector).floats() for picture in pictures])
        if len(rows) == 0:
            raise ValueError("no picture has a keypoint to build a vocabulary from")
        if len(rows) > _LEARNED_FROM:
            rows = rows[np.sort(rng.choice(len(rows), _LEARNED_FROM, replace=False))]
        self._tree = VocabularyTree(rows, rng)

    def describe(self, pictures: Sequence[Image]) -> list[Words]:
        """Local features and words of each picture.

        Raises:
            ValueError: Nothing was learned before.
        """
        if self._tree is None:
            raise ValueError("a vocabulary must be learned first")
        found = [local_features(picture, self._detector) for picture in pictures]
        return [Words(own, self._tree.counts(own.floats()).astype(np.float32)) for own in found]

    def search(self, query: Sequence[Words], gallery: Sequence[Words]) -> Search:
        """Indexes the gallery."""
        index = InvertedIndex(np.stack([own.counts for own in gallery]).astype(np.float64))

        def scores(start: int, stop: int) -> NDArray[np.float32]:
            return np.stack([index.similarities(own.counts.astype(np.float64)) for own in query[start:stop]])

        return Search(scores)
