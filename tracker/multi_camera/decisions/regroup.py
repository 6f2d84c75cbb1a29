"""Sightings of a few identities put together anew, as if none had been decided. Owns only that; changes no identity.

Decisions are taken one by one, each on what was known then, and a wrong one spoils the mean that later ones are
compared with. Looking at all sightings concerned at once, the best pair first, is what clustering after the fact does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats

Group = list[int]
#: Nats of means' products over so many sightings each with so much detail, as ``Scorer.appearance_nats``.
Looks = Callable[[Floats, NDArray[np.intp], NDArray[np.intp], Floats], Floats]

#: Evidence from which two groups become one.
JOINED = 1.0
IMPOSSIBLE = -1e6


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of N sightings, which are numbered by start.

    Attributes:
        alike: float64 (N, N), products of their vectors.
        detail: float64 (N,), how much each shows; it weighs as much in means.
        step: float64 (N, N), nats of going from one to a later one; what is not above the diagonal is not read.
        apart: bool (N, N), pairs that one camera saw at once.
        looks: Judges likeness.
    """

    alike: Floats
    detail: Floats
    step: Floats
    apart: NDArray[np.bool_]
    looks: Looks


def regrouped(evidence: Evidence, blocks: Sequence[Group]) -> list[Group]:
    """Joins two groups after another: the pair with most nats becomes one, until none has more than ``JOINED``.

    Args:
        evidence: Of the sightings.
        blocks: What is not taken apart; every sighting is in one, alone where it is free.

    Returns:
        Groups of numbers, ascending.
    """
    groups: list[Group | None] = [sorted(b) for b in blocks]
    n = len(groups)
    member = np.zeros((n, len(evidence.alike)))
    for g, block in enumerate(blocks):
        member[g, block] = 1.0
    alike = member @ _weighted(evidence) @ member.T
    apart = member @ evidence.apart @ member.T > 0
    size = member.sum(axis=1).astype(np.intp)
    shown = np.stack([member @ evidence.detail, member @ evidence.detail**2])
    total = np.full((n, n), IMPOSSIBLE)
    for g in range(n):
        _judge(evidence, (groups, alike, apart, size, shown, total), g)
    while n > 1:
        one, other = divmod(int(total.argmax()), n)
        if total[one, other] <= JOINED:
            break
        groups[one] = sorted([*(groups[one] or ()), *(groups[other] or ())])
        groups[other] = None
        alike[one] += alike[other]
        alike[:, one] += alike[:, other]
        apart[one] |= apart[other]
        apart[:, one] |= apart[:, other]
        size[one] += size[other]
        shown[:, one] += shown[:, other]
        total[other] = total[:, other] = IMPOSSIBLE
        _judge(evidence, (groups, alike, apart, size, shown, total), one)
    return [g for g in groups if g is not None]


_State = tuple[list[Group | None], Floats, NDArray[np.bool_], NDArray[np.intp], Floats, Floats]


def _weighted(evidence: Evidence) -> Floats:
    """Products of vectors, each times its detail, (N, N)."""
    weighted: Floats = evidence.alike * evidence.detail * evidence.detail[:, None]
    return weighted


def _judge(evidence: Evidence, state: _State, one: int) -> None:
    """Works out the evidence for joining one group with each of the others."""
    groups, alike, apart, size, shown, total = state
    mine = groups[one]
    others = [g for g, group in enumerate(groups) if group is not None and g != one and not apart[one, g]]
    total[one] = total[:, one] = IMPOSSIBLE
    if mine is None or not others:
        return
    weight, detail = shown[0], shown[1] / shown[0]
    product = alike[one, others] / (weight[one] * weight[others])
    looks = evidence.looks(product, size[[one] * len(others)], size[others], detail[one] * detail[others])
    own = path_nats(evidence.step, mine)
    for g, nats in zip(others, looks.tolist(), strict=True):
        theirs = groups[g] or []
        path = path_nats(evidence.step, sorted([*mine, *theirs])) - own - path_nats(evidence.step, theirs)
        total[one, g] = total[g, one] = nats + path


def path_nats(step: Floats, group: Sequence[int]) -> float:
    """Evidence of the transitions along a group, ascending."""
    return float(step[group[:-1], group[1:]].sum()) if len(group) > 1 else 0.0


def evidence_of(evidence: Evidence, groups: Sequence[Group]) -> float:
    """Nats for these groups against every sighting alone: looks of each next to the mean before it, and paths."""
    total = 0.0
    for group in groups:
        if len(group) < 2:
            continue
        if evidence.apart[np.ix_(group, group)].any():
            return -np.inf
        count = np.arange(1, len(group))
        sums = np.cumsum(_weighted(evidence)[np.ix_(group, group)], axis=0)
        own = evidence.detail[group]
        before, squares = np.cumsum(own)[:-1], np.cumsum(own**2)[:-1]
        means = sums[count - 1, count] / (before * own[1:])
        looks = evidence.looks(means, count, np.ones_like(count), squares / before * own[1:])
        total += float(looks.sum()) + path_nats(evidence.step, group)
    return total
