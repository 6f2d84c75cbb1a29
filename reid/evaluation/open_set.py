"""Open set: a stream always meets vehicles that the gallery does not hold. Works on judged queries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reid.evaluation.ranking import TIE, Judged
from reid.evaluation.verification import FALSE_RATES


def detection_and_identification(judged: Judged, rates: Sequence[float] = FALSE_RATES) -> dict[float, float]:
    """DIR at fixed false-alarm rates: known vehicles found at rank 1 above a threshold that unknown ones seldom pass.

    Every query counts twice. As a known vehicle it is identified when its best answer is right and at or above the
    threshold. As an unknown one (its own vehicle taken out of the gallery) it raises a false alarm when its best wrong
    answer is. The threshold is the lowest at which at most the given share of unknown ones raises an alarm; ties count
    against the network.

    Args:
        judged: Queries with a right answer.
        rates: Shares of unknown vehicles that may raise an alarm, each in [0, 1].

    Returns:
        Share of known vehicles identified, in [0, 1], by rate.

    Source:
        Phillips, Grother and Micheals, "Evaluation methods in face recognition", Handbook of Face Recognition 2011,
        chapter 21. Departure: one gallery left out per query instead of a fixed split into known and unknown.

    >>> from reid.evaluation.ranking import Judged
    >>> one = np.ones(2, np.int64)
    >>> best = np.array([0.9, 0.6]), np.array([0.5, 0.7])
    >>> detection_and_identification(Judged(one, one, one, one, one, one * 1.0, *best, one * 1.0, 0), [0.0, 0.5])
    {0.0: 0.5, 0.5: 0.5}
    """
    alarms = np.sort(judged.best_wrong)[::-1]
    identified = judged.best_right > judged.best_wrong + TIE
    found = {}
    for rate in rates:
        allowed = int(np.floor(rate * len(alarms) + 1e-9))
        passes = judged.best_right > alarms[allowed] + TIE if allowed < len(alarms) else np.ones(len(judged), np.bool_)
        found[rate] = float(np.average(identified & passes, weights=judged.weight))
    return found
