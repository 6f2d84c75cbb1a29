"""Protocol `cross-camera`: every picture is a query, its gallery all pictures of other cameras; directions are pooled.

This is how a site with fixed cameras meets its vehicles. Figures of other protocols on the same network differ widely.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from reid.evaluation.ranking import Embedded, Ranking, Side, cosine_scores, encode, judge
from reid.evaluation.rerank import Rerank, rerank_top
from reid.evaluation.retrieval import Retrieval, summarise


def rank_cross_camera(pool: Embedded, rerank: Rerank | None = None) -> Ranking:
    """The ranking of a pool of pictures against itself."""
    reorder = rerank_top(pool.vectors, pool.vectors, rerank) if rerank else None
    return Ranking(pool.side, pool.side, "other-cameras", cosine_scores(pool.vectors, pool.vectors), reorder)


def cross_camera(
    embeddings: NDArray[np.float32], vehicles: Sequence[str], cameras: Sequence[str], kinds: Sequence[str] = ()
) -> Retrieval:
    """Figures of the protocol alone, without intervals.

    Args:
        embeddings: (N, D), rows of L2 norm 1.
        vehicles: Truth, one per row.
        cameras: One per row.
        kinds: Vehicle classes, one per row; empty when not known.

    Returns:
        Figures over the queries that have a right answer.

    Raises:
        ValueError: Lengths differ, or no query has a right answer in another camera.
    """
    n = len(embeddings)
    if len(vehicles) != n or len(cameras) != n or (kinds and len(kinds) != n):
        raise ValueError(f"{n} embeddings need as many labels, got {len(vehicles)} vehicles and {len(cameras)} cameras")
    (vehicle_codes,), (camera_codes,), rows = encode(vehicles), encode(cameras), np.arange(n)
    side = Side(vehicle_codes, camera_codes, rows, rows)
    judged = judge(rank_cross_camera(Embedded(side, embeddings)))
    return summarise("cross-camera", judged, gallery=n, kinds=[kinds[row] if kinds else "" for row in judged.query])
