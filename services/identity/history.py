"""What was believed when: labels of sightings over time, folded from `events`. Pure; never reads a clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import cast

from services.identity.store import Event, IdentityStore

_PAGE = 1000


def all_events(store: IdentityStore, after: str = "0-0") -> Iterator[Event]:
    """Everything that is kept of `events` after a position, oldest first, without waiting for more."""
    while page := store.read_events(after, _PAGE, 0):
        yield from page
        after = page[-1].event_id


@dataclass(slots=True)
class LabelHistory:
    """Labels over time. Times are UTC nanoseconds by the store's clock.

    Attributes:
        labels: Per sighting its (at_ns, identity_id) in order of time, None once it was deleted. Identities are as
            assigned then; ``label_at`` follows the merges.
        merges: Per absorbed identity (at_ns, survivor_id).
        first_put_ns: Per sighting when its first revision was put.
        final_put_ns: Per sighting when its final revision was put; missing while it is provisional.
    """

    labels: dict[str, list[tuple[int, str | None]]] = field(default_factory=dict)
    merges: dict[str, tuple[int, str]] = field(default_factory=dict)
    first_put_ns: dict[str, int] = field(default_factory=dict)
    final_put_ns: dict[str, int] = field(default_factory=dict)

    def resolve_at(self, identity_id: str, at_ns: int | None = None) -> str:
        """What an identity was called at a time, by the merges known then; None means in the end."""
        while (merge := self.merges.get(identity_id)) is not None and (at_ns is None or merge[0] <= at_ns):
            identity_id = merge[1]
        return identity_id

    def label_at(self, sighting_id: str, at_ns: int | None = None) -> str | None:
        """The identity published for a sighting at a time; None when there was none.

        Args:
            sighting_id: The sighting.
            at_ns: The time, inclusive; None means in the end.
        """
        label = None
        for since_ns, identity_id in self.labels.get(sighting_id, ()):
            if at_ns is not None and since_ns > at_ns:
                break
            label = identity_id
        return None if label is None else self.resolve_at(label, at_ns)


def label_history(events: Iterable[Event]) -> LabelHistory:
    """Folds events into labels over time.

    Args:
        events: From the beginning, in order.
    """
    history = LabelHistory()

    def label(sighting_id: str, at_ns: int, identity_id: str | None) -> None:
        history.labels.setdefault(sighting_id, []).append((at_ns, identity_id))

    for event in events:
        payload, at_ns = event.payload, event.at_ns
        match event.kind:
            case "sighting.put":
                history.first_put_ns.setdefault(str(payload["sighting_id"]), at_ns)
                if payload["final"]:
                    history.final_put_ns.setdefault(str(payload["sighting_id"]), at_ns)
            case "sighting.decided":
                label(str(payload["sighting_id"]), at_ns, str(payload["identity_id"]))
            case "sighting.deleted":
                label(str(payload["sighting_id"]), at_ns, None)
            case "identity.merged":
                history.merges[str(payload["absorbed_id"])] = (at_ns, str(payload["survivor_id"]))
            case "identity.split":
                for sighting_id in cast(list[str], payload["sighting_ids"]):
                    label(sighting_id, at_ns, str(payload["new_identity_id"]))
            case _:
                pass
    return history
