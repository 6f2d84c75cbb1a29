"""How far a model's probabilities can be trusted, judged on the decisions taken. Fits nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.evaluation.ranking import TIE, Judged
from reid.types import Calibration

BINS = 10
_FLOOR = 1e-6


@dataclass(frozen=True, slots=True)
class Bin:
    """Decisions of like probability: how many, mean probability said, share that was right."""

    count: int
    said: float
    right: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Probabilities of first answers against what came of them.

    Attributes:
        bins: Those of `BINS` equal widths that hold decisions, ascending.
        ece: Expected calibration error, mean over decisions of |right - said| of their bin, in [0, 1].
        log_loss: Mean of -ln(probability of what was true), nats.
    """

    bins: tuple[Bin, ...]
    ece: float
    log_loss: float

    def document(self) -> dict[str, object]:
        """JSON form."""
        bins = [{"count": b.count, "said": round(b.said, 4), "right": round(b.right, 4)} for b in self.bins]
        return {"ece": round(self.ece, 4), "log_loss": round(self.log_loss, 4), "bins": bins}


def judge_probabilities(judged: Judged, calibration: Calibration) -> Reliability:
    """Reliability of the model's own calibration on the first answer of every query, at equal priors.

    Random pairs would flatter any calibration: nearly all are of two vehicles and nearly all look it.

    Args:
        judged: Queries with a right answer.
        calibration: Stored with the model.

    Source:
        Guo et al., "On calibration of modern neural networks", ICML 2017, equation 3 (ECE).
    """
    best = np.maximum(judged.best_right, judged.best_wrong)
    probabilities = np.array([calibration.probability(float(s)) for s in best])
    return reliability(probabilities, judged.best_right > judged.best_wrong + TIE)


def reliability(probabilities: NDArray[np.float64], right: NDArray[np.bool_]) -> Reliability:
    """Reliability of N decisions.

    Args:
        probabilities: (N,), said to be right, in [0, 1].
        right: (N,), whether they were.

    >>> found = reliability(np.array([0.95, 0.95, 0.05, 0.05]), np.array([True, False, False, False]))
    >>> round(found.ece, 3), [b.count for b in found.bins]
    (0.25, [2, 2])
    """
    place = np.minimum((probabilities * BINS).astype(np.int64), BINS - 1)
    bins = tuple(
        Bin(int(held.sum()), float(probabilities[held].mean()), float(right[held].mean()))
        for held in (place == number for number in range(BINS))
        if held.any()
    )
    clipped = np.clip(probabilities, _FLOOR, 1 - _FLOOR)
    return Reliability(
        bins,
        ece=sum(b.count * abs(b.right - b.said) for b in bins) / len(probabilities),
        log_loss=float(-np.mean(np.log(np.where(right, clipped, 1 - clipped)))),
    )
