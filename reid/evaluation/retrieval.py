"""The figures of one protocol on one set, as they are printed. Ranks nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from reid.evaluation.bootstrap import Interval, bootstrap_macro, bootstrap_means
from reid.evaluation.metrics import (
    chance_rank1,
    mean_average_precision,
    mean_inverse_negative_penalty,
    rank_at,
    weighted_mean,
)
from reid.evaluation.ranking import Judged, encode

RANKS = (1, 5, 10)
#: The class of vehicles whose class is not known.
ANY_CLASS = "vehicle"


@dataclass(frozen=True, slots=True)
class Retrieval:
    """Figures of one protocol, each in [0, 1].

    Attributes:
        protocol: How queries and galleries were made.
        queries: Queries that have a right answer in their gallery; only they count.
        gallery: Pictures, or tracks, that were searched; before each query's own rule.
        skipped: Queries without a right answer.
        rank1: Share of queries whose first answer is right.
        rank5: Share of queries with a right answer among the first five.
        rank10: The same among the first ten.
        mean_average_precision: mAP.
        mean_inverse_negative_penalty: mINP.
        chance_rank1: What rank-1 a random order would have.
        per_class: rank1 by vehicle class of the query.
        rank1_macro_class: Mean of ``per_class``.
        mean_average_precision_macro_class: Mean over vehicle classes of the mAP of their queries.
        ci95: Intervals by bootstrap over vehicles, by figure; empty where none were asked for.
    """

    protocol: str
    queries: int
    gallery: int
    skipped: int
    rank1: float
    rank5: float
    rank10: float
    mean_average_precision: float
    mean_inverse_negative_penalty: float
    chance_rank1: float
    per_class: dict[str, float]
    rank1_macro_class: float
    mean_average_precision_macro_class: float
    ci95: dict[str, Interval] = field(default_factory=dict)

    def document(self) -> dict[str, object]:
        """JSON form."""
        document: dict[str, object] = {
            "protocol": self.protocol,
            "queries": self.queries,
            "gallery": self.gallery,
            "skipped": self.skipped,
            "mAP": round(self.mean_average_precision, 4),
            "mINP": round(self.mean_inverse_negative_penalty, 4),
            "rank1": round(self.rank1, 4),
            "rank5": round(self.rank5, 4),
            "rank10": round(self.rank10, 4),
            "chance_rank1": round(self.chance_rank1, 4),
            "rank1_macro_class": round(self.rank1_macro_class, 4),
            "mAP_macro_class": round(self.mean_average_precision_macro_class, 4),
            "per_class": {kind: round(value, 4) for kind, value in self.per_class.items()},
        }
        if self.ci95:
            document["ci95"] = {name: [round(low, 4), round(high, 4)] for name, (low, high) in self.ci95.items()}
        return document


def summarise(
    protocol: str,
    judged: Judged,
    gallery: int,
    kinds: Sequence[str],
    vehicles: Sequence[object] = (),
    rng: np.random.Generator | None = None,
) -> Retrieval:
    """Figures of judged queries.

    Args:
        protocol: Its name.
        judged: J queries.
        gallery: How much was searched.
        kinds: J vehicle classes, "" where not known.
        vehicles: J vehicles, for intervals.
        rng: Of the bootstrap; None for no intervals.
    """
    names = [kind or ANY_CLASS for kind in kinds]
    groups = encode(sorted(set(names)), names)[1]
    hits = (judged.first == 1).astype(np.float64)
    codes = dict(enumerate(sorted(set(names))))

    def by_class(values: NDArray[np.float64]) -> dict[str, float]:
        return {
            name: weighted_mean(values[groups == code], judged.weight[groups == code]) for code, name in codes.items()
        }

    per_class = by_class(hits)
    ranks = [rank_at(judged, k) for k in RANKS]
    return Retrieval(
        protocol=protocol,
        queries=len(judged),
        gallery=gallery,
        skipped=judged.skipped,
        rank1=ranks[0],
        rank5=ranks[1],
        rank10=ranks[2],
        mean_average_precision=mean_average_precision(judged),
        mean_inverse_negative_penalty=mean_inverse_negative_penalty(judged),
        chance_rank1=chance_rank1(judged),
        per_class=per_class,
        rank1_macro_class=float(np.mean(list(per_class.values()))),
        mean_average_precision_macro_class=float(np.mean(list(by_class(judged.precision).values()))),
        ci95=_intervals(judged, encode(vehicles)[0], groups, rng) if rng is not None else {},
    )


def _intervals(
    judged: Judged, vehicles: np.ndarray, groups: np.ndarray, rng: np.random.Generator
) -> dict[str, Interval]:
    hits = [(judged.first <= k).astype(np.float64) for k in RANKS]
    values = np.stack([judged.precision, judged.answers / judged.last, *hits], axis=1)
    names = ("mAP", "mINP", *(f"rank{k}" for k in RANKS))
    found = dict(zip(names, bootstrap_means(values, vehicles, judged.weight, rng), strict=True))
    for name, each in (("rank1_macro_class", hits[0]), ("mAP_macro_class", judged.precision)):
        found[name] = bootstrap_macro(each, vehicles, groups, judged.weight, rng)
    return found
