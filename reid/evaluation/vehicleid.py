"""Protocol `vehicleid`: one random picture per vehicle is the gallery, the rest are queries; mean of 10 draws.

Cameras play no part. A vehicle with one picture is in the gallery only.

Source: Liu et al., "Deep relative distance learning", CVPR 2016, section 5.2, with test sets of 800, 1600 and 2400
vehicles. Smaller sets are drawn whole.
"""

from __future__ import annotations

import numpy as np

from reid.evaluation.ranking import Codes, Embedded, Ranking, cosine_scores
from reid.evaluation.rerank import Rerank, rerank_top

DRAWS = 10


def draw_rankings(
    pool: Embedded, rng: np.random.Generator, size: int | None = None, rerank: Rerank | None = None
) -> list[Ranking]:
    """`DRAWS` rankings, each with a gallery of its own.

    Args:
        pool: All test pictures.
        rng: Of all draws.
        size: Vehicles per draw, drawn anew each time; None, or more than there are, for all.
        rerank: Re-rank the top of each.

    Returns:
        Rankings whose rows point into ``pool``.
    """
    return [_draw(pool, rng, size, rerank) for _ in range(DRAWS)]


def _draw(pool: Embedded, rng: np.random.Generator, size: int | None, rerank: Rerank | None) -> Ranking:
    vehicles = np.unique(pool.side.vehicles)
    if size is not None and size < len(vehicles):
        vehicles = np.sort(rng.choice(vehicles, size, replace=False))
    shuffled = rng.permutation(np.flatnonzero(np.isin(pool.side.vehicles, vehicles)))
    _, firsts = np.unique(pool.side.vehicles[shuffled], return_index=True)
    in_gallery = np.zeros(len(shuffled), np.bool_)
    in_gallery[firsts] = True
    gallery, query = _sorted_part(pool, shuffled[in_gallery]), _sorted_part(pool, shuffled[~in_gallery])
    reorder = rerank_top(query.vectors, gallery.vectors, rerank) if rerank else None
    return Ranking(query.side, gallery.side, "everything", cosine_scores(query.vectors, gallery.vectors), reorder)


def _sorted_part(pool: Embedded, rows: Codes) -> Embedded:
    return pool.take(np.sort(rows))
