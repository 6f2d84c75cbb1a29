"""What closed sightings teach of links: lessons are fitted together, and counted for good when they leave the ring.

Owns lessons, counts and the fit, by expectation-maximisation over the newest lessons, each read again under what the
others say. Knows cameras by number only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tracker.multi_camera.arrays import Floats, Ints
from tracker.multi_camera.links.lessons import CAPACITY, Lesson, Lessons
from tracker.multi_camera.links.matching import columns_of, marginals_by_column
from tracker.multi_camera.links.tables import (
    LEAVING,
    OVERLAP,
    CameraCells,
    LinkTables,
    Pins,
    Tally,
    compile_tables,
)
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.visits import CELLS, NO_CELL

#: Rounds of expectation-maximisation over the lessons kept.
ROUNDS = 6
#: Lessons up to which everything is fitted anew with all that come at once, and how many it takes from then on.
FIT_ALWAYS, FIT_EVERY = 128, 16
#: Rows of the ring that are free to take lessons between two fits.
SPARE = 64
#: Weight of the evidence of time before anything was learned, and how many sightings that counts as.
YOUNG, YOUNG_STRENGTH = 0.15, 200.0
#: Trips from a camera counted for good before the older ones weigh half as much.
KEPT = 4000.0
#: Trips over a link that are asked whether its travel time is still what it was, and how many it takes. It has changed
#: where less than a share of them is as learned, which is near 0.9 at links that stay as they are.
ASKED_TRIPS, FEWEST_TRIPS, LEAST_TYPICAL = 40.0, 30.0, 0.3
#: Counts that are kept by link.
OF_LINKS = ("moments", "entry", "exit", "recent")


class LinkLearner:
    """Lessons and counts of all links."""

    def __init__(self, settings: AssociationSettings) -> None:
        self._settings = settings
        self._settled = Tally.empty(0)
        self._lessons = Lessons()
        self._cells = CameraCells(np.zeros((0, CELLS)), np.zeros((0, CELLS)))
        # What the tables were fitted to: lessons before this number, and the cells then.
        self._fitted = 0
        self._fitted_cells = self._cells
        self._changed_lessons: set[int] = set()
        self._changed_links: set[tuple[int, int]] = set()

    def grow(self) -> None:
        """Makes room for one camera more."""
        self._settled = self._settled.grown()
        self._cells, self._fitted_cells = self._cells.grown(), self._fitted_cells.grown()

    # ------------------------------------------------------------------ learning

    def put(self, lesson: Lesson, exit_cell: int) -> bool:
        """Takes a lesson in, of a vehicle that left its view in that cell; true when :meth:`renew` cannot wait."""
        for counts, cell in ((self._cells.entry, lesson.entry), (self._cells.exit, exit_cell)):
            if cell != NO_CELL:
                counts[lesson.camera, cell] += 1.0
        self._changed_lessons.add(self._lessons.put(lesson))
        return self._lessons.taken - self._fitted >= SPARE

    @property
    def is_due(self) -> bool:
        """Whether enough was taken in for everything to be fitted anew."""
        taken = self._lessons.taken
        return taken > self._fitted and (taken <= FIT_ALWAYS or taken - self._fitted >= FIT_EVERY)

    @property
    def trust(self) -> float:
        """See Topology."""
        taken = self._lessons.taken
        return (YOUNG * YOUNG_STRENGTH + taken) / (YOUNG_STRENGTH + taken)

    def renew(self, tables: LinkTables) -> None:
        """Settles lessons that the ring will soon overwrite; the next tables are fitted to all others."""
        self._fitted = self._lessons.taken
        for slot in self._lessons.open_before(self._fitted - (CAPACITY - SPARE)).tolist():
            self._settle(slot, tables)
        self._fitted_cells = self._cells.copy()

    def forget(self, moved: Sequence[tuple[int, int]]) -> None:
        """Drops what was counted of times over links, because the clocks at their ends were put right."""
        for i, j in moved:
            self._settled.moments[i, j] = 0.0
            self._changed_links.add((i, j))

    @property
    def lessons_open(self) -> int:
        """The newest lessons, which are not counted for good yet."""
        return len(self._lessons.open_before(self._lessons.taken))

    def drop_lessons(self) -> None:
        """Drops the lessons that are not counted for good yet."""
        self._changed_lessons.update(self._lessons.drop_open())

    def _settle(self, slot: int, tables: LinkTables) -> None:
        """Counts the lesson of a row for good and takes it out of the ring's."""
        row = np.array([slot])
        weight, typical, leaving = self._responsibilities(tables, row, self._columns(row))
        self._add(self._settled, row, weight, typical, leaving)
        here = int(self._lessons.camera[slot])
        origins = self._lessons.origin[slot]
        for k in np.flatnonzero(origins >= 0).tolist():
            usual = typical[0, k] + leaving[0, k]
            self._ask((int(origins[k]), here, int(self._lessons.mode[slot, k])), float(weight[0, k]), usual)
        for camera in {int(i) for i in origins[origins >= 0]}:
            self._changed_links.add((camera, here))
            if self._settled.moments[camera, ..., 0].sum() > KEPT:
                self._settled.halve(camera)
                self._changed_links.update((camera, other) for other in range(len(self._settled.returns)))
        self._changed_lessons.add(slot)
        self._lessons.settled[slot] = True

    def _ask(self, link: tuple[int, int, int], weight: float, typical: float) -> None:
        """Starts a link's travel time anew where most trips lately were none that it stands for.

        Such trips hardly count towards it, so it would stay as it is for ever: after roadworks, or with other signals.
        """
        recent = self._settled.recent[link]
        recent *= 1.0 - weight / ASKED_TRIPS
        recent += weight * typical, weight
        if recent[1] >= FEWEST_TRIPS and recent[0] < LEAST_TYPICAL * recent[1]:
            recent[:] = 0.0
            self._settled.moments[link] = 0.0
            if link[2] == OVERLAP:
                self._settled.moments[link[0], link[1], LEAVING] = 0.0

    def _columns(self, rows: Ints) -> Ints:
        """The origins of lessons, each sighting one number, (R, K)."""
        return columns_of(self._lessons.key[rows])

    def _responsibilities(self, tables: LinkTables, rows: Ints, columns: Ints) -> tuple[Floats, Floats, Floats]:
        """Probability of each origin of lessons, that such a trip is typical, and that leaving tells it, (R, K)."""
        lessons = self._lessons
        origin = lessons.origin[rows]
        index = (np.maximum(origin, 0), np.broadcast_to(lessons.camera[rows][:, None], origin.shape))
        mode, x = lessons.mode[rows], lessons.x[rows]
        log_new = lessons.log_rate[rows] + tables.log_new[lessons.camera[rows]]
        log_density, typical, leaving = tables.log_rate_and_typical(mode, index, x, lessons.until[rows])
        log_odds = lessons.nats[rows] + tables.log_share[index] + log_density
        log_odds += tables.log_return[index[0]] - tables.log_last[index[0]] - log_new[:, None]
        return marginals_by_column(np.where(origin >= 0, log_odds, -np.inf), columns), typical, leaving

    def _add(self, tally: Tally, rows: Ints, weight: Floats, typical: Floats, leaving: Floats) -> None:
        lessons = self._lessons
        r, k = np.nonzero(lessons.origin[rows] >= 0)
        at = rows[r]
        a, c, mode, x = lessons.origin[at, k], lessons.camera[at], lessons.mode[at, k], lessons.x[at, k]
        w, sure = weight[r, k], weight[r, k] * typical[r, k]
        np.add.at(tally.moments, (a, c, mode), np.stack([sure, sure * x, sure * x * x], axis=1))
        told = leaving[r, k] > 0.0
        y, sure = lessons.until[at, k][told], (weight * leaving)[r, k][told]
        by_leaving = np.full(len(y), LEAVING)
        np.add.at(tally.moments, (a[told], c[told], by_leaving), np.stack([sure, sure * y, sure * y * y], axis=1))
        for counts, cell in ((tally.entry, lessons.entry[at]), (tally.exit, lessons.exit[at, k])):
            known = cell != NO_CELL
            np.add.at(counts, (a[known], c[known], cell[known]), w[known])
        np.add.at(tally.returns, a, w)
        new = 1.0 - weight.sum(axis=1)
        np.add.at(tally.shares, lessons.camera[rows], np.stack([new, np.ones_like(new)], axis=1))

    def fit(self, pins: Pins) -> LinkTables:
        """The learned state as scoring reads it, fitted to all lessons up to the last :meth:`renew`."""
        rows = self._lessons.open_before(self._fitted)
        cells, columns = self._fitted_cells, self._columns(rows)
        tables = compile_tables(self._settled, cells, self._settings, pins)
        for _ in range(ROUNDS if len(rows) else 0):
            tally = self._settled.copy()
            self._add(tally, rows, *self._responsibilities(tables, rows, columns))
            tables = compile_tables(tally, cells, self._settings, pins)
        return tables

    # ------------------------------------------------------------------ state

    @property
    def fitted(self) -> int:
        """Lessons before this number were fitted to."""
        return self._fitted

    def drain_changed(self) -> tuple[set[int], set[tuple[int, int]]]:
        """Rows of lessons and links that changed since the last call."""
        changed = self._changed_lessons, self._changed_links
        self._changed_lessons, self._changed_links = set(), set()
        return changed

    def all_kept(self) -> tuple[set[int], set[tuple[int, int]]]:
        """Rows of all lessons, and all links that anything was settled of."""
        used = np.argwhere(self._settled.moments.any(axis=(2, 3)) | self._settled.entry.any(axis=2))
        return set(self._lessons.slots), {(int(i), int(j)) for i, j in used}

    def lesson_state(self, slot: int) -> dict[str, Any]:
        """JSON-like state of one lesson."""
        return self._lessons.state(slot)

    def camera_state(self, camera: int) -> dict[str, Any]:
        """JSON-like counts of one camera."""
        return {
            "shares": self._settled.shares[camera].tolist(),
            "returns": float(self._settled.returns[camera]),
            "entry": self._cells.entry[camera].tolist(),
            "exit": self._cells.exit[camera].tolist(),
            "fitted": [c[camera].tolist() for c in (self._fitted_cells.entry, self._fitted_cells.exit)],
        }

    def link_state(self, one: int, other: int) -> dict[str, Any]:
        """JSON-like counts of one link."""
        settled = self._settled
        return {name: getattr(settled, name)[one, other].tolist() for name in OF_LINKS}

    def load_camera(self, camera: int, state: Mapping[str, Any]) -> None:
        """Takes over :meth:`camera_state`."""
        self._settled.shares[camera] = state["shares"]
        self._settled.returns[camera] = state["returns"]
        self._cells.entry[camera], self._cells.exit[camera] = state["entry"], state["exit"]
        self._fitted_cells.entry[camera], self._fitted_cells.exit[camera] = state["fitted"]

    def load_link(self, one: int, other: int, state: Mapping[str, Any]) -> None:
        """Takes over :meth:`link_state`."""
        for name in OF_LINKS:
            if name in state:  # A version before did not ask how trips were lately, nor count trips by leaving.
                counts = getattr(self._settled, name)[one, other]
                counts[: len(state[name])] = state[name]

    def load_lessons(self, states: Sequence[Mapping[str, Any]], fitted: int) -> None:
        """Takes over lessons, in any order, and how many of them tables were fitted to."""
        self._fitted = fitted
        for state in sorted(states, key=lambda s: int(s["number"])):
            slot = self._lessons.put(Lesson.from_state(state), int(state["number"]))
            self._lessons.settled[slot] = bool(state["settled"])
        self.drain_changed()
