"""What was believed when: the labels of sightings over time, folded from `events`. Pure; never reads a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from services.identity.store import Event, IdentityStore
from tracker.metrics.latency import Aliased, LabelEvent, LabelHistory, Labelled

_PAGE = 1000


def all_events(store: IdentityStore, after: str = "0-0") -> Iterator[Event]:
    """Everything that is kept of `events` after a position, oldest first, without waiting for more."""
    while page := store.read_events(after, _PAGE, 0):
        yield from page
        after = page[-1].event_id


def label_history(events: Iterable[Event]) -> LabelHistory:
    """Folds events, from the beginning and in order, into labels over time by the store's clock."""
    labels: list[LabelEvent] = []
    for event in events:
        payload = event.payload
        if event.kind == "sighting.decided":
            labels.append(Labelled(event.at_ns, str(payload["sighting_id"]), str(payload["identity_id"])))
        elif event.kind == "identity.merged":
            labels.append(Aliased(event.at_ns, str(payload["absorbed_id"]), str(payload["survivor_id"])))
        elif event.kind == "identity.split":
            moved = payload["sighting_ids"]
            if not isinstance(moved, Sequence):
                raise ValueError(f"event {event.event_id} names no sightings")
            labels += [Labelled(event.at_ns, str(name), str(payload["new_identity_id"])) for name in moved]
    return LabelHistory(tuple(labels))
