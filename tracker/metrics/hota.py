"""Owns HOTA: detection and association judged in one figure over localisation thresholds. Never filters a box."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.metrics.matching import best_pairs
from tracker.metrics.overlaps import Overlaps

_EPSILON = float(np.finfo(np.float64).eps)


def hota_alphas() -> NDArray[np.float64]:
    """The 19 localisation thresholds 0.05, 0.10, ..., 0.95, float64 (19,)."""
    return np.arange(0.05, 0.99, 0.05)


@dataclass(frozen=True, slots=True)
class HotaScore:
    """HOTA and its two factors, each in [0, 1], higher is better.

    Attributes:
        hota: Mean over alpha of sqrt(DetA x AssA).
        det_a: Mean over alpha of TP / (TP + FN + FP).
        ass_a: Mean over alpha of the mean, over true positives c, of TPA(c) / (TPA(c) + FNA(c) + FPA(c)).
        hota_alpha: float64 (19,), HOTA at every alpha.
    """

    hota: float
    det_a: float
    ass_a: float
    hota_alpha: NDArray[np.float64]


def hota_score(overlaps: Overlaps) -> HotaScore:
    """Scores detection and association.

    In every timestep truth and predicted boxes are matched one to one so that the sum of IoU times the global
    alignment of their identities (a Jaccard index over the whole time) is largest; at every alpha the matches with
    IoU >= alpha count.

    Returns:
        The score; 0 where truth or prediction is empty.

    Source: Luiten et al. 2021, "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking"; matching
        by global alignment as in TrackEval.

    >>> from tracker.metrics.overlaps import LabelledBoxes, overlaps
    >>> boxes = LabelledBoxes(np.arange(3), np.zeros(3, np.int64), np.array([[0.0, 0.0, 10.0, 10.0]] * 3))
    >>> hota_score(overlaps(boxes, boxes)).hota
    1.0
    """
    alphas = hota_alphas()
    if not len(overlaps.truth_id) or not len(overlaps.predicted_id):
        return HotaScore(0.0, 0.0, 0.0, np.zeros(len(alphas)))
    score = _alignment(overlaps) * overlaps.iou
    step = overlaps.truth_step[overlaps.truth_box]
    matched = best_pairs(overlaps.truth_box, overlaps.predicted_box, step, score)
    iou = overlaps.iou[matched]
    truth_id = overlaps.truth_id[overlaps.truth_box[matched]]
    predicted_id = overlaps.predicted_id[overlaps.predicted_box[matched]]
    det_a, ass_a = np.zeros(len(alphas)), np.zeros(len(alphas))
    for k, alpha in enumerate(alphas):
        kept = iou >= alpha - _EPSILON
        tp = int(kept.sum())
        det_a[k] = tp / (len(overlaps.truth_id) + len(overlaps.predicted_id) - tp)
        ass_a[k] = _association(overlaps, truth_id[kept], predicted_id[kept])
    hota_alpha = np.sqrt(det_a * ass_a)
    return HotaScore(float(hota_alpha.mean()), float(det_a.mean()), float(ass_a.mean()), hota_alpha)


def _association(overlaps: Overlaps, truth_id: NDArray[np.int64], predicted_id: NDArray[np.int64]) -> float:
    """AssA of M true positives given by their identities, int64 (M,) each; 0 for none."""
    if not len(truth_id):
        return 0.0
    width = len(overlaps.predicted_counts)
    pair, count = np.unique(truth_id * width + predicted_id, return_counts=True)
    union = overlaps.truth_counts[pair // width] + overlaps.predicted_counts[pair % width] - count
    return float((count * count / union).sum() / len(truth_id))


def _alignment(overlaps: Overlaps) -> NDArray[np.float64]:
    """float64 (K,): Jaccard alignment of the two identities behind every overlapping pair, before any matching.

    Each pair weighs IoU / (sum of IoU of its truth box + sum of IoU of its predicted box - IoU).
    """
    truth_sum = np.bincount(overlaps.truth_box, overlaps.iou, minlength=len(overlaps.truth_id))
    predicted_sum = np.bincount(overlaps.predicted_box, overlaps.iou, minlength=len(overlaps.predicted_id))
    weight = overlaps.iou / (truth_sum[overlaps.truth_box] + predicted_sum[overlaps.predicted_box] - overlaps.iou)
    truth_id = overlaps.truth_id[overlaps.truth_box]
    predicted_id = overlaps.predicted_id[overlaps.predicted_box]
    _, pair = np.unique(truth_id * len(overlaps.predicted_counts) + predicted_id, return_inverse=True)
    common = np.bincount(pair.reshape(-1), weight)[pair.reshape(-1)]
    result: NDArray[np.float64] = common / (
        overlaps.truth_counts[truth_id] + overlaps.predicted_counts[predicted_id] - common
    )
    return result
