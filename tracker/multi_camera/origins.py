"""Where a vehicle may have come from: the recent sightings, whatever identity they stand under. Decides nothing.

What is learned from these does not hang on decisions taken, so a wrong one cannot confirm itself.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from reid.types import Calibration
from tracker.multi_camera.lessons import ORIGINS
from tracker.multi_camera.topology import NO_CELL, NS, Topology, Visits
from tracker.multi_camera.types import Observation

#: Sightings remembered; the oldest by start go first.
RECENT = 512


class Recent:
    """The newest sightings and how likely each is where another came from."""

    def __init__(self, calibration: Calibration, horizon_s: float) -> None:
        self._calibration = calibration
        self._horizon_s = horizon_s
        self._sightings: dict[str, Observation] = {}

    def put(self, observation: Observation) -> None:
        """Takes in a sighting or a new revision of one."""
        self._sightings[observation.sighting_id] = observation
        if len(self._sightings) > RECENT + RECENT // 8:
            newest = heapq.nlargest(RECENT, self._sightings.values(), key=lambda o: (o.start_ns, o.sighting_id))
            self._sightings = {o.sighting_id: o for o in newest}

    def drop(self, sighting_id: str) -> None:
        """Forgets a sighting; does nothing when it is not remembered."""
        self._sightings.pop(sighting_id, None)

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
        if not arrivals:
            return []
        known = sorted(self._sightings.values(), key=lambda o: (o.start_ns, o.sighting_id))
        places = {o.sighting_id: i for i, o in enumerate(known)}
        visits = _visits_of(known, topology)
        similarity = np.stack([o.embedding for o in arrivals]) @ np.stack([o.embedding for o in known]).T
        c = self._calibration
        nats = np.clip(c.slope * similarity.astype(np.float64) + c.offset, -c.limit, c.limit)
        found = []
        for arrival, row in zip(arrivals, nats, strict=True):
            here = _visits_of([arrival], topology)
            earlier = self._possible(visits, here)
            own = places.get(arrival.sighting_id)
            if own is not None:
                earlier[own] = False
            possible = np.flatnonzero(earlier)
            before = Visits(*(getattr(visits, f.name)[possible] for f in fields(Visits)))
            total = row[possible] + topology.log_transition(before, here)
            best = possible[np.argsort(-total, kind="stable")[:ORIGINS]]
            found.append((arrival, [(known[i], float(row[i])) for i in best]))
        return found

    def _possible(self, before: Visits, here: Visits) -> NDArray[np.bool_]:
        """Which visits came earlier, not too long ago, and were not in the same view at the same time."""
        still = before.open | (before.end_s > here.start_s)
        recent = here.start_s - before.end_s <= self._horizon_s
        return np.asarray((before.start_s <= here.start_s) & recent & ~(still & (before.camera == here.camera)))


def _visits_of(observations: Sequence[Observation], topology: Topology) -> Visits:
    """Passages as arrays, (N,) each; zones are left out."""
    nowhere = np.full(len(observations), NO_CELL)
    return Visits(
        camera=np.array([topology.camera(o.camera_id) for o in observations]),
        start_s=np.array([o.start_ns for o in observations]) * NS,
        end_s=np.array([o.end_ns for o in observations]) * NS,
        open=np.array([not o.final for o in observations]),
        entry=nowhere,
        exit=nowhere,
    )
