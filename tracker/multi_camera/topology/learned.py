"""What is learned about the cameras: arrival rates, links with all that belongs to them, clocks.

Owns the numbers of cameras, the reading of what was learned and its JSON; never looks at appearance and never decides.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tracker.multi_camera.arrays import Floats, Ints
from tracker.multi_camera.clocks.corrections import Correction
from tracker.multi_camera.clocks.encounters import Encounter
from tracker.multi_camera.clocks.learning import Clocks, Drift, Step
from tracker.multi_camera.clocks.offsets import Fit
from tracker.multi_camera.links.learning import LinkLearner
from tracker.multi_camera.links.lessons import ORIGINS, Lesson, Origin, key_of
from tracker.multi_camera.links.reading import Trips
from tracker.multi_camera.links.tables import GAP, OVERLAP, LinkTables, Pins
from tracker.multi_camera.links.travel import log_duration, log_sum
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.rates import ArrivalRates
from tracker.multi_camera.topology.state import by_kind, ends_of, names_of
from tracker.multi_camera.types import Observation
from tracker.multi_camera.visits import NO_CELL, NS, Visits, cell_of

#: Share of travel times that no model explains, spread evenly over the longest trip.
OUTLIER_SHARE = 0.02
#: Clocks that were put right by less leave what was learned of times between them as it is.
MOVED_S = 1.0
#: An offset that is not certain by this is estimated with what views that overlap, as often as this, let expect.
CLEAR_ERROR_S, OVERLAPPING = 0.5, 0.5
#: Names of learned state that nothing but lessons changes, so that it may be written before a bucket is done.
WRITTEN_AHEAD = ("lesson/", "link/")


class Topology:
    """Learned state over all cameras met so far. Memory is quadratic in the number of cameras."""

    def __init__(self, settings: AssociationSettings) -> None:
        self._settings = settings
        self._index: dict[str, int] = {}
        self._links = LinkLearner(settings)
        self._clocks = Clocks()
        self._rates = ArrivalRates(settings.arrival_prior_per_s)
        self._changed: set[str] = set()
        # Written ahead of being asked for.
        self._written: dict[str, str] = {}
        self._forget_tables()

    def _forget_tables(self) -> None:
        self._tables: LinkTables | None = None
        self._new_rates: Floats | None = None
        self._best: Floats | None = None

    def camera(self, camera_id: str) -> int:
        """Number of a camera, given on first use."""
        number = self._index.get(camera_id)
        if number is None:
            number = self._index[camera_id] = len(self._index)
            self._links.grow()
            self._rates.grow()
            self._forget_tables()
            self._changed.add(f"camera/{camera_id}")
        return number

    @property
    def cameras(self) -> tuple[str, ...]:
        """Camera ids by number."""
        return tuple(self._index)

    # ------------------------------------------------------------------ clocks

    def put_right(self, shown: Observation) -> Observation:
        """An observation with the site's times in place of those that its camera's clock shows."""
        return self._clocks.put_right(shown, self.camera(shown.camera_id))

    def as_shown(self, right: Observation) -> Observation:
        """The reverse of :meth:`put_right`."""
        return self._clocks.as_shown(right, self.camera(right.camera_id))

    def meet(self, encounters: Iterable[Encounter]) -> list[Correction]:
        """Takes in vehicles that two cameras saw; returns what that newly says of clocks.

        Times of observations taken in before are not changed: whoever keeps any has to apply the corrections, and to
        let :meth:`relearn` follow where links :meth:`moved`.
        """
        corrections = self._clocks.take(encounters)
        moved = self.moved(corrections)
        if moved:
            self._links.forget(moved)
            self._forget_tables()
        return corrections

    def moved(self, corrections: Sequence[Correction]) -> list[tuple[int, int]]:
        """Links between cameras whose clocks were always wrong, and are now known to be much further apart."""
        by_s = np.zeros(len(self._index))
        for correction in corrections:
            if math.isinf(correction.since_s):
                by_s[correction.camera] += correction.by_s
        return [(int(i), int(j)) for i, j in np.argwhere(np.abs(by_s - by_s[:, None]) >= MOVED_S)]

    @property
    def lessons_open(self) -> int:
        """Sightings concluded last that are not counted for good yet."""
        return self._links.lessons_open

    def relearn(self, closed: Sequence[tuple[Observation, Sequence[tuple[Observation, float]]]]) -> None:
        """As :meth:`conclude`, with times put right, in place of the lessons that were taken in with wrong ones."""
        self._links.drop_lessons()
        self._forget_tables()
        self.conclude(closed)

    def steps(self) -> list[Step]:
        """Clocks that jumped lately."""
        return self._clocks.steps()

    def drifts(self) -> list[Drift]:
        """Clocks that run wrong."""
        return self._clocks.drifts()

    def ahead_s(self, camera: int) -> float:
        """Seconds by which a camera's clock is corrected now."""
        return self._clocks.ahead_s(camera)

    def clock_fit(self, one: int, other: int) -> Fit | None:
        """What vehicles show of two clocks after correction, ``one`` the smaller number; None of too few."""
        known = self._clocks.fit_of(one, other)
        if known is None or known.error_s <= CLEAR_ERROR_S:
            return known
        overlap = math.exp(self.tables().log_overlap[one, other]) >= OVERLAPPING
        return self._clocks.fit_of(one, other, overlap=overlap)

    # ------------------------------------------------------------------ learning

    def arrive(self, observation: Observation, site_s: float = math.inf) -> None:
        """Counts a vehicle that came into view, at a time of the site; once per sighting."""
        self._rates.count(self.camera(observation.camera_id), observation.start_ns * NS, site_s)
        self._new_rates = None
        self._changed.add(f"camera/{observation.camera_id}")

    def conclude(
        self, closed: Sequence[tuple[Observation, Sequence[tuple[Observation, float]]]], *, more: bool = False
    ) -> None:
        """Takes in where sightings that will not change any more may have come from; once per sighting.

        Args:
            closed: Each with the sightings it may have come from, most likely first, with the evidence of looks in
                nats; those not final are taken to be there still.
            more: Others follow that closed at the same time, so that fitting everything anew can wait for them.
        """
        if closed:
            self._take_in(closed)
        if self._links.is_due and not more:
            self._renew()

    def _take_in(self, closed: Sequence[tuple[Observation, Sequence[tuple[Observation, float]]]]) -> None:
        for observation, origins in closed:
            self.camera(observation.camera_id)
            for before, _ in origins:
                self.camera(before.camera_id)
        log_rates = self.log_arrival_rates()
        for observation, origins in closed:
            number = self.camera(observation.camera_id)
            rows = tuple(self._origin(before, observation, nats) for before, nats in origins[:ORIGINS])
            self._changed.add(f"camera/{observation.camera_id}")
            lesson = Lesson(number, cell_of(observation.entry), float(log_rates[number]), rows)
            if self._links.put(lesson, cell_of(observation.exit)):
                self._renew()

    def _renew(self) -> None:
        """Lets everything be fitted anew."""
        self._links.renew(self.tables())
        self._changed.add("fit")
        self._changed.update(f"camera/{camera_id}" for camera_id in self._index)
        self._forget_tables()

    def _origin(self, before: Observation, after: Observation, nats: float) -> Origin:
        together = not before.final or after.start_ns < before.end_ns
        mode, since_ns = (OVERLAP, before.start_ns) if together else (GAP, before.end_ns)
        x = float(log_duration((after.start_ns - since_ns) * NS))
        cell = cell_of(before.exit) if before.final else NO_CELL
        until = math.nan
        if together and before.final:
            until = float(log_duration((before.end_ns - after.start_ns) * NS))
        return Origin(self.camera(before.camera_id), mode, x, nats, cell, key_of(before.sighting_id), until)

    # ------------------------------------------------------------------ reading

    def log_arrival_rates(self) -> Floats:
        """Log of arrivals per second, (C,)."""
        return self._rates.log_rates()

    def log_new_rates(self) -> Floats:
        """Log of the rate per second at which vehicles never seen before come into view, (C,) by camera number."""
        if self._new_rates is None or self._tables is None:
            self._new_rates = self.log_arrival_rates() + self.tables().log_new
        return self._new_rates

    def log_transition(self, before: Visits, after: Visits) -> Floats:
        """Evidence of time that vehicles went from one visit to the next, in nats against new arrivals.

        Args:
            before: Visits, (P,).
            after: Visits that start no earlier, (P,).
        """
        tables = self.tables()
        a, c, gap_s = before.camera, after.camera, after.start_s - before.end_s
        density = np.full(len(gap_s), -np.inf)
        left, still = np.flatnonzero(gap_s >= 0), np.flatnonzero(before.last_into(after))
        density[left] = tables.log_gone((a[left], c[left]), log_duration(gap_s[left]))
        if still.size:
            since_s = after.start_s[still] - before.start_s[still]
            until = np.where(before.open[still], np.nan, log_duration(-gap_s[still]))
            there = tables.log_there((a[still], c[still]), log_duration(since_s), until)
            density[still] = log_sum(density[still], there)
        longest_s = self._settings.max_trip_s
        rest = np.where(gap_s > longest_s, -np.inf, math.log(OUTLIER_SHARE / longest_s))
        log_rate = tables.log_share[a, c] + log_sum(density, rest)
        nats: Floats = log_rate + tables.log_return[a] - self.log_new_rates()[c]
        return nats

    def best_transition(self, before: Ints, after: Ints) -> Floats:
        """About the most that :meth:`log_transition` says of any trip from cameras to others, (P,) each."""
        best: Floats = self._best_of_links()[before, after] - self.log_new_rates()[after]
        return best

    @property
    def trust(self) -> float:
        """Weight of the evidence of time, in (0, 1]: links fitted to few sightings are surer than right."""
        return self._links.trust

    def pins(self) -> Pins:
        """Travel times that were given, of links between cameras met so far."""
        known = self._index
        return {
            (known[pin.from_camera], known[pin.to_camera]): (pin.travel_median_s, pin.travel_spread)
            for pin in self._settings.pinned_links
            if pin.from_camera in known and pin.to_camera in known
        }

    def prepare(self) -> None:
        """Works out ahead what the next decisions will read."""
        self._best_of_links()

    def _best_of_links(self) -> Floats:
        if self._best is None:
            tables = self.tables()
            self._best = tables.log_share + tables.log_return[:, None] + tables.log_peak()
        return self._best

    def tables(self) -> LinkTables:
        """The learned state as scoring reads it."""
        if self._tables is None:
            self._tables = self._links.fit(self.pins())
        return self._tables

    def newest_trips(self, mode: int) -> Trips:
        """The newest trips of one mode, as of :class:`Origin`, by clocks that were put right."""
        return self._links.newest_trips(self.tables(), mode)

    # ------------------------------------------------------------------ state

    def write_ahead(self, most: int) -> bool:
        """Writes some of the lessons and links that changed ahead of :meth:`drain_links`; whether any are left."""
        self._changed |= names_of(self.cameras, *self._links.drain_changed(), ((), ()))
        waiting = sorted(name for name in self._changed if name.startswith(WRITTEN_AHEAD))
        self._written |= self._texts(waiting[:most])
        self._changed.difference_update(waiting[:most])
        return len(waiting) > most

    def drain_links(self) -> dict[str, str]:
        """Learned state that changed since the last call, by name, as JSON text."""
        self._changed |= names_of(self.cameras, *self._links.drain_changed(), self._clocks.drain_changed())
        links = self._written | self._texts(self._changed)
        self._changed, self._written = set(), {}
        return {name: links[name] for name in sorted(links)}

    def all_links(self) -> dict[str, str]:
        """All learned state by name, as JSON text."""
        names = {f"camera/{a}" for a in self.cameras} | ({"fit"} if self._links.fitted else set())
        names |= names_of(self.cameras, *self._links.all_kept(), self._clocks.all_kept())
        return self._texts(sorted(names))

    def _texts(self, names: Iterable[str]) -> dict[str, str]:
        return {name: json.dumps(self._state(name)) for name in names}

    def _state(self, name: str) -> dict[str, object]:
        kind, _, rest = name.partition("/")
        if kind == "fit":
            return {"kind": "fit", "lessons": self._links.fitted}
        if kind == "lesson":
            return self._links.lesson_state(int(rest))
        if kind == "encounter":
            return {"kind": kind, **self._clocks.encounter_state(int(rest))}
        if kind == "clock":
            return {"kind": kind, "camera": rest, **self._clocks.clock_state(self._index[rest])}
        if kind == "camera":
            i = self._index[rest]
            arrivals = self._rates.state(i)
            return {"kind": kind, "camera": rest, "number": i, "arrivals": arrivals, **self._links.camera_state(i)}
        a, c = ends_of(rest, self._index)
        return {"kind": "link", "from": a, "to": c, **self._links.link_state(self._index[a], self._index[c])}

    def load(self, links: Mapping[str, str]) -> None:
        """Takes over learned state from JSON text; entries of other kinds are left alone.

        Raises:
            ValueError: An entry is not what this class writes.
        """
        entries = by_kind(links)
        try:
            self._load(entries)
        except (KeyError, TypeError, IndexError) as exc:
            raise ValueError(f"learned state cannot be read: {exc}") from exc
        self._forget_tables()
        self._changed.clear()
        self._written.clear()

    def _load(self, entries: Mapping[str, list[dict[str, Any]]]) -> None:
        for state in sorted(entries["camera"], key=lambda s: int(s["number"])):
            i = self.camera(state["camera"])
            self._rates.load(i, state["arrivals"])
            self._links.load_camera(i, state)
        for state in entries["link"]:
            self._links.load_link(self._index[state["from"]], self._index[state["to"]], state)
        fitted = max((int(state["lessons"]) for state in entries["fit"]), default=0)
        self._links.load_lessons(entries["lesson"], fitted)
        for state in entries["clock"]:
            self._clocks.load_clock(self._index[state["camera"]], state)
        for state in entries["encounter"]:
            self._clocks.load_encounter(state)
