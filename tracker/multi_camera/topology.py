"""What is learned about the cameras: arrival rates, shares of new vehicles, links, travel times, overlaps, zones.

Owns the learned state and its JSON; never looks at appearance and never decides. What closed sightings teach is fitted
by expectation-maximisation over the newest lessons, each read again under what the others say; lessons that leave the
ring are settled for good.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.clocks import Trip
from tracker.multi_camera.lessons import CAPACITY, ORIGINS, Lesson, Lessons, Origin, key_of
from tracker.multi_camera.links import (
    CELLS,
    GAP,
    GRID,
    OVERLAP,
    CameraCells,
    LinkTables,
    Pins,
    Tally,
    compile_tables,
)
from tracker.multi_camera.matching import columns_of, marginals_by_column
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.travel import SHIFT_S, Floats, log_duration
from tracker.multi_camera.types import Observation, Point

Ints = NDArray[np.intp]

#: Cell of a point that is not known; carries no evidence.
NO_CELL = CELLS
RATE_MEMORY_S = 600.0
#: Share of travel times that no model explains, spread evenly over the longest trip.
OUTLIER_SHARE = 0.02
#: Probability from which an origin is told as a trip.
LIKELY = 0.5
#: Rounds of expectation-maximisation over the lessons kept.
ROUNDS = 6
#: Lessons up to which everything is fitted anew with each that comes, and after how many it is from then on.
FIT_ALWAYS, FIT_EVERY = 128, 16
#: Weight of the evidence of time before anything was learned, and how many sightings that counts as.
YOUNG, YOUNG_STRENGTH = 0.6, 50.0
#: Rows of the ring that are free to take lessons between two fits.
SPARE = 64
NS = 1e-9


def cell_of(point: Point | None) -> int:
    """Grid cell of a normalised point, ``NO_CELL`` for None.

    >>> cell_of((0.0, 0.0)), cell_of((1.0, 1.0)), cell_of(None)
    (0, 15, 16)
    """
    if point is None:
        return NO_CELL
    x, y = (min(max(int(v * GRID), 0), GRID - 1) for v in point)
    return y * GRID + x


@dataclass(frozen=True, slots=True)
class Visits:
    """Arrays of passages through cameras, of any one shape.

    Attributes:
        camera: Camera numbers; -1 where there is no passage.
        start_s: Seconds, UTC.
        end_s: Seconds, UTC, as far as known.
        open: The vehicle may still be there.
        entry: Grid cell of the first box.
        exit: Grid cell of the last box.
    """

    camera: Ints
    start_s: Floats
    end_s: Floats
    open: NDArray[np.bool_]
    entry: Ints
    exit: Ints


class Topology:
    """Learned state over all cameras met so far. Memory is quadratic in the number of cameras."""

    def __init__(self, settings: AssociationSettings) -> None:
        self._settings = settings
        self._index: dict[str, int] = {}
        self._settled = Tally.empty(0)
        self._lessons = Lessons()
        # Per camera: decayed arrivals, first and last arrival (s).
        self._arrivals = np.zeros((0, 3))
        self._camera_entry = np.zeros((0, CELLS))
        self._camera_exit = np.zeros((0, CELLS))
        # What the tables were fitted to: lessons before this number, and the cells then.
        self._fitted = 0
        self._fitted_cells = CameraCells(np.zeros((0, CELLS)), np.zeros((0, CELLS)))
        self._changed: set[str] = set()
        self._tables: LinkTables | None = None
        self._new_rates: Floats | None = None
        self._best: Floats | None = None

    def camera(self, camera_id: str) -> int:
        """Number of a camera, given on first use."""
        number = self._index.get(camera_id)
        if number is None:
            number = self._index[camera_id] = len(self._index)
            self._settled = self._settled.grown()
            self._arrivals = np.pad(self._arrivals, ((0, 1), (0, 0)))
            self._camera_entry = np.pad(self._camera_entry, ((0, 1), (0, 0)))
            self._camera_exit = np.pad(self._camera_exit, ((0, 1), (0, 0)))
            self._fitted_cells = self._fitted_cells.grown()
            self._tables = self._new_rates = self._best = None
            self._changed.add(f"camera/{camera_id}")
        return number

    @property
    def cameras(self) -> tuple[str, ...]:
        """Camera ids by number."""
        return tuple(self._index)

    # ------------------------------------------------------------------ learning

    def arrive(self, observation: Observation) -> None:
        """Counts a vehicle that came into view; once per sighting."""
        number = self.camera(observation.camera_id)
        state = self._arrivals[number]
        now_s = observation.start_ns * NS
        if state[0] == 0:
            state[1] = state[2] = now_s
        age_s = max(now_s - state[2], 0.0)
        state[0] = state[0] * math.exp(-age_s / RATE_MEMORY_S) + 1.0
        state[2] = max(state[2], now_s)
        self._new_rates = None
        self._changed.add(f"camera/{observation.camera_id}")

    def conclude(self, closed: Sequence[tuple[Observation, Sequence[tuple[Observation, float]]]]) -> None:
        """Takes in where sightings that will not change any more may have come from; once per sighting.

        Args:
            closed: Each with the sightings it may have come from, most likely first, with the evidence of looks in
                nats; those not final are taken to be there still.
        """
        if not closed:
            return
        for observation, origins in closed:
            self.camera(observation.camera_id)
            for before, _ in origins:
                self.camera(before.camera_id)
        log_rates = self.log_arrival_rates()
        for observation, origins in closed:
            number = self.camera(observation.camera_id)
            for counts, point in ((self._camera_entry, observation.entry), (self._camera_exit, observation.exit)):
                if point is not None:
                    counts[number, cell_of(point)] += 1.0
            rows = tuple(self._origin(before, observation, nats) for before, nats in origins[:ORIGINS])
            self._changed.update((f"camera/{observation.camera_id}", f"lesson/{self._lessons.next_slot()}"))
            self._lessons.put(Lesson(number, cell_of(observation.entry), float(log_rates[number]), rows))
            if self._lessons.taken - self._fitted >= SPARE:
                self._renew()
        taken = self._lessons.taken
        if taken <= FIT_ALWAYS or taken - self._fitted >= FIT_EVERY:
            self._renew()

    def _renew(self) -> None:
        """Settles lessons that the ring will soon overwrite, and lets everything be fitted anew."""
        tables = self.tables()
        self._fitted = self._lessons.taken
        for slot in self._lessons.open_before(self._fitted - (CAPACITY - SPARE)).tolist():
            self._settle(slot, tables)
        self._fitted_cells = CameraCells(self._camera_entry.copy(), self._camera_exit.copy())
        self._changed.add("fit")
        self._changed.update(f"camera/{camera_id}" for camera_id in self._index)
        self._tables = self._new_rates = self._best = None

    def _origin(self, before: Observation, after: Observation, nats: float) -> Origin:
        together = not before.final or after.start_ns < before.end_ns
        mode, since_ns = (OVERLAP, before.start_ns) if together else (GAP, before.end_ns)
        x = float(log_duration((after.start_ns - since_ns) * NS))
        cell = cell_of(before.exit) if before.final else NO_CELL
        return Origin(self.camera(before.camera_id), mode, x, nats, cell, key_of(before.sighting_id))

    def _settle(self, slot: int, tables: LinkTables) -> None:
        """Counts the lesson of a row for good and takes it out of the ring's."""
        row = np.array([slot])
        self._add(self._settled, row, *self._responsibilities(tables, row, self._columns(row)))
        cameras = self.cameras
        here = int(self._lessons.camera[slot])
        origins = self._lessons.origin[slot]
        self._changed.update(f"link/{cameras[i]}/{cameras[here]}" for i in np.unique(origins[origins >= 0]))
        self._changed.update((f"camera/{cameras[here]}", f"lesson/{slot}"))
        self._lessons.settled[slot] = True

    def _columns(self, rows: Ints) -> Ints:
        """The origins of lessons, each sighting one number, (R, K)."""
        return columns_of(self._lessons.key[rows])

    def _responsibilities(self, tables: LinkTables, rows: Ints, columns: Ints) -> tuple[Floats, Floats]:
        """Probability of each origin of lessons, and that it counts as a typical trip, (R, K) each."""
        lessons = self._lessons
        origin = lessons.origin[rows]
        index = (np.maximum(origin, 0), np.broadcast_to(lessons.camera[rows][:, None], origin.shape))
        mode, x = lessons.mode[rows], lessons.x[rows]
        log_new = lessons.log_rate[rows] + tables.log_new[lessons.camera[rows]]
        log_density, typical = tables.log_rate_and_typical(mode, index, x)
        log_odds = lessons.nats[rows] + tables.log_share[index] + log_density
        log_odds += tables.log_return[index[0]] - tables.log_last[index[0]] - log_new[:, None]
        return marginals_by_column(np.where(origin >= 0, log_odds, -np.inf), columns), typical

    def _add(self, tally: Tally, rows: Ints, weight: Floats, typical: Floats) -> None:
        lessons = self._lessons
        r, k = np.nonzero(lessons.origin[rows] >= 0)
        at = rows[r]
        a, c, mode, x = lessons.origin[at, k], lessons.camera[at], lessons.mode[at, k], lessons.x[at, k]
        w, sure = weight[r, k], weight[r, k] * typical[r, k]
        np.add.at(tally.moments, (a, c, mode), np.stack([sure, sure * x, sure * x * x], axis=1))
        for counts, cell in ((tally.entry, lessons.entry[at]), (tally.exit, lessons.exit[at, k])):
            known = cell != NO_CELL
            np.add.at(counts, (a[known], c[known], cell[known]), w[known])
        np.add.at(tally.returns, a, w)
        new = 1.0 - weight.sum(axis=1)
        np.add.at(tally.shares, lessons.camera[rows], np.stack([new, np.ones_like(new)], axis=1))

    # ------------------------------------------------------------------ reading

    def log_arrival_rates(self) -> Floats:
        """Log of arrivals per second, (C,)."""
        decayed, first_s, last_s = self._arrivals.T
        seen = decayed > 0
        now_s = last_s.max(initial=0.0, where=seen)
        begun_s = first_s.min(initial=now_s, where=seen)
        span_s = -RATE_MEMORY_S * np.expm1(-(now_s - begun_s) / RATE_MEMORY_S)
        recent = decayed * np.exp(-np.where(seen, now_s - last_s, 0.0) / RATE_MEMORY_S)
        rates: Floats = np.log((recent + 1.0) / (span_s + 1.0 / self._settings.arrival_prior_per_s))
        return rates

    def trips(self) -> list[Trip]:
        """Trips among the lessons kept that are more likely than not, in the order in which they were learned."""
        lessons, rows = self._lessons, self._lessons.kept()
        if not len(rows):
            return []
        weight, _ = self._responsibilities(self.tables(), rows, self._columns(rows))
        r, k = np.nonzero(weight > LIKELY)
        at = rows[r]
        durations_s = np.exp(lessons.x[at, k]) - SHIFT_S
        parts = (lessons.origin[at, k], lessons.camera[at], lessons.mode[at, k], durations_s)
        return [Trip(int(a), int(c), int(m), float(s)) for a, c, m, s in zip(*parts, strict=True)]

    def log_new_rates(self) -> Floats:
        """Log of the rate per second at which vehicles never seen before come into view, (C,) by camera number."""
        if self._new_rates is None or self._tables is None:
            self._new_rates = self.log_arrival_rates() + self.tables().log_new
        return self._new_rates

    def log_transition(self, before: Visits, after: Visits) -> Floats:
        """Evidence of time that vehicles went from one visit to the next, in nats against new arrivals.

        Args:
            before: Visits, any shape.
            after: Visits that start no earlier, broadcasting with ``before``.
        """
        tables = self.tables()
        a, c, gap_s = np.broadcast_arrays(before.camera, after.camera, after.start_s - before.end_s)
        since_s, open_ = np.broadcast_arrays(after.start_s - before.start_s, before.open)
        density = np.full(gap_s.shape, -np.inf)
        left, still = np.nonzero(gap_s >= 0), np.nonzero((gap_s < 0) | open_)
        density[left] = tables.log_gone((a[left], c[left]), log_duration(gap_s[left]))
        if still[0].size:
            there = tables.log_there((a[still], c[still]), log_duration(since_s[still]))
            density[still] = np.logaddexp(density[still], there)
        longest_s = self._settings.max_trip_s
        rest = np.where(gap_s > longest_s, -np.inf, math.log(OUTLIER_SHARE / longest_s))
        log_rate = tables.log_share[a, c] + np.logaddexp(density, rest)
        nats: Floats = log_rate + tables.log_return[a] - self.log_new_rates()[c]
        return nats

    def best_transition(self, before: Ints, after: Ints) -> Floats:
        """About the most that :meth:`log_transition` says of any trip from cameras to others, (P,) each."""
        tables = self.tables()
        if self._best is None:
            self._best = tables.log_share + tables.log_return[:, None] + tables.log_peak()
        best: Floats = self._best[before, after] - self.log_new_rates()[after]
        return best

    @property
    def trust(self) -> float:
        """Weight of the evidence of time, in (0, 1]: links fitted to few sightings are surer than right."""
        taken = self._lessons.taken
        return (YOUNG * YOUNG_STRENGTH + taken) / (YOUNG_STRENGTH + taken)

    def pins(self) -> Pins:
        """Travel times that were given, of links between cameras met so far."""
        known = self._index
        return {
            (known[pin.from_camera], known[pin.to_camera]): (pin.travel_median_s, pin.travel_spread)
            for pin in self._settings.pinned_links
            if pin.from_camera in known and pin.to_camera in known
        }

    def tables(self) -> LinkTables:
        """The learned state as scoring reads it."""
        if self._tables is None:
            self._tables = self._fit()
        return self._tables

    def _fit(self) -> LinkTables:
        rows = self._lessons.open_before(self._fitted)
        cells, columns = self._fitted_cells, self._columns(rows)
        pins = self.pins()
        tables = compile_tables(self._settled, cells, self._settings, pins)
        for _ in range(ROUNDS if len(rows) else 0):
            tally = self._settled.copy()
            self._add(tally, rows, *self._responsibilities(tables, rows, columns))
            tables = compile_tables(tally, cells, self._settings, pins)
        return tables

    # ------------------------------------------------------------------ state

    def drain_links(self) -> dict[str, str]:
        """Learned state that changed since the last call, by name, as JSON text."""
        names, self._changed = sorted(self._changed), set()
        return {name: json.dumps(self._state(name)) for name in names}

    def all_links(self) -> dict[str, str]:
        """All learned state by name, as JSON text."""
        cameras = self.cameras
        names = [f"camera/{a}" for a in cameras] + (["fit"] if self._fitted else [])
        names += [f"lesson/{slot}" for slot in self._lessons.slots]
        used = np.argwhere(self._settled.moments.any(axis=(2, 3)))
        names += [f"link/{cameras[i]}/{cameras[j]}" for i, j in used]
        return {name: json.dumps(self._state(name)) for name in names}

    def _state(self, name: str) -> dict[str, object]:
        kind, _, rest = name.partition("/")
        if kind == "fit":
            return {"kind": "fit", "lessons": self._fitted}
        if kind == "lesson":
            return self._lessons.state(int(rest))
        if kind == "camera":
            i = self._index[rest]
            return {
                "kind": "camera",
                "camera": rest,
                "number": i,
                "arrivals": self._arrivals[i].tolist(),
                "shares": self._settled.shares[i].tolist(),
                "returns": float(self._settled.returns[i]),
                "entry": self._camera_entry[i].tolist(),
                "exit": self._camera_exit[i].tolist(),
                "fitted": [c[i].tolist() for c in (self._fitted_cells.entry, self._fitted_cells.exit)],
            }
        # Ids may hold slashes: of all ways to part the two, that of the camera met first.
        a = next(a for a in self._index if rest.startswith(f"{a}/") and rest[len(a) + 1 :] in self._index)
        c = rest[len(a) + 1 :]
        i, j = self._index[a], self._index[c]
        return {
            "kind": "link",
            "from": a,
            "to": c,
            "moments": self._settled.moments[i, j].tolist(),
            "entry": self._settled.entry[i, j].tolist(),
            "exit": self._settled.exit[i, j].tolist(),
        }

    def load(self, links: Mapping[str, str]) -> None:
        """Takes over learned state from JSON text; entries of other kinds are left alone.

        Raises:
            ValueError: An entry is not what this class writes.
        """
        by_kind: dict[str, list[dict[str, Any]]] = {"camera": [], "link": [], "lesson": [], "fit": []}
        for text in links.values():
            state = json.loads(text)
            by_kind.setdefault(state.get("kind"), []).append(state)
        try:
            self._load(by_kind)
        except (KeyError, TypeError, IndexError) as exc:
            raise ValueError(f"learned state cannot be read: {exc}") from exc
        self._tables = self._new_rates = self._best = None
        self._changed.clear()

    def _load(self, by_kind: Mapping[str, list[dict[str, Any]]]) -> None:
        for state in sorted(by_kind["camera"], key=lambda s: int(s["number"])):
            i = self.camera(state["camera"])
            self._arrivals[i] = state["arrivals"]
            self._settled.shares[i] = state["shares"]
            self._settled.returns[i] = state["returns"]
            self._camera_entry[i] = state["entry"]
            self._camera_exit[i] = state["exit"]
            self._fitted_cells.entry[i], self._fitted_cells.exit[i] = state["fitted"]
        self._fitted = max((int(state["lessons"]) for state in by_kind["fit"]), default=0)
        for state in by_kind["link"]:
            i, j = self._index[state["from"]], self._index[state["to"]]
            self._settled.moments[i, j] = state["moments"]
            self._settled.entry[i, j] = state["entry"]
            self._settled.exit[i, j] = state["exit"]
        for state in sorted(by_kind["lesson"], key=lambda s: int(s["number"])):
            slot = self._lessons.put(Lesson.from_state(state), int(state["number"]))
            self._lessons.settled[slot] = bool(state["settled"])
