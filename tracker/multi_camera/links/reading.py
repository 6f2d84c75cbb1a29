"""Lessons as they are read under what is known of links: how likely each origin is, and what that counts for.

Owns no lesson and no count; whoever fits or counts lessons reads them here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats, Ints
from tracker.multi_camera.links.lessons import Lessons
from tracker.multi_camera.links.matching import columns_of, marginals_by_column
from tracker.multi_camera.links.tables import LEAVING, LinkTables, Tally
from tracker.multi_camera.visits import NO_CELL


@dataclass(frozen=True, slots=True)
class Trips:
    """Trips between two cameras that vehicles may have made, (P,) each.

    Attributes:
        before: Camera that was left.
        here: Camera that was reached.
        x: Log-duration.
        weight: Probability that it was made, in [0, 1].
    """

    before: Ints
    here: Ints
    x: Floats
    weight: Floats

    def quantiles(self, before: int, here: int, shares: Sequence[float], least: float) -> Floats | None:
        """Log-durations within which such shares of the trips between two cameras lie; None of too few trips.

        Args:
            before: Camera that was left.
            here: Camera that was reached.
            shares: In [0, 1].
            least: Trips, by weight, from which it is told.
        """
        of = np.flatnonzero((self.before == before) & (self.here == here) & (self.weight > 0.0))
        if self.weight[of].sum() < least:
            return None
        found: Floats = np.quantile(self.x[of], shares, weights=self.weight[of], method="inverted_cdf")
        return found


@dataclass(frozen=True, slots=True)
class Read:
    """R lessons, and their P origins one after the other; what is taken from the ring once to be read many times.

    Attributes:
        camera: Of each lesson, (R,).
        log_rate: Of arrivals at that camera then, (R,).
        columns: Each origin that several lessons may share is one number, (R, K).
        of: Lesson of an origin, (P,), ascending.
        place: Which of the lesson's origins it is, (P,).
        before: Camera of the origin, (P,).
        here: Camera of the lesson, (P,).
        mode: (P,), as of :class:`Origin`; so are the next three.
        x: (P,).
        until: (P,).
        nats: (P,).
        entry: Cell of the lesson's first box, (P,).
        exit: Cell of the origin's last box, (P,).
    """

    camera: Ints
    log_rate: Floats
    columns: Ints
    of: Ints
    place: Ints
    before: Ints
    here: Ints
    mode: Ints
    x: Floats
    until: Floats
    nats: Floats
    entry: Ints
    exit: Ints

    @classmethod
    def rows(cls, lessons: Lessons, rows: Ints, *, alone: bool = False) -> Read:
        """Lessons in rows of the ring.

        Args:
            lessons: The ring.
            rows: (R,).
            alone: Each is read by itself: an origin may serve several of them.
        """
        key, origin = lessons.key[rows], lessons.origin[rows]
        if alone:
            # Keys have 32 bits.
            key = key + (np.arange(len(rows)) << 33)[:, None]
        of, place = np.nonzero(origin >= 0)
        at = rows[of]
        return cls(
            camera=lessons.camera[rows],
            log_rate=lessons.log_rate[rows],
            columns=columns_of(key),
            of=of,
            place=place,
            before=origin[of, place],
            here=lessons.camera[at],
            mode=lessons.mode[at, place],
            x=lessons.x[at, place],
            until=lessons.until[at, place],
            nats=lessons.nats[at, place],
            entry=lessons.entry[at],
            exit=lessons.exit[at, place],
        )

    def responsibilities(self, tables: LinkTables) -> tuple[Floats, Floats, Floats]:
        """Probability of each origin, (R, K), that such a trip is typical, (P,), and that leaving tells it, (P,)."""
        index = self.before, self.here
        log_new = self.log_rate + tables.log_new[self.camera]
        log_density, typical, leaving = tables.log_rate_and_typical(self.mode, index, self.x, self.until)
        log_odds = np.full(self.columns.shape, -np.inf)
        links = tables.log_return[self.before] - tables.log_last[self.before]
        log_odds[self.of, self.place] = self.nats + tables.log_share[index] + log_density + (links - log_new[self.of])
        return marginals_by_column(log_odds, self.columns), typical, leaving

    def trips(self, tables: LinkTables, mode: int) -> Trips:
        """The likely trips of one mode."""
        weight, typical, _ = self.responsibilities(tables)
        of = np.flatnonzero(self.mode == mode)
        return Trips(self.before[of], self.here[of], self.x[of], (weight[self.of, self.place] * typical)[of])

    def count(
        self,
        tally: Tally,
        weight: Floats,
        typical: Floats,
        leaving: Floats,
        lessons: slice = slice(None),
        *,
        cells: bool = True,
    ) -> None:
        """Adds lessons to counts.

        Args:
            tally: Counts; changed.
            weight: Probability of each origin, (R, K).
            typical: (P,).
            leaving: (P,).
            lessons: Which of the lessons.
            cells: Whether cells of entry and exit are counted as well.
        """
        begin, end, _ = lessons.indices(len(self.camera))
        at = slice(*np.searchsorted(self.of, [begin, end]).tolist())
        w = weight[self.of[at], self.place[at]]
        before, here = self.before[at], self.here[at]
        link = before * len(tally.returns) + here
        told = np.flatnonzero(leaving[at])
        _add_moments(tally, link, self.mode[at], w * typical[at], self.x[at])
        _add_moments(tally, link[told], LEAVING, (w * leaving[at])[told], self.until[at][told])
        for counts, cell in ((tally.entry, self.entry[at]), (tally.exit, self.exit[at])) if cells else ():
            known = cell != NO_CELL
            _add_at(counts, link[known] * counts.shape[-1] + cell[known], w[known])
        _add_at(tally.returns, before, w)
        new = 1.0 - weight[lessons].sum(axis=1)
        _add_at(tally.shares, self.camera[lessons], np.stack([new, np.ones_like(new)], axis=1))


def _add_moments(tally: Tally, link: Ints, row: Ints | int, weight: Floats, x: Floats) -> None:
    """Adds log-durations to a row of the moments of each link, links one number each."""
    values = np.stack([weight, weight * x, weight * x * x], axis=1)
    _add_at(tally.moments, link * tally.moments.shape[2] + row, values)


def _add_at(counts: Floats, at: Ints, values: Floats) -> None:
    """Adds values, one after the other, to counts at places of their first axes flattened.

    ``numpy.ufunc.at`` is many times as fast along one axis as along several.
    """
    flat: NDArray[np.float64] = counts.reshape(-1)
    if values.ndim > 1:
        at = (at[:, None] * values.shape[1] + np.arange(values.shape[1])).ravel()
    np.add.at(flat, at, values.ravel())
