"""What training minimises, put together from losses and miners by name. Holds the tables of names; no arithmetic.

A new miner is one file in `reid/mining` and one line in MINERS. A new metric loss is one file in `reid/losses` and one
line in METRIC_LOSSES that says how settings become a `reid.losses.metric.MetricLoss`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from torch import Tensor, nn

from reid.losses.attributes import JointAttributes
from reid.losses.circle import MARGIN, SCALE, CosineClassifier, circle_logits, circle_metric
from reid.losses.contrastive import contrastive_metric
from reid.losses.coupled_clusters import coupled_clusters_metric
from reid.losses.distance import pairwise_euclidean
from reid.losses.metric import MetricLoss, MetricTerm, spread_of
from reid.losses.mixed_difference import MixedDifference
from reid.losses.ranking import weak_ranking_metric
from reid.losses.siamese import SiameseBinary
from reid.losses.triplet import SOFT_MARGIN_AT_COLLAPSE, Reduction, active_fraction, triplet_loss
from reid.mining.batch_all import batch_all
from reid.mining.batch_hard import batch_hard
from reid.mining.batch_sample import batch_sample
from reid.mining.batch_weighted import batch_weighted
from reid.mining.distance_weighted import distance_weighted
from reid.mining.semi_hard import semi_hard
from reid.mining.triplets import Miner
from reid.mining.uniform import uniform

__all__ = ["METRIC_LOSSES", "MINERS", "MetricLoss", "MetricTerm", "ObjectiveSettings", "Vocabulary"]

#: Metrics that a margin of 0 leaves something to do.
_BY_ORDER = ("triplet", "siamese", "none")

#: The label that the vehicle model of a picture goes by.
MODEL = "model"


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

    def __call__(
        self, features: Tensor, labels: Tensor, rng: torch.Generator, attributes: Tensor | None = None
    ) -> MetricTerm:
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

    def __call__(
        self, features: Tensor, labels: Tensor, rng: torch.Generator, attributes: Tensor | None = None
    ) -> MetricTerm:
        """Nothing but the features' spread."""
        nothing = features.sum() * 0.0
        return MetricTerm(nothing, nothing.detach(), spread_of(features))


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What a loss with weights of its own must know of a run.

    Attributes:
        dim: D of the features; 0 where no network stands behind.
        sizes: Number of classes of each attribute, in the order of their columns.
    """

    dim: int = 0
    sizes: Mapping[str, int] | None = None


#: Every miner by the name that configurations use.
MINERS: Mapping[str, Miner] = {
    "batch-all": batch_all,
    "batch-hard": batch_hard,
    "batch-sample": batch_sample,
    "batch-weighted": batch_weighted,
    "batch-weighted-through": partial(batch_weighted, through_weights=True),
    "distance-weighted": distance_weighted,
    "semi-hard": semi_hard,
    "uniform": uniform,
}

#: Every metric loss by the name that configurations use.
METRIC_LOSSES: Mapping[str, Callable[[ObjectiveSettings, Vocabulary], MetricLoss]] = {
    "triplet": lambda s, _: TripletMetric(_miner(s), s.margin, s.reduction),
    "circle": lambda s, _: circle_metric(s.scale, s.margin),
    "contrastive": lambda s, _: contrastive_metric(s.margin),
    "coupled-clusters": lambda s, _: coupled_clusters_metric(s.margin),
    "mixed-difference": lambda s, v: MixedDifference(v.dim, *_column(v, MODEL), s.margin),
    "siamese": lambda _, v: SiameseBinary(v.dim),
    "weak-ranking": lambda s, _: weak_ranking_metric(s.margin),
    "none": lambda _s, _v: NoMetric(),
}


def _miner(settings: ObjectiveSettings) -> Miner:
    """The miner, told the margin where it asks for one."""
    if settings.miner == "semi-hard" and settings.margin:
        return partial(semi_hard, margin=settings.margin)
    return MINERS[settings.miner]


def _column(vocabulary: Vocabulary, name: str) -> tuple[int, int]:
    """Number of classes of an attribute, and its column."""
    sizes = vocabulary.sizes or {}
    return sizes.get(name, 0), list(sizes).index(name) if name in sizes else -1


class ObjectiveSettings(BaseModel):
    """metric_weight · (metric loss + attribute_weight · attributes) + cross_entropy_weight · smoothed cross entropy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str = Field("triplet", description=f"One of {', '.join(METRIC_LOSSES)}; none is cross entropy alone.")
    miner: str = Field("batch-hard", description="Name in MINERS, for losses over triplets.")
    offline: bool = Field(False, description="Batches bring vehicles together that the network so far confuses.")
    margin: float | None = Field(
        None, ge=0, description="Of the metric loss; none: its own, for triplets the soft one."
    )
    scale: float = Field(SCALE, gt=0, description="Of circle loss and circle softmax.")
    reduction: Reduction = Field("mean", description="Average over all triplets, or over those above 0 (nonzero).")
    metric_weight: float = Field(1.0, ge=0)
    cross_entropy_weight: float = Field(1.0, ge=0)
    smoothing: float = Field(0.1, ge=0, lt=1, description="Of labels, in the cross entropy.")
    classifier: Literal["linear", "circle"] = Field(
        "linear", description="Logits of the cross entropy: plain or circle."
    )
    class_margin: float = Field(MARGIN, gt=0, lt=1, description="Of circle softmax.")
    attributes: tuple[str, ...] = Field(
        (), description="Labels learned beside the vehicle: colour, class, view, model."
    )
    attribute_weight: float = Field(0.5, ge=0, description="Of the attributes beside the metric loss.")

    @field_validator("metric")
    @classmethod
    def _known_metric(cls, name: str) -> str:
        return _known(name, METRIC_LOSSES)

    @field_validator("miner")
    @classmethod
    def _known_miner(cls, name: str) -> str:
        return _known(name, MINERS)

    @model_validator(mode="after")
    def _margin_fits(self) -> Self:
        if self.margin == 0 and self.metric not in _BY_ORDER:
            raise ValueError(f"the margin of {self.metric} must be above 0")
        if self.metric == "circle" and self.margin is not None and self.margin >= 1:
            raise ValueError(f"the circle's margin must be below 1, got {self.margin}")
        return self

    @model_validator(mode="after")
    def _models_are_told(self) -> Self:
        if self.metric == "mixed-difference" and MODEL not in self.attributes:
            raise ValueError(f"mixed-difference learns vehicle models: put {MODEL!r} into attributes")
        return self

    def build(self, vocabulary: Vocabulary | None = None) -> MetricLoss:
        """The metric loss itself.

        Raises:
            ValueError: A margin that it cannot have.
        """
        known = vocabulary or Vocabulary()
        metric = METRIC_LOSSES[self.metric](self, known)
        # Mixed difference learns the one attribute it needs by itself.
        if not self.attributes or (self.metric == "mixed-difference" and self.attributes == (MODEL,)):
            return metric
        return JointAttributes(metric, known.dim, [*(known.sizes or {}).values()], self.attribute_weight)

    def build_classifier(self, dim: int, classes: int) -> nn.Module:
        """(B, D) features to (B, classes) logits, or to cosines where `logits` makes logits of them."""
        return CosineClassifier(dim, classes) if self.classifier == "circle" else nn.Linear(dim, classes, bias=False)

    def logits(self, classified: Tensor, labels: Tensor) -> Tensor:
        """What the cross entropy takes, (B, classes), from what the classifier gives and the (B,) right classes."""
        if self.classifier == "circle":
            return circle_logits(classified, labels, self.scale, self.class_margin)
        return classified


def _known(name: str, table: Mapping[str, object]) -> str:
    if name not in table:
        raise ValueError(f"{name!r} is none of {', '.join(table)}")
    return name
