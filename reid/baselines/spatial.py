"""Spatial verification: the top answers of a vocabulary tree, ordered by keypoints that move together."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from reid.baselines.keypoints import Detector, LocalFeatures
from reid.baselines.types import Search
from reid.baselines.vocabulary import VocabularyBaseline, Words
from reid.evaluation.ranking import Codes, Mask

#: Answers verified for each query.
SHORTLIST = 50
#: A nearest neighbour counts when it is this much nearer than the second.
_RATIO = 0.8
_REPROJECTION_PX = 8.0
#: Matches that agree by chance; fewer count as none.
LEAST_INLIERS = 4


def match_points(a: LocalFeatures, b: LocalFeatures) -> NDArray[np.int64]:
    """Pairs of keypoints that are each other's clear nearest neighbour from ``a`` to ``b``.

    Args:
        a: Keypoints of one picture.
        b: Of the other, of the same detector.

    Returns:
        int64 (M, 2) rows of ``a`` and ``b``, by row of ``a``.

    Source:
        Lowe 2004, "Distinctive Image Features from Scale-Invariant Keypoints", section 7.1 (ratio test).
    """
    if len(a.descriptors) < 2 or len(b.descriptors) < 2:
        return np.zeros((0, 2), np.int64)
    x, y = a.floats(), b.floats()
    squared = np.maximum((x * x).sum(1)[:, None] + (y * y).sum(1)[None] - 2 * x @ y.T, 0)  # (N, M)
    nearest = np.argpartition(squared, 1, axis=1)[:, :2]
    values = np.take_along_axis(squared, nearest, axis=1)
    order = np.argsort(values, axis=1, kind="stable")
    first, second = np.take_along_axis(values, order, axis=1).T
    best = np.take_along_axis(nearest, order, axis=1)[:, 0]
    rows = np.flatnonzero(first < _RATIO**2 * second)
    return np.stack([rows, best[rows]], axis=1)


def inliers(a: LocalFeatures, b: LocalFeatures) -> int:
    """Matches of two pictures that one shift, turn and scaling explains; 0 for fewer than `LEAST_INLIERS`.

    Source:
        Fischler, Bolles 1981, "Random Sample Consensus"; as verification in Philbin et al. 2007, "Object Retrieval with
        Large Vocabularies and Fast Spatial Matching", section 4. Departure: a similarity of four parameters from two
        matches instead of from one with its affine shape.
    """
    pairs = match_points(a, b)
    if len(pairs) < LEAST_INLIERS:
        return 0
    cv2.setRNGSeed(0)
    _, found = cv2.estimateAffinePartial2D(
        a.points_px[pairs[:, 0]],
        b.points_px[pairs[:, 1]],
        method=cv2.RANSAC,
        ransacReprojThreshold=_REPROJECTION_PX,
        maxIters=200,
    )
    count = 0 if found is None else int(found.sum())
    return count if count >= LEAST_INLIERS else 0


class SpatialVerification(VocabularyBaseline):
    """A vocabulary tree's answers, the first `SHORTLIST` re-ordered by the number of inliers, then by words."""

    def __init__(self, detector: Detector) -> None:
        super().__init__(detector)

    def search(self, query: Sequence[Words], gallery: Sequence[Words]) -> Search:
        """Indexes the gallery; matching happens when a query is asked."""

        def reorder(row: int, similarities: NDArray[np.float32], columns: Codes, right: Mask) -> NDArray[np.float32]:
            top = np.argsort(-similarities, kind="stable")[:SHORTLIST]
            order = similarities.copy()
            for place in top:
                # Words lie in [0, 1]: whole inliers come first, and the shortlist before the rest.
                order[place] += 1 + inliers(query[row].features, gallery[columns[place]].features)
            return order

        return Search(super().search(query, gallery).scores, reorder)
