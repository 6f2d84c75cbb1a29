"""What a console shows: types to messages and back. Written by hand, unlike the stubs beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from detector.types import Detections, VehicleClass
from services.identity.history import other_of, subject_of
from services.identity.store import Event
from services.rpc import vreid_pb2 as pb
from services.rpc.convert import CLASS_OF, CLASSES, STATUS, STATUS_OF, timestamp


@dataclass(frozen=True, slots=True)
class FoundVehicle:
    """A vehicle in a picture: box (x1, y1, x2, y2) in px, score in [0, 1]."""

    box_xyxy: tuple[float, float, float, float]
    score: float
    vehicle_class: VehicleClass


@dataclass(frozen=True, slots=True)
class SiteEvent:
    """Something that happened; see SiteEvent in proto/vreid.proto."""

    log_position: str
    at_ns: int
    kind: str
    sighting_id: str = ""
    identity_id: str = ""
    other_identity_id: str = ""
    camera_id: str = ""
    status: str = ""
    probability: float = 0.0
    evidence: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""


def event_to_message(event: Event) -> pb.SiteEvent:
    """An entry of the log as a message; what has no field there is left out."""
    payload = event.payload

    def text(name: str) -> str:
        return str(payload.get(name) or "")

    evidence: Any = payload.get("evidence") or {}
    return pb.SiteEvent(
        log_position=event.event_id,
        at=timestamp(event.at_ns),
        kind=event.kind,
        sighting_id=text("sighting_id"),
        identity_id=subject_of(event),
        other_identity_id=other_of(event),
        camera_id=text("camera_id"),
        status=STATUS.get(text("status"), pb.IDENTITY_STATUS_UNSPECIFIED),
        probability=float(text("probability") or 0.0),
        evidence={str(name): float(nats) for name, nats in evidence.items()},
        reason=text("reason"),
    )


def event_from_message(message: pb.SiteEvent) -> SiteEvent:
    """An event from a message."""
    return SiteEvent(
        message.log_position,
        message.at.ToNanoseconds(),
        message.kind,
        message.sighting_id,
        message.identity_id,
        message.other_identity_id,
        message.camera_id,
        STATUS_OF.get(message.status, ""),
        message.probability,
        dict(message.evidence),
        message.reason,
    )


def found_to_message(found: Detections) -> list[pb.FoundVehicle]:
    """Detections as messages, in their order."""
    return [
        pb.FoundVehicle(
            box=pb.Box(x1=box[0], y1=box[1], x2=box[2], y2=box[3]),
            score=score,
            vehicle_class=CLASSES[VehicleClass(kind)],
        )
        for box, score, kind in zip(
            found.boxes_xyxy.tolist(), found.scores.tolist(), found.class_ids.tolist(), strict=True
        )
    ]


def found_from_message(vehicles: Iterable[pb.FoundVehicle]) -> list[FoundVehicle]:
    """Found vehicles from messages, in their order."""
    return [
        FoundVehicle((v.box.x1, v.box.y1, v.box.x2, v.box.y2), v.score, CLASS_OF.get(v.vehicle_class, VehicleClass.CAR))
        for v in vehicles
    ]
