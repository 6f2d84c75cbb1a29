"""What closed sightings teach of links: lessons are fitted together, and counted for good when they leave the ring.

Owns lessons, counts and the fit, by expectation-maximisation over the newest lessons, each read again under what the
others say. Knows cameras by number only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from tracker.multi_camera.arrays import Ints
from tracker.multi_camera.links.lessons import CAPACITY, Lesson, Lessons
from tracker.multi_camera.links.reading import Read, Trips
from tracker.multi_camera.links.tables import (
    LEAVING,
    OVERLAP,
    CameraCells,
    LinkTables,
    Pins,
    Tally,
    compile_tables,
    compile_times,
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
        self._settle(self._lessons.open_before(self._fitted - (CAPACITY - SPARE)), tables)
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

    def _settle(self, rows: Ints, tables: LinkTables) -> None:
        """Counts the lessons of rows for good, each by itself and in their order, and takes them out of the ring's."""
        if not len(rows):
            return
        lessons = Read.rows(self._lessons, rows, alone=True)
        weight, typical, leaving = lessons.responsibilities(tables)
        explained = (typical + leaving).tolist()
        shares = weight[lessons.of, lessons.place].tolist()
        # Where a camera's counts may come to be halved between two lessons, they are counted one by one.
        full = float(self._settled.moments[..., 0].sum(axis=(1, 2)).max()) + len(rows) > KEPT
        ends = np.searchsorted(lessons.of, np.arange(len(rows) + 1)).tolist()
        links = list(zip(lessons.before.tolist(), lessons.here.tolist(), lessons.mode.tolist(), strict=True))
        counted = 0
        for n, (begin, end) in enumerate(pairwise(ends)):
            asked = zip(links[begin:end], shares[begin:end], explained[begin:end], strict=True)
            stale = [link for link, share, usual in asked if self._is_stale(link, share, usual)]
            if stale or full or n + 1 == len(rows):
                lessons.count(self._settled, weight, typical, leaving, slice(counted, n + 1))
                counted = n + 1
            for link in stale:
                self._start_anew(link)
            for camera in {before for before, _, _ in links[begin:end]} if full else ():
                self._halve_if_full(camera)
        self._changed_links.update((before, here) for before, here, _ in links)
        self._changed_lessons.update(rows.tolist())
        self._lessons.settled[rows] = True

    def _start_anew(self, link: tuple[int, int, int]) -> None:
        one, other, mode = link
        self._settled.moments[link] = 0.0
        if mode == OVERLAP:
            self._settled.moments[one, other, LEAVING] = 0.0

    def _halve_if_full(self, camera: int) -> None:
        if self._settled.moments[camera, ..., 0].sum() > KEPT:
            self._settled.halve(camera)
            self._changed_links.update((camera, other) for other in range(len(self._settled.returns)))

    def _is_stale(self, link: tuple[int, int, int], weight: float, typical: float) -> bool:
        """Whether a link's travel time has to start anew, as most trips lately were none that it stands for.

        Such trips hardly count towards it, so it would stay as it is for ever: after roadworks, or with other signals.
        """
        recent = self._settled.recent[link]
        fade = 1.0 - weight / ASKED_TRIPS
        usual, trips = recent.tolist()
        usual, trips = usual * fade + weight * typical, trips * fade + weight
        stale = trips >= FEWEST_TRIPS and usual < LEAST_TYPICAL * trips
        recent[:] = (0.0, 0.0) if stale else (usual, trips)
        return bool(stale)

    def fit(self, pins: Pins) -> LinkTables:
        """The learned state as scoring reads it, fitted to all lessons up to the last :meth:`renew`."""
        rows = self._lessons.open_before(self._fitted)
        tally = self._settled
        if len(rows):
            lessons = Read.rows(self._lessons, rows)
            for left in reversed(range(ROUNDS)):
                found = lessons.responsibilities(compile_times(tally, self._settings))
                tally = self._settled.copy()
                lessons.count(tally, *found, cells=left == 0)
        return compile_tables(tally, self._fitted_cells, self._settings, pins)

    def newest_trips(self, tables: LinkTables, mode: int) -> Trips:
        """What the lessons that are not counted for good yet say of trips of one mode."""
        return Read.rows(self._lessons, self._lessons.open_before(self._fitted)).trips(tables, mode)

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
