"""Which of several observations of one camera is which identity. Owns the joint assignment, not evidence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import linear_sum_assignment

from tracker.multi_camera.arrays import Floats

#: Stands for "impossible" in the solver, which takes no infinities.
IMPOSSIBLE = -1e6
#: Leads are reported up to this many nats: without a rival there is no finite one.
MARGIN_MAX = 50.0


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for one observation.

    Attributes:
        column: Identity chosen, None for a new one.
        score: Its score; 0 for new.
        runner_up: Best identity not chosen and not taken by another observation; None when there is none.
        margin: Lead of the choice over the best alternative, new or known.
        probability: Of the choice, among all alternatives.
        new_probability: Of "never seen before", among all alternatives.
    """

    column: int | None
    score: float
    runner_up: int | None
    margin: float
    probability: float
    new_probability: float


def assign(totals: Floats) -> list[Choice]:
    """Assigns observations to identities, each identity at most once, or to a new one; the sum of scores is largest.

    Args:
        totals: float64 (N, K), nats against "new"; -inf where impossible.

    Returns:
        One choice per observation, in order.

    >>> [c.column for c in assign(np.array([[3.0, 2.0], [2.5, -1.0]]))]
    [1, 0]
    """
    n = len(totals)
    useful = np.flatnonzero((totals > 0).any(axis=0))
    known = np.where(np.isneginf(totals[:, useful]), IMPOSSIBLE, totals[:, useful])
    new = np.full((n, n), IMPOSSIBLE)
    np.fill_diagonal(new, 0.0)
    _, columns = linear_sum_assignment(np.concatenate([known, new], axis=1), maximize=True)
    taken = [int(useful[c]) if c < len(useful) else None for c in columns]
    return [
        _choice(totals[i], taken[i], {c for j, c in enumerate(taken) if j != i and c is not None}) for i in range(n)
    ]


def choose(totals: Floats) -> Choice:
    """The best for a single observation; as :func:`assign` of one row."""
    best = int(np.argmax(totals)) if len(totals) else -1
    return _choice(totals, best if best >= 0 and totals[best] > 0 else None, set())


def _choice(row: Floats, column: int | None, taken: set[int]) -> Choice:
    others = row.copy()
    others[[*taken, *([] if column is None else [column])]] = -np.inf
    runner_up = int(np.argmax(others)) if len(others) and others.max() > -np.inf else None
    score = 0.0 if column is None else float(row[column])
    rival = -np.inf if runner_up is None else float(others[runner_up])
    if column is not None:
        rival = max(rival, 0.0)
    rest = others[others > -np.inf]
    known = float(np.exp(np.minimum(rest, 500.0)).sum()) + (0.0 if column is None else float(np.exp(score)))
    return Choice(
        column=column,
        score=score,
        runner_up=runner_up,
        margin=min(float(score - rival), MARGIN_MAX),
        probability=float(np.exp(score)) / (1.0 + known),
        new_probability=1.0 / (1.0 + known),
    )


def posterior(row: Floats) -> Floats:
    """Probability of each identity for one observation alone, (K,); what is missing from 1 is that of "new"."""
    odds = np.exp(np.minimum(row, 500.0))
    probabilities: Floats = odds / (1.0 + odds.sum())
    return probabilities
