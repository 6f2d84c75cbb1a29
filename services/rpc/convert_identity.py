"""Identities, their history and corrections to messages and back. Written by hand, like convert.py."""

from __future__ import annotations

from datetime import UTC, datetime

from detector.types import COLOURS, VehicleClass
from services.errors import InputError
from services.identity.store import IdentityRecord
from services.matcher.types import (
    CorrectionAnswer,
    HistoryEntry,
    IdentityDetail,
    IdentityFilter,
    IdentityHistory,
    PastIdentity,
    PastSighting,
    SightingSummary,
)
from services.rpc import vreid_pb2 as pb
from services.rpc.convert import (
    CLASS_OF,
    CLASSES,
    STATUS,
    STATUS_OF,
    moment_ns,
    span_from_message,
    span_to_message,
    timestamp,
)

__all__ = ["moment_ns"]


def iso(ns: int) -> str:
    """UTC nanoseconds as ISO 8601 to the second.

    >>> iso(0)
    '1970-01-01T00:00:00Z'
    """
    return datetime.fromtimestamp(ns // 10**9, UTC).isoformat().replace("+00:00", "Z")


def summary_to_message(s: SightingSummary) -> pb.SightingSummary:
    """A sighting as a message."""
    return pb.SightingSummary(
        sighting_id=s.sighting_id,
        camera_id=s.camera_id,
        first_seen=timestamp(s.start_ns),
        last_seen=timestamp(s.end_ns),
        vehicle_class=CLASSES[s.vehicle_class],
        quality=s.quality,
        revision=s.revision,
        final=s.final,
        colour=s.colour,
    )


def summary_from_message(s: pb.SightingSummary, identity_id: str) -> SightingSummary:
    """A sighting from a message."""
    return SightingSummary(
        sighting_id=s.sighting_id,
        identity_id=identity_id,
        camera_id=s.camera_id,
        start_ns=s.first_seen.ToNanoseconds(),
        end_ns=s.last_seen.ToNanoseconds(),
        vehicle_class=CLASS_OF[s.vehicle_class],
        quality=s.quality,
        revision=s.revision,
        final=s.final,
        colour=s.colour,
    )


def identity_to_message(detail: IdentityDetail) -> pb.Identity:
    """An identity as a message."""
    record = detail.record
    return pb.Identity(
        identity_id=record.identity_id,
        status=STATUS.get(record.status, pb.IDENTITY_STATUS_UNSPECIFIED),
        camera_ids=record.cameras,
        first_seen=timestamp(record.first_seen_ns),
        last_seen=timestamp(record.last_seen_ns),
        aliases=record.aliases,
        sighting_count=detail.sighting_count,
        enrolled=record.enrolled,
        sightings=[summary_to_message(s) for s in detail.sightings],
        best_sighting_id=detail.best_sighting_id,
        vehicle_class=CLASSES[detail.vehicle_class],
        colour=detail.colour,
    )


def identity_from_message(message: pb.Identity) -> IdentityDetail:
    """An identity from a message."""
    sightings = tuple(summary_from_message(s, message.identity_id) for s in message.sightings)
    record = IdentityRecord(
        identity_id=message.identity_id,
        sighting_ids=tuple(s.sighting_id for s in sightings),
        cameras=tuple(message.camera_ids),
        first_seen_ns=message.first_seen.ToNanoseconds(),
        last_seen_ns=message.last_seen.ToNanoseconds(),
        status=STATUS_OF.get(message.status, ""),
        aliases=tuple(message.aliases),
        enrolled=message.enrolled,
    )
    kind = CLASS_OF.get(message.vehicle_class, VehicleClass.CAR)
    return IdentityDetail(record, message.sighting_count, sightings, message.best_sighting_id, kind, message.colour)


def identity_filter_to_message(wanted: IdentityFilter, limit: int, offset: int) -> pb.ListIdentitiesRequest:
    """A request for a page of identities."""
    return pb.ListIdentitiesRequest(
        limit=limit,
        offset=offset,
        camera_ids=sorted(wanted.camera_ids),
        span=span_to_message(wanted.from_ns, wanted.to_ns),
        statuses=[STATUS[name] for name in sorted(wanted.statuses)],
        min_cameras=wanted.min_cameras,
        active=wanted.active,
        classes=[CLASSES[kind] for kind in sorted(wanted.classes)],
        colours=sorted(wanted.colours),
        enrolled=wanted.enrolled,
    )


def identity_filter_from_message(message: pb.ListIdentitiesRequest) -> IdentityFilter:
    """What a request for identities restricts.

    Raises:
        InputError: An unknown status, class or colour, a negative number, or a span that ends before it begins.
    """
    from_ns, to_ns = span_from_message(message.span, "span")
    unknown = [status for status in message.statuses if status not in STATUS_OF]
    if unknown:
        raise InputError(f"statuses: unknown status {unknown[0]}")
    strange = [str(kind) for kind in message.classes if kind not in CLASS_OF]
    strange += [colour[:40] for colour in message.colours if colour not in COLOURS]
    if strange:
        raise InputError(f"classes, colours: unknown value {strange[0]!r}")
    if message.min_cameras < 0:
        raise InputError(f"min_cameras: must be >= 0, got {message.min_cameras}")
    return IdentityFilter(
        camera_ids=frozenset(message.camera_ids),
        from_ns=from_ns,
        to_ns=to_ns,
        statuses=frozenset(STATUS_OF[status] for status in message.statuses),
        min_cameras=message.min_cameras,
        active=message.active,
        classes=frozenset(CLASS_OF[kind] for kind in message.classes),
        colours=frozenset(message.colours),
        enrolled=message.enrolled,
    )


def correction_from_message(message: pb.CorrectionResponse) -> CorrectionAnswer:
    """A correction from a message."""
    return CorrectionAnswer(message.event_id, message.log_position, message.new_identity_id)


def event_to_message(entry: HistoryEntry) -> pb.HistoryEvent:
    """Something that happened as a message."""
    return pb.HistoryEvent(
        event_id=entry.event_id,
        at=timestamp(entry.at_ns),
        kind=entry.kind,
        identity_id=entry.identity_id,
        other_identity_id=entry.other_identity_id,
        sighting_ids=entry.sighting_ids,
        actor=entry.actor,
        reason=entry.reason,
        undoes=entry.undoes,
        status=STATUS.get(entry.status, pb.IDENTITY_STATUS_UNSPECIFIED),
        probability=entry.probability,
        evidence=dict(entry.evidence),
        sighting_count=entry.sighting_count,
    )


def past_to_message(past: PastIdentity) -> pb.Identity:
    """What was believed as a message, without its sightings."""
    known = [s.summary for s in past.sightings if s.summary is not None]
    message = pb.Identity(
        identity_id=past.identity_id,
        status=STATUS.get(past.status, pb.IDENTITY_STATUS_UNSPECIFIED),
        camera_ids=list(dict.fromkeys(s.camera_id for s in known)),
        aliases=past.aliases,
        sighting_count=past.sighting_count,
    )
    if known:
        message.first_seen.CopyFrom(timestamp(min(s.start_ns for s in known)))
        message.last_seen.CopyFrom(timestamp(max(s.end_ns for s in known)))
    return message


def past_sighting_to_message(sighting: PastSighting) -> pb.SightingSummary:
    """A sighting as it was believed to be, as a message."""
    known = sighting.summary
    return pb.SightingSummary(sighting_id=sighting.sighting_id) if known is None else summary_to_message(known)


def history_from_message(message: pb.HistoryResponse, at_ns: int | None) -> IdentityHistory:
    """A history from a message; ``at_ns`` as it was asked for."""
    past = _past_from_message(message.believed, at_ns) if at_ns is not None and message.HasField("believed") else None
    return IdentityHistory(tuple(map(_event_from_message, message.events)), past, message.next_event_id)


def _past_from_message(past: pb.Identity, at_ns: int) -> PastIdentity:
    return PastIdentity(
        identity_id=past.identity_id,
        at_ns=at_ns,
        status=STATUS_OF.get(past.status, ""),
        aliases=tuple(past.aliases),
        sightings=tuple(
            PastSighting(s.sighting_id, summary_from_message(s, past.identity_id) if s.camera_id else None)
            for s in past.sightings
        ),
        sighting_count=past.sighting_count,
    )


def _event_from_message(event: pb.HistoryEvent) -> HistoryEntry:
    return HistoryEntry(
        event_id=event.event_id,
        at_ns=event.at.ToNanoseconds(),
        kind=event.kind,
        identity_id=event.identity_id,
        other_identity_id=event.other_identity_id,
        sighting_ids=tuple(event.sighting_ids),
        actor=event.actor,
        reason=event.reason,
        undoes=event.undoes,
        status=STATUS_OF.get(event.status, ""),
        probability=event.probability,
        evidence=dict(event.evidence),
        sighting_count=event.sighting_count or len(event.sighting_ids),
    )
