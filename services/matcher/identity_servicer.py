"""IdentityService: identities from the gallery, corrections through the store, history from its log."""

from __future__ import annotations

from dataclasses import replace

import grpc

from services.errors import InputError, NotFound
from services.identity.corrections.contract import Correction
from services.identity.history import events_about, last_undoable
from services.ids import uuid7
from services.matcher.door.admission import actor_of
from services.matcher.looking_back import LookingBack
from services.matcher.pages import bounded, fitting, page
from services.matcher.servicers import Parts, reason_of, required, wanted_by
from services.rpc import convert_identity as convert
from services.rpc import vreid_pb2 as pb
from services.rpc import vreid_pb2_grpc

MAX_SPLIT = 10_000
MAX_SIGHTINGS = 10_000


class IdentityServicer(vreid_pb2_grpc.IdentityServiceServicer):  # type: ignore[misc]
    """See IdentityService in proto/vreid.proto."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._past = LookingBack(parts)

    def Get(self, request: pb.GetIdentityRequest, context: grpc.ServicerContext) -> pb.Identity:  # noqa: N802
        """See the proto."""
        identity_id = required(request.identity_id, "identity_id")
        self._parts.wait(request.min_log_position, context)
        limit = bounded(request.sighting_limit, "sighting_limit", MAX_SIGHTINGS) or None
        offset = bounded(request.sighting_offset, "sighting_offset")
        detail = self._parts.gallery.identity(identity_id)
        message = convert.identity_to_message(replace(detail, sightings=()))
        message.sightings.extend(fitting(map(convert.summary_to_message, detail.sightings[offset:][:limit])))
        return message

    def List(  # noqa: N802
        self, request: pb.ListIdentitiesRequest, context: grpc.ServicerContext
    ) -> pb.ListIdentitiesResponse:
        """See the proto."""
        limit, offset = page(request.limit, request.offset)
        wanted = convert.identity_filter_from_message(request)
        self._parts.wait(request.min_log_position, context)
        if wanted.active:
            floor_ns = self._parts.store.now_ns() - int(self._parts.retention.active_window_s * 1e9)
            wanted = replace(wanted, from_ns=max(wanted.from_ns or 0, floor_ns))
        details, total = self._parts.gallery.identities(limit, offset, wanted)
        return pb.ListIdentitiesResponse(identities=fitting(map(convert.identity_to_message, details)), total=total)

    def Merge(self, request: pb.MergeRequest, context: grpc.ServicerContext) -> pb.CorrectionResponse:  # noqa: N802
        """See the proto."""
        survivor, absorbed = required(request.survivor_id, "survivor_id"), required(request.absorbed_id, "absorbed_id")
        done = self._parts.store.merge_identities(survivor, absorbed, actor_of(context), reason_of(request.reason))
        return self._corrected(done, context)

    def Split(self, request: pb.SplitRequest, context: grpc.ServicerContext) -> pb.CorrectionResponse:  # noqa: N802
        """See the proto."""
        identity_id = required(request.identity_id, "identity_id")
        if not 1 <= len(request.sighting_ids) <= MAX_SPLIT:
            raise InputError(f"sighting_ids: must be 1 to {MAX_SPLIT}, got {len(request.sighting_ids)}")
        fresh, names = uuid7(), list(request.sighting_ids)
        done = self._parts.store.split_identity(identity_id, names, fresh, actor_of(context), reason_of(request.reason))
        return self._corrected(done, context, fresh)

    def Undo(self, request: pb.UndoRequest, context: grpc.ServicerContext) -> pb.CorrectionResponse:  # noqa: N802
        """See the proto."""
        store, reason = self._parts.store, reason_of(request.reason)
        match request.WhichOneof("target"):
            case "event_id":
                event_id = required(request.event_id, "event_id")
            case "identity_id":
                identity_id = required(request.identity_id, "identity_id")
                found = last_undoable(identity_id, events_about(store, identity_id, go_on=wanted_by(context)))
                if found is None:
                    raise NotFound(f"identity_id: no merge or split of {identity_id} is kept that was not taken back")
                event_id = found
            case _:
                raise InputError("target: give an event_id or an identity_id")
        return self._corrected(store.undo(event_id, actor_of(context), reason), context)

    def SetEnrolled(self, request: pb.SetEnrolledRequest, context: grpc.ServicerContext) -> pb.SetEnrolledResponse:  # noqa: N802
        """See the proto."""
        identity_id = required(request.identity_id, "identity_id")
        position = self._parts.store.enrol(identity_id, actor_of(context), enrolled=request.enrolled)
        self._parts.show(position, context)
        return pb.SetEnrolledResponse(log_position=position)

    def _corrected(
        self, done: Correction, context: grpc.ServicerContext, new_identity_id: str = ""
    ) -> pb.CorrectionResponse:
        self._parts.show(done.log_position, context)
        return pb.CorrectionResponse(
            event_id=done.event_id, log_position=done.log_position, new_identity_id=new_identity_id
        )

    def History(self, request: pb.HistoryRequest, context: grpc.ServicerContext) -> pb.HistoryResponse:  # noqa: N802
        """See the proto."""
        return self._past.history(request, context)
