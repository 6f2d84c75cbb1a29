"""The calls that a console makes beside searches: pictures, vehicles in a picture, what happened. Changes nothing."""

from __future__ import annotations

import time
from dataclasses import dataclass

import grpc

from services.crops import CropStore
from services.errors import InputError, NotFound
from services.identity.store import IdentityStore
from services.matcher.probes import ProbeReader
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
        crops: Stored pictures; None where the matcher cannot reach them.
        reader: Finds vehicles.
    """

    store: IdentityStore
    crops: CropStore | None
    reader: ProbeReader


class ConsoleServicer(vreid_pb2_grpc.ConsoleServiceServicer):  # type: ignore[misc]
    """See ConsoleService in proto/vreid.proto."""

    def __init__(self, parts: ConsoleParts) -> None:
        self._parts = parts

    def Picture(self, request: pb.StoredPictureRequest, context: grpc.ServicerContext) -> pb.StoredPictureResponse:  # noqa: N802
        """See the proto."""
        if not request.sighting_id:
            raise InputError("sighting_id: missing")
        sighting = self._parts.store.get_sighting(request.sighting_id)
        if sighting is None:
            raise NotFound(f"sighting_id: no sighting {request.sighting_id[:64]}")
        count = len(sighting.crop_keys)
        if self._parts.crops is None or not 0 <= request.index < count:
            raise NotFound(
                f"index: sighting {request.sighting_id[:64]} has {count} pictures, asked for {request.index}"
            )
        return pb.StoredPictureResponse(jpeg=self._parts.crops.get(sighting.crop_keys[request.index]), count=count)

    def FindVehicles(  # noqa: N802
        self, request: pb.FindVehiclesRequest, context: grpc.ServicerContext
    ) -> pb.FindVehiclesResponse:
        """See the proto."""
        found, (width, height) = self._parts.reader.vehicles(request.image, "image")
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
