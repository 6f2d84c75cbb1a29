"""Sightings of a few identities put together anew, as if none had been decided. Owns only that; changes no identity.

Decisions are taken one by one, each on what was known then, and a wrong one spoils the mean that later ones are
compared with. Looking at all sightings concerned at once, the best pair first, is what clustering after the fact does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats, Rows

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
    grouping = _Grouping(evidence, blocks)
    while grouping.join_best():
        pass
    return grouping.groups


class _Grouping:
    """Groups, and for every two of them what joining them is worth. A group that went into another stays, empty."""

    def __init__(self, evidence: Evidence, blocks: Sequence[Group]) -> None:
        self._groups: list[Group] = [sorted(block) for block in blocks]
        n = len(blocks)
        member = np.zeros((n, len(evidence.alike)))
        for g, block in enumerate(blocks):
            member[g, block] = 1.0
        self._looks = evidence.looks
        self._step: list[list[float]] = evidence.step.tolist()
        self._path = [path_nats(self._step, group) for group in self._groups]
        self._alike = member @ _weighted(evidence) @ member.T
        self._apart = member @ evidence.apart @ member.T > 0
        self._size = member.sum(axis=1).astype(np.intp)
        self._shown = np.stack([member @ evidence.detail, member @ evidence.detail**2])
        self._total = np.full((n, n), IMPOSSIBLE)
        self._judge(*np.nonzero(np.tri(n, k=-1, dtype=np.bool_) & ~self._apart))

    @property
    def groups(self) -> list[Group]:
        """Those that have members."""
        return [group for group in self._groups if group]

    def join_best(self) -> bool:
        """Joins the two groups with most nats; false where no two have more than ``JOINED``."""
        if len(self._groups) < 2:
            return False
        one, other = divmod(int(self._total.argmax()), len(self._groups))
        if self._total[one, other] <= JOINED:
            return False
        self._groups[one], self._groups[other] = sorted([*self._groups[one], *self._groups[other]]), []
        self._path[one] = path_nats(self._step, self._groups[one])
        self._alike[one] += self._alike[other]
        self._alike[:, one] += self._alike[:, other]
        self._apart[one] |= self._apart[other]
        self._apart[:, one] |= self._apart[:, other]
        self._size[one] += self._size[other]
        self._shown[:, one] += self._shown[:, other]
        self._total[other] = self._total[:, other] = IMPOSSIBLE
        others = [g for g, group in enumerate(self._groups) if group and g != one]
        allowed = np.array(others, np.intp)[~self._apart[one, others]]
        self._total[one] = self._total[:, one] = IMPOSSIBLE
        self._judge(np.full(len(allowed), one), allowed)
        return True

    def _judge(self, one: Rows, other: Rows) -> None:
        """Works out the evidence for joining pairs of groups, (P,) each."""
        if not len(one):
            return
        weight, detail = self._shown[0], self._shown[1] / self._shown[0]
        product = self._alike[one, other] / (weight[one] * weight[other])
        looks = self._looks(product, self._size[one], self._size[other], detail[one] * detail[other])
        gain = [self._gain(a, b) for a, b in zip(one.tolist(), other.tolist(), strict=True)]
        self._total[one, other] = self._total[other, one] = looks + gain

    def _gain(self, one: int, other: int) -> float:
        """Evidence of the joint path of two groups less that of the two apart."""
        joint = path_nats(self._step, sorted([*self._groups[one], *self._groups[other]]))
        return joint - self._path[one] - self._path[other]


def _weighted(evidence: Evidence) -> Floats:
    """Products of vectors, each times its detail, (N, N)."""
    weighted: Floats = evidence.alike * evidence.detail * evidence.detail[:, None]
    return weighted


def path_nats(step: Floats | Sequence[Sequence[float]], group: Sequence[int]) -> float:
    """Evidence of the transitions along a group, ascending."""
    return float(sum(step[a][b] for a, b in pairwise(group)))


def evidence_of(evidence: Evidence, groups: Sequence[Group]) -> float:
    """Nats for these groups against every sighting alone: looks of each next to the mean before it, and paths."""
    total, weighted = 0.0, _weighted(evidence)
    for group in groups:
        if len(group) < 2:
            continue
        if evidence.apart[np.ix_(group, group)].any():
            return -np.inf
        count = np.arange(1, len(group))
        sums = np.cumsum(weighted[np.ix_(group, group)], axis=0)
        own = evidence.detail[group]
        before, squares = np.cumsum(own)[:-1], np.cumsum(own**2)[:-1]
        means = sums[count - 1, count] / (before * own[1:])
        looks = evidence.looks(means, count, np.ones_like(count), squares / before * own[1:])
        total += float(looks.sum()) + path_nats(evidence.step, group)
    return total
