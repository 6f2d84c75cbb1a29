"""What a store must offer so that the events of one identity are found without reading all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Protocol

from services.identity.records import IDENTITY_FIELDS, Event

#: Events of one identity that are read at once.
EVENTS_AT_ONCE = 500


class LogStore(Protocol):
    """The part of the identity store that looks back. Every method raises StoreUnavailable when nobody answers."""

    def events_of(self, identity_id: str, after: str = "0-0", count: int = EVENTS_AT_ONCE) -> list[Event]:
        """Events that are kept and name this very id, living or not, oldest first.

        What an event names is what its payload says under IDENTITY_FIELDS: of a merge both, of a sighting that moved
        also whose it was. Costs what it finds, however long the log is.

        Args:
            identity_id: As it stands in events; an alias leads nowhere else.
            after: Only those after this position; what was last read goes on from there.
            count: Most that are returned; fewer mean that there are no more.

        Raises:
            StoreUnavailable: The server does not answer, or what an older version has written is still being indexed.
        """
        ...

    def index_events(self) -> None:
        """Finds also those events again that an older version has written; does nothing once that is done."""
        ...


def deleted_of(events_of: Callable[[str, str], list[Event]], identity_ids: Iterable[str]) -> set[str]:
    """The sightings that were deleted while they were of some identities, as far as the events of these are kept.

    Args:
        events_of: As LogStore's: the next events of an identity after a position.
        identity_ids: Living or not.
    """
    found: set[str] = set()
    for identity_id in identity_ids:
        after = "0-0"
        while page := events_of(identity_id, after):
            found |= {str(event.payload["sighting_id"]) for event in page if event.kind == "sighting.deleted"}
            after = page[-1].event_id
    return found


def named_in(payload: Mapping[str, object]) -> set[str]:
    """The identities that an event names.

    >>> sorted(named_in({"survivor_id": "a", "absorbed_id": "b", "reason": "c"}))
    ['a', 'b']
    """
    return {str(payload[name]) for name in IDENTITY_FIELDS if name in payload}
