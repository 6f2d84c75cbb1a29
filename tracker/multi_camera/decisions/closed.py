"""Sightings that closed lately, by age. Owns which are due for a second look and which may leave their identity."""

from __future__ import annotations

from itertools import islice

from tracker.multi_camera.visits import NS

#: Seconds after a sighting's last box at which it is looked at again, with what has come into view since. They leave
#: the bucket's wait and the tracker's until the 10 s within which identities settle.
REVIEW_AGE_S = 7.0
#: Seconds after a sighting's last box until which it may leave its identity without a revision of its own.
FREE_S = 60.0
#: Of the sightings that closed longest ago, those that are looked at at once for being bound from now on.
BOUND = 1024


class Closed:
    """Ends of sightings that closed lately, by the newest box seen anywhere."""

    def __init__(self) -> None:
        self._now_ns = 0
        self._waiting: dict[str, int] = {}
        self._free: dict[str, int] = {}
        # What came due last time.
        self._due: dict[str, None] = {}

    def put(self, sighting_id: str, end_ns: int) -> None:
        """Takes in a sighting that closed."""
        self._waiting[sighting_id] = self._free[sighting_id] = end_ns

    def bind(self, sighting_id: str) -> None:
        """A sighting stays where it is, and is not looked at again."""
        for known in (self._waiting, self._free, self._due):
            known.pop(sighting_id, None)

    def free(self, sighting_id: str) -> bool:
        """Whether a sighting may still leave its identity."""
        end_ns = self._free.get(sighting_id)
        return end_ns is not None and end_ns + int(FREE_S / NS) > self._now_ns

    def advance(self, now_ns: int) -> tuple[list[str], list[str]]:
        """Time goes on.

        What closes late, because it parked or was lost for a while, comes due at once as long as it may still move.

        Args:
            now_ns: The newest box seen.

        Returns:
            Sightings due for a second look, and those that were before, or never will be.
        """
        self._now_ns = now_ns
        age_ns, free_ns = int(REVIEW_AGE_S / NS), int(FREE_S / NS)
        aged = [s for s, end_ns in self._waiting.items() if end_ns + age_ns <= now_ns]
        past = list(self._due)
        due: list[str] = []
        late: list[str] = []
        for sighting_id in aged:
            end_ns = self._waiting.pop(sighting_id)
            (due if end_ns + free_ns > now_ns else late).append(sighting_id)
        self._due = dict.fromkeys(due)
        for sighting_id in [s for s, end_ns in islice(self._free.items(), BOUND) if end_ns + free_ns <= now_ns]:
            del self._free[sighting_id]
        return due, past + late
