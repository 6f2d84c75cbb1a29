"""What is learned about the cameras: arrival rates, shares of new vehicles, links, travel times, overlaps, zones.

Owns the learned state and its JSON; never looks at appearance and never decides.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.travel import Floats, StudentT, log_duration, pooled_prior, predictive
from tracker.multi_camera.types import Observation, Point

Ints = NDArray[np.intp]

#: Travel-time modes of a link: the vehicle had left the first view, or still stood in it.
GAP, OVERLAP = 0, 1
GRID = 4
CELLS = GRID * GRID
#: Cell of a point that is not known; carries no evidence.
NO_CELL = CELLS
RATE_MEMORY_S = 600.0
SHARE_STRENGTH = 3.0
OVERLAP_STRENGTH = 2.0
ZONE_STRENGTH = 4.0
NEW_STRENGTH = 4.0
#: The learned share of new vehicles stays within these, so that decisions cannot confirm themselves without end.
NEW_SHARE_MIN, NEW_SHARE_MAX = 0.1, 0.9
#: Share of travel times that no model explains, spread evenly over the longest trip.
OUTLIER_SHARE = 0.02
OVERLAP_MEDIAN_S = 3.0
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


@dataclass(frozen=True, slots=True)
class LinkTables:
    """Learned state in the form scoring reads; first axis the camera left, second the camera reached."""

    log_share: Floats
    log_overlap: Floats
    log_apart: Floats
    log_prior_overlap: float
    gap: StudentT
    overlap: StudentT
    zone_entry: Floats
    zone_exit: Floats
    travelled: Floats
    log_returning: float


class Topology:
    """Learned state over all cameras met so far. Memory is quadratic in the number of cameras."""

    def __init__(self, settings: AssociationSettings) -> None:
        self._settings = settings
        self._index: dict[str, int] = {}
        self._moments = np.zeros((0, 0, 2, 3))
        self._entry = np.zeros((0, 0, CELLS))
        self._exit = np.zeros((0, 0, CELLS))
        # Per camera: decayed arrivals, first and last arrival (s), weight of new vehicles, weight of all.
        self._cameras = np.zeros((0, 5))
        self._camera_entry = np.zeros((0, CELLS))
        self._camera_exit = np.zeros((0, CELLS))
        self._changed: set[tuple[str, str | None]] = set()
        self._tables: LinkTables | None = None

    def camera(self, camera_id: str) -> int:
        """Number of a camera, given on first use."""
        number = self._index.get(camera_id)
        if number is None:
            number = self._index[camera_id] = len(self._index)
            grow = ((0, 1), (0, 1))
            self._moments = np.pad(self._moments, (*grow, (0, 0), (0, 0)))
            self._entry = np.pad(self._entry, (*grow, (0, 0)))
            self._exit = np.pad(self._exit, (*grow, (0, 0)))
            self._cameras = np.pad(self._cameras, ((0, 1), (0, 0)))
            self._camera_entry = np.pad(self._camera_entry, ((0, 1), (0, 0)))
            self._camera_exit = np.pad(self._camera_exit, ((0, 1), (0, 0)))
            self._tables = None
            self._changed.add((camera_id, None))
        return number

    @property
    def cameras(self) -> tuple[str, ...]:
        """Camera ids by number."""
        return tuple(self._index)

    def arrive(self, observation: Observation) -> None:
        """Counts a vehicle that came into view; once per sighting."""
        number = self.camera(observation.camera_id)
        state = self._cameras[number]
        now_s = observation.start_ns * NS
        if state[0] == 0:
            state[1] = state[2] = now_s
        age_s = max(now_s - state[2], 0.0)
        state[0] = state[0] * math.exp(-age_s / RATE_MEMORY_S) + 1.0
        state[2] = max(state[2], now_s)
        self._changed.add((observation.camera_id, None))

    def conclude(self, observation: Observation, new_probability: float) -> None:
        """Counts how a sighting was decided in the end; once per sighting."""
        number = self.camera(observation.camera_id)
        self._cameras[number, 3] += new_probability
        self._cameras[number, 4] += 1.0
        for counts, point in ((self._camera_entry, observation.entry), (self._camera_exit, observation.exit)):
            if point is not None:
                counts[number, cell_of(point)] += 1.0
        self._tables = None
        self._changed.add((observation.camera_id, None))

    def learn(self, before: Observation, after: Observation, weight: float) -> None:
        """Takes a transition of one vehicle as an example.

        Args:
            before: Where it was; if not final it is taken to have been there still.
            after: Where it came into view next, not earlier than ``before`` did.
            weight: Probability that both are one vehicle.
        """
        a, c = self.camera(before.camera_id), self.camera(after.camera_id)
        together = not before.final or after.start_ns < before.end_ns
        mode, since_ns = (OVERLAP, before.start_ns) if together else (GAP, before.end_ns)
        x = log_duration((after.start_ns - since_ns) * NS)
        self._moments[a, c, mode] += weight * np.array([1.0, x, x * x])
        if after.entry is not None:
            self._entry[a, c, cell_of(after.entry)] += weight
        if before.exit is not None and before.final:
            self._exit[a, c, cell_of(before.exit)] += weight
        self._tables = None
        self._changed.add((before.camera_id, after.camera_id))

    def log_new_rates(self) -> Floats:
        """Log of the rate per second at which vehicles never seen before come into view, (C,) by camera number."""
        decayed, first_s, last_s, new, total = self._cameras.T
        seen = decayed > 0
        now_s = last_s.max(initial=0.0, where=seen)
        begun_s = first_s.min(initial=now_s, where=seen)
        span_s = -RATE_MEMORY_S * np.expm1(-(now_s - begun_s) / RATE_MEMORY_S)
        recent = decayed * np.exp(-np.where(seen, now_s - last_s, 0.0) / RATE_MEMORY_S)
        rate = (recent + 1.0) / (span_s + 1.0 / self._settings.arrival_prior_per_s)
        rates: Floats = np.log(rate * self._new_share(new, total))
        return rates

    def _new_share(self, new: Floats, total: Floats) -> Floats:
        share = (new + NEW_STRENGTH * self._settings.new_prior) / (total + NEW_STRENGTH)
        return np.clip(share, NEW_SHARE_MIN, NEW_SHARE_MAX)

    def tables(self) -> LinkTables:
        """The learned state as scoring reads it."""
        if self._tables is None:
            self._tables = self._compile()
        return self._tables

    def _compile(self) -> LinkTables:
        settings = self._settings
        count = self._moments[..., 0]
        travelled = count.sum(axis=2)
        n = max(len(self._index), 1)
        share = (travelled + SHARE_STRENGTH / n) / (travelled.sum(axis=1, keepdims=True) + SHARE_STRENGTH)
        # Two views overlap or not whichever way the vehicle goes.
        together = count[..., OVERLAP] + count[..., OVERLAP].T
        both = travelled + travelled.T
        pooled = (OVERLAP_STRENGTH * settings.overlap_prior + count[..., OVERLAP].sum()) / (
            OVERLAP_STRENGTH + travelled.sum()
        )
        overlap = (together + OVERLAP_STRENGTH * pooled) / (both + OVERLAP_STRENGTH)
        gap_prior = pooled_prior(
            self._moments[..., GAP, :], log_duration(settings.travel_median_s), settings.travel_log_sd
        )
        overlap_prior = pooled_prior(
            self._moments[..., OVERLAP, :], log_duration(OVERLAP_MEDIAN_S), settings.travel_log_sd
        )
        new, total = self._cameras[:, 3].sum(), self._cameras[:, 4].sum()
        return LinkTables(
            log_share=np.log(share),
            log_overlap=np.log(overlap),
            log_apart=np.log1p(-overlap),
            log_prior_overlap=math.log(settings.overlap_prior),
            gap=predictive(self._moments[..., GAP, :], *gap_prior),
            overlap=predictive(self._moments[..., OVERLAP, :], *overlap_prior),
            zone_entry=_zone_ratio(self._entry, self._camera_entry[None, :, :]),
            zone_exit=_zone_ratio(self._exit, self._camera_exit[:, None, :]),
            travelled=travelled,
            log_returning=float(np.log1p(-self._new_share(new, total))),
        )

    def drain_links(self) -> dict[str, str]:
        """Learned state that changed since the last call, by name, as JSON text."""
        links = {
            (f"camera/{a}" if c is None else f"link/{a}/{c}"): json.dumps(self._state(a, c))
            for a, c in sorted(self._changed, key=str)
        }
        self._changed.clear()
        return links

    def all_links(self) -> dict[str, str]:
        """All learned state by name, as JSON text."""
        links = {f"camera/{a}": json.dumps(self._state(a, None)) for a in self._index}
        for a, i in self._index.items():
            for c, j in self._index.items():
                if self._moments[i, j, :, 0].any():
                    links[f"link/{a}/{c}"] = json.dumps(self._state(a, c))
        return links

    def _state(self, a: str, c: str | None) -> dict[str, object]:
        i = self._index[a]
        if c is None:
            return {
                "kind": "camera",
                "camera": a,
                "number": i,
                "arrivals": self._cameras[i].tolist(),
                "entry": self._camera_entry[i].tolist(),
                "exit": self._camera_exit[i].tolist(),
            }
        j = self._index[c]
        return {
            "kind": "link",
            "from": a,
            "to": c,
            "moments": self._moments[i, j].tolist(),
            "entry": self._entry[i, j].tolist(),
            "exit": self._exit[i, j].tolist(),
        }

    def load(self, links: Mapping[str, str]) -> None:
        """Takes over learned state from JSON text; entries of other kinds are left alone.

        Raises:
            ValueError: An entry is not what this class writes.
        """
        states = [json.loads(text) for text in links.values()]
        try:
            for state in sorted((s for s in states if s.get("kind") == "camera"), key=lambda s: int(s["number"])):
                i = self.camera(state["camera"])
                self._cameras[i] = state["arrivals"]
                self._camera_entry[i] = state["entry"]
                self._camera_exit[i] = state["exit"]
            for state in (s for s in states if s.get("kind") == "link"):
                i, j = self.camera(state["from"]), self.camera(state["to"])
                self._moments[i, j] = state["moments"]
                self._entry[i, j] = state["entry"]
                self._exit[i, j] = state["exit"]
        except (KeyError, TypeError) as exc:
            raise ValueError(f"learned state cannot be read: {exc}") from exc
        self._tables = None
        self._changed.clear()


def _zone_ratio(link: Floats, camera: Floats) -> Floats:
    """Log ratio of a cell's share on a link to its share at the camera; (C, C, CELLS + 1), the last is 0."""
    at_camera = (camera + 1.0) / (camera.sum(axis=-1, keepdims=True) + CELLS)
    on_link = (link + ZONE_STRENGTH * at_camera) / (link.sum(axis=-1, keepdims=True) + ZONE_STRENGTH)
    return np.pad(np.log(on_link / at_camera), ((0, 0), (0, 0), (0, 1)))
