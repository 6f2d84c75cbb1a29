"""IdentityService: identities from the gallery, corrections through the store, history from its log."""

from __future__ import annotations

from dataclasses import replace

import grpc
import numpy as np

from detector.types import VEHICLE_CLASSES
from services.errors import InputError, NotFound
from services.identity.corrections.contract import Correction
from services.identity.history import (
    believed,
    events_about,
    events_around,
    last_undoable,
    other_of,
    sightings_of,
    subject_of,
)
from services.identity.store import Event
from services.ids import uuid7
from services.matcher.door.admission import actor_of
from services.matcher.servicers import Parts, page, reason_of, required, wanted_by
from services.matcher.types import (
    HistoryEntry,
    IdentityHistory,
    PastIdentity,
    PastSighting,
    SightingSummary,
)
from services.rpc import convert_identity as convert
from services.rpc import vreid_pb2 as pb
from services.rpc import vreid_pb2_grpc
from services.types import Sighting

MAX_SPLIT = 10_000


class IdentityServicer(vreid_pb2_grpc.IdentityServiceServicer):  # type: ignore[misc]
    """See IdentityService in proto/vreid.proto."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def Get(self, request: pb.GetIdentityRequest, context: grpc.ServicerContext) -> pb.Identity:  # noqa: N802
        """See the proto."""
        identity_id = required(request.identity_id, "identity_id")
        self._parts.wait(request.min_log_position, context)
        return convert.identity_to_message(self._parts.gallery.identity(identity_id))

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
        return pb.ListIdentitiesResponse(identities=[convert.identity_to_message(d) for d in details], total=total)

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
        """See the proto. Read from the store: the gallery knows no past."""
        identity_id = required(request.identity_id, "identity_id")
        at_ns = convert.moment_ns(request.at, "at") if request.HasField("at") else None
        store, go_on = self._parts.store, wanted_by(context)
        about = events_about(store, identity_id, at_ns, go_on)
        if not about:
            raise NotFound(f"identity_id: no event of {identity_id} is kept{self._since(at_ns)}")
        around = [] if at_ns is None else events_around(store, identity_id, at_ns, go_on)
        past = None if at_ns is None else self._past(identity_id, around, at_ns)
        return convert.history_to_message(IdentityHistory(tuple(_entry(event) for event in about), past))

    def _since(self, at_ns: int | None) -> str:
        oldest_ns = self._parts.store.oldest_event_ns()
        if at_ns is None or oldest_ns is None:
            return ""
        return f" from before that moment; the oldest event is of {convert.iso(oldest_ns)}"

    def _past(self, identity_id: str, events: list[Event], at_ns: int) -> PastIdentity:
        belief = believed(events)
        living = belief.resolve(identity_id)
        if living is None:
            raise NotFound(f"identity_id: at that moment there was no identity {identity_id}")
        names = belief.members(living)
        known = self._parts.store.get_sightings(names)
        sightings = [
            PastSighting(name, None if sighting is None else _summary(sighting, living, at_ns))
            for name, sighting in zip(names, known, strict=True)
        ]
        sightings.sort(key=lambda s: (s.summary is None, s.summary.start_ns if s.summary else 0, s.sighting_id))
        return PastIdentity(living, at_ns, belief.status[living], belief.aliases(living), tuple(sightings))


def _summary(sighting: Sighting, identity_id: str, at_ns: int) -> SightingSummary:
    """What is known of a sighting today, ended at ``at_ns`` at the latest."""
    return SightingSummary(
        sighting_id=sighting.sighting_id,
        identity_id=identity_id,
        camera_id=sighting.camera_id,
        start_ns=sighting.start_ns,
        end_ns=max(sighting.start_ns, min(sighting.end_ns, at_ns)),
        vehicle_class=VEHICLE_CLASSES[int(np.argmax(sighting.class_probs))],
        quality=sighting.quality,
        revision=sighting.revision,
        final=sighting.final,
        colour=max(sighting.colour, key=lambda name: sighting.colour[name], default=""),
    )


def _entry(event: Event) -> HistoryEntry:
    said = {name: str(value) for name, value in event.payload.items()}
    evidence, probability = event.payload.get("evidence"), event.payload.get("probability")
    return HistoryEntry(
        event_id=event.event_id,
        at_ns=event.at_ns,
        kind=event.kind,
        identity_id=subject_of(event),
        other_identity_id=other_of(event),
        sighting_ids=sightings_of(event),
        actor=said.get("actor", ""),
        reason=said.get("reason", ""),
        undoes=said.get("undoes", ""),
        status=said.get("status", "") if event.kind == "sighting.decided" else "",
        probability=probability if isinstance(probability, float | int) else 0.0,
        evidence=evidence if isinstance(evidence, dict) else {},
    )
