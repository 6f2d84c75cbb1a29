"""The calls that a console makes beside searches: vehicles in a picture, what happened. Changes nothing."""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass, field
from importlib.metadata import version

import grpc

from services.errors import InputError
from services.identity.records import is_event_id
from services.identity.retention.settings import RetentionSettings
from services.identity.retention.sweep import left_behind
from services.identity.store import IdentityStore
from services.matcher.probes import ProbeReader
from services.matcher.servicers import left_s
from services.rpc import vreid_pb2 as pb
from services.rpc import vreid_pb2_grpc
from services.rpc.convert import timestamp
from services.rpc.convert_console import event_to_message, found_to_message

_RECENT_S = 600.0
_DEFAULT_LIMIT, _MAX_LIMIT = 100, 1000
#: Sightings that are looked at for what is overdue.
_COUNTED = 1000


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """What the calls read.

    Attributes:
        store: The system of record.
        reader: Finds vehicles.
        retention: How long the site keeps things.
    """

    store: IdentityStore
    reader: ProbeReader
    retention: RetentionSettings = field(default_factory=RetentionSettings)


class ConsoleServicer(vreid_pb2_grpc.ConsoleServiceServicer):  # type: ignore[misc]
    """See ConsoleService in proto/vreid.proto."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts
        self._started_ns = time.time_ns()

    def FindVehicles(  # noqa: N802
        self, request: pb.FindVehiclesRequest, context: grpc.ServicerContext
    ) -> pb.FindVehiclesResponse:
        """See the proto."""
        found, (width, height) = self._parts.reader.vehicles(request.image, "image", left_s(context))
        return pb.FindVehiclesResponse(vehicles=found_to_message(found), width=width, height=height)

    def Events(self, request: pb.EventsRequest, context: grpc.ServicerContext) -> pb.EventsResponse:  # noqa: N802
        """See the proto."""
        if not 0 <= request.limit <= _MAX_LIMIT:
            raise InputError(f"limit: must be in 1..{_MAX_LIMIT}, got {request.limit}")
        after = request.after_log_position or f"{int((time.time() - _RECENT_S) * 1e3)}-0"
        if not is_event_id(after):
            raise InputError(f"after_log_position: {after[:64]} is no position")
        events = self._parts.store.read_events(after, request.limit or _DEFAULT_LIMIT, 0)
        position = events[-1].event_id if events else after
        return pb.EventsResponse(events=[event_to_message(event) for event in events], log_position=position)

    def Audit(self, request: pb.AuditRequest, context: grpc.ServicerContext) -> pb.AuditResponse:  # noqa: N802
        """See the proto."""
        if not 0 <= request.limit <= _MAX_LIMIT:
            raise InputError(f"limit: must be in 1..{_MAX_LIMIT}, got {request.limit}")
        before = request.before_entry_id
        if before and not is_event_id(before):
            raise InputError(f"before_entry_id: {before[:64]} is no entry")
        entries = self._parts.store.audit_newest(before, request.limit or _DEFAULT_LIMIT)
        return pb.AuditResponse(
            entries=[
                pb.AuditEntry(
                    entry_id=entry.entry_id,
                    at=timestamp(entry.at_ns),
                    actor=entry.actor,
                    action=entry.action,
                    subject=entry.subject,
                    sightings=entry.sightings,
                    detail=entry.detail,
                )
                for entry in entries
            ]
        )

    def Site(self, request: pb.SiteRequest, context: grpc.ServicerContext) -> pb.SiteReport:  # noqa: N802
        """See the proto."""
        store, kept = self._parts.store, self._parts.retention
        now_ns = store.now_ns()
        times = {
            "active window": kept.active_window_s,
            "sightings": kept.sighting_retention_s,
            "sightings of enrolled identities": kept.enrolled_retention_s,
            "history": kept.kept_history_s,
            "audit log": kept.audit_s,
        }
        report = pb.SiteReport(
            version=version("vreid"),
            process=f"{socket.gethostname()}/{os.getpid()}",
            started_at=timestamp(self._started_ns),
            store=store.about(),
            retention_s={name: seconds for name, seconds in times.items() if seconds is not None},
            overdue=len(left_behind(store, kept, _COUNTED)),
            unacknowledged=len(store.purges(limit=_COUNTED)),
            counted_most=_COUNTED,
            views_silent_s={view.name: max(0.0, (now_ns - view.said_at_ns) / 1e9) for view in store.views()},
        )
        oldest_ns = store.oldest_event_ns()
        if oldest_ns is not None:
            report.oldest_event.CopyFrom(timestamp(oldest_ns))
        return report
