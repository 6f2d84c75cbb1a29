"""Owns which truth box and which predicted box overlap, over all timesteps at once. Never decides who matches whom."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Overlaps:
    """Truth and prediction of one evaluation, joined where boxes of one timestep overlap.

    Attributes:
        truth_step: int64 (T,), dense timestep of every truth box.
        truth_id: int64 (T,), dense identity of every truth box, 0..G-1.
        predicted_step: int64 (P,), dense timestep of every predicted box.
        predicted_id: int64 (P,), dense identity of every predicted box, 0..Q-1.
        truth_box: int64 (K,), truth box of every overlapping pair.
        predicted_box: int64 (K,), its predicted box.
        iou: float64 (K,), in (0, 1].
    """

    truth_step: NDArray[np.int64]
    truth_id: NDArray[np.int64]
    predicted_step: NDArray[np.int64]
    predicted_id: NDArray[np.int64]
    truth_box: NDArray[np.int64]
    predicted_box: NDArray[np.int64]
    iou: NDArray[np.float64]

    @property
    def truth_counts(self) -> NDArray[np.int64]:
        """int64 (G,), boxes per truth identity."""
        return np.bincount(self.truth_id)

    @property
    def predicted_counts(self) -> NDArray[np.int64]:
        """int64 (Q,), boxes per predicted identity."""
        return np.bincount(self.predicted_id)

    def select(self, truth: NDArray[np.bool_], predicted: NDArray[np.bool_]) -> Overlaps:
        """Keeps the truth boxes where ``truth``, bool (T,), and the predicted boxes where ``predicted``, bool (P,)."""
        kept = truth[self.truth_box] & predicted[self.predicted_box]
        new_truth, new_predicted = np.cumsum(truth) - 1, np.cumsum(predicted) - 1
        return Overlaps(
            self.truth_step[truth],
            dense(self.truth_id[truth]),
            self.predicted_step[predicted],
            dense(self.predicted_id[predicted]),
            new_truth[self.truth_box[kept]],
            new_predicted[self.predicted_box[kept]],
            self.iou[kept],
        )


@dataclass(frozen=True, slots=True)
class LabelledBoxes:
    """Boxes with a timestep and an identity each.

    Attributes:
        step: int64 (N,), timestep; equal numbers mean the same picture.
        identity: int64 (N,).
        xywh: float64 (N, 4), left, top, width, height.
    """

    step: NDArray[np.int64]
    identity: NDArray[np.int64]
    xywh: NDArray[np.float64]


def overlaps(truth: LabelledBoxes, predicted: LabelledBoxes) -> Overlaps:
    """Joins truth and prediction on their timesteps.

    Returns:
        Pairs with IoU > 0, ordered by predicted box, then truth box; none when nothing overlaps.

    >>> one = LabelledBoxes(np.array([5]), np.array([1]), np.array([[0.0, 0.0, 10.0, 10.0]]))
    >>> half = LabelledBoxes(np.array([5]), np.array([9]), np.array([[0.0, 0.0, 10.0, 5.0]]))
    >>> overlaps(one, half).iou.tolist()
    [0.5]
    """
    steps = dense(np.concatenate([truth.step, predicted.step]))
    truth_step, predicted_step = steps[: len(truth.step)], steps[len(truth.step) :]
    truth_box, predicted_box = _same_step_pairs(truth_step, predicted_step)
    iou = paired_iou(truth.xywh[truth_box], predicted.xywh[predicted_box])
    touching = iou > 0
    return Overlaps(
        truth_step,
        dense(truth.identity),
        predicted_step,
        dense(predicted.identity),
        truth_box[touching],
        predicted_box[touching],
        iou[touching],
    )


def paired_iou(a_xywh: NDArray[np.float64], b_xywh: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of row k of ``a_xywh`` (K, 4) with row k of ``b_xywh`` (K, 4): float64 (K,) in [0, 1].

    Source: continuous coordinates, a box spans [x, x + w): no pixel is added, as in TrackEval.
    """
    low = np.maximum(a_xywh[:, :2], b_xywh[:, :2])
    high = np.minimum(a_xywh[:, :2] + a_xywh[:, 2:], b_xywh[:, :2] + b_xywh[:, 2:])
    side = np.maximum(high - low, 0.0)
    intersection = side[:, 0] * side[:, 1]
    union = a_xywh[:, 2] * a_xywh[:, 3] + b_xywh[:, 2] * b_xywh[:, 3] - intersection
    result: NDArray[np.float64] = np.divide(intersection, union, out=np.zeros(len(union)), where=union > 0)
    return result


def dense(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Ranks of the distinct values: int64 (N,) in 0..D-1.

    >>> dense(np.array([40, 7, 40])).tolist()
    [1, 0, 1]
    """
    return np.unique(values, return_inverse=True)[1].astype(np.int64).reshape(-1)


def _same_step_pairs(
    truth_step: NDArray[np.int64], predicted_step: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Every (truth box, predicted box) of one timestep, as two int64 (K,) of indices."""
    order = np.argsort(truth_step, kind="stable")
    ordered = truth_step[order]
    first = np.searchsorted(ordered, predicted_step, side="left")
    count = np.searchsorted(ordered, predicted_step, side="right") - first
    predicted_box = np.repeat(np.arange(len(predicted_step)), count)
    within = np.arange(len(predicted_box)) - np.repeat(np.cumsum(count) - count, count)
    return order[np.repeat(first, count) + within], predicted_box
