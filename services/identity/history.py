"""What happened and what was believed when, folded from `events`. Pure but for reading events; never reads a clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from services.identity.log.contract import EVENTS_AT_ONCE, named_in
from services.identity.records import FORMER_IDS
from services.identity.store import Event, IdentityStore
from tracker.metrics.latency import Aliased, LabelEvent, LabelHistory, Labelled

_PAGE = 1000


def all_events(store: IdentityStore, after: str = "0-0") -> Iterator[Event]:
    """Everything that is kept of `events` after a position, oldest first, without waiting for more."""
    while page := store.read_events(after, _PAGE, 0):
        yield from page
        after = page[-1].event_id


def _always() -> None:
    """Reads on."""


def events_about(
    store: IdentityStore, identity_id: str, until_ns: int | None = None, go_on: Callable[[], None] = _always
) -> list[Event]:
    """All events that name an identity or one that was ever merged into it, oldest first; reads no others.

    Args:
        store: Where they are.
        identity_id: Living or not.
        until_ns: By the store's clock: what happened later is left out, and what was merged later as well.
        go_on: Called before each page is read; what it raises ends the reading.
    """
    return concerning(identity_id, _reached(store, identity_id, _absorbed, until_ns, go_on))


def events_around(
    store: IdentityStore, identity_id: str, until_ns: int, go_on: Callable[[], None] = _always
) -> list[Event]:
    """All events, until a moment, that can tell what an id stood for: also those of who absorbed it. Oldest first.

    Args:
        store: Where they are.
        identity_id: Living or not.
        until_ns: By the store's clock.
        go_on: As for ``events_about``.
    """
    return _reached(store, identity_id, _merged, until_ns, go_on)


def _reached(
    store: IdentityStore,
    identity_id: str,
    next_to: Callable[[Event], set[str]],
    until_ns: int | None,
    go_on: Callable[[], None],
) -> list[Event]:
    found: dict[str, Event] = {}
    seen, waiting = {identity_id}, [identity_id]
    while waiting:
        for event in of_one(store, waiting.pop(), go_on):
            if until_ns is not None and event.at_ns > until_ns:
                break
            found[event.event_id] = event
            waiting += next_to(event) - seen
            seen |= next_to(event)
    return [found[name] for name in sorted(found, key=in_log)]


def of_one(
    store: IdentityStore, identity_id: str, go_on: Callable[[], None], after: str = "0-0", at_once: int = 0
) -> Iterator[Event]:
    """Events that name this very id after a position, oldest first, as they are read: so many at once, 0 for the usual.

    ``go_on`` is called before each reading.
    """
    at_once = at_once or EVENTS_AT_ONCE
    while True:
        go_on()
        page = store.events_of(identity_id, after, at_once)
        yield from page
        if len(page) < at_once:
            return
        after = page[-1].event_id


def in_log(event_id: str) -> tuple[int, int]:
    """An event's place in the log, to sort by.

    >>> in_log("1763000000123-7")
    (1763000000123, 7)
    """
    ms, _, n = event_id.partition("-")
    return int(ms), int(n)


def _absorbed(event: Event) -> set[str]:
    return {str(event.payload["absorbed_id"])} if event.kind == "identity.merged" else set()


def _merged(event: Event) -> set[str]:
    return named_in(event.payload) if event.kind == "identity.merged" else set()


def label_history(events: Iterable[Event]) -> LabelHistory:
    """Folds events, from the beginning and in order, into labels over time by the store's clock."""
    labels: list[LabelEvent] = []
    for event in events:
        payload = event.payload
        match event.kind:
            case "sighting.decided":
                labels.append(Labelled(event.at_ns, str(payload["sighting_id"]), str(payload["identity_id"])))
            case "identity.merged":
                labels.append(Aliased(event.at_ns, str(payload["absorbed_id"]), str(payload["survivor_id"])))
            case "identity.split":
                labels += [Labelled(event.at_ns, s, str(payload["new_identity_id"])) for s in sightings_of(event)]
            case "identity.unmerged":
                restored = str(payload["restored_id"])
                labels.append(Aliased(event.at_ns, restored, None))
                labels += [Labelled(event.at_ns, s, restored) for s in sightings_of(event)]
    return LabelHistory(tuple(labels))


def sightings_of(event: Event) -> tuple[str, ...]:
    """The sightings that an event concerns.

    Raises:
        ValueError: What should list them does not.
    """
    if "sighting_ids" in event.payload:
        listed = event.payload["sighting_ids"]
        if not isinstance(listed, Sequence) or isinstance(listed, str):
            raise ValueError(f"event {event.event_id} names no sightings")
        return tuple(str(name) for name in listed)
    name = event.payload.get("sighting_id")
    return () if name is None else (str(name),)


def subject_of(event: Event) -> str:
    """The identity that an event is about: decided for, who stayed, whose sightings left; empty where it names none."""
    return _first_named(event, ("identity_id", "survivor_id"))


def other_of(event: Event) -> str:
    """The other identity: absorbed, fresh, back, or the sighting's before; empty where there is none."""
    return _first_named(event, ("absorbed_id", "new_identity_id", "restored_id", "previous_identity_id"))


def _first_named(event: Event, names: Iterable[str]) -> str:
    return next((str(event.payload[name]) for name in names if event.payload.get(name)), "")


@dataclass(slots=True)
class Belief:
    """What was believed at one moment.

    Attributes:
        labels: Identity by sighting as decided; perhaps an alias by then.
        alias: Absorbed identity -> who absorbed it.
        status: How the latest decision on each identity went; holds each that was ever an identity.
        retired: Identities that were deleted.
    """

    labels: dict[str, str] = field(default_factory=dict)
    alias: dict[str, str] = field(default_factory=dict)
    status: dict[str, str] = field(default_factory=dict)
    retired: set[str] = field(default_factory=set)

    def resolve(self, identity_id: str) -> str | None:
        """Who an id stood for; None where there was no such identity.

        Raises:
            ValueError: Aliases lead in a circle.
        """
        name = identity_id
        for _ in range(len(self.alias) + 1):
            if name not in self.alias:
                return name if name in self.status and name not in self.retired else None
            name = self.alias[name]
        raise ValueError(f"aliases of identity {identity_id} lead in a circle")

    def members(self, identity_id: str) -> tuple[str, ...]:
        """Sightings that an id stood for, in the order of their first decision."""
        living = self.resolve(identity_id)
        return () if living is None else tuple(s for s, i in self.labels.items() if self.resolve(i) == living)

    def aliases(self, identity_id: str) -> tuple[str, ...]:
        """Ids that stood for the same identity, by name."""
        living = self.resolve(identity_id)
        return tuple(sorted(name for name in self.alias if living is not None and self.resolve(name) == living))

    def apply(self, event: Event) -> None:
        """Takes in one event; they come in order."""
        said = event.payload
        match event.kind:
            case "sighting.decided":
                self._label(sightings_of(event), str(said["identity_id"]), str(said["status"]))
            case "sighting.deleted":
                self.labels.pop(str(said["sighting_id"]), None)
            case "identity.created":
                self.status.setdefault(str(said["identity_id"]), "new")
            case "identity.merged":
                survivor, absorbed = str(said["survivor_id"]), str(said["absorbed_id"])
                self.alias[absorbed] = survivor
                self.status.setdefault(survivor, "new")
            case "identity.split":
                new_id = str(said["new_identity_id"])
                self._label(sightings_of(event), new_id, self.status.get(new_id, "new"))
            case "identity.unmerged":
                restored = str(said["restored_id"])
                self.alias.pop(restored, None)
                self._label(sightings_of(event), restored, str(said["status"]))
            case "identity.deleted":
                self.retired.add(str(said["identity_id"]))

    def _label(self, sighting_ids: Iterable[str], identity_id: str, status: str) -> None:
        self.labels.update(dict.fromkeys(sighting_ids, identity_id))
        self.status[identity_id] = status


def believed(events: Iterable[Event]) -> Belief:
    """Folds events, in order, into what was believed after the last of them."""
    belief = Belief()
    for event in events:
        belief.apply(event)
    return belief


def concerning(identity_id: str, events: Sequence[Event]) -> list[Event]:
    """Those events that name an identity or one that was ever merged into it."""
    family = {identity_id}
    for event in reversed(events):
        if event.kind == "identity.merged" and event.payload["survivor_id"] in family:
            family.add(str(event.payload["absorbed_id"]))
    return [event for event in events if not family.isdisjoint(named_in(event.payload))]


def last_undoable(identity_id: str, events: Sequence[Event]) -> str | None:
    """The event of the latest merge or split of an identity that still holds.

    Of an identity is what names it or one that is merged into it now; what is made again counts like any other.

    Args:
        identity_id: The identity, by any of its ids.
        events: All that concern it at least, oldest first.

    Returns:
        The event's id; None where there is none.
    """
    about = concerning(identity_id, events)
    family = _family_now(identity_id, about)
    undone = {event.payload["undoes"] for event in about if "undoes" in event.payload}
    undone |= _splits_back(about)
    for event in reversed(about):
        ours = event.event_id not in undone and not family.isdisjoint(named_in(event.payload))
        if ours and _changes(event):
            return event.event_id
    return None


def _splits_back(events: Iterable[Event]) -> set[str]:
    """Those of some events, oldest first, that are splits which take one back."""
    back: set[str] = set()
    for event in events:
        undoes = event.payload.get("undoes")
        if event.kind == "identity.split" and undoes is not None and undoes not in back:
            back.add(event.event_id)
    return back


def _family_now(identity_id: str, events: Iterable[Event]) -> set[str]:
    """An id with those that are merged into it after the last of some events."""
    below: dict[str, set[str]] = {identity_id: set()}
    holder: dict[str, str] = {}
    for event in events:
        if event.kind == "identity.merged":
            absorbed = str(event.payload["absorbed_id"])
            holder[absorbed] = str(event.payload["survivor_id"])
            below.setdefault(holder[absorbed], set()).add(absorbed)
        elif event.kind == "identity.unmerged":
            restored = str(event.payload["restored_id"])
            below.get(holder.pop(restored, ""), set()).discard(restored)
    family, waiting = {identity_id}, [identity_id]
    while waiting:
        more = below.get(waiting.pop(), set()) - family
        family |= more
        waiting += more
    return family


def _changes(event: Event) -> bool:
    """Whether an event is a merge or a split, also one that is made again."""
    match event.kind:
        case "identity.merged":
            return event.payload.get("reason") != "emptied"
        case "identity.unmerged":
            return FORMER_IDS in event.payload
    return event.kind == "identity.split"
