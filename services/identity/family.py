"""The events about an identity, in order and from any place on. Keeps which ids stood for it; never adds to the log.

Whose events an identity's history is made of is known once all of its merges are: they are read once and kept, so that
the pages of a long history cost what they hold.
"""

from __future__ import annotations

import heapq
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from services.identity.history import in_log, of_one
from services.identity.log.contract import EVENTS_AT_ONCE, named_in
from services.identity.store import Event, IdentityStore

_KEPT = 256
_LEAST_AT_ONCE = 20
_BEGINNING = "0-0"


@dataclass(frozen=True, slots=True)
class _Merge:
    at_ns: int
    survivor_id: str
    absorbed_id: str


@dataclass(slots=True)
class _Kin:
    """What was read of one identity: how far each id's events, and all merges among them in order of the log."""

    read: dict[str, str] = field(default_factory=dict)
    merges: dict[str, _Merge] = field(default_factory=dict)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, identity_id: str, event: Event) -> None:
        """Notes an event that was read of an id."""
        self.read[identity_id] = event.event_id
        if event.kind == "identity.merged":
            said = event.payload
            absorbed_id = str(said["absorbed_id"])
            self.merges[event.event_id] = _Merge(event.at_ns, str(said["survivor_id"]), absorbed_id)
            self.read.setdefault(absorbed_id, _BEGINNING)

    def family(self, identity_id: str, until_ns: int | None) -> frozenset[str]:
        """The id with those that were ever merged into it until a moment."""
        names = {identity_id}
        for event_id in sorted(self.merges, key=in_log, reverse=True):
            merge = self.merges[event_id]
            if merge.survivor_id in names and (until_ns is None or merge.at_ns <= until_ns):
                names.add(merge.absorbed_id)
        return frozenset(names)


class Families:
    """Reads events by identity; knows the families of those asked for last. Safe for threads."""

    def __init__(self, store: IdentityStore) -> None:
        """Reads nothing yet."""
        self._store = store
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Kin] = OrderedDict()

    def events_about(
        self, identity_id: str, after: str, until_ns: int | None, go_on: Callable[[], None]
    ) -> Iterator[Event]:
        """All events that name an identity or one that was ever merged into it, oldest first.

        Args:
            identity_id: Living or not.
            after: Only those after this position; empty for all that are kept.
            until_ns: By the store's clock: what happened later is left out, and what was merged later as well.
            go_on: Called before each page is read; what it raises ends the reading.

        Raises:
            StoreUnavailable: The store does not answer.
        """
        kin = self._kin(identity_id)
        with kin.lock:
            fresh = not kin.read
            found = self._catch_up(kin, identity_id, go_on)
            family = kin.family(identity_id, until_ns)
        if fresh:  # what was read is everything
            whole: Iterable[Event] = sorted(found.values(), key=lambda event: in_log(event.event_id))
            events: Iterator[Event] = (event for event in whole if not family.isdisjoint(named_in(event.payload)))
        else:
            # Of many ids each gives little to a page.
            at_once = max(_LEAST_AT_ONCE, EVENTS_AT_ONCE // len(family))
            parts = [of_one(self._store, name, go_on, after or _BEGINNING, at_once) for name in sorted(family)]
            events = _once(heapq.merge(*parts, key=lambda event: in_log(event.event_id)))
        floor = in_log(after or _BEGINNING)
        for event in events:
            if until_ns is not None and event.at_ns > until_ns:
                return
            if in_log(event.event_id) > floor:
                yield event

    def _kin(self, identity_id: str) -> _Kin:
        with self._lock:
            kin = self._known.setdefault(identity_id, _Kin())
            self._known.move_to_end(identity_id)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
            return kin

    def _catch_up(self, kin: _Kin, identity_id: str, go_on: Callable[[], None]) -> dict[str, Event]:
        """Reads what was not read yet of all that was ever merged with an identity; returns it by position."""
        found: dict[str, Event] = {}
        done: set[str] = set()
        while waiting := ({identity_id} | kin.read.keys()) - done:
            name = min(waiting)
            for event in of_one(self._store, name, go_on, kin.read.get(name, _BEGINNING)):
                found[event.event_id] = event
                kin.take(name, event)
            done.add(name)
        return found


def _once(events: Iterable[Event]) -> Iterator[Event]:
    """Events in order, of which those that name several ids come several times."""
    last = ""
    for event in events:
        if event.event_id != last:
            yield event
        last = event.event_id
