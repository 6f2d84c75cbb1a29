"""Pairs of sightings of two cameras that looks alone call one vehicle, whatever the clocks say. Owns finding them.

Whoever asks what the clocks show must not have chosen the pairs by time, or a clock that moved hides itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reid.types import Calibration
from tracker.multi_camera.arrays import Floats, Ints
from tracker.multi_camera.clocks.corrections import Correction
from tracker.multi_camera.types import Observation, Point
from tracker.multi_camera.visits import Visits

#: Seconds between the middles of two passages within which they are compared.
WINDOW_S = 90.0
#: Nats of looks from which two sightings may be a pair.
LEAST_NATS = 3.0
#: Nats by which each of the two must prefer the other to whatever else the other's camera saw around that time.
LEAD_NATS = 1.0
#: The most cameras in which one sighting is paired.
MOST = 8
#: Displacement, in fractions of the frame, below which a direction is not certain.
FAINT = 0.05


@dataclass(frozen=True, slots=True)
class Encounter:
    """One vehicle before two cameras, almost certainly.

    Attributes:
        one: Number of the one camera.
        other: Number of the other, larger.
        one_s: When the passage before the one began and ended.
        other_s: The same before the other.
        movement: Direction of travel in both pictures, two pairs of about unit length; zeros where not known.
    """

    one: int
    other: int
    one_s: tuple[float, float]
    other_s: tuple[float, float]
    movement: tuple[float, float, float, float]

    def put_right(self, correction: Correction) -> Encounter:
        """With the times that count since a correction."""
        if correction.camera == self.one:
            return replace(self, one_s=correction.passage(self.one_s))
        if correction.camera == self.other:
            return replace(self, other_s=correction.passage(self.other_s))
        return self


@dataclass(frozen=True)
class Album:
    """Sightings to compare, R places for them.

    Attributes:
        at: The sighting in a place.
        visits: Their passages, (R,); of a free place infinitely late.
        embeddings: float32 (R, D).
        rank: Of equally likely ones the first by this comes first, (R,).
    """

    at: Callable[[int], Observation]
    visits: Visits
    embeddings: NDArray[np.float32]
    rank: Ints

    @cached_property
    def _twice_middle_s(self) -> Floats:
        return self.visits.start_s + self.visits.end_s

    def encounters(
        self, places: Sequence[int], nats: Floats, calibration: Calibration
    ) -> Iterator[tuple[str, str, Encounter]]:
        """Encounters of sightings that have closed with others that have.

        Args:
            places: Of those that closed, in the album; -1 for one that is not in it.
            nats: float64 (A, R), evidence of looks of those that closed against the album.
            calibration: What similarity is worth.

        Yields:
            Both sightings' ids, that of the smaller camera number first, and what was found.
        """
        for place, row in zip(places, nats, strict=True):
            if place < 0:
                continue
            around = self._around(place)
            hopeful = np.flatnonzero(around & (row >= LEAST_NATS))
            if not len(hopeful):
                continue
            seen: set[int] = set()
            for other in hopeful[np.lexsort((self.rank[hopeful], -row[hopeful]))][:MOST].tolist():
                camera = int(self.visits.camera[other])
                if camera in seen:
                    continue
                seen.add(camera)
                if not self.visits.open[other] and self._is_clear(place, other, row, around, calibration):
                    yield self._encounter(place, other)

    def _around(self, place: int) -> NDArray[np.bool_]:
        """Sightings of other cameras at about that time."""
        near = np.abs(self._twice_middle_s - self._twice_middle_s[place]) <= 2 * WINDOW_S
        return np.asarray(near & (self.visits.camera != self.visits.camera[place]))

    def _is_clear(
        self, place: int, other: int, row: Floats, around: NDArray[np.bool_], calibration: Calibration
    ) -> bool:
        """Whether each of the two prefers the other clearly; ``other`` is the best of its camera."""
        least = float(row[other]) - LEAD_NATS
        rivals = row[around & (self.visits.camera == self.visits.camera[other])]
        if np.count_nonzero(rivals > least) > 1:
            return False
        back = np.flatnonzero(self._around(other) & (self.visits.camera == self.visits.camera[place]))
        back = back[back != place]
        if not len(back):
            return True
        similarity = float((self.embeddings[back] @ self.embeddings[other]).max())
        return calibration.slope * similarity + calibration.offset <= least

    def _encounter(self, place: int, other: int) -> tuple[str, str, Encounter]:
        one, two = sorted((place, other), key=lambda k: int(self.visits.camera[k]))
        first, second = self.at(one), self.at(two)
        movement = (*_direction(first.entry, first.exit), *_direction(second.entry, second.exit))
        cameras, times_s = (
            [int(self.visits.camera[k]) for k in (one, two)],
            [(float(self.visits.start_s[k]), float(self.visits.end_s[k])) for k in (one, two)],
        )
        found = Encounter(cameras[0], cameras[1], times_s[0], times_s[1], movement)
        return first.sighting_id, second.sighting_id, found


def _direction(entry: Point | None, exit_: Point | None) -> tuple[float, float]:
    if entry is None or exit_ is None:
        return 0.0, 0.0
    x, y = exit_[0] - entry[0], exit_[1] - entry[1]
    length = max(float(np.hypot(x, y)), FAINT)
    return x / length, y / length
