"""What training minimises, put together from losses and miners by name. Holds the two tables of names; no arithmetic.

A new miner is one file in `reid/mining` and one line in MINERS. A new metric loss is one file in `reid/losses` (a
function of distances or features) and one line in METRIC_LOSSES that says how settings become a `MetricLoss`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator
from torch import Tensor

from reid.losses.distance import pairwise_euclidean
from reid.losses.triplet import SOFT_MARGIN_AT_COLLAPSE, Reduction, active_fraction, triplet_loss
from reid.mining.batch_all import batch_all
from reid.mining.batch_hard import batch_hard
from reid.mining.batch_sample import batch_sample
from reid.mining.batch_weighted import batch_weighted
from reid.mining.triplets import Miner
from reid.mining.uniform import uniform


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
    """A loss over features, un-normalised, from before the BNNeck."""

    @property
    def at_collapse(self) -> float | None:
        """Its value when all features are one point; None where that says nothing."""
        ...

    @property
    def scale(self) -> float:
        """Distance between features that the loss can feel, > 0."""
        ...

    def __call__(self, features: Tensor, labels: Tensor, rng: torch.Generator) -> MetricTerm:
        """Judges (B, D) features of (B,) vehicles."""
        ...


@dataclass(frozen=True, slots=True)
class TripletMetric:
    """A triplet loss over what a miner chooses."""

    miner: Miner
    margin: float | None
    reduction: Reduction

    @property
    def at_collapse(self) -> float | None:
        """The soft margin's is ln 2, the margin form's is m; a margin of 0 tells nothing."""
        return SOFT_MARGIN_AT_COLLAPSE if self.margin is None else self.margin or None

    @property
    def scale(self) -> float:
        """The margin; 1 for the soft margin, which bends there."""
        return self.margin or 1.0

    def __call__(self, features: Tensor, labels: Tensor, rng: torch.Generator) -> MetricTerm:
        """Judges (B, D) features of (B,) vehicles."""
        distances = pairwise_euclidean(features)  # (B, B)
        mined = self.miner(distances, labels, rng)
        loss = triplet_loss(mined.d_ap, mined.d_an, self.margin, self.reduction)
        return MetricTerm(loss, active_fraction(mined.d_ap, mined.d_an, self.margin), distances.detach().mean())


@dataclass(frozen=True, slots=True)
class NoMetric:
    """Cross entropy alone."""

    @property
    def at_collapse(self) -> float | None:
        """It has no value to watch."""
        return None

    @property
    def scale(self) -> float:
        """Feels no distance."""
        return 1.0

    def __call__(self, features: Tensor, labels: Tensor, rng: torch.Generator) -> MetricTerm:
        """Nothing but the features' spread."""
        nothing = features.sum() * 0.0
        return MetricTerm(nothing, nothing.detach(), pairwise_euclidean(features.detach()).mean())


#: Every miner by the name that configurations use.
MINERS: Mapping[str, Miner] = {
    "batch-all": batch_all,
    "batch-hard": batch_hard,
    "batch-sample": batch_sample,
    "batch-weighted": batch_weighted,
    "batch-weighted-through": partial(batch_weighted, through_weights=True),
    "uniform": uniform,
}

#: Every metric loss by the name that configurations use.
METRIC_LOSSES: Mapping[str, Callable[[ObjectiveSettings], MetricLoss]] = {
    "triplet": lambda settings: TripletMetric(MINERS[settings.miner], settings.margin, settings.reduction),
    "none": lambda _: NoMetric(),
}


class ObjectiveSettings(BaseModel):
    """metric_weight · metric loss + cross_entropy_weight · cross entropy with smoothed labels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str = Field("triplet", description="Name in METRIC_LOSSES: triplet, or none for cross entropy alone.")
    miner: str = Field("batch-hard", description="Name in MINERS, for losses over triplets.")
    margin: float | None = Field(None, ge=0, description="Of the triplet loss; none for the soft margin.")
    reduction: Reduction = Field("mean", description="Average over all triplets, or over those above 0 (nonzero).")
    metric_weight: float = Field(1.0, ge=0)
    cross_entropy_weight: float = Field(1.0, ge=0)
    smoothing: float = Field(0.1, ge=0, lt=1, description="Of labels, in the cross entropy.")

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, name: str) -> str:
        return _known(name, METRIC_LOSSES)

    @field_validator("miner")
    @classmethod
    def _known_miner(cls, name: str) -> str:
        return _known(name, MINERS)

    def build(self) -> MetricLoss:
        """The metric loss itself."""
        return METRIC_LOSSES[self.metric](self)


def _known(name: str, table: Mapping[str, object]) -> str:
    if name not in table:
        raise ValueError(f"{name!r} is none of {', '.join(table)}")
    return name
