"""Which of several observations of one camera is which identity. Owns the joint assignment, not evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from tracker.multi_camera.arrays import Floats, Rows

#: Stands for "impossible" in the solver, which takes no infinities.
IMPOSSIBLE = -1e6
#: Leads are reported up to this many nats: without a rival there is no finite one.
MARGIN_MAX = 50.0


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for one observation.

    Attributes:
        row: Identity chosen, None for a new one.
        score: Its score; 0 for new.
        runner_up: Best identity not chosen and not taken by another observation; None when there is none.
        margin: Lead of the choice over the best alternative, new or known.
        probability: Of the choice, among all alternatives.
        new_probability: Of "never seen before", among all alternatives.
    """

    row: int | None
    score: float
    runner_up: int | None
    margin: float
    probability: float
    new_probability: float


def assign(scored: Sequence[tuple[Rows, Floats]]) -> list[Choice]:
    """Assigns observations to identities, each identity at most once, or to a new one; the sum of scores is largest.

    Args:
        scored: For each observation the rows of its candidates, ascending, and nats for each against "new"; -inf where
            impossible.

    Returns:
        One choice per observation, in order.

    >>> both = np.array([4, 7])
    >>> [c.row for c in assign([(both, np.array([3.0, 2.0])), (both, np.array([2.5, -1.0]))])]
    [7, 4]
    """
    n = len(scored)
    useful = np.array(sorted({row for rows, total in scored for row in rows[total > 0].tolist()}), np.intp)
    table = np.full((n, len(useful) + n), IMPOSSIBLE)
    for i, (rows, total) in enumerate(scored):
        at, here = _places(rows, useful)
        table[i, np.flatnonzero(here)] = np.maximum(total[at], IMPOSSIBLE)
        table[i, len(useful) + i] = 0.0
    _, columns = linear_sum_assignment(table, maximize=True)
    taken = [int(useful[c]) if c < len(useful) else None for c in columns]
    rivals = np.array(sorted(row for row in taken if row is not None), np.intp)
    return [_choice(*scored[i], taken[i], rivals) for i in range(n)]


def choose(rows: Rows, total: Floats) -> Choice:
    """The best for a single observation; as :func:`assign` of one."""
    best = int(np.argmax(total)) if len(total) else -1
    row = int(rows[best]) if best >= 0 and total[best] > 0 else None
    return _choice(rows, total, row, np.array([] if row is None else [row], np.intp))


def _places(rows: Rows, wanted: Rows) -> tuple[Rows, NDArray[np.bool_]]:
    """Where some rows, ascending, stand among others: of those that are there, and which these are."""
    at = np.searchsorted(rows, wanted)
    here = at < len(rows)
    here[here] = rows[at[here]] == wanted[here]
    return at[here], here


def _choice(rows: Rows, total: Floats, row: int | None, taken: Rows) -> Choice:
    """What choosing a row means where these, it among them and ascending, were taken by any observation."""
    others, score = total, 0.0
    if len(taken):
        at, _ = _places(rows, taken)
        if row is not None:
            score = float(total[np.searchsorted(rows, row)])
        others = total.copy()
        others[at] = -np.inf
    best = int(np.argmax(others)) if len(others) else -1
    rival = float(others[best]) if best >= 0 else -np.inf
    runner_up = int(rows[best]) if rival > -np.inf else None
    if row is not None:
        rival = max(rival, 0.0)
    rest = others[others > -np.inf]
    known = float(np.exp(np.minimum(rest, 500.0)).sum()) + (0.0 if row is None else float(np.exp(score)))
    return Choice(
        row=row,
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
