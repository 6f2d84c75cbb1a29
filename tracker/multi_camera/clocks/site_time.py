"""What time it is at the site: the newest box that any camera saw, but for cameras whose clock runs far ahead.

One such clock would have the whole site forget what others saw a moment ago. Owns whom to believe; corrects nothing.
"""

from __future__ import annotations

import json
import statistics
from collections import deque
from collections.abc import Iterable

#: Newest arrivals of a camera that are asked for its time: what was parked or lost ends long before it is told.
ARRIVALS = 8
#: Name of it among learned state.
LINK = "time"
#: Cameras from which on most of them tell who is wrong.
FEWEST = 3


class SiteTime:
    """Goes on with what is seen, and back only where clocks were set back by much.

    Args:
        far_ns: A clock is wrong that is so far ahead of most others.
    """

    def __init__(self, far_ns: int) -> None:
        self._far_ns = far_ns
        # Per camera: newest ends of boxes, and how far each was ahead of the clock that arrivals are timed by.
        self._seen: dict[str, deque[tuple[int, int]]] = {}
        # When anyone told something last, by that clock.
        self._arrived_ns = 0
        self._now_ns = 0

    @property
    def now_ns(self) -> int:
        """UTC; 0 before anything was seen."""
        return self._now_ns

    @property
    def latest_ns(self) -> int:
        """UTC beyond which a time can only be that of a wrong clock."""
        return self._now_ns + self._far_ns

    @property
    def ahead(self) -> tuple[str, ...]:
        """Cameras that are not believed."""
        lead_ns = {camera_id: max(lead for _, lead in seen) for camera_id, seen in self._seen.items()}
        if len(lead_ns) < FEWEST:
            return ()
        usual_ns = statistics.median_low(lead_ns.values())
        return tuple(sorted(camera_id for camera_id, lead in lead_ns.items() if lead > usual_ns + self._far_ns))

    def see(self, camera_id: str, end_ns: int, arrived_ns: int) -> None:
        """Takes in an arrival.

        Args:
            camera_id: Where it was seen.
            end_ns: Its newest box, by the camera's clock.
            arrived_ns: When it arrived, by one clock for all of which only differences count.
        """
        self._seen.setdefault(camera_id, deque(maxlen=ARRIVALS)).append((end_ns, end_ns - arrived_ns))
        self._arrived_ns = arrived_ns

    def _heard(self) -> dict[str, deque[tuple[int, int]]]:
        """What those told who told anything lately: what time it was for others says nothing of now."""
        heard = {}
        for camera_id, seen in self._seen.items():
            end_ns, lead_ns = seen[-1]
            if abs(self._arrived_ns - (end_ns - lead_ns)) <= self._far_ns:
                heard[camera_id] = seen
        return heard

    def go_on(self) -> None:
        """Believes the arrivals taken in."""
        doubted = self.ahead
        believed = [seen for camera_id, seen in self._heard().items() if camera_id not in doubted]
        newest_ns = max((end for seen in believed for end, _ in seen), default=self._now_ns)
        was_set_back = newest_ns < self._now_ns - self._far_ns and any(len(seen) == ARRIVALS for seen in believed)
        if newest_ns > self._now_ns or was_set_back:
            self._now_ns = newest_ns

    def to_state(self) -> str:
        """What :meth:`restore` takes."""
        return json.dumps({"kind": LINK, "now_ns": self._now_ns})

    def restore(self, state: str | None, ends_ns: Iterable[int]) -> None:
        """Starts anew from what was seen before.

        Args:
            state: As :meth:`to_state` wrote it; None where nothing did.
            ends_ns: Newest boxes of sightings, asked where there is no state.

        Raises:
            ValueError: The state is not what this class writes.
        """
        self._seen.clear()
        try:
            self._now_ns = max(ends_ns, default=0) if state is None else int(json.loads(state)["now_ns"])
        except (ValueError, KeyError, TypeError) as exc:
            raise ValueError(f"the site's time cannot be read: {exc}") from exc
