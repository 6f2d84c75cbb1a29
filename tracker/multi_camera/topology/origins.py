"""Where a vehicle may have come from: the recent sightings, whatever identity they stand under. Decides nothing.

What is learned from these does not hang on decisions taken, so a wrong one cannot confirm itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from reid.pooled import pool
from reid.types import Calibration
from tracker.multi_camera.clocks.corrections import Correction
from tracker.multi_camera.clocks.encounters import Album, Encounter
from tracker.multi_camera.links.lessons import ORIGINS
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.types import Observation
from tracker.multi_camera.visits import Visits

#: Sightings remembered, the oldest by start go first: those of half an hour at one a second.
RECENT = 2048
#: Of these, the most alike that are looked at closely.
SHORTLIST = 128
#: Pairs of sightings remembered as found.
FOUND = 4096


@dataclass(frozen=True, slots=True)
class _Compared:
    """Sightings by start, their places in that order, and what is compared of them."""

    sightings: Sequence[Observation]
    places: Mapping[str, int]
    visits: Visits
    embeddings: NDArray[np.float32]
    details: NDArray[np.float64]


class Recent:
    """The newest sightings and how likely each is where another came from."""

    def __init__(self, calibration: Calibration, horizon_s: float) -> None:
        self._calibration = calibration
        self._pooled = pool(calibration, 1)
        self._horizon_s = horizon_s
        self._sightings: dict[str, Observation] = {}
        self._compared: _Compared | None = None
        # Those that taught of links, in that order.
        self._taught: dict[str, None] = {}
        # Pairs that were found lately, so that two that close together are not found twice.
        self._found: dict[tuple[str, str], None] = {}

    def put(self, observation: Observation) -> None:
        """Takes in a sighting or a new revision of one."""
        self._compared = None
        self._sightings[observation.sighting_id] = observation
        if len(self._sightings) > RECENT + RECENT // 8:
            newest = sorted(self._sightings.values(), key=attrgetter("start_ns", "sighting_id"), reverse=True)
            self._sightings = {o.sighting_id: o for o in newest[:RECENT]}

    def standing(self, observations: Sequence[Observation]) -> list[Observation]:
        """Those of some sightings that are remembered, as they are by now."""
        found = (self._sightings.get(o.sighting_id) for o in observations)
        return [o for o in found if o is not None]

    def teach(self, closed: Sequence[Observation]) -> None:
        """Tells of sightings that they were learned from."""
        for observation in closed:
            self._taught.pop(observation.sighting_id, None)
            self._taught[observation.sighting_id] = None
        for sighting_id in list(self._taught)[: -len(self._sightings) or None]:
            del self._taught[sighting_id]

    def teach_all_but(self, waiting: Sequence[Observation]) -> None:
        """Tells that all were learned from that are remembered and will not change any more, but for some."""
        late = {observation.sighting_id for observation in waiting}
        closed = [o for o in self._sightings.values() if o.final and o.sighting_id not in late]
        self.teach(sorted(closed, key=attrgetter("end_ns", "sighting_id")))

    def taught(self, most: int) -> list[Observation]:
        """Of so many sightings that were learned from last, those that are remembered, in that order."""
        newest = list(self._taught)[-most:] if most else []
        return [self._sightings[sighting_id] for sighting_id in newest if sighting_id in self._sightings]

    def drop(self, sighting_id: str) -> None:
        """Forgets a sighting; does nothing when it is not remembered."""
        self._compared = None
        self._sightings.pop(sighting_id, None)

    def prepare(self, topology: Topology) -> None:
        """Works out ahead what the next questions are answered from."""
        if self._sightings:
            self._as_compared(topology)

    def origins(
        self, arrivals: Sequence[Observation], topology: Topology
    ) -> list[tuple[Observation, list[tuple[Observation, float]]]]:
        """The sightings that others most probably came from.

        Args:
            arrivals: Sightings of the same model as those put in.
            topology: What is known of links.

        Returns:
            For each arrival at most ``ORIGINS`` sightings, most likely first, with the evidence of looks in nats.
        """
        if not arrivals or not self._sightings:
            return [(arrival, []) for arrival in arrivals]
        known = self._as_compared(topology)
        here = Visits.of(arrivals, topology.camera)
        possible = self._possible(known.visits, here)
        own = [known.places.get(o.sighting_id, -1) for o in arrivals]
        possible[np.arange(len(arrivals)), own] &= np.array(own) < 0
        near, similarity = _most_alike(np.where(possible, _similarity(arrivals, known), -np.inf))
        detail = np.array([o.detail for o in arrivals])[:, None] * known.details[near]
        nats = self._pooled.nats(np.maximum(similarity, -1.0), np.ones(near.shape, np.intp), 1, detail)
        total = np.full(near.shape, -np.inf)
        i, k = np.nonzero(np.isfinite(similarity))
        total[i, k] = nats[i, k] + topology.log_transition(known.visits.at(near[i, k]), here.at(i))
        best = np.argsort(-total, axis=1, kind="stable")[:, :ORIGINS]
        return [
            (
                arrival,
                [(known.sightings[near[n, k]], float(nats[n, k])) for k in best[n].tolist() if total[n, k] > -np.inf],
            )
            for n, arrival in enumerate(arrivals)
        ]

    def encounters(self, closed: Sequence[Observation], topology: Topology) -> list[Encounter]:
        """Sightings that closed, and others before, that looks alone call one vehicle.

        Args:
            closed: Of the same model as those put in, and among them.
            topology: Numbers cameras.
        """
        if not closed or not self._sightings:
            return []
        known = self._as_compared(topology)
        album = Album(known.sightings, known.visits, known.embeddings)
        places = [known.places.get(o.sighting_id, -1) for o in closed]
        found = []
        c = self._calibration
        nats = np.clip(c.slope * _similarity(closed, known) + c.offset, -c.limit, c.limit)
        for one, other, encounter in album.encounters(places, nats, c):
            if (one, other) not in self._found:
                self._found[one, other] = None
                found.append(encounter)
        for pair in list(self._found)[:-FOUND]:
            del self._found[pair]
        return found

    def correct(self, corrections: Sequence[Correction], topology: Topology) -> list[Observation]:
        """Puts the times of what is remembered right; returns the sightings that changed."""
        changed = {}
        for correction in corrections:
            for sighting_id, observation in self._sightings.items():
                if topology.camera(observation.camera_id) == correction.camera:
                    right = correction.applied(observation)
                    if right is not observation:
                        self._sightings[sighting_id] = changed[sighting_id] = right
        self._compared = None
        return list(changed.values())

    def _as_compared(self, topology: Topology) -> _Compared:
        """The sightings remembered, by start, as arrays; made anew after a change."""
        if self._compared is None:
            known = sorted(self._sightings.values(), key=lambda o: (o.start_ns, o.sighting_id))
            places = {o.sighting_id: i for i, o in enumerate(known)}
            embeddings = np.stack([o.embedding for o in known])
            details = np.array([o.detail for o in known])
            self._compared = _Compared(known, places, Visits.of(known, topology.camera), embeddings, details)
        return self._compared

    def _possible(self, before: Visits, here: Visits) -> NDArray[np.bool_]:
        """Which visits, (A, R), came earlier, not too long ago, and were not in the same view at the same time."""
        start_s, camera = here.start_s[:, None], here.camera[:, None]
        still = before.open | (before.end_s > start_s)
        recent = start_s - before.end_s <= self._horizon_s
        return np.asarray((before.start_s <= start_s) & recent & ~(still & (before.camera == camera)))


def _most_alike(similarity: NDArray[np.float64]) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The ``SHORTLIST`` places of each row of (A, R) where it is largest, ascending, and what stands there."""
    count = similarity.shape[1]
    if count <= SHORTLIST:
        places = np.broadcast_to(np.arange(count), similarity.shape)
    else:
        places = np.sort(np.argpartition(similarity, -SHORTLIST, axis=1)[:, -SHORTLIST:], axis=1)
    return places, np.take_along_axis(similarity, places, axis=1)


def _similarity(arrivals: Sequence[Observation], known: _Compared) -> NDArray[np.float64]:
    """Products of vectors, (A, R)."""
    return (np.stack([o.embedding for o in arrivals]) @ known.embeddings.T).astype(np.float64)
