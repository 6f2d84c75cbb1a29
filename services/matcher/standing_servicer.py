"""StandingService of vreid.v1: standing queries are made, paused and removed; alerts are listed and taken note of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import cv2
import grpc

from reid.types import Image
from services.crops import encode_jpeg
from services.errors import InputError, NotFound, Overloaded
from services.identity.standing.contract import (
    MAX_NAME,
    MAX_PICTURE,
    AlertRecord,
    StandingProbe,
    StandingRecord,
    no_standing,
)
from services.ids import uuid7
from services.matcher.door.admission import actor_of
from services.matcher.gallery import Gallery
from services.matcher.pages import MAX_LIMIT, bounded, fitting, page
from services.matcher.requests import MAX_PROBES, RequestReader
from services.matcher.servicers import Parts, required
from services.matcher.standing import fault_of, filter_of, vector_probe
from services.matcher.types import SearchFilter, SightingSummary
from services.rpc import convert, vreid_pb2_grpc
from services.rpc import vreid_pb2 as pb
from services.rpc.convert_identity import summary_to_message
from services.types import Match

MAX_STANDING = 100
MAX_ACKNOWLEDGED = 1000
_DEFAULT_PROBABILITY = 0.5
_THUMBNAIL_PX = 256
_READ_S = 60.0


class StandingServicer(vreid_pb2_grpc.StandingServiceServicer):  # type: ignore[misc]
    """See StandingService in proto/vreid.proto."""

    def __init__(self, parts: Parts, wake: Callable[[], None] = lambda: None) -> None:
        """Asks nothing yet.

        Args:
            parts: What calls work with.
            wake: Called when a query was made, paused or removed.
        """
        self._parts = parts
        self._requests = RequestReader(parts.gallery, parts.reader)
        self._wake = wake

    def Create(self, request: pb.CreateStandingRequest, context: grpc.ServicerContext) -> pb.StandingQuery:  # noqa: N802
        """See the proto."""
        parts = self._parts
        parts.wait("", context)
        if not 1 <= len(request.name) <= MAX_NAME or not request.name.isprintable():
            raise InputError(f"name: must be one line of 1 to {MAX_NAME} characters, got {len(request.name)}")
        if not 0 <= request.min_probability <= 1:
            raise InputError(f"min_probability: must be in [0, 1], got {request.min_probability}")
        if len(parts.store.standing()) >= MAX_STANDING:
            raise Overloaded(f"{MAX_STANDING} standing queries are kept already; remove one first")
        wanted = convert.filter_from_message(request.filter)
        probes, picture = self._probes(request)
        now_ns = parts.store.now_ns()
        record = StandingRecord(
            standing_id=uuid7(),
            name=request.name,
            probes=probes,
            min_probability=request.min_probability or _DEFAULT_PROBABILITY,
            created_ns=now_ns,
            since_ns=now_ns,
            created_by=actor_of(context),
            camera_ids=tuple(sorted(wanted.camera_ids)),
            classes=tuple(kind.name.lower() for kind in sorted(wanted.classes)),
            colours=tuple(sorted(wanted.colours)),
            picture=picture,
        )
        parts.store.put_standing(record, record.created_by)
        return self._told(record)

    def _probes(self, request: pb.CreateStandingRequest) -> tuple[tuple[StandingProbe, ...], bytes]:
        """The probes as they are kept, and a small picture of the first that has one."""
        read = self._requests.probes(request.probes, "probes", _READ_S)
        probes: list[StandingProbe] = []
        views: list[Image] = []
        for probe, reading in zip(request.probes, read.readings, strict=True):
            match probe.WhichOneof("source"):
                case "sighting_id":
                    probes.append(StandingProbe("sighting", probe.sighting_id))
                case "identity_id":
                    probes.append(StandingProbe("identity", probe.identity_id))
                case _:
                    probes += [vector_probe(vector, reading.spec.model_id) for vector in reading.vectors]
                    views += reading.views
        return tuple(probes[: 4 * MAX_PROBES]), _thumbnail(views[0]) if views else b""

    def List(self, request: pb.ListStandingRequest, context: grpc.ServicerContext) -> pb.ListStandingResponse:  # noqa: N802
        """See the proto."""
        limit = bounded(request.limit, "limit", MAX_LIMIT) or None
        offset = bounded(request.offset, "offset")
        records = self._parts.store.standing()
        queries = (_query(record, self._parts.gallery) for record in records[offset:][:limit])
        return pb.ListStandingResponse(queries=fitting(queries), total=len(records))

    def SetActive(self, request: pb.SetStandingActiveRequest, context: grpc.ServicerContext) -> pb.StandingQuery:  # noqa: N802
        """See the proto."""
        standing_id = required(request.standing_id, "standing_id")
        for record in self._parts.store.standing():
            if record.standing_id == standing_id:
                resumed = request.active and not record.active
                since_ns = self._parts.store.now_ns() if resumed else record.since_ns
                changed = replace(record, active=request.active, since_ns=since_ns)
                self._parts.store.change_standing(changed, actor_of(context))
                return self._told(changed)
        raise no_standing(standing_id)

    def Delete(self, request: pb.DeleteStandingRequest, context: grpc.ServicerContext) -> pb.DeleteStandingResponse:  # noqa: N802
        """See the proto."""
        self._parts.store.delete_standing(required(request.standing_id, "standing_id"), actor_of(context))
        self._wake()
        return pb.DeleteStandingResponse()

    def Alerts(self, request: pb.ListAlertsRequest, context: grpc.ServicerContext) -> pb.ListAlertsResponse:  # noqa: N802
        """See the proto."""
        limit, offset = page(request.limit, request.offset)
        store = self._parts.store
        alerts, total = store.alerts(limit, offset, open_only=request.open_only)
        names = {record.standing_id: record.name for record in store.standing()} if alerts else {}
        return pb.ListAlertsResponse(alerts=fitting(self._alert(alert, names) for alert in alerts), total=total)

    def Acknowledge(self, request: pb.AcknowledgeRequest, context: grpc.ServicerContext) -> pb.AcknowledgeResponse:  # noqa: N802
        """See the proto."""
        if not 1 <= len(request.alert_ids) <= MAX_ACKNOWLEDGED:
            raise InputError(f"alert_ids: must be 1 to {MAX_ACKNOWLEDGED}, got {len(request.alert_ids)}")
        done = self._parts.store.acknowledge_alerts(list(request.alert_ids), actor_of(context))
        return pb.AcknowledgeResponse(acknowledged=done)

    def _told(self, record: StandingRecord) -> pb.StandingQuery:
        """What has just been stored."""
        self._wake()
        return _query(record, self._parts.gallery)

    def _alert(self, alert: AlertRecord, names: dict[str, str]) -> pb.Alert:
        now = self._parts.gallery.match_of_sighting(alert.sighting_id, None, SearchFilter())
        match = Match(
            identity_id=now.identity_id if now is not None else "",
            sighting_id=alert.sighting_id,
            camera_id=alert.camera_id,
            first_seen_ns=alert.seen_ns,
            last_seen_ns=now.last_seen_ns if now is not None else alert.seen_ns,
            similarity=alert.similarity,
            probability=alert.probability,
            evidence={},
        )
        made = pb.Alert(
            alert_id=alert.alert_id,
            standing_id=alert.standing_id,
            name=names.get(alert.standing_id, ""),
            match=convert.match_to_message(match),
            raised_at=convert.timestamp(alert.raised_ns),
            acknowledged_by=alert.acknowledged_by,
        )
        if alert.acknowledged_by:
            made.acknowledged_at.CopyFrom(convert.timestamp(alert.acknowledged_ns))
        latest = self._latest(match.identity_id)
        if latest is not None:
            made.latest.CopyFrom(summary_to_message(latest))
        return made

    def _latest(self, identity_id: str) -> SightingSummary | None:
        """Where a vehicle was seen last; None for one that is not decided, or gone since."""
        if not identity_id:
            return None
        try:
            sightings = self._parts.gallery.identity(identity_id).sightings
        except NotFound:
            return None
        return max(sightings, key=lambda sighting: sighting.end_ns)


def _query(record: StandingRecord, gallery: Gallery) -> pb.StandingQuery:
    return pb.StandingQuery(
        standing_id=record.standing_id,
        name=record.name,
        min_probability=record.min_probability,
        filter=convert.filter_to_message(filter_of(record)),
        sighting_ids=[p.value for p in record.probes if p.kind == "sighting"],
        identity_ids=[p.value for p in record.probes if p.kind == "identity"],
        pictures=sum(p.kind == "vector" for p in record.probes),
        active=record.active,
        created_at=convert.timestamp(record.created_ns),
        created_by=record.created_by,
        picture=record.picture,
        fault=fault_of(record, gallery),
    )


def _thumbnail(view: Image) -> bytes:
    """A view as a small JPEG; nothing where even that is large."""
    height, width = view.shape[:2]
    scale = min(1.0, _THUMBNAIL_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    jpeg = encode_jpeg(cv2.resize(view, size, interpolation=cv2.INTER_AREA))
    return jpeg if len(jpeg) <= MAX_PICTURE else b""
