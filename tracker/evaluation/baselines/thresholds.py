"""Baselines at every threshold that might be their best. Owns the thresholds; chooses none: that takes all seeds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from tracker.evaluation.baselines.agglomerative import Dendrogram, forbidden_pairs
from tracker.evaluation.baselines.greedy import join_greedily
from tracker.evaluation.identities import tracklet_idf1
from tracker.evaluation.simulated.embeddings import Simulated
from tracker.evaluation.truth import TruthTracklet

#: Cosine similarities.
THRESHOLDS: tuple[float, ...] = tuple(round(0.02 * k, 2) for k in range(50))
#: Baselines that have a threshold of similarity.
JOINERS = ("greedy", "agglomerative", "agglomerative_gated")
#: A dendrogram takes memory and time by the square of the tracklets.
CLUSTERED_MAX = 12_000

Curve = tuple[float, ...]
_Cut = Callable[[float], NDArray[np.int64]]


def joiner_curves(
    tracklets: Sequence[TruthTracklet], simulated: Simulated, longest_trip_s: float, wanted: Collection[str] = JOINERS
) -> dict[str, Curve]:
    """IDF1 of each baseline at each threshold.

    Args:
        tracklets: N truth tracklets.
        simulated: Their embeddings.
        longest_trip_s: The gate of time of the gated one.
        wanted: Names in ``JOINERS``.

    Returns:
        By name, in the order of ``THRESHOLDS``; nan for clustering more than ``CLUSTERED_MAX`` tracklets.
    """
    vectors = simulated.final
    cameras = [t.camera_id for t in tracklets]
    start, end = [t.shown_start_ns for t in tracklets], [t.shown_end_ns for t in tracklets]
    cuts: dict[str, _Cut] = {}
    if "greedy" in wanted:
        cuts["greedy"] = lambda threshold: join_greedily(vectors, cameras, start, end, threshold)
    if len(tracklets) <= CLUSTERED_MAX:
        if "agglomerative" in wanted:
            cuts["agglomerative"] = Dendrogram(vectors).cut
        if "agglomerative_gated" in wanted:
            cuts["agglomerative_gated"] = Dendrogram(vectors, forbidden_pairs(tracklets, longest_trip_s)).cut
    never = (float("nan"),) * len(THRESHOLDS)
    return {
        name: tuple(tracklet_idf1(tracklets, cuts[name](threshold).tolist()) for threshold in THRESHOLDS)
        if name in cuts
        else never
        for name in JOINERS
        if name in wanted
    }
