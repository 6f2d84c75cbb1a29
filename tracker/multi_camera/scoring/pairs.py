"""Pairs of a sighting and an identity, as arrays, and which of them are worth working out. Owns no evidence itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats, Rows

#: Nats that looks and the most favourable time must come to together for the rest to be worked out.
HOPELESS = -5.0
#: The best of an observation's candidates by that measure, which are worked out whatever it is.
ALWAYS = 8
#: Hope, similarity and row: of equally hopeful pairs those that look most alike come first.
Rank = tuple[float, float, int]
_HOPELESS: Rank = (HOPELESS, -np.inf, -1)
_NONE_LEFT: Rank = (-np.inf, -np.inf, -1)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Each of (P,).

    Attributes:
        of: Number of the observation.
        rows: Of the identity; each once for an observation.
        similarity: Product of the observation's vector with the mean over the identity's sightings.
        looks: Nats of that.
        hope: Nats that looks and the most favourable time come to.
        unknown: Whether nobody is known to have travelled from where the identity was last.
        time: Nats of times; NaN where they were not worked out yet.
        zone: Nats of zones, in the same way.
    """

    of: Rows
    rows: Rows
    similarity: Floats
    looks: Floats
    hope: Floats
    unknown: NDArray[np.bool_]
    time: Floats
    zone: Floats

    @property
    def arrays(self) -> tuple[NDArray[Any], ...]:
        """The arrays, in the order of the attributes."""
        return self.of, self.rows, self.similarity, self.looks, self.hope, self.unknown, self.time, self.zone

    def at(self, index: Rows | slice) -> Pairs:
        """The pairs at an index."""
        return Pairs(*(array[index] for array in self.arrays))

    def followed_by(self, other: Pairs) -> Pairs:
        """These pairs and others behind them."""
        return Pairs(*map(np.concatenate, zip(self.arrays, other.arrays, strict=True)))


def hopeful(pairs: Pairs, count: int, spare: int) -> tuple[Rows, dict[int, Rank]]:
    """What is worth keeping of pairs among which candidates will be chosen after some have gone.

    Args:
        pairs: Those of one observation stand together.
        count: Observations.
        spare: Pairs kept of an observation, if it has so many, whatever there is to hope for.

    Returns:
        Index of the pairs kept; and the rank from which on all of an observation's are, that of ``HOPELESS`` where it
        is not named.
    """
    kept = pairs.hope >= HOPELESS
    floors: dict[int, Rank] = {}
    ends = np.searchsorted(pairs.of, np.arange(count + 1))
    for number in np.flatnonzero(np.bincount(pairs.of[kept], minlength=count) < spare).tolist():
        mine = np.arange(ends[number], ends[number + 1])
        best = _most_hopeful(pairs, mine, spare)
        kept[best] = True
        floors[number] = _NONE_LEFT if len(best) == len(mine) else _rank(pairs, int(best[0]))
    return np.flatnonzero(kept), floors


def candidates(pairs: Pairs, usable: NDArray[np.bool_], most: int, count: int) -> NDArray[np.bool_]:
    """Which pairs are worked out: those that are not hopeless, and over unknown links only the nearest.

    Args:
        pairs: Of observations from 0 to ``count``.
        usable: Which of them count, (P,).
        most: Pairs of one observation over unknown links.
        count: Observations.

    Returns:
        bool (P,).
    """
    wanted = usable & (pairs.hope >= HOPELESS)
    for mine in _places(pairs.of, usable, np.bincount(pairs.of[wanted], minlength=count) < ALWAYS):
        wanted[_most_hopeful(pairs, mine, ALWAYS)] = True
    unknown = wanted & pairs.unknown
    for far in _places(pairs.of, unknown, np.bincount(pairs.of[unknown], minlength=count) > most):
        wanted[far] = False
        wanted[far[np.argpartition(pairs.similarity[far], -most)[-most:]]] = True
    return wanted


def suffice(pairs: Pairs, usable: NDArray[np.bool_], floors: Mapping[int, Rank], count: int) -> bool:
    """Whether all pairs that may be candidates are among those kept by :func:`hopeful` and those that came since.

    Args:
        pairs: Of observations from 0 to ``count``.
        usable: Which of them count, (P,).
        floors: Ranks by observation, as of :func:`hopeful`.
        count: Observations.
    """
    enough = usable & (pairs.hope >= HOPELESS)
    for number in np.flatnonzero(np.bincount(pairs.of[enough], minlength=count) < ALWAYS).tolist():
        floor = floors.get(number, _HOPELESS)
        if floor == _NONE_LEFT:
            continue
        mine = np.flatnonzero(usable & (pairs.of == number))
        best = _most_hopeful(pairs, mine, ALWAYS)
        if len(best) < ALWAYS or _rank(pairs, int(best[0])) < floor:
            return False
    return True


def _places(of: Rows, chosen: NDArray[np.bool_], asked: NDArray[np.bool_]) -> Iterator[Rows]:
    """Where the chosen pairs of each observation that is asked for stand, ascending.

    Args:
        of: Number of the observation, (P,).
        chosen: (P,).
        asked: By number of the observation.
    """
    numbers = np.flatnonzero(asked)
    if not len(numbers):
        return
    at = np.flatnonzero(chosen)
    at = at[np.argsort(of[at], kind="stable")]
    begins, ends = np.searchsorted(of[at], numbers), np.searchsorted(of[at], numbers, side="right")
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        yield at[begin:end]


def _most_hopeful(pairs: Pairs, among: Rows, limit: int) -> Rows:
    """The first by rank of the pairs at some places, at most ``limit`` of them, the last of these first."""
    hope = pairs.hope[among]
    if len(hope) > limit:
        # Few are as hopeful as the last of the first; only these are put in order.
        near = hope >= np.partition(hope, -limit)[-limit]
        among, hope = among[near], hope[near]
    order = np.lexsort((pairs.rows[among], pairs.similarity[among], hope))
    return np.asarray(among[order[-limit:]], np.intp)


def _rank(pairs: Pairs, at: int) -> Rank:
    return float(pairs.hope[at]), float(pairs.similarity[at]), int(pairs.rows[at])
