"""How far stated probabilities can be trusted: the reliability curve, of first answers above all. Fits nothing."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid.evaluation.ranking import TIE, Answers, Codes, Judged
from reid.types import Calibration

_LEAST = 1e-12


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Decisions of like confidence.

    Attributes:
        lower: Lowest probability that falls in, in [0, 1).
        upper: Where the next bin begins; the last one holds 1 as well.
        decisions: How many fell in.
        stated: Their mean probability; none without decisions.
        observed: Share of them that were right; none without decisions.
    """

    lower: float
    upper: float
    decisions: int
    stated: float | None
    observed: float | None


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability curve.

    Attributes:
        bins: From 0 to 1, without gaps.
        decisions: All of them.
        ece: Expected calibration error in [0, 1]: mean over decisions of |stated − observed| of their bin.
        log_loss: Mean negative log probability of what happened, nats.
    """

    bins: tuple[ReliabilityBin, ...]
    decisions: int
    ece: float
    log_loss: float

    def document(self) -> dict[str, Any]:
        """JSON form, without empty bins."""
        shown = [
            {name: round(value, 4) for name, value in asdict(part).items()} for part in self.bins if part.decisions
        ]
        return {
            "decisions": self.decisions,
            "ece": round(self.ece, 4),
            "log_loss": round(self.log_loss, 4),
            "bins": shown,
        }


def reliability(stated: NDArray[np.float64], right: NDArray[np.bool_], bins: int = 10) -> Reliability:
    """Compares stated probabilities with what happened, in bins of equal width.

    Args:
        stated: (N,) in [0, 1].
        right: (N,).
        bins: Number of bins.

    Returns:
        The curve.

    Raises:
        ValueError: Lengths differ, there is nothing, a probability is out of range, or there are no bins.

    Source:
        Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3.

    >>> curve = reliability(np.array([0.9, 0.9, 0.1, 0.1]), np.array([True, True, False, True]), bins=2)
    >>> [(part.stated, part.observed) for part in curve.bins], round(curve.ece, 3)
    ([(0.1, 0.5), (0.9, 1.0)], 0.25)
    """
    if stated.shape != right.shape or stated.ndim != 1 or not len(stated):
        raise ValueError(f"needs as many outcomes as probabilities, got {stated.shape} and {right.shape}")
    if bins < 1 or not ((stated >= 0) & (stated <= 1)).all():
        raise ValueError(f"needs bins >= 1 and probabilities in [0, 1], got {bins} and {stated.min()}..{stated.max()}")
    place = np.minimum((stated * bins).astype(int), bins - 1)
    found = []
    ece = 0.0
    for number in range(bins):
        inside = place == number
        count = int(inside.sum())
        mean = float(stated[inside].mean()) if count else None
        share = float(right[inside].mean()) if count else None
        if mean is not None and share is not None:
            ece += count / len(stated) * abs(mean - share)
        found.append(ReliabilityBin(number / bins, (number + 1) / bins, count, mean, share))
    of_outcome = np.where(right, stated, 1 - stated).clip(_LEAST, 1)
    return Reliability(tuple(found), len(stated), ece, float(-np.log(of_outcome).mean()))


def judge_probabilities(judged: Judged, calibration: Calibration) -> Reliability:
    """Reliability of the model's own calibration on the first answer of every query, at equal priors.

    Random pairs would flatter any calibration: nearly all are of two vehicles and nearly all look it.

    Args:
        judged: Queries with a right answer.
        calibration: Stored with the model.
    """
    best = np.maximum(judged.best_right, judged.best_wrong)
    stated = np.array([calibration.probability(float(s)) for s in best])
    return reliability(stated, judged.best_right > judged.best_wrong + TIE)


class Posteriors:
    """Collects how likely each query's first answer is said to be the one, among all vehicles that the query sees."""

    def __init__(self, calibration: Calibration, vehicles: Codes) -> None:
        """Starts without queries.

        Args:
            calibration: Stored with the model.
            vehicles: (G,), code of each gallery column's vehicle.
        """
        self._calibration = calibration
        self._vehicles = vehicles
        self._stated: list[float] = []
        self._right: list[bool] = []

    def visit(self, answers: Answers) -> None:
        """Takes a query in; a tie for the first place counts as wrong."""
        names, codes = np.unique(self._vehicles[answers.columns], return_inverse=True)
        best = np.full(len(names), -np.inf)
        np.maximum.at(best, codes, answers.similarities)
        self._stated.append(max(self._calibration.posterior(best.tolist())))
        right = best[codes[answers.right][0]]
        self._right.append(bool((best >= right - TIE).sum() == 1))

    def reliability(self) -> Reliability:
        """The curve over all queries taken in.

        Raises:
            ValueError: There is none.
        """
        return reliability(np.array(self._stated), np.array(self._right, np.bool_))
