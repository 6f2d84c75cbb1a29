"""What happened to an identity and what was believed of it, page by page, from the store: the gallery knows no past."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
import numpy as np

from detector.types import VEHICLE_CLASSES
from services.errors import InputError, NotFound
from services.identity.family import Families
from services.identity.history import believed, events_around, other_of, sightings_of, subject_of
from services.identity.records import is_event_id
from services.identity.store import Event
from services.matcher.pages import EACH_BYTES, MAX_LIMIT, MESSAGE_BYTES, bounded, fitting
from services.matcher.servicers import Parts, required, wanted_by
from services.matcher.types import HistoryEntry, PastIdentity, PastSighting, SightingSummary
from services.rpc import convert_identity as convert
from services.rpc import vreid_pb2 as pb
from services.types import Sighting

#: Sightings that one event names.
MAX_NAMED = 10_000


class LookingBack:
    """Answers IdentityService.History; see proto/vreid.proto."""

    def __init__(self, parts: Parts) -> None:
        """Reads nothing yet."""
        self._parts = parts
        self._families = Families(parts.store)

    def history(self, request: pb.HistoryRequest, context: grpc.ServicerContext) -> pb.HistoryResponse:
        """A page of events, and what was believed where a moment was asked for.

        Raises:
            InputError: A field is malformed or outside its bounds.
            NotFound: No event of the identity is kept, or there was no such identity at that moment.
            DeadlinePassed: The caller does not wait any more.
        """
        identity_id, after = required(request.identity_id, "identity_id"), request.after_event_id
        at_ns = convert.moment_ns(request.at, "at") if request.HasField("at") else None
        limit = bounded(request.limit, "limit", MAX_LIMIT)
        bounded(request.sighting_offset, "sighting_offset")
        if after and not is_event_id(after):
            raise InputError(f"after_event_id: {after[:64]} is no event")
        events = self._families.events_about(identity_id, after, at_ns, wanted_by(context))
        # What was believed shares the message with the events.
        most_bytes = MESSAGE_BYTES if at_ns is None else MESSAGE_BYTES // 2
        answer = _page_of(events, limit, most_bytes)
        if not answer.events and not after:
            raise NotFound(f"identity_id: no event of {identity_id} is kept{self._since(at_ns)}")
        if at_ns is not None and not after:
            around = events_around(self._parts.store, identity_id, at_ns, wanted_by(context))
            past = self._believed(identity_id, around, at_ns)
            answer.believed.CopyFrom(convert.past_to_message(past))
            sightings = past.sightings[request.sighting_offset :]
            answer.believed.sightings.extend(fitting(map(convert.past_sighting_to_message, sightings), most_bytes))
        return answer

    def _since(self, at_ns: int | None) -> str:
        oldest_ns = self._parts.store.oldest_event_ns()
        if at_ns is None or oldest_ns is None:
            return ""
        return f" from before that moment; the oldest event is of {convert.iso(oldest_ns)}"

    def _believed(self, identity_id: str, events: list[Event], at_ns: int) -> PastIdentity:
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
        status, aliases = belief.status[living], belief.aliases(living)
        return PastIdentity(living, at_ns, status, aliases, tuple(sightings), len(sightings))


def _page_of(events: Iterator[Event], limit: int, most_bytes: int) -> pb.HistoryResponse:
    """As many events as are wanted and fit, 0 for any number; named is where to go on, if more follow."""
    answer = pb.HistoryResponse()
    messages = (convert.event_to_message(_entry(event)) for event in events)
    left = most_bytes
    for message in messages:
        left -= message.ByteSize() + EACH_BYTES
        if answer.events and (left < 0 or len(answer.events) == limit):
            answer.next_event_id = answer.events[-1].event_id
            break
        answer.events.append(message)
    return answer


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
    sighting_ids = sightings_of(event)
    return HistoryEntry(
        event_id=event.event_id,
        at_ns=event.at_ns,
        kind=event.kind,
        identity_id=subject_of(event),
        other_identity_id=other_of(event),
        sighting_ids=sighting_ids[:MAX_NAMED],
        actor=said.get("actor", ""),
        reason=said.get("reason", ""),
        undoes=said.get("undoes", ""),
        status=said.get("status", "") if event.kind == "sighting.decided" else "",
        probability=probability if isinstance(probability, float | int) else 0.0,
        evidence=evidence if isinstance(evidence, dict) else {},
        sighting_count=len(sighting_ids),
    )
