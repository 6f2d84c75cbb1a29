"""Corrections by a person, as every store offers them: what is asked, what takes an event back, why not."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

from services.errors import InputError, NotFound, VreidError
from services.identity.codec import check_identity_id
from services.identity.records import FORMER_IDS, Event

Action = Literal["merge", "split", "unmerge", "unsplit"]


@dataclass(frozen=True, slots=True)
class Amendment:
    """One correction.

    Attributes:
        action: What to do.
        one: merge: who stays, perhaps by an alias where it is made again; split: where the sightings are; unmerge: who
            absorbed; unsplit: where they were before.
        other: merge: who becomes an alias; split: the fresh id; unmerge: who comes back; unsplit: where they are now.
        actor: Who asks.
        reason: Theirs, one line.
        sighting_ids: split, unsplit: those that move; unmerge: those that come along though they are not of its own.
        former_ids: unsplit: of each sighting the id that it had been given, "" where that was erased; empty otherwise.
        undoes: The event taken back; empty for a merge or split of its own.
        status: unmerge: how its latest decision had gone.
        enrolled: unmerge: whether it was enrolled before; then it is again while who absorbed it still is.
        change_id: A repeated one changes nothing.
    """

    action: Action
    one: str
    other: str
    actor: str
    reason: str
    sighting_ids: tuple[str, ...] = ()
    former_ids: tuple[str, ...] = ()
    undoes: str = ""
    status: str = "new"
    enrolled: bool = False
    change_id: str = field(default_factory=lambda: uuid.uuid4().hex)


@dataclass(frozen=True, slots=True)
class Correction:
    """What a correction became: its event, which undo takes, and the log position of all of it."""

    event_id: str
    log_position: str


class CorrectingStore(Protocol):
    """The part of the identity store that people write to.

    A correction ends the token of whoever decides, in the same step: what that one remembers was decided before.
    Ids are never given again: an absorbed id becomes an alias, and is an identity again only when that merge is undone.
    """

    def merge_identities(self, survivor_id: str, absorbed_id: str, actor: str, reason: str = "") -> Correction:
        """Makes one identity an alias of another, ids or aliases given.

        Raises:
            NotFound: One is unknown.
            InputError: They are one already.
        """
        ...

    def split_identity(
        self, identity_id: str, sighting_ids: Sequence[str], new_identity_id: str, actor: str, reason: str = ""
    ) -> Correction:
        """Moves sightings to a fresh identity.

        Raises:
            NotFound: The identity is unknown.
            InputError: A sighting is not of it, none or all of them are named, or the new id is not fresh.
        """
        ...

    def undo(self, event_id: str, actor: str, reason: str = "") -> Correction:
        """Takes back a merge, a split or an earlier undo, whoever did it.

        After an undone merge the absorbed id is an identity again, with the sightings it had brought as far as they
        were not moved since; who had absorbed it is enrolled only where it was enrolled itself, or by another merge.
        After an undone split the sightings are back where they were, also for whoever takes back a merge before it.
        When that undo is undone they are split off again, and the id that it had emptied is an identity again. A merge
        made again is one with the same two, though the one who absorbed may be an alias by now.

        Raises:
            NotFound: The event is not kept, or what it speaks of is gone.
            InputError: It is another kind of event, or does not hold any more.
        """
        ...

    def corrected_identities(self) -> frozenset[str]:
        """Living identities that a correction was about, or that such a one was merged into since."""
        ...

    def get_event(self, event_id: str) -> Event | None:
        """One entry of `events`, None when it is not kept."""
        ...


class Corrections:
    """CorrectingStore on top of ``get_event``, ``read_events`` and ``_amend``, which a store brings."""

    def get_event(self, event_id: str) -> Event | None:
        """See CorrectingStore."""
        raise NotImplementedError

    def read_events(self, after: str, count: int, block_ms: int) -> list[Event]:
        """See IdentityStore."""
        raise NotImplementedError

    def _amend(self, amendment: Amendment) -> Correction:
        raise NotImplementedError

    def merge_identities(self, survivor_id: str, absorbed_id: str, actor: str, reason: str = "") -> Correction:
        """See CorrectingStore."""
        return self._amend(Amendment("merge", survivor_id, absorbed_id, actor, reason or "merged by hand"))

    def split_identity(
        self, identity_id: str, sighting_ids: Sequence[str], new_identity_id: str, actor: str, reason: str = ""
    ) -> Correction:
        """See CorrectingStore."""
        names = tuple(sorted(set(sighting_ids)))
        if not names:
            raise InputError("sighting_ids: name at least one sighting that is another vehicle")
        fresh = check_identity_id("new_identity_id", new_identity_id)
        return self._amend(Amendment("split", identity_id, fresh, actor, reason or "split by hand", names))

    def undo(self, event_id: str, actor: str, reason: str = "") -> Correction:
        """See CorrectingStore."""
        event = self.get_event(event_id)
        if event is None:
            raise NotFound(f"event {event_id} is not kept; `history` lists those that are")
        plan = plan_undo(event, self._beside(event), actor)
        return self._amend(plan if not reason else replace(plan, reason=reason))

    def _beside(self, event: Event) -> Event | None:
        """What is known beside an event that is to be taken back; see ``plan_undo``."""
        undoes = event.payload.get("undoes")
        if event.kind == "identity.unmerged" and undoes is not None:
            return self.get_event(str(undoes))
        return next(iter(self.read_events(event.event_id, 1, 0)), None)


def _names(value: object) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, list | tuple) else ()


def plan_undo(event: Event, beside: Event | None, actor: str) -> Amendment:
    """What takes an event back.

    Args:
        event: The event.
        beside: Of an undone merge, that merge; of others the event after it; None where it is not kept.
        actor: Who asks.

    Raises:
        InputError: Nothing does.
        NotFound: Who had the sightings was erased since.
    """
    said = event.payload
    if event.kind in ("identity.split", "identity.unmerged") and "identity_id" not in said:
        raise NotFound(f"event {event.event_id}: the identity where its sightings were is erased")
    reason = f"undo of {event.event_id}"
    match event.kind:
        case "identity.merged" if said.get("reason") == "emptied":
            raise InputError(f"event {event.event_id}: {said['absorbed_id']} had no sighting left that could come back")
        case "identity.merged":
            return _unmerge(event, actor, reason)
        case "identity.split" if beside is not None and _emptied_by(event, beside):
            back = _unmerge(beside, actor, reason)
            return replace(back, sighting_ids=_names(said["sighting_ids"]), undoes=event.event_id)
        case "identity.split":
            one, other = str(said["identity_id"]), str(said["new_identity_id"])
            moved = _names(said["sighting_ids"])
            former = _names(said.get(FORMER_IDS)) or (one,) * len(moved)
            return Amendment("unsplit", one, other, actor, reason, moved, former, undoes=event.event_id)
        case "identity.unmerged" if FORMER_IDS in said:
            one, other = str(said["identity_id"]), str(said["restored_id"])
            moved, former = _names(said["sighting_ids"]), _names(said[FORMER_IDS])
            return Amendment("unsplit", one, other, actor, reason, moved, former, undoes=event.event_id)
        case "identity.unmerged":
            merge_of = said["identity_id"] if beside is None else beside.payload["survivor_id"]
            one, other = str(merge_of), str(said["restored_id"])
            return Amendment("merge", one, other, actor, reason, undoes=event.event_id)
    raise InputError(f"event {event.event_id} is a {event.kind}; only merges and splits can be undone")


def _unmerge(merged: Event, actor: str, reason: str) -> Amendment:
    said = merged.payload
    return Amendment(
        "unmerge",
        str(said["survivor_id"]),
        str(said["absorbed_id"]),
        actor,
        reason,
        undoes=merged.event_id,
        status=str(said.get("absorbed_status", "new")),
        enrolled=bool(said.get("absorbed_enrolled", False)),
    )


def _emptied_by(split: Event, following: Event) -> bool:
    """Whether a split that took one back left its identity without sightings, as the event after it says."""
    said, told = split.payload, following.payload
    emptied = (following.kind, told.get("reason"), told.get("absorbed_id"))
    return (
        "undoes" in said
        and emptied == ("identity.merged", "emptied", said["identity_id"])
        and told.get("undoes") == said["undoes"]
    )


def absorbed_through(identity_id: str, parents: Mapping[str, str]) -> set[str]:
    """The aliases that came to where they are by way of an identity that was absorbed after them.

    Args:
        identity_id: The identity.
        parents: Absorbed id -> who absorbed it; no circles.

    >>> sorted(absorbed_through("b", {"b": "a", "c": "b", "d": "c", "e": "a"}))
    ['c', 'd']
    """
    found = set()
    for alias in parents:
        name: str | None = alias
        while name is not None and name != identity_id:
            name = parents.get(name)
        if name is not None and alias != identity_id:
            found.add(alias)
    return found


def refusal(why: str, about: str, amendment: Amendment) -> VreidError:
    """The failure that a store's refusal stands for."""
    undone = f"event {amendment.undoes}: " if amendment.undoes else ""
    other = amendment.other
    errors: dict[str, VreidError] = {
        "unknown": NotFound(f"{undone}no identity {about}"),
        "one": InputError(f"{undone}{amendment.one} and {other} are one identity already"),
        "taken": InputError(f"new_identity_id: {other} has been used before"),
        "foreign": InputError(f"sighting_ids: {about} is not a sighting of {amendment.one}"),
        "all": InputError(f"sighting_ids: these are all sightings of {about}; one must stay"),
        "empty": InputError(f"{undone}nothing of {about} is left that could come back"),
        "apart": InputError(f"{undone}{other} is an identity of its own already"),
        "elsewhere": InputError(f"{undone}{other} was absorbed elsewhere since; undo that first"),
    }
    return errors[why]
