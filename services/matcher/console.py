"""The calls that a console makes beside searches: vehicles in a picture, what happened. Changes nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass

import grpc

from services.errors import InputError
from services.identity.store import IdentityStore
from services.matcher.probes import ProbeReader
from services.matcher.servicers import left_s
from services.rpc import vreid_pb2 as pb
from services.rpc import vreid_pb2_grpc
from services.rpc.convert_console import event_to_message, found_to_message

_RECENT_S = 600.0
_DEFAULT_LIMIT, _MAX_LIMIT = 100, 1000


@dataclass(frozen=True, slots=True)
class ConsoleParts:
    """What the calls read.

    Attributes:
        store: The system of record.
        reader: Finds vehicles.
    """

    store: IdentityStore
    reader: ProbeReader


class ConsoleServicer(vreid_pb2_grpc.ConsoleServiceServicer):  # type: ignore[misc]
    """See ConsoleService in proto/vreid.proto."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts

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
        if not all(part.isascii() and part.isdigit() for part in after.partition("-")[::2]):
            raise InputError(f"after_log_position: {after[:64]} is no position")
        events = self._parts.store.read_events(after, request.limit or _DEFAULT_LIMIT, 0)
        position = events[-1].event_id if events else after
        return pb.EventsResponse(events=[event_to_message(event) for event in events], log_position=position)
