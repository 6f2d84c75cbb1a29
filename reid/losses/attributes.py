"""Joint attributes: colour, type and view are learned beside the vehicle, from the same features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reid.losses.metric import MetricLoss, MetricTerm


def known_cross_entropy(logits: Tensor, classes: Tensor) -> Tensor:
    """Mean cross entropy over the rows whose class is known.

    Args:
        logits: (B, C).
        classes: (B,) in [0, C), -1 where not known.

    Returns:
        Scalar; 0, attached to the graph, where none is known.
    """
    known = classes >= 0  # (B,)
    total = F.cross_entropy(logits[known], classes[known], reduction="sum")
    return total / known.sum().clamp(min=1)


def attribute_loss(logits: Sequence[Tensor], attributes: Tensor) -> Tensor:
    """Mean over attributes of each one's cross entropy; rows that do not tell an attribute leave it alone.

    Args:
        logits: A of (B, C_a), one for each attribute.
        attributes: (B, A) classes, -1 where not known.

    Returns:
        Scalar. Attributes that no row tells count as 0.

    Raises:
        ValueError: Their numbers differ.

    Source:
        Lin et al. 2019, "Improving Person Re-identification by Attribute and Identity Learning", equation 7: the second
        term (1 / M) Σ L_att. Departure: its attributes are all binary or small; ours have C classes each, and some
        pictures tell none.
    """
    if attributes.ndim != 2 or attributes.shape[1] != len(logits) or not logits:
        raise ValueError(f"attributes must be (B, {len(logits)}), one column or more, got {tuple(attributes.shape)}")
    terms = [known_cross_entropy(logit, attributes[:, a]) for a, logit in enumerate(logits)]
    return torch.stack(terms).mean()


class JointAttributes(nn.Module):  # type: ignore[misc]
    """A metric loss + weight · attribute loss, with a linear head per attribute that serves training only."""

    def __init__(self, metric: MetricLoss, dim: int, sizes: Sequence[int], weight: float) -> None:
        """Builds the heads.

        Args:
            metric: The loss that stands beside; carried along if it has weights of its own.
            dim: D of the features.
            sizes: Classes of each attribute.
            weight: Of the attributes, ≥ 0.
        """
        super().__init__()
        self.metric = metric
        self.weight = weight
        self.heads = nn.ModuleList(nn.Linear(dim, size) for size in sizes)

    @property
    def at_collapse(self) -> float | None:
        """None: attributes add what depends on their shares."""
        return None

    @property
    def scale(self) -> float:
        """That of the loss beside."""
        return self.metric.scale

    def forward(
        self, features: Tensor, labels: Tensor, rng: torch.Generator, attributes: Tensor | None = None
    ) -> MetricTerm:
        """Judges (B, D) features of (B,) vehicles.

        Raises:
            ValueError: The batch came without attributes.
        """
        if attributes is None:
            raise ValueError("joint attributes need the attributes of each picture")
        term = self.metric(features, labels, rng, attributes)
        joint = attribute_loss([head(features) for head in self.heads], attributes)
        return term._replace(loss=term.loss + self.weight * joint)
