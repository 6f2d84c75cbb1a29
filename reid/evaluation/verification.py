"""Same vehicle or not, pair by pair: ROC, equal error rate, TPR at a fixed FPR. Counts pairs in bounded memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.evaluation.ranking import Answers

FALSE_RATES = (0.1, 0.01, 0.001, 0.0001)
#: Width of a bin is 2 / BINS = 1.9e-6, twice the tie tolerance.
_BINS = 1 << 20


@dataclass(frozen=True, slots=True)
class Verification:
    """Figures over pairs, each in [0, 1].

    Attributes:
        same: Pairs of one vehicle.
        different: Pairs of two.
        auc: Chance that a same pair is more alike than a different one; a tie is none.
        eer: Smallest rate that both false acceptance and false rejection can keep at one threshold.
        tpr_at_fpr: Share of same pairs accepted at the lowest threshold that accepts at most that share of different
            ones, by that share.
    """

    same: int
    different: int
    auc: float
    eer: float
    tpr_at_fpr: dict[float, float]

    def document(self) -> dict[str, object]:
        """JSON form."""
        return {
            "pairs": {"same": self.same, "different": self.different},
            "auc": round(self.auc, 4),
            "eer": round(self.eer, 4),
            "tpr_at_fpr": {f"{rate:g}": round(value, 4) for rate, value in self.tpr_at_fpr.items()},
        }


class PairCounts:
    """Similarities of pairs, counted in fine bins over [-1, 1]."""

    def __init__(self) -> None:
        """Counts nothing yet."""
        self._same = np.zeros(_BINS + 1, np.int64)
        self._different = np.zeros(_BINS + 1, np.int64)

    def visit(self, answers: Answers) -> None:
        """Counts the pairs of a query with all that it sees, as the network has them: not re-ranked."""
        self.add(answers.similarities[answers.right], answers.similarities[~answers.right])

    def add(self, same: NDArray[np.float32], different: NDArray[np.float32]) -> None:
        """Counts pairs. Different ones are counted a bin higher, so that ties count against the network."""
        np.add.at(self._same, _bin(same), 1)
        np.add.at(self._different, _bin(different) + 1, 1)

    def figures(self, rates: Sequence[float] = FALSE_RATES) -> Verification:
        """The figures over all pairs counted.

        Raises:
            ValueError: There are no pairs of one kind.
        """
        same, different = int(self._same.sum()), int(self._different.sum())
        if not same or not different:
            raise ValueError(f"needs pairs of both kinds, got {same} same and {different} different")
        # By falling threshold: nothing accepted first, everything last.
        accepted = np.concatenate([[0], np.cumsum(self._same[::-1])]) / same
        false = np.concatenate([[0], np.cumsum(self._different[::-1])]) / different
        reached = {rate: np.searchsorted(false, rate + 1e-12, side="right") - 1 for rate in rates}
        below = np.cumsum(self._different) - self._different  # Different pairs in lower bins, strictly.
        return Verification(
            same,
            different,
            auc=float((self._same @ below) / (same * different)),
            eer=float(np.min(np.maximum(false, 1 - accepted))),
            tpr_at_fpr={rate: float(accepted[place]) for rate, place in reached.items()},
        )


def _bin(similarities: NDArray[np.float32]) -> NDArray[np.int64]:
    places = np.floor((similarities.astype(np.float64) + 1) / 2 * _BINS).astype(np.int64)
    clipped: NDArray[np.int64] = np.clip(places, 0, _BINS - 1)
    return clipped
