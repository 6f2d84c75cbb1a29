"""Where a vehicle may have come from: the recent sightings, whatever identity they stand under. Decides nothing.

What is learned from these does not hang on decisions taken, so a wrong one cannot confirm itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from operator import attrgetter
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from reid.pooled import pool
from reid.types import Calibration
from tracker.multi_camera.clocks.corrections import Correction
from tracker.multi_camera.clocks.encounters import Album, Encounter
from tracker.multi_camera.links.lessons import ORIGINS
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.topology.newest import Newest
from tracker.multi_camera.types import Observation
from tracker.multi_camera.visits import Visits

Key = TypeVar("Key", str, tuple[str, str])

#: Of the sightings remembered, the most alike that are looked at closely.
SHORTLIST = 128
#: Pairs of sightings remembered as found.
FOUND = 4096


class Recent:
    """The newest sightings and how likely each is where another came from."""

    def __init__(self, calibration: Calibration, horizon_s: float) -> None:
        self._calibration = calibration
        self._pooled = pool(calibration, 1)
        self._horizon_s = horizon_s
        self._newest = Newest(horizon_s)
        # Those that taught of links, in that order.
        self._taught: dict[str, None] = {}
        # Who was compared last, the version of what with, and what came of it: a lesson and an encounter ask the same.
        self._compared: tuple[tuple[int, list[tuple[str, int, bool]]], NDArray[np.float32]] | None = None
        # Pairs that were found lately, so that two that close together are not found twice.
        self._found: dict[tuple[str, str], None] = {}

    def put(self, observation: Observation) -> None:
        """Takes in a sighting or a new revision of one."""
        self._newest.put(observation)

    def standing(self, observations: Sequence[Observation]) -> list[Observation]:
        """Those of some sightings that are remembered, as they are by now."""
        found = (self._newest.get(o.sighting_id) for o in observations)
        return [o for o in found if o is not None]

    def teach(self, closed: Sequence[Observation]) -> None:
        """Tells of sightings that they were learned from."""
        for observation in closed:
            self._taught.pop(observation.sighting_id, None)
            self._taught[observation.sighting_id] = None
        _shorten(self._taught, len(self._newest))

    def teach_all_but(self, waiting: Sequence[Observation]) -> None:
        """Tells that all were learned from that are remembered and will not change any more, but for some."""
        late = {observation.sighting_id for observation in waiting}
        closed = [o for o in self._newest if o.final and o.sighting_id not in late]
        self.teach(sorted(closed, key=attrgetter("end_ns", "sighting_id")))

    def taught(self, most: int) -> list[Observation]:
        """Of so many sightings that were learned from last, those that are remembered, in that order."""
        newest = list(self._taught)[-most:] if most else []
        return [o for o in map(self._newest.get, newest) if o is not None]

    def drop(self, sighting_id: str) -> None:
        """Forgets a sighting; does nothing when it is not remembered."""
        self._newest.drop(sighting_id)

    def prepare(self, topology: Topology) -> None:
        """Works out ahead what the next questions are answered from."""
        self._newest.prepare(topology)

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
        if not arrivals or not self._newest:
            return [(arrival, []) for arrival in arrivals]
        self.prepare(topology)
        known = self._newest
        here = Visits.of(arrivals, topology.camera)
        possible = self._possible(known.visits, here)
        own = [known.place(o.sighting_id) for o in arrivals]
        possible[np.arange(len(arrivals)), own] &= np.array(own) < 0
        near, similarity = _most_alike(np.where(possible, self._similarity(arrivals), -np.inf), known.rank)
        detail = np.array([o.detail for o in arrivals])[:, None] * known.details[near]
        nats = self._pooled.nats(np.maximum(similarity, -1.0), np.ones(near.shape, np.intp), 1, detail)
        total = np.full(near.shape, -np.inf)
        i, k = np.nonzero(np.isfinite(similarity))
        total[i, k] = nats[i, k] + topology.log_transition(known.visits.at(near[i, k]), here.at(i))
        best = np.argsort(-total, axis=1, kind="stable")[:, :ORIGINS]
        return [
            (
                arrival,
                [(known.at(near[n, k]), float(nats[n, k])) for k in best[n].tolist() if total[n, k] > -np.inf],
            )
            for n, arrival in enumerate(arrivals)
        ]

    def encounters(self, closed: Sequence[Observation], topology: Topology) -> list[Encounter]:
        """Sightings that closed, and others before, that looks alone call one vehicle.

        Args:
            closed: Of the same model as those put in, and among them.
            topology: Numbers cameras.
        """
        if not closed or not self._newest:
            return []
        self.prepare(topology)
        known = self._newest
        album = Album(known.at, known.visits, known.embeddings, known.rank)
        places = [known.place(o.sighting_id) for o in closed]
        found = []
        c = self._calibration
        nats = np.clip(c.slope * self._similarity(closed).astype(np.float64) + c.offset, -c.limit, c.limit)
        for one, other, encounter in album.encounters(places, nats, c):
            if (one, other) not in self._found:
                self._found[one, other] = None
                found.append(encounter)
        _shorten(self._found, FOUND)
        return found

    def correct(self, corrections: Sequence[Correction], topology: Topology) -> list[Observation]:
        """Puts the times of what is remembered right; returns the sightings that changed."""
        changed = {}
        for correction in corrections:
            for observation in list(self._newest):
                if topology.camera(observation.camera_id) == correction.camera:
                    right = correction.applied(observation)
                    if right is not observation:
                        changed[right.sighting_id] = right
                        self._newest.put(right)
        return list(changed.values())

    def _similarity(self, sightings: Sequence[Observation]) -> NDArray[np.float32]:
        """Products of vectors with those of the newest, (A, R), which have been written."""
        asked = self._newest.version, [(o.sighting_id, o.revision, o.final) for o in sightings]
        if self._compared is None or self._compared[0] != asked:
            self._compared = asked, np.stack([o.embedding for o in sightings]) @ self._newest.embeddings.T
        return self._compared[1]

    def _possible(self, before: Visits, here: Visits) -> NDArray[np.bool_]:
        """Which visits, (A, R), came earlier, not too long ago, and were not in the same view at the same time."""
        start_s, camera = here.start_s[:, None], here.camera[:, None]
        still = before.open | (before.end_s > start_s)
        recent = start_s - before.end_s <= self._horizon_s
        return np.asarray((before.start_s <= start_s) & recent & ~(still & (before.camera == camera)))


def _shorten(known: dict[Key, None], most: int) -> None:
    """Lets go of what was put in first, until so much is left at most.

    >>> known = dict.fromkeys("abc")
    >>> _shorten(known, 2)
    >>> list(known)
    ['b', 'c']
    """
    for key in list(islice(known, max(len(known) - most, 0))):
        del known[key]


def _most_alike(
    similarity: NDArray[np.float32], rank: NDArray[np.intp]
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """The ``SHORTLIST`` places of each row of (A, R) where it is largest, by rank, and what stands there."""
    count = similarity.shape[1]
    if count <= SHORTLIST:
        places = np.broadcast_to(np.arange(count), similarity.shape)
    else:
        places = np.argpartition(similarity, -SHORTLIST, axis=1)[:, -SHORTLIST:]
    places = np.take_along_axis(places, np.argsort(rank[places], axis=1), axis=1)
    return places, np.take_along_axis(similarity, places, axis=1).astype(np.float64)
