"""Query-adaptive matching: an answer is as good as the best region that its picture's parts can make up."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from reid.baselines.maps import MapMaker, Maps
from reid.baselines.pooled import INPUT_HW
from reid.baselines.types import Search, Vector, unit_rows
from reid.evaluation.ranking import Codes, Mask, cosine_scores
from reid.types import Image

#: Answers matched anew for each query.
SHORTLIST = 50
#: Base regions are the cells of grids of so many rows and columns.
PYRAMID = (1, 2, 3)
_DIM = 128


def base_regions(maps: Maps) -> Maps:
    """Sums of the map over the cells of a spatial pyramid, each of L2 norm 1.

    Args:
        maps: (N, C, h, w).

    Returns:
        (N, R, C), the whole map first; R = 14.
    """
    height, width = maps.shape[2:]
    found = []
    for n in PYRAMID:
        rows, columns = (np.linspace(0, length, n + 1).round().astype(int) for length in (height, width))
        found += [
            maps[:, :, rows[i] : rows[i + 1], columns[j] : columns[j + 1]].sum(axis=(2, 3))
            for i in range(n)
            for j in range(n)
        ]
    return unit_rows(np.stack(found, axis=1))


def best_combination(query: NDArray[np.floating], regions: NDArray[np.floating]) -> float:
    """Greatest cosine of a query with a non-negative combination of regions.

    The combination nearest to a unit query is its projection onto the cone of the regions, and the projection's length
    is the cosine: a problem of non-negative least squares.

    Args:
        query: (D,) of L2 norm 1.
        regions: (R, D).

    Returns:
        In [0, 1]; 0 where no combination points the query's way.

    Source:
        Cao et al. 2016, "Where to Focus: Query Adaptive Matching for Instance Retrieval Using Convolutional Feature
        Maps", section 4 (best similarity over combined base regions) and 5.2 (pyramid). Departures: solved as least
        squares; features are reduced to 128 dimensions by principal axes that keep the origin.
    """
    combination, _ = nnls(regions.T.astype(np.float64), query.astype(np.float64))
    return float(np.linalg.norm(combination @ regions))


class QueryAdaptive:
    """Cosines of whole maps; the first `SHORTLIST` answers by the best combination of their regions."""

    def __init__(self, maps: MapMaker) -> None:
        self._maps = maps
        self._axes: NDArray[np.float64] | None = None

    def learn(self, pictures: Sequence[Image], rng: np.random.Generator) -> None:
        """Learns principal axes of regions, about the origin, so that sums of regions stay sums."""
        regions = base_regions(self._maps(pictures, INPUT_HW))
        _, _, axes = np.linalg.svd(regions.reshape(-1, regions.shape[2]).astype(np.float64), full_matrices=False)
        self._axes = axes[:_DIM].T

    def describe(self, pictures: Sequence[Image]) -> list[Vector]:
        """(R, D) regions of each picture, the whole first, L2 norm 1 each.

        Raises:
            ValueError: Nothing was learned before.
        """
        if self._axes is None:
            raise ValueError("axes must be learned first")
        return list(unit_rows(base_regions(self._maps(pictures, INPUT_HW)) @ self._axes))

    def search(self, query: Sequence[Vector], gallery: Sequence[Vector]) -> Search:
        """Whole against whole, then the best of each answer's regions."""
        asked = np.stack([own[0] for own in query])

        def reorder(row: int, similarities: NDArray[np.float32], columns: Codes, right: Mask) -> NDArray[np.float32]:
            order = similarities.copy()
            for place in np.argsort(-similarities, kind="stable")[:SHORTLIST]:
                # Cosines lie in [-1, 1]: the shortlist stays before the rest.
                order[place] = 2 + best_combination(asked[row], gallery[columns[place]])
            return order

        return Search(cosine_scores(asked, np.stack([own[0] for own in gallery])), reorder)
