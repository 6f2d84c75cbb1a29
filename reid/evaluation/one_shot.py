"""One-shot verification: one picture of each vehicle is enrolled, all others are accepted or refused by a threshold.

The threshold is chosen on half of the vehicles and judged on the other half, so that no vehicle helps to judge itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]

DRAWS = 10
#: False-acceptance rates at which the curve is written.
ROC_AT = (0.0001, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)


@dataclass(frozen=True, slots=True)
class Roc:
    """A receiver operating characteristic: what each threshold accepts, from the strictest on.

    Attributes:
        thresholds: (T,) falling; a pair is accepted at or above.
        false: (T,) share of different pairs accepted.
        accepted: (T,) share of same pairs accepted.
    """

    thresholds: Reals
    false: Reals
    accepted: Reals

    def threshold_at(self, rate: float) -> float:
        """Lowest threshold that accepts at most that share of different pairs."""
        return float(self.thresholds[np.searchsorted(self.false, rate + 1e-12, side="right") - 1])

    def equal_error(self) -> float:
        """Threshold at which the greater of false acceptance and false refusal is smallest, amid those alike good."""
        worse = np.maximum(self.false, 1 - self.accepted)
        first = int(np.argmin(worse))
        after = first + int(np.argmax(np.append(worse[first:] > worse[first], [True])))
        low, high = self.thresholds[min(after, len(worse) - 1)], self.thresholds[first]
        return float(low if np.isinf(high) else (low + high) / 2)


@dataclass(frozen=True, slots=True)
class OneShot:
    """Means over draws, on vehicles that the threshold was not chosen on; each in [0, 1] but the threshold.

    Attributes:
        threshold: Similarity, at the equal error rate of the other half.
        accuracy: Mean of right acceptance and right refusal at it.
        false_acceptance: Share of different pairs accepted.
        false_refusal: Share of same pairs refused.
        roc: Share of same pairs accepted, by the share of different ones accepted.
        pairs: Pairs judged in a draw, on average: same, different.
    """

    threshold: float
    accuracy: float
    false_acceptance: float
    false_refusal: float
    roc: dict[float, float]
    pairs: tuple[float, float]

    def document(self) -> dict[str, object]:
        """JSON form."""
        return {
            "threshold": round(self.threshold, 4),
            "accuracy": round(self.accuracy, 4),
            "false_acceptance": round(self.false_acceptance, 4),
            "false_refusal": round(self.false_refusal, 4),
            "roc": {f"{rate:g}": round(value, 4) for rate, value in self.roc.items()},
            "pairs": {"same": round(self.pairs[0], 1), "different": round(self.pairs[1], 1)},
        }


def roc_of(same: NDArray[np.floating], different: NDArray[np.floating]) -> Roc:
    """The curve over all thresholds that tell pairs apart.

    Args:
        same: (S,) similarities of pairs of one vehicle.
        different: (M,) of pairs of two.

    Returns:
        From a threshold that accepts nothing to one that accepts everything.

    Raises:
        ValueError: There are no pairs of one kind.

    >>> curve = roc_of(np.array([0.9, 0.4]), np.array([0.5, 0.1]))
    >>> curve.false.tolist(), curve.accepted.tolist()
    ([0.0, 0.0, 0.5, 0.5, 1.0], [0.0, 0.5, 0.5, 1.0, 1.0])
    """
    if len(same) == 0 or len(different) == 0:
        raise ValueError(f"needs pairs of both kinds, got {len(same)} same and {len(different)} different")
    values = np.unique(np.concatenate([same, different]).astype(np.float64))[::-1]
    rising_same, rising_different = np.sort(same.astype(np.float64)), np.sort(different.astype(np.float64))
    accepted = 1 - np.searchsorted(rising_same, values, side="left") / len(same)
    false = 1 - np.searchsorted(rising_different, values, side="left") / len(different)
    thresholds = np.concatenate([[np.inf], values])
    return Roc(thresholds, np.concatenate([[0.0], false]), np.concatenate([[0.0], accepted]))


def verify_one_shot(
    vectors: NDArray[np.float32], vehicles: Sequence[object], rng: np.random.Generator, draws: int = DRAWS
) -> OneShot:
    """Enrols one random picture of each vehicle and verifies all others against all enrolled ones.

    Args:
        vectors: (N, D), rows of L2 norm 1.
        vehicles: N labels.
        rng: Of all draws: halves of the vehicles, and the pictures enrolled.
        draws: How often; figures are means.

    Raises:
        ValueError: Fewer than four vehicles have two pictures.

    Source:
        Koch, Zemel, Salakhutdinov 2015, "Siamese Neural Networks for One-shot Image Recognition", section 4.2
        (verification of pairs unseen in training). Departure: a threshold on cosine takes the place of its sigmoid.
    """
    codes = np.unique([str(vehicle) for vehicle in vehicles], return_inverse=True)[1]
    counts = np.bincount(codes)
    if (counts >= 2).sum() < 4:
        raise ValueError(f"one-shot verification needs four vehicles with two pictures, got {(counts >= 2).sum()}")
    figures, curves, pairs = [], [], []
    for _ in range(draws):
        halves = _halves(counts, rng)
        chosen_on, judged_on = (_pairs(vectors, codes, half, rng) for half in halves)
        threshold = roc_of(*chosen_on).equal_error()
        same, different = judged_on
        false, refused = float((different >= threshold).mean()), float((same < threshold).mean())
        figures.append((threshold, 1 - (false + refused) / 2, false, refused))
        curve = roc_of(same, different)
        curves.append([float((same >= curve.threshold_at(rate)).mean()) for rate in ROC_AT])
        pairs.append((len(same), len(different)))
    threshold, accuracy, false, refused = (float(value) for value in np.mean(figures, axis=0))
    roc = dict(zip(ROC_AT, np.mean(curves, axis=0).tolist(), strict=True))
    judged = np.mean(pairs, axis=0)
    return OneShot(threshold, accuracy, false, refused, roc, (float(judged[0]), float(judged[1])))


def _halves(counts: NDArray[np.int64], rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Vehicles in two halves, those with two pictures spread evenly over both."""
    order = np.concatenate([rng.permutation(np.flatnonzero(counts >= 2)), rng.permutation(np.flatnonzero(counts < 2))])
    return order[0::2], order[1::2]


def _pairs(
    vectors: NDArray[np.float32], codes: NDArray[np.int64], vehicles: NDArray[np.int64], rng: np.random.Generator
) -> tuple[Reals, Reals]:
    """Similarities of probes with enrolled pictures: of one vehicle, and of two."""
    enrolled = np.array([rng.choice(np.flatnonzero(codes == vehicle)) for vehicle in vehicles])
    probes = np.setdiff1d(np.flatnonzero(np.isin(codes, vehicles)), enrolled)
    similarities = (vectors[probes] @ vectors[enrolled].T).astype(np.float64)
    same = codes[probes][:, None] == codes[enrolled][None, :]
    return similarities[same], similarities[~same]
