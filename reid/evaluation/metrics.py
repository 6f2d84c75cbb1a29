"""Retrieval figures over judged queries: one function each, all in [0, 1]. Ranks nothing itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reid.evaluation.ranking import Judged


def rank_at(judged: Judged, k: int) -> float:
    """CMC at k, also called Recall@k: share of queries with a right answer among the first k.

    Args:
        judged: Queries with a right answer.
        k: At least 1.

    Source:
        Zheng et al., "Scalable person re-identification", ICCV 2015, section 5.1 (CMC). Recall@k of In-shop retrieval
        (Liu et al., CVPR 2016) is the same quantity.
    """
    return weighted_mean(judged.first <= k, judged.weight)


def mean_average_precision(judged: Judged) -> float:
    """mAP: mean over queries of AP = (1 / R) Σ_i i / place_i over the R right answers, best first.

    Source:
        Zheng et al., ICCV 2015, section 5.1, without interpolation.
    """
    return weighted_mean(judged.precision, judged.weight)


def mean_inverse_negative_penalty(judged: Judged) -> float:
    """mINP: mean over queries of R / place_R, the effort to find the last of R right answers.

    Source:
        Ye et al., "Deep learning for person re-identification: a survey and outlook", TPAMI 2021, equation 12.
    """
    return weighted_mean(judged.answers / judged.last, judged.weight)


def chance_rank1(judged: Judged) -> float:
    """What rank-1 a random order has: mean over queries of right answers by answers seen."""
    return weighted_mean(judged.answers / judged.seen, judged.weight)


def weighted_mean(values: ArrayLike, weights: NDArray[np.float64]) -> float:
    """Mean of (N,) values by (N,) weights.

    >>> weighted_mean([1.0, 0.0], np.array([3.0, 1.0]))
    0.75
    """
    return float(np.average(np.asarray(values, np.float64), weights=weights))
