"""Events by identity in the store in memory, which looks at all of them."""

from __future__ import annotations

import threading

from services.identity.codec import check_position
from services.identity.log.contract import EVENTS_AT_ONCE, named_in
from services.identity.memory_state import MemoryState, position
from services.identity.records import Event


class MemoryLog:
    """LogStore in memory; the store that inherits it brings state and lock."""

    _state: MemoryState
    _changed: threading.Condition

    def events_of(self, identity_id: str, after: str = "0-0", count: int = EVENTS_AT_ONCE) -> list[Event]:
        """See LogStore."""
        floor = position(check_position(after))
        with self._changed:
            own = [e for e in self._state.events if identity_id in named_in(e.payload)]
        return [e for e in own if position(e.event_id) > floor][:count]

    def index_events(self) -> None:
        """See LogStore. There is no index."""
