"""Standing queries, alerts, predictions, audit: types to messages and back. Written by hand, like convert.py."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from services.identity.retention.contract import AuditEntry
from services.matcher.types import SearchFilter, SightingSummary
from services.rpc import vreid_pb2 as pb
from services.rpc.convert import filter_from_message, match_from_message
from services.rpc.convert_identity import summary_from_message
from services.types import Match


@dataclass(frozen=True, slots=True)
class StandingQueryView:
    """A standing query; see StandingQuery in proto/vreid.proto."""

    standing_id: str
    name: str
    min_probability: float
    wanted: SearchFilter
    sighting_ids: tuple[str, ...]
    identity_ids: tuple[str, ...]
    pictures: int
    active: bool
    created_ns: int
    created_by: str
    picture: bytes
    fault: str


@dataclass(frozen=True, slots=True)
class AlertView:
    """An alert; see Alert in proto/vreid.proto. ``acknowledged_ns`` is 0 while nobody has taken note."""

    alert_id: str
    standing_id: str
    name: str
    match: Match
    raised_ns: int
    acknowledged_by: str
    acknowledged_ns: int
    latest: SightingSummary | None


@dataclass(frozen=True, slots=True)
class ExpectedArrival:
    """A camera that a vehicle may come to next: probability in [0, 1], UTC nanoseconds, trips it is known from."""

    camera_id: str
    probability: float
    at_ns: int
    from_ns: int
    to_ns: int
    trips: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where a vehicle is seen next, most probable first, and that it is not seen again."""

    arrivals: tuple[ExpectedArrival, ...]
    not_again: float


@dataclass(frozen=True, slots=True)
class SiteReport:
    """How a site keeps and forgets; see SiteReport in proto/vreid.proto."""

    version: str
    process: str
    started_ns: int
    store: Mapping[str, str]
    retention_s: Mapping[str, float]
    overdue: int
    unacknowledged: int
    counted_most: int
    views_silent_s: Mapping[str, float]
    oldest_event_ns: int | None


def standing_from_message(message: pb.StandingQuery) -> StandingQueryView:
    """A standing query from a message."""
    return StandingQueryView(
        standing_id=message.standing_id,
        name=message.name,
        min_probability=message.min_probability,
        wanted=filter_from_message(message.filter),
        sighting_ids=tuple(message.sighting_ids),
        identity_ids=tuple(message.identity_ids),
        pictures=message.pictures,
        active=message.active,
        created_ns=message.created_at.ToNanoseconds(),
        created_by=message.created_by,
        picture=message.picture,
        fault=message.fault,
    )


def alert_from_message(message: pb.Alert) -> AlertView:
    """An alert from a message."""
    match = match_from_message(message.match)
    known = message.HasField("latest")
    return AlertView(
        alert_id=message.alert_id,
        standing_id=message.standing_id,
        name=message.name,
        match=match,
        raised_ns=message.raised_at.ToNanoseconds(),
        acknowledged_by=message.acknowledged_by,
        acknowledged_ns=message.acknowledged_at.ToNanoseconds() if message.HasField("acknowledged_at") else 0,
        latest=summary_from_message(message.latest, match.identity_id) if known else None,
    )


def forecast_from_message(message: pb.PredictResponse) -> Forecast:
    """A forecast from a message."""
    return Forecast(
        tuple(
            ExpectedArrival(
                a.camera_id,
                a.probability,
                a.at.ToNanoseconds(),
                getattr(a, "from").ToNanoseconds(),
                a.to.ToNanoseconds(),
                a.trips,
            )
            for a in message.arrivals
        ),
        message.not_again,
    )


def audit_from_message(message: pb.AuditEntry) -> AuditEntry:
    """An entry of the audit log from a message."""
    return AuditEntry(
        message.entry_id,
        message.at.ToNanoseconds(),
        message.actor,
        message.action,
        message.subject,
        message.sightings,
        message.detail,
    )


def site_from_message(message: pb.SiteReport) -> SiteReport:
    """A report from a message."""
    return SiteReport(
        version=message.version,
        process=message.process,
        started_ns=message.started_at.ToNanoseconds(),
        store=dict(message.store),
        retention_s=dict(message.retention_s),
        overdue=message.overdue,
        unacknowledged=message.unacknowledged,
        counted_most=message.counted_most,
        views_silent_s=dict(message.views_silent_s),
        oldest_event_ns=message.oldest_event.ToNanoseconds() if message.HasField("oldest_event") else None,
    )
