"""How identities and their history are written: for scripts as documents, for people as tables. Asks nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.cli.output import print_entries, stdout, table
from services.cli.remote import iso_time, time_span
from services.matcher.types import (
    HistoryEntry,
    IdentityDetail,
    IdentityHistory,
    PastIdentity,
    SightingSummary,
)


def list_document(detail: IdentityDetail) -> dict[str, Any]:
    """An identity in a list."""
    record = detail.record
    return {
        "identity_id": record.identity_id,
        "status": record.status,
        "cameras": list(record.cameras),
        "first_seen": iso_time(record.first_seen_ns),
        "last_seen": iso_time(record.last_seen_ns),
        "aliases": list(record.aliases),
        "sighting_count": detail.sighting_count,
    }


def document(detail: IdentityDetail) -> dict[str, Any]:
    """An identity with its sightings."""
    shown = list_document(detail) | {"enrolled": detail.record.enrolled}
    del shown["sighting_count"]
    return shown | {"sightings": [sighting_document(sighting) for sighting in detail.sightings]}


def sighting_document(sighting: SightingSummary) -> dict[str, Any]:
    """One passage through one camera."""
    return {
        "sighting_id": sighting.sighting_id,
        "camera_id": sighting.camera_id,
        "first_seen": iso_time(sighting.start_ns),
        "last_seen": iso_time(sighting.end_ns),
        "class": sighting.vehicle_class.name.lower(),
        "quality": sighting.quality,
        "revision": sighting.revision,
        "final": sighting.final,
    }


def past_document(past: PastIdentity) -> dict[str, Any]:
    """An identity as it was believed to be; of a sighting deleted since only the id."""
    return {
        "identity_id": past.identity_id,
        "at": iso_time(past.at_ns),
        "status": past.status,
        "aliases": list(past.aliases),
        "sightings": [
            {"sighting_id": s.sighting_id, "deleted": True} if s.summary is None else sighting_document(s.summary)
            for s in past.sightings
        ],
    }


def history_document(identity_id: str, found: IdentityHistory) -> dict[str, Any]:
    """What happened, and what was believed where that was asked for."""
    shown: dict[str, Any] = {"identity_id": identity_id, "events": [event_document(e) for e in found.events]}
    if found.next_event_id:
        shown["next_event_id"] = found.next_event_id
    if found.believed is not None:
        shown["believed"] = past_document(found.believed)
    return shown


def event_document(entry: HistoryEntry) -> dict[str, Any]:
    """One event; what it does not say is left out."""
    optional = {
        "other_identity_id": entry.other_identity_id,
        "sighting_ids": list(entry.sighting_ids),
        "sighting_count": entry.sighting_count if entry.sighting_count > len(entry.sighting_ids) else 0,
        "actor": entry.actor,
        "reason": entry.reason,
        "undoes": entry.undoes,
        "status": entry.status,
    }
    shown: dict[str, Any] = {
        "event_id": entry.event_id,
        "at": iso_time(entry.at_ns),
        "kind": entry.kind,
        "identity_id": entry.identity_id,
    }
    shown |= {name: value for name, value in optional.items() if value}
    if entry.status:
        shown |= {"probability": entry.probability, "evidence": dict(entry.evidence)}
    return shown


def show_list(details: Sequence[IdentityDetail], total: int) -> None:
    """Identities as a table."""
    shown = table("identity", "cameras", "sightings", "seen", "")
    for detail in details:
        record = detail.record
        shown.add_row(
            record.identity_id,
            " > ".join(record.cameras),
            str(detail.sighting_count),
            time_span(record.first_seen_ns, record.last_seen_ns),
            record.status,
        )
    stdout.print(shown)
    stdout.print(f"{len(details)} of {total}", style="dim")


def show(detail: IdentityDetail) -> None:
    """One identity and its sightings."""
    record = detail.record
    stdout.print(f"identity {record.identity_id} ({record.status}{', enrolled' if record.enrolled else ''})")
    if record.aliases:
        stdout.print(f"also known as {', '.join(record.aliases)}")
    _show_sightings(detail.sightings)


def show_past(past: PastIdentity) -> None:
    """One identity as it was believed to be."""
    stdout.print(f"identity {past.identity_id} ({past.status}) as believed at {iso_time(past.at_ns)}")
    if past.aliases:
        stdout.print(f"also known as {', '.join(past.aliases)}")
    _show_sightings([s.summary for s in past.sightings if s.summary is not None])
    gone = [s.sighting_id for s in past.sightings if s.summary is None]
    if gone:
        stdout.print(f"deleted since: {', '.join(gone)}", soft_wrap=True)


def _show_sightings(sightings: Sequence[SightingSummary]) -> None:
    shown = table("sighting", "camera", "class", "seen")
    for sighting in sightings:
        shown.add_row(
            sighting.sighting_id,
            sighting.camera_id,
            sighting.vehicle_class.name.lower(),
            time_span(sighting.start_ns, sighting.end_ns),
        )
    stdout.print(shown)


def show_history(found: IdentityHistory) -> None:
    """Events as a table, and below what was believed."""
    rows = [
        (e.event_id, iso_time(e.at_ns).replace("T", " "), sentence(e), e.actor or "associator") for e in found.events
    ]
    print_entries(("event", "at", "what happened", "by"), rows, below=("what happened",))
    if found.next_event_id:
        stdout.print(f"more with: --after {found.next_event_id}", style="dim", soft_wrap=True)
    if found.believed is not None:
        show_past(found.believed)


def sentence(entry: HistoryEntry) -> str:
    """What happened, in words.

    >>> sentence(HistoryEntry("1-0", 0, "identity.merged", "a", "b", reason="same dent"))
    'b became an alias of a: same dent'
    >>> sentence(HistoryEntry("2-0", 0, "identity.split", "", "y", ("s2",)))
    's2 left one erased since for y'
    """
    one, other = entry.identity_id or "one erased since", entry.other_identity_id
    count = entry.sighting_count or len(entry.sighting_ids)
    names = ", ".join(entry.sighting_ids[:3]) + (f" and {count - 3} more" if count > 3 else "")
    from_other = f", before of {other}" if other else ""
    text = {
        "sighting.decided": f"{names} is of {one}{from_other} ({entry.status}, {entry.probability:.0%})",
        "sighting.deleted": f"{names} was deleted from {one}",
        "identity.created": f"{one} appeared",
        "identity.merged": f"{other} became an alias of {one}",
        "identity.split": f"{names} left {one} for {other}",
        "identity.unmerged": f"{other} is apart from {one} again" + (f", with {names}" if names else ""),
        "identity.enrolled": f"{one} was enrolled or no longer is",
        "identity.deleted": f"{one} was deleted",
    }.get(entry.kind, entry.kind)
    return f"{text}: {entry.reason}" if entry.reason else text
