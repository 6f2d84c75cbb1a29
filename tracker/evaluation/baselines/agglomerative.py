"""The baseline: agglomerative clustering of a whole recording, as offline systems do. Of time it knows only gates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from tracker.evaluation.truth import SECOND_NS, TruthTracklet

Floats = NDArray[np.float64]

#: A distance that no mean with true ones (0 to 2) brings below any threshold.
FORBIDDEN = 1e9


def forbidden_pairs(tracklets: Sequence[TruthTracklet], longest_trip_s: float) -> NDArray[np.bool_]:
    """Which tracklets cannot be of one vehicle by the associator's own gates, bool (N, N), symmetric.

    One camera saw both at once, if only in one frame, or more time lies between them than the longest plausible trip
    takes. Clocks are those that the cameras show, as for the associator.
    """
    camera = np.unique([t.camera_id for t in tracklets], return_inverse=True)[1]
    start = np.array([t.shown_start_ns for t in tracklets], np.int64)
    end = np.array([t.shown_end_ns for t in tracklets], np.int64)
    gap_ns = np.maximum(start[:, None], start[None, :]) - np.minimum(end[:, None], end[None, :])
    at_once = (camera[:, None] == camera[None, :]) & (gap_ns <= 0)
    result: NDArray[np.bool_] = at_once | (gap_ns > longest_trip_s * SECOND_NS)
    np.fill_diagonal(result, False)
    return result


class Dendrogram:
    """Average linkage of cosine distances, built once and cut at any threshold.

    Args:
        embeddings: float32 (N, D), L2 = 1 each.
        forbidden: bool (N, N), pairs that no cluster may hold; None for no gates.

    Source: Sokal and Michener, "A statistical method for evaluating systematic relationships" (1958), by SciPy.
    """

    def __init__(self, embeddings: NDArray[np.float32], forbidden: NDArray[np.bool_] | None = None) -> None:
        self._n = len(embeddings)
        if self._n < 2:
            return
        distance = np.maximum(1.0 - np.asarray(embeddings @ embeddings.T, np.float64), 0.0)
        if forbidden is not None:
            distance[forbidden] = FORBIDDEN
        np.fill_diagonal(distance, 0.0)
        self._tree: Floats = linkage(squareform(distance, checks=False), method="average")

    def cut(self, threshold: float) -> NDArray[np.int64]:
        """Clusters whose tracklets were joined at a mean cosine similarity of at least ``threshold``; int64 (N,)."""
        if self._n < 2:
            return np.zeros(self._n, np.int64)
        return np.asarray(fcluster(self._tree, 1.0 - threshold, criterion="distance"), np.int64)
