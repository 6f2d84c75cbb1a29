"""Mixed difference: coupled clusters over features joined with a branch that learns vehicle models."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from reid.losses.attributes import known_cross_entropy
from reid.losses.coupled_clusters import MARGIN, coupled_clusters, coupled_clusters_loss
from reid.losses.metric import MetricTerm, require_positive, spread_of

_BRANCH = 64


def mixed_difference_loss(mixed: Tensor, labels: Tensor, models: Tensor, logits: Tensor, margin: float) -> Tensor:
    """Coupled clusters of vehicles + coupled clusters of vehicles within a model + cross entropy of models.

    Args:
        mixed: (B, D + M) instance features beside those of the model branch.
        labels: (B,) vehicle of each row.
        models: (B,) vehicle model of each row, -1 where not known.
        logits: (B, classes) of the model branch.
        margin: α of both cluster terms, > 0.

    Returns:
        Scalar.

    Raises:
        ValueError: Shapes do not agree, or the margin is not positive.

    Source:
        Liu et al. 2016, "Deep Relative Distance Learning", section 3.3 and figure 6 (a branch for models, a branch for
        the difference within a model, both joined). The weights of the terms are all 1. Departures: the branch is
        linear on the shared features instead of fully connected layers of its own, and retrieval goes on with the
        shared features, so that a search costs what it costs without the branch.
    """
    between = coupled_clusters_loss(coupled_clusters(mixed, labels), margin)
    within = coupled_clusters_loss(coupled_clusters(mixed, labels, models), margin)
    return between + within + known_cross_entropy(logits, models)


class MixedDifference(nn.Module):  # type: ignore[misc]
    """`mixed_difference_loss` with its branch, which serves training only."""

    at_collapse: float | None = None

    def __init__(self, dim: int, models: int, column: int, margin: float | None = None) -> None:
        """Builds the branch.

        Args:
            dim: D of the features.
            models: Vehicle models.
            column: Of the attributes, holds the vehicle model.
            margin: α; None for 4.

        Raises:
            ValueError: There is no model to learn, or the margin is not positive.
        """
        super().__init__()
        self.margin = MARGIN if margin is None else margin
        require_positive(margin=self.margin, models=models)
        self.scale: float = self.margin**0.5
        self.column = column
        self.branch = nn.Linear(dim, min(dim, _BRANCH))
        self.classifier = nn.Linear(min(dim, _BRANCH), models)

    def forward(
        self, features: Tensor, labels: Tensor, rng: torch.Generator, attributes: Tensor | None = None
    ) -> MetricTerm:
        """Judges (B, D) features of (B,) vehicles.

        Raises:
            ValueError: The batch came without attributes.
        """
        if attributes is None:
            raise ValueError("mixed difference needs the vehicle model of each picture")
        models = attributes[:, self.column]  # (B,)
        of_model = self.branch(features)  # (B, M)
        mixed = torch.cat([features, of_model], dim=1)  # (B, D + M)
        loss = mixed_difference_loss(mixed, labels, models, self.classifier(of_model), self.margin)
        clusters = coupled_clusters(mixed.detach(), labels)
        active = (clusters.inside + self.margin > clusters.outside).double().sum() / max(1, len(clusters.inside))
        return MetricTerm(loss, active, spread_of(features))
