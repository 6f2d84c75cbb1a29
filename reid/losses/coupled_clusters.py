"""Coupled clusters loss: pictures of a vehicle around their centre, the nearest stranger a margin further out."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from reid.losses.metric import PlainMetric, require_positive, require_rows, share_above_zero

#: In units of squared distance, which starts near 16.
MARGIN = 4.0


class Clusters(NamedTuple):
    """What a batch holds for the loss.

    Attributes:
        inside: (T,) squared distance of each positive to its vehicle's centre.
        outside: (T,) squared distance of that vehicle's nearest negative to the centre.
    """

    inside: Tensor
    outside: Tensor


def coupled_clusters(features: Tensor, labels: Tensor, groups: Tensor | None = None) -> Clusters:
    """Finds centres, positives and nearest negatives.

    Args:
        features: (B, D).
        labels: (B,) vehicle of each row.
        groups: (B,) vehicle model of each row, -1 where not known. Negatives are then pictures of the vehicle's own
            model alone where the batch has any: they are told apart by nothing but the vehicle itself.

    Returns:
        T positives, vehicle by vehicle. Vehicles with one picture, and batches of one vehicle, give none.

    Raises:
        ValueError: Shapes do not agree.
    """
    require_rows(features, labels)
    vehicles = torch.unique(labels)  # (V,)
    member = vehicles[:, None] == labels[None, :]  # (V, B)
    share = member.to(features.dtype) / member.sum(dim=1, keepdim=True)  # (V, B)
    squared = (share @ features)[:, None, :] - features[None, :, :]  # (V, B, D)
    squared = squared.square().sum(dim=2)  # (V, B), to the centres
    negative = ~member
    if groups is not None:
        own = torch.stack([groups[rows][0] for rows in member])  # (V,)
        alike = negative & (groups[None, :] == own[:, None]) & (own >= 0)[:, None]  # (V, B)
        negative = torch.where(alike.any(dim=1, keepdim=True), alike, negative)
    usable = (member.sum(dim=1) >= 2) & negative.any(dim=1)  # (V,)
    nearest = squared.masked_fill(~negative, torch.inf).amin(dim=1)  # (V,)
    v, row = torch.nonzero(member & usable[:, None], as_tuple=True)  # (T,) each
    return Clusters(squared[v, row], nearest[v])


def coupled_clusters_loss(clusters: Clusters, margin: float) -> Tensor:
    """Mean over positives of ½ max(0, ‖xᵖ − c‖² + α − ‖xⁿ* − c‖²).

    Args:
        clusters: Of the batch.
        margin: α > 0 in units of squared distance.

    Returns:
        Scalar; 0, attached to the graph, where there is no positive.

    Raises:
        ValueError: The margin is not positive.

    Source:
        Liu et al. 2016, "Deep Relative Distance Learning: Tell the Difference Between Similar Vehicles", section 3.2,
        equations 3 to 5. Departures: every vehicle of the batch is the positive set once, all others its negatives; the
        mean over positives instead of their sum; features are not normalised.
    """
    terms = _terms(clusters, margin)
    return terms.sum() / max(1, len(terms))


def coupled_clusters_metric(margin: float | None) -> PlainMetric:
    """The loss as training calls it."""
    alpha = MARGIN if margin is None else margin
    require_positive(margin=alpha)

    def judgement(features: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        clusters = coupled_clusters(features, labels)
        return coupled_clusters_loss(clusters, alpha), share_above_zero(_terms(clusters, alpha))

    return PlainMetric(judgement, at_collapse=alpha / 2, scale=alpha**0.5)


def _terms(clusters: Clusters, margin: float) -> Tensor:
    require_positive(margin=margin)
    return 0.5 * F.relu(clusters.inside + margin - clusters.outside)
