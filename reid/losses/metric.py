"""What every metric loss takes and gives, and the shape of those without weights of their own. No loss's formula."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from reid.losses.distance import pairwise_euclidean


class MetricTerm(NamedTuple):
    """What a metric loss says of a batch. All are scalars.

    Attributes:
        loss: To be pushed down.
        active: Share of what was mined that still teaches, in [0, 1].
        spread: Mean distance between features; near 0 when they are one point.
    """

    loss: Tensor
    active: Tensor
    spread: Tensor


class MetricLoss(Protocol):
    """A loss over features, un-normalised, from before the BNNeck.

    One with weights of its own is a `torch.nn.Module` as well: the network carries it while it is trained.
    """

    @property
    def at_collapse(self) -> float | None:
        """Its value when all features are one point; None where that says nothing."""
        ...

    @property
    def scale(self) -> float:
        """Distance between features that the loss can feel, > 0."""
        ...

    def __call__(
        self, features: Tensor, labels: Tensor, rng: torch.Generator, attributes: Tensor | None = None
    ) -> MetricTerm:
        """Judges (B, D) features of (B,) vehicles; (B, A) classes of their attributes, -1 where not known."""
        ...


#: (B, D) features and (B,) vehicles to the loss and the share of its terms that still teach.
Judgement = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True, slots=True)
class PlainMetric:
    """A metric loss that is a function of features and vehicles alone."""

    judgement: Judgement
    at_collapse: float | None = None
    scale: float = 1.0

    def __call__(
        self, features: Tensor, labels: Tensor, rng: torch.Generator, attributes: Tensor | None = None
    ) -> MetricTerm:
        """Judges (B, D) features of (B,) vehicles."""
        loss, active = self.judgement(features, labels)
        return MetricTerm(loss, active, spread_of(features))


def spread_of(features: Tensor) -> Tensor:
    """Mean distance between the rows of a batch, outside the graph."""
    return pairwise_euclidean(features.detach()).mean()


def share_above_zero(terms: Tensor) -> Tensor:
    """Share of a loss's terms that still teach, in [0, 1]; 0 for no terms."""
    return (terms.detach() > 0).double().sum() / max(1, terms.numel())


def balanced_mean(terms: Tensor, same: Tensor) -> Tensor:
    """Mean over the kinds of pairs of each kind's mean; 0, attached to the graph, for no pairs.

    Args:
        terms: (pairs,) what each costs.
        same: (pairs,) whether it shows one vehicle.
    """
    means = [terms[kind].mean() for kind in (same, ~same) if kind.any()]
    return torch.stack(means).mean() if means else terms.sum()


def require_positive(**values: float) -> None:
    """Refuses what must be above 0.

    Raises:
        ValueError: A value is not; the message names it.
    """
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name} must be > 0, got {value}")


def require_rows(features: Tensor, labels: Tensor) -> None:
    """Refuses features and labels that do not belong together.

    Raises:
        ValueError: ``features`` is not (B, D), or ``labels`` not (B,).
    """
    if features.ndim != 2 or labels.shape != features.shape[:1]:
        raise ValueError(f"features must be (B, D) and labels (B,), got {tuple(features.shape)}, {tuple(labels.shape)}")
