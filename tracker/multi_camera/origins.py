"""Where a vehicle may have come from: the recent sightings, whatever identity they stand under. Decides nothing.

What is learned from these does not hang on decisions taken, so a wrong one cannot confirm itself.
"""

from __future__ import annotations

import heapq

import numpy as np

from reid.types import Calibration
from tracker.multi_camera.lessons import ORIGINS
from tracker.multi_camera.topology import NS, Topology, Visits, cell_of
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

    def origins(self, observation: Observation, topology: Topology) -> list[tuple[Observation, float]]:
        """The sightings an observation most probably came from.

        Returns:
            At most ``ORIGINS``, most likely first, with the evidence of looks in nats.
        """
        earlier = sorted(
            (o for o in self._sightings.values() if self._possible(o, observation)),
            key=lambda o: (o.start_ns, o.sighting_id),
        )
        if not earlier:
            return []
        similarity = np.stack([o.embedding for o in earlier]) @ observation.embedding
        c = self._calibration
        nats = np.clip(c.slope * similarity.astype(np.float64) + c.offset, -c.limit, c.limit)
        before, here = visits_of(earlier, topology), visits_of([observation], topology)
        total = nats + topology.log_transition(before, here)
        best = np.argsort(-total, kind="stable")[:ORIGINS]
        return [(earlier[i], float(nats[i])) for i in best]

    def _possible(self, before: Observation, after: Observation) -> bool:
        if before.sighting_id == after.sighting_id or before.start_ns > after.start_ns:
            return False
        if before.model_id != after.model_id or (after.start_ns - before.end_ns) * NS > self._horizon_s:
            return False
        there_still = not before.final or before.end_ns > after.start_ns
        return not (before.camera_id == after.camera_id and there_still)


def visits_of(observations: list[Observation], topology: Topology) -> Visits:
    """Passages as arrays, (N,) each."""
    return Visits(
        camera=np.array([topology.camera(o.camera_id) for o in observations]),
        start_s=np.array([o.start_ns * NS for o in observations]),
        end_s=np.array([o.end_ns * NS for o in observations]),
        open=np.array([not o.final for o in observations]),
        entry=np.array([cell_of(o.entry) for o in observations]),
        exit=np.array([cell_of(o.exit if o.final else None) for o in observations]),
    )
