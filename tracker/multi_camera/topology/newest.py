"""The newest sightings of a site, as they stand and as arrays. Owns which are remembered; compares nothing."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tracker.multi_camera.arrays import Floats, Ints
from tracker.multi_camera.links.lessons import key_of
from tracker.multi_camera.topology.learned import Topology
from tracker.multi_camera.types import Observation
from tracker.multi_camera.visits import NS, Visits, no_visits

#: Sightings remembered however long ago they began: those of half an hour at one a second.
LEAST = 2048
#: Sightings remembered of those that are not too old to matter: a minute and a half at two hundred a second.
MOST = 16_384
#: Places are made for so many at least.
FIRST = 256


class Newest:
    """Sightings by id; after :meth:`prepare` each also stands in a place of its own in arrays of R places.

    Args:
        horizon_s: Seconds before the newest start from which on a sighting is too old to matter.

    Attributes:
        version: Counts changes of the sightings.
        visits: Their passages, (R,); infinitely late where no sighting stands.
        embeddings: float32 (R, D).
        details: float64 (R,), share of the likeness to other pictures that their own keep.
        rank: (R,), order by start; those that began at once have one of their own, always the same.
    """

    def __init__(self, horizon_s: float) -> None:
        self._horizon_ns = int(horizon_s / NS)
        self._sightings: dict[str, Observation] = {}
        # Sightings that are to be written, and from how many on it is looked whether there are too many.
        self._unwritten: dict[str, None] = {}
        self._full = LEAST + LEAST // 8
        self._places: dict[str, int] = {}
        self._ids: list[str] = []
        self._free: list[int] = []
        self._keys: Ints = np.zeros(0, np.intp)
        self.version = 0
        self.visits = no_visits((0,), start_s=np.inf)
        self.embeddings: NDArray[np.float32] = np.zeros((0, 1), np.float32)
        self.details: Floats = np.zeros(0)
        self.rank: Ints = np.zeros(0, np.intp)

    def __len__(self) -> int:
        return len(self._sightings)

    def __iter__(self) -> Iterator[Observation]:
        return iter(self._sightings.values())

    def get(self, sighting_id: str) -> Observation | None:
        """The sighting as it stands; None when it is not remembered."""
        return self._sightings.get(sighting_id)

    def put(self, observation: Observation) -> None:
        """Takes in a sighting or a new revision of one."""
        self._sightings[observation.sighting_id] = observation
        self._unwritten[observation.sighting_id] = None
        self.version += 1

    def drop(self, sighting_id: str) -> None:
        """Forgets a sighting; does nothing when it is not remembered."""
        if self._sightings.pop(sighting_id, None) is None:
            return
        self._unwritten.pop(sighting_id, None)
        self.version += 1
        if sighting_id in self._places:
            place = self._places.pop(sighting_id)
            self.visits.start_s[place] = self.visits.end_s[place] = np.inf
            self._free.append(place)

    # ------------------------------------------------------------------ arrays

    def prepare(self, topology: Topology) -> None:
        """Writes what came since into the arrays, and forgets the oldest when there are too many.

        Args:
            topology: Numbers cameras.
        """
        if len(self._sightings) > self._full:
            self._drop_oldest()
        if not self._unwritten:
            return
        came = [self._sightings[sighting_id] for sighting_id in self._unwritten]
        self._unwritten = {}
        places = np.array([self._place_for(o) for o in came], np.intp)
        self.embeddings[places] = np.stack([o.embedding for o in came])
        self.details[places] = [o.detail for o in came]
        self._keys[places] = [key_of(o.sighting_id) for o in came]
        for every, values in zip(self.visits.arrays, Visits.of(came, topology.camera).arrays, strict=True):
            every[places] = values
        self.rank = np.empty(len(self._ids), np.intp)
        self.rank[np.lexsort((self._keys, self.visits.start_s))] = np.arange(len(self._ids))

    def place(self, sighting_id: str) -> int:
        """Where a sighting stands in the arrays; -1 where it does not."""
        return self._places.get(sighting_id, -1)

    def at(self, place: int) -> Observation:
        """The sighting that stands there."""
        return self._sightings[self._ids[place]]

    def _drop_oldest(self) -> None:
        starts_ns = np.sort(np.fromiter((o.start_ns for o in self), np.int64, len(self)))
        matter = len(starts_ns) - int(np.searchsorted(starts_ns, starts_ns[-1] - self._horizon_ns))
        kept = min(max(matter, LEAST), MOST)
        for sighting_id in [o.sighting_id for o in self if o.start_ns < starts_ns[-kept]]:
            self.drop(sighting_id)
        self._full = kept + kept // 8

    def _place_for(self, observation: Observation) -> int:
        place = self.place(observation.sighting_id)
        if place < 0:
            if not self._free:
                self._grow(observation.embedding.size)
            place = self._places[observation.sighting_id] = self._free.pop()
            self._ids[place] = observation.sighting_id
        return place

    def _grow(self, width: int) -> None:
        old = len(self._ids)
        more = max(FIRST, old // 2)
        self._ids += [""] * more
        self._free = list(reversed(range(old, old + more)))
        self.visits = self.visits.enlarged(old + more, start_s=np.inf)
        self.visits.end_s[old:] = np.inf  # As of one that was dropped: whoever adds both up gets infinity.
        before = self.embeddings if old else np.zeros((0, width), np.float32)
        self.embeddings = np.pad(before, ((0, more), (0, 0)))
        self.details = np.pad(self.details, (0, more), constant_values=1.0)
        self._keys = np.pad(self._keys, (0, more))
