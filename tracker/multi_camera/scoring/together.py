"""Observations judged together: what memory says of each is worked out once, and anew only where memory changed.

Owns what is kept between two looks. Whoever decides the observations one after the other changes a few identities with
each; all others are as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid.pooled import PooledCalibration
from tracker.multi_camera.arrays import Floats, Rows
from tracker.multi_camera.identities.memory import IdentityMemory
from tracker.multi_camera.scoring.appearance import Comparison
from tracker.multi_camera.scoring.pairs import ALWAYS, Pairs, candidates, hopeful, suffice
from tracker.multi_camera.scoring.paths import Paths, weighted
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.types import Observation

#: Transitions from which a link counts as known.
KNOWN_LINK = 5.0
#: Pairs of an observation kept whatever there is to hope for: when memory changed, the best of them are still known.
SPARE = 2 * ALWAYS


@dataclass(frozen=True, slots=True)
class Judges:
    """What pairs are judged by.

    Attributes:
        settings: Weights and limits.
        calibration: What similarity is worth.
        memory: The identities.
        topology: What is known of links.
        paths: Judges times and zones.
        comparison: Compares looks.
        reliability: How much of a similarity an observation shows yet, in [0, 1].
    """

    settings: AssociationSettings
    calibration: PooledCalibration
    memory: IdentityMemory
    topology: Topology
    paths: Paths
    comparison: Comparison
    reliability: Callable[[Observation], float]

    def reliability_of(self, observations: Sequence[Observation]) -> Floats:
        """How much of a similarity observations show, by what was seen of them so far and how well: (N,)."""
        return np.array([self.reliability(o) * o.detail for o in observations])


class Together:
    """Candidates of observations, for as long as nothing but memory changes.

    Args:
        judges: What they are judged by.
        observations: Any; each once.
    """

    def __init__(self, judges: Judges, observations: Sequence[Observation]) -> None:
        self._judges = judges
        self._observations = tuple(observations)
        self._numbers = {o.sighting_id: number for number, o in enumerate(observations)}
        self._visits = judges.paths.visits_of(observations)
        self._reliability = judges.reliability_of(observations)
        self._begin()

    def numbers(self, observations: Sequence[Observation]) -> range | None:
        """Where observations stand among these, one after the other; None when they do not, or not any more."""
        first = self._numbers.get(observations[0].sighting_id)
        if first is None or not self._is_current():
            return None
        found = range(first, first + len(observations))
        mine = self._observations[found.start : found.stop]
        if len(mine) < len(found) or any(a is not b for a, b in zip(mine, observations, strict=True)):
            return None
        return found

    def pairs(self, numbers: range, keep: int | None) -> Pairs:
        """Candidates of some of the observations, by observation and row.

        Args:
            numbers: Which; counted from 0 in what is returned.
            keep: A row that is a candidate of each even if it is not near.
        """
        pairs, usable = self._now(numbers, keep)
        floors = {number - numbers.start: floor for number, floor in self._floors.items() if number in numbers}
        if not suffice(pairs, usable, floors, len(numbers)):
            self._begin()
            pairs, usable = self._now(numbers, keep)
        wanted = candidates(pairs, usable, self._judges.settings.unknown_link_candidates, len(numbers))
        if keep is not None:
            wanted |= usable & (pairs.rows == keep)
        at = np.flatnonzero(wanted)
        at = at[np.argsort(pairs.of[at] * len(self._judges.memory.row_ids) + pairs.rows[at])]
        pairs = pairs.at(at)
        missing = np.flatnonzero(np.isnan(pairs.time))
        if len(missing):
            of, rows = pairs.of[missing] + numbers.start, pairs.rows[missing]
            pairs.time[missing], pairs.zone[missing] = self._worked_out(of, rows)
        return pairs

    # ------------------------------------------------------------------ all at once

    def _begin(self) -> None:
        """Works out everything as memory stands now."""
        judges = self._judges
        memory, n = judges.memory, len(self._observations)
        near = judges.comparison.near(self._observations)
        self._stand = self._stands()
        self._version = memory.version
        self._queries = judges.comparison.queries(self._observations)
        pairs = self._judged(near.of, near.rows, near.similarity.astype(np.float64))
        kept, self._floors = hopeful(pairs, n, SPARE)
        pairs = pairs.at(kept)
        every = np.ones(len(kept), np.bool_)
        at = np.flatnonzero(candidates(pairs, every, judges.settings.unknown_link_candidates, n))
        pairs.time[at], pairs.zone[at] = self._worked_out(pairs.of[at], pairs.rows[at])
        self._pairs = pairs
        self._ends = np.searchsorted(pairs.of, np.arange(n + 1))

    def _stands(self) -> tuple[object, ...]:
        """What all evidence hangs on, beside memory."""
        topology, memory = self._judges.topology, self._judges.memory
        return topology.tables(), topology.log_new_rates(), topology.trust, memory.renewed, memory.centres.shape[1]

    def _is_current(self) -> bool:
        now = self._stands()
        return all(a is b for a, b in zip(now[:2], self._stand[:2], strict=True)) and now[2:] == self._stand[2:]

    def _judged(self, of: Rows, rows: Rows, similarity: Floats) -> Pairs:
        judges = self._judges
        memory, settings = judges.memory, judges.settings
        reliability = self._reliability[of] * memory.details[rows]
        looks = judges.calibration.nats(similarity, memory.sources[rows], 1, reliability)
        last, here = memory.last.camera[rows], self._visits.camera[of]
        best = judges.topology.best_transition(last, here)
        hope = settings.appearance_weight * looks + weighted(settings.time_weight, best)
        unknown = judges.topology.tables().travelled[last, here] < KNOWN_LINK
        return Pairs(of, rows, similarity, looks, hope, unknown, np.full(len(of), np.nan), np.full(len(of), np.nan))

    def _worked_out(self, of: Rows, rows: Rows) -> tuple[Floats, Floats]:
        return self._judges.paths.joining(self._visits.at(of), rows)

    # ------------------------------------------------------------------ after changes

    def _now(self, numbers: range, keep: int | None) -> tuple[Pairs, NDArray[np.bool_]]:
        """Pairs of some of the observations, counted from 0, and which of them are as memory stands now."""
        memory = self._judges.memory
        known = self._pairs.at(slice(int(self._ends[numbers.start]), int(self._ends[numbers.stop])))
        fresh = memory.versions[known.rows] <= self._version
        if keep is not None:
            fresh &= known.rows != keep
        anew = self._changed(numbers, keep)
        pairs = known.followed_by(anew)
        usable = np.concatenate([fresh, np.ones(len(anew.of), np.bool_)])
        pairs.of[:] -= numbers.start
        return pairs, usable

    def _changed(self, numbers: range, keep: int | None) -> Pairs:
        """All pairs with identities that changed since all was worked out."""
        memory = self._judges.memory
        rows = memory.changed_since(self._version)
        if keep is not None:
            rows = np.union1d(rows, [keep])
        rows = rows[memory.sources[rows] > 0]
        places, queries = self._queries
        mine = slice(*np.searchsorted(places, [numbers.start, numbers.stop]).tolist())
        of = places[mine]
        similarity = (queries[mine] @ memory.centres[rows].T).astype(np.float64)
        return self._judged(np.repeat(of, len(rows)), np.tile(rows, len(of)), similarity.ravel())
