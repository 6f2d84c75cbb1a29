"""What times and zones say of a vehicle's path through the cameras, in nats. Knows nothing of looks; never decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats, Rows
from tracker.multi_camera.identities.memory import IdentityMemory
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.types import Observation
from tracker.multi_camera.visits import Visits


class Paths:
    """Judges visits put into, and joined from, the paths of remembered identities."""

    def __init__(self, settings: AssociationSettings, memory: IdentityMemory, topology: Topology) -> None:
        self._settings = settings
        self._memory = memory
        self._topology = topology

    def visits_of(self, observations: Sequence[Observation]) -> Visits:
        """Observations as visits, (N,)."""
        return Visits.of(observations, self._topology.camera)

    def involved(self, here: Visits, rows: Rows) -> NDArray[np.bool_]:
        """Which identities are in view while the visit lasts, or were seen later; (P,) each."""
        memory = self._memory
        return np.asarray((memory.busy_until_s[rows] >= here.start_s) | (memory.last.start_s[rows] > here.start_s))

    def joining(self, here: Visits, rows: Rows) -> tuple[Floats, Floats]:
        """Evidence that visits belong to identities.

        Args:
            here: Visits, (P,).
            rows: Of the identities, (P,).

        Returns:
            Time and zone evidence, (P,) each; time is -inf for identities that cannot be it.
        """
        memory = self._memory
        time, zone = np.zeros(len(rows)), np.zeros(len(rows))
        involved = self.involved(here, rows)
        plain = np.flatnonzero(~involved)
        if len(plain):
            time[plain], zone[plain] = self.transition(memory.last.at(rows[plain]), here.at(plain))
        within = np.flatnonzero(involved)
        if len(within):
            time[within], zone[within] = self._insert(rows[within], here.at(within))
        return time, zone

    def _insert(self, rows: Rows, here: Visits) -> tuple[Floats, Floats]:
        """Evidence of putting visits between those of identities that are in view now or were seen later."""
        memory, tables = self._memory, self._topology.tables()
        counts = memory.visit_counts[rows]
        column = np.arange(int(counts.max()))[None, :]
        known = memory.visits
        start_s, end_s = known.start_s[rows, : column.size], known.end_s[rows, : column.size]
        camera, is_open = known.camera[rows, : column.size], known.open[rows, : column.size]
        before = (start_s <= here.start_s[:, None]).sum(axis=1) - 1
        after = before + 1
        has_before, has_after = np.flatnonzero(before >= 0), np.flatnonzero(after < counts)
        has_both = np.intersect1d(has_before, has_after, assume_unique=True)
        time, zone = np.zeros(len(rows)), np.zeros(len(rows))
        left, others = known.at((rows[has_before], before[has_before])), here.at(has_before)
        if len(has_after):
            # To, from, and what the path would be without: all steps at once.
            right = known.at((rows[has_after], after[has_after]))
            across = left.at(np.searchsorted(has_before, has_both)), right.at(np.searchsorted(has_after, has_both))
            left, others = left.followed_by([here.at(has_after), across[0]]), others.followed_by([right, across[1]])
        to, since = len(has_before), len(has_before) + len(has_after)
        for total, step in zip((time, zone), self.transition(left, others), strict=True):
            total[has_before] += step[:to]
            total[has_after] += step[to:since]
            total[has_both] -= step[since:]
        until = np.where(is_open, np.inf, end_s)
        here_until = np.where(here.open, np.inf, here.end_s)[:, None]
        together = (column < counts[:, None]) & (start_s < here_until) & (until > here.start_s[:, None])
        beside = together & (column != before[:, None]) & (column != after[:, None])
        i, j = np.nonzero(beside)
        np.add.at(time, i, tables.log_overlap_known((camera[i, j], here.camera[i])))
        time[(together & (camera == here.camera[:, None])).any(axis=1)] = -np.inf
        return time, zone

    def transition(self, before: Visits, after: Visits) -> tuple[Floats, Floats]:
        """Evidence that vehicles went from one visit to the next, in nats against new arrivals.

        Args:
            before: Visits, (P,).
            after: Visits that start no earlier, (P,).

        Returns:
            Time and zone evidence.
        """
        tables, trust = self._topology.tables(), self._topology.trust
        time = trust * self._topology.log_transition(before, after)
        time += (1.0 - trust) * tables.log_expected((before.camera, after.camera), before.last_into(after))
        zone = (
            tables.zone_entry[before.camera, after.camera, after.entry]
            + tables.zone_exit[before.camera, after.camera, before.exit]
        )
        return time, zone

    def step_nats(self, before: Visits, after: Visits) -> Floats:
        """As :meth:`transition`, time and zones together as far as each counts: (P,)."""
        time, zone = self.transition(before, after)
        return weighted(self._settings.time_weight, time) + self._settings.zone_weight * zone

    def joint_nats(self, pairs: Sequence[tuple[int, int]]) -> Floats:
        """Evidence from time and zones that pairs of rows are one vehicle's path each.

        Returns:
            (N,): that of the transitions of the joint path less those of the two apart; -inf when one camera saw both
            at once.
        """
        memory = self._memory
        one, other = np.array(pairs, np.intp).reshape(-1, 2).T
        found = np.where(self._at_once(one, other), -np.inf, 0.0)
        apart = np.flatnonzero(found == 0.0)
        if len(apart):
            of, rows, columns, second = self._visits_by_start(one[apart], other[apart])
            parts = [np.arange(len(of)), np.flatnonzero(~second), np.flatnonzero(second)]
            # Of the joint path, then of the two apart: steps from each visit to the next of the same pair.
            steps = [part[:-1][of[part[:-1]] == of[part[1:]]] for part in parts]
            nexts = [part[1:][of[part[:-1]] == of[part[1:]]] for part in parts]
            i, j = np.concatenate(steps), np.concatenate(nexts)
            signs = np.repeat([1.0, -1.0, -1.0], [len(step) for step in steps])
            nats = self.step_nats(memory.visits.at((rows[i], columns[i])), memory.visits.at((rows[j], columns[j])))
            found[apart] += np.bincount(of[i], signs * nats, len(apart))
        return found

    def _visits_by_start(self, one: Rows, other: Rows) -> tuple[Rows, Rows, Rows, NDArray[np.bool_]]:
        """The visits of pairs of identities together, pair by pair and by start.

        Returns:
            Number of the pair, row, column, and whether it is of the pair's second.
        """
        memory = self._memory
        first, size = memory.visit_counts[one], memory.visit_counts[one] + memory.visit_counts[other]
        of = np.repeat(np.arange(len(one)), size)
        place = _counted(size)
        second = place >= first[of]
        rows = np.where(second, other[of], one[of])
        columns = np.where(second, place - first[of], place)
        order = np.lexsort((memory.visits.start_s[rows, columns], of))
        return of[order], rows[order], columns[order], second[order]

    def _at_once(self, one: Rows, other: Rows) -> NDArray[np.bool_]:
        """Whether visits of both identities of a pair were in one camera's view at the same time."""
        visits, n, m = self._memory.visits, self._memory.visit_counts[one], self._memory.visit_counts[other]
        of = np.repeat(np.arange(len(one)), n * m)
        place = _counted(n * m)
        mine, theirs = visits.at((one[of], place // m[of])), visits.at((other[of], place % m[of]))
        mine_until_s = np.where(mine.open, np.inf, mine.end_s)
        their_until_s = np.where(theirs.open, np.inf, theirs.end_s)
        together = (mine.start_s < their_until_s) & (theirs.start_s < mine_until_s)
        return np.bincount(of[together & (mine.camera == theirs.camera)], minlength=len(one)) > 0


def weighted(weight: float, nats: Floats) -> Floats:
    """Evidence as far as it counts; what is ruled out stays so, even where evidence does not count at all.

    >>> weighted(0.0, np.array([1.0, -np.inf])).tolist()
    [0.0, -inf]
    """
    return weight * nats if weight > 0.0 else np.where(np.isneginf(nats), nats, 0.0)


def _counted(sizes: Rows) -> Rows:
    """From 0 up to each size, one after the other.

    >>> _counted(np.array([2, 0, 3])).tolist()
    [0, 1, 0, 1, 2]
    """
    return np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
