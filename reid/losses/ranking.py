"""Weakly supervised ranking loss: of several possible positives only the best one has to be near. No mining."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from reid.losses.distance import pairwise_euclidean
from reid.losses.metric import PlainMetric, require_positive, share_above_zero

#: In units of squared distance, un-normalised.
MARGIN = 4.0


def weak_ranking_loss(distances: Tensor, labels: Tensor, margin: float) -> Tensor:
    """Mean over queries q and negatives n of max(0, min_i d²(q, p_i) + m − d²(q, n)).

    Labels may be weak: rows that share one are possible positives (of one place and time, of one cluster), not sure
    ones; rows that do not are sure negatives. Only the best possible positive of a query is pulled.

    Args:
        distances: (B, B), not squared.
        labels: (B,) label of each row.
        margin: m > 0 in units of squared distance.

    Returns:
        Scalar; 0, attached to the graph, where no query has both.

    Raises:
        ValueError: Shapes do not agree, or the margin is not positive.

    Source:
        Arandjelović et al. 2016, "NetVLAD: CNN Architecture for Weakly Supervised Place Recognition", section 4,
        equations 5 to 7 (d is there the squared distance's root, the loss takes its square). Departures: every row of
        the batch is a query; the mean over all terms instead of their sum; features are not normalised.
    """
    terms = _terms(distances, labels, margin)
    return terms.sum() / max(1, len(terms))


def weak_ranking_metric(margin: float | None) -> PlainMetric:
    """The loss as training calls it."""
    m = MARGIN if margin is None else margin
    require_positive(margin=m)

    def judgement(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        terms = _terms(pairwise_euclidean(features), labels, m)
        return terms.sum() / max(1, len(terms)), share_above_zero(terms)

    return PlainMetric(judgement, at_collapse=m, scale=m**0.5)


def _terms(distances: Tensor, labels: Tensor, margin: float) -> Tensor:
    """One term for each query and each of its negatives, (T,)."""
    require_positive(margin=margin)
    if distances.shape != (len(labels), len(labels)):
        raise ValueError(f"distances must be ({len(labels)}, {len(labels)}), got {tuple(distances.shape)}")
    same = labels[:, None] == labels[None, :]  # (B, B)
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    negative = ~same & positive.any(dim=1)[:, None]  # (B, B)
    squared = distances.square()
    best = squared.masked_fill(~positive, torch.inf).amin(dim=1)  # (B,)
    q, n = torch.nonzero(negative, as_tuple=True)  # (T,) each
    return F.relu(best[q] + margin - squared[q, n])
