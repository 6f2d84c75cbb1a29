"""What happened and what was believed when, folded from `events`. Pure but for reading events; never reads a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from services.identity.records import IDENTITY_FIELDS
from services.identity.store import Event, IdentityStore
from tracker.metrics.latency import Aliased, LabelEvent, LabelHistory, Labelled

_PAGE = 1000


def all_events(store: IdentityStore, after: str = "0-0") -> Iterator[Event]:
    """Everything that is kept of `events` after a position, oldest first, without waiting for more."""
    while page := store.read_events(after, _PAGE, 0):
        yield from page
        after = page[-1].event_id


def events_about(store: IdentityStore, identity_id: str, until_ns: int | None = None) -> list[Event]:
    """All events that can tell of an identity, and others between them, oldest first.

    Args:
        store: Where they are.
        identity_id: Living or not.
        until_ns: Events after this moment of the store's clock are left out.
    """
    events = all_events(store, _just_before(store.known_since(identity_id)))
    return list(events if until_ns is None else takewhile(lambda event: event.at_ns <= until_ns, events))


def _just_before(position: str) -> str:
    """A position right before another.

    >>> _just_before("5-1"), _just_before("5-0"), _just_before("0-0")
    ('5-0', '4-18446744073709551615', '0-0')
    """
    ms, n = (int(part) for part in position.split("-"))
    if n:
        return f"{ms}-{n - 1}"
    return f"{ms - 1}-{2**64 - 1}" if ms else "0-0"


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
    return [event for event in events if not family.isdisjoint(_named(event.payload))]


def _named(payload: Mapping[str, object]) -> set[object]:
    return {payload[name] for name in IDENTITY_FIELDS if name in payload}


def last_undoable(identity_id: str, events: Sequence[Event]) -> str | None:
    """The event of the latest merge or split of an identity that was not taken back; None where there is none."""
    about = concerning(identity_id, events)
    undone = {event.payload["undoes"] for event in about if "undoes" in event.payload}
    for event in reversed(about):
        plain = event.payload.get("reason") != "emptied" and "undoes" not in event.payload
        if event.kind in ("identity.merged", "identity.split") and plain and event.event_id not in undone:
            return event.event_id
    return None
