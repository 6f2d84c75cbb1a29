"""Owns IDF1, IDP and IDR: how well identities hold over everything that was seen. Never filters a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracker.metrics.overlaps import Overlaps


@dataclass(frozen=True, slots=True)
class IdentityScore:
    """Identity measures; counts are boxes.

    Attributes:
        idf1: 2 IDTP / (2 IDTP + IDFP + IDFN), in [0, 1], higher is better.
        idp: IDTP / (IDTP + IDFP), in [0, 1].
        idr: IDTP / (IDTP + IDFN), in [0, 1].
        idtp: Predicted boxes that carry their vehicle's one assigned identity.
        idfp: Predicted boxes that do not.
        idfn: Truth boxes that no such predicted box covers.
    """

    idf1: float
    idp: float
    idr: float
    idtp: int
    idfp: int
    idfn: int


def identity_score(overlaps: Overlaps, threshold: float = 0.5) -> IdentityScore:
    """Scores identities under the one-to-one assignment of predicted to true ones that is best over the whole time.

    Giving true identity g to predicted identity p costs the boxes of g that p misses plus those of p that are not on g.
    The sum of that cost over an assignment is a constant minus twice the boxes in agreement, so the assignment that
    maximises agreement, over a (G, Q) matrix, is the one that minimises the cost.

    Args:
        overlaps: Truth and prediction joined.
        threshold: IoU from which two boxes agree, in (0, 1].

    Returns:
        The score; all measures are 0 where truth or prediction is empty. Two boxes of one identity in one timestep
        agree with a true identity at most once: the second is a false positive.

    Source: Ristani et al. 2016, "Performance Measures and a Data Set for Multi-Target, Multi-Camera Tracking",
        identity precision, recall and F1 by truth-to-result matching.

    >>> from tracker.metrics.overlaps import LabelledBoxes, overlaps
    >>> square = np.array([[0.0, 0.0, 10.0, 10.0]] * 4)
    >>> truth = LabelledBoxes(np.arange(4), np.zeros(4, np.int64), square)
    >>> switched = LabelledBoxes(np.arange(4), np.array([1, 1, 1, 2]), square)
    >>> identity_score(overlaps(truth, switched)).idf1
    0.75
    """
    agreement = _agreement(overlaps, threshold)
    idtp = int(agreement[linear_sum_assignment(agreement, maximize=True)].sum()) if agreement.size else 0
    idfn = len(overlaps.truth_id) - idtp
    idfp = len(overlaps.predicted_id) - idtp
    return IdentityScore(
        idf1=2 * idtp / max(1, 2 * idtp + idfp + idfn),
        idp=idtp / max(1, idtp + idfp),
        idr=idtp / max(1, idtp + idfn),
        idtp=idtp,
        idfp=idfp,
        idfn=idfn,
    )


def _agreement(overlaps: Overlaps, threshold: float) -> NDArray[np.int64]:
    """int64 (G, Q): timesteps in which a box of truth g and one of prediction q agree."""
    agree = overlaps.iou >= threshold
    truth_box = overlaps.truth_box[agree]
    pairs = np.stack(
        [
            overlaps.truth_step[truth_box],
            overlaps.truth_id[truth_box],
            overlaps.predicted_id[overlaps.predicted_box[agree]],
        ],
        axis=1,
    )
    pairs = np.unique(pairs, axis=0)
    result = np.zeros((len(overlaps.truth_counts), len(overlaps.predicted_counts)), np.int64)
    np.add.at(result, (pairs[:, 1], pairs[:, 2]), 1)
    return result
