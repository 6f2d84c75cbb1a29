"""Our types to messages and back, for the matcher and its client. The only place that knows both.

Unlike its neighbours this file is written by hand.
"""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp

from detector.types import COLOURS, VehicleClass
from services.errors import InputError
from services.identity.store import CameraRecord
from services.matcher.types import (
    GalleryEntry,
    GalleryStats,
    Grouping,
    ImageMode,
    Reranking,
    SearchAnswer,
    SearchFilter,
)
from services.rpc import vreid_pb2 as pb
from services.types import Match

CLASSES: dict[VehicleClass, pb.VehicleClass] = {
    VehicleClass.CAR: pb.VEHICLE_CLASS_CAR,
    VehicleClass.MOTORCYCLE: pb.VEHICLE_CLASS_MOTORCYCLE,
    VehicleClass.BUS: pb.VEHICLE_CLASS_BUS,
    VehicleClass.TRUCK: pb.VEHICLE_CLASS_TRUCK,
}
CLASS_OF: dict[int, VehicleClass] = {value: key for key, value in CLASSES.items()}
STATUS: dict[str, pb.IdentityStatus] = {
    "matched": pb.IDENTITY_STATUS_MATCHED,
    "new": pb.IDENTITY_STATUS_NEW,
    "ambiguous": pb.IDENTITY_STATUS_AMBIGUOUS,
}
STATUS_OF = {value: key for key, value in STATUS.items()}
_ORIGIN: dict[str, pb.CameraOrigin] = {"file": pb.CAMERA_ORIGIN_FILE, "runtime": pb.CAMERA_ORIGIN_RUNTIME}
_STATE: dict[str, pb.CameraState] = {
    "starting": pb.CAMERA_STATE_STARTING,
    "up": pb.CAMERA_STATE_UP,
    "down": pb.CAMERA_STATE_DOWN,
    "ended": pb.CAMERA_STATE_ENDED,
}
_STATE_OF = {value: key for key, value in _STATE.items()}
MODES = {
    ImageMode.LARGEST: pb.IMAGE_MODE_LARGEST,
    ImageMode.ALL: pb.IMAGE_MODE_ALL,
    ImageMode.BOX: pb.IMAGE_MODE_BOX,
    ImageMode.AS_IS: pb.IMAGE_MODE_AS_IS,
}
MODE_OF: dict[int, ImageMode] = {value: key for key, value in MODES.items()}
RERANKS = {
    Reranking.NONE: pb.RERANK_NONE,
    Reranking.K_RECIPROCAL: pb.RERANK_K_RECIPROCAL,
    Reranking.GEOMETRIC: pb.RERANK_GEOMETRIC,
}
RERANK_OF: dict[int, Reranking] = {
    pb.RERANK_UNSPECIFIED: Reranking.NONE,
    **{value: key for key, value in RERANKS.items()},
}
_GROUPINGS: dict[int, Grouping] = {
    pb.GROUPING_UNSPECIFIED: Grouping.SIGHTING,
    pb.GROUPING_SIGHTING: Grouping.SIGHTING,
    pb.GROUPING_IDENTITY: Grouping.IDENTITY,
}


def timestamp(ns: int) -> Timestamp:
    """UTC nanoseconds as a message."""
    seconds, nanos = divmod(ns, 1_000_000_000)
    return Timestamp(seconds=seconds, nanos=nanos)


def moment_ns(stamp: Timestamp, name: str) -> int:
    """UTC nanoseconds of a message.

    Raises:
        InputError: Out of range.
    """
    ns: int = stamp.seconds * 10**9 + stamp.nanos
    if not -(2**63) <= ns < 2**63:
        raise InputError(f"{name}: out of range")
    return ns


def span_from_message(span: pb.TimeSpan, field: str) -> tuple[int | None, int | None]:
    """Both ends of a span in UTC nanoseconds, None where it is open.

    Raises:
        InputError: An end is out of range, or it ends before it begins.
    """
    from_ns = moment_ns(getattr(span, "from"), f"{field}.from") if span.HasField("from") else None
    to_ns = moment_ns(span.to, f"{field}.to") if span.HasField("to") else None
    if from_ns is not None and to_ns is not None and from_ns > to_ns:
        raise InputError(f"{field}: from lies after to")
    return from_ns, to_ns


def span_to_message(from_ns: int | None, to_ns: int | None) -> pb.TimeSpan:
    """A span as a message."""
    span = pb.TimeSpan()
    if from_ns is not None:
        getattr(span, "from").CopyFrom(timestamp(from_ns))
    if to_ns is not None:
        span.to.CopyFrom(timestamp(to_ns))
    return span


def filter_to_message(wanted: SearchFilter) -> pb.Filter:
    """A filter as a message; what it excludes by id is the server's own affair and is left out."""
    return pb.Filter(
        camera_ids=sorted(wanted.camera_ids),
        exclude_camera_ids=sorted(wanted.exclude_camera_ids),
        span=span_to_message(wanted.from_ns, wanted.to_ns),
        classes=[CLASSES[c] for c in sorted(wanted.classes)],
        colours=sorted(wanted.colours),
    )


def filter_from_message(message: pb.Filter) -> SearchFilter:
    """A filter from a message.

    Raises:
        InputError: An unknown class or colour, or a span that ends before it begins.
    """
    from_ns, to_ns = span_from_message(message.span, "filter.span")
    unknown = [c for c in message.classes if c not in CLASS_OF]
    if unknown:
        raise InputError(f"filter.classes: unknown class {unknown[0]}")
    strange = [c for c in message.colours if c not in COLOURS]
    if strange:
        raise InputError(f"filter.colours: unknown colour {strange[0][:40]!r}, expected one of {', '.join(COLOURS)}")
    return SearchFilter(
        camera_ids=frozenset(message.camera_ids),
        exclude_camera_ids=frozenset(message.exclude_camera_ids),
        from_ns=from_ns,
        to_ns=to_ns,
        classes=frozenset(CLASS_OF[c] for c in message.classes),
        colours=frozenset(message.colours),
    )


def class_to_message(vehicle_class: VehicleClass) -> pb.VehicleClass:
    """A class as a message's value."""
    return CLASSES[vehicle_class]


def class_from_message(value: int, name: str) -> VehicleClass | None:
    """A class from a message's value, None where it is not set.

    Raises:
        InputError: Unknown.
    """
    if value == pb.VEHICLE_CLASS_UNSPECIFIED:
        return None
    if value not in CLASS_OF:
        raise InputError(f"{name}: unknown class {value}")
    return CLASS_OF[value]


def grouping_to_message(grouping: Grouping) -> pb.Grouping:
    """A grouping as a message's value."""
    return pb.GROUPING_IDENTITY if grouping is Grouping.IDENTITY else pb.GROUPING_SIGHTING


def grouping_from_message(value: int) -> Grouping:
    """A grouping from a message's value.

    Raises:
        InputError: Unknown.
    """
    if value not in _GROUPINGS:
        raise InputError(f"grouping: unknown value {value}")
    return _GROUPINGS[value]


def match_to_message(match: Match) -> pb.Match:
    """A match as a message."""
    message = pb.Match(
        identity_id=match.identity_id,
        sighting_id=match.sighting_id,
        camera_id=match.camera_id,
        first_seen=timestamp(match.first_seen_ns),
        last_seen=timestamp(match.last_seen_ns),
        similarity=match.similarity,
        probability=match.probability,
        posterior=match.posterior,
    )
    for name, nats in match.evidence.items():
        message.evidence[name] = nats
    return message


def match_from_message(m: pb.Match) -> Match:
    """A match from a message."""
    return Match(
        identity_id=m.identity_id,
        sighting_id=m.sighting_id,
        camera_id=m.camera_id,
        first_seen_ns=m.first_seen.ToNanoseconds(),
        last_seen_ns=m.last_seen.ToNanoseconds(),
        similarity=m.similarity,
        probability=m.probability,
        evidence=dict(m.evidence),
        posterior=m.posterior,
    )


def answer_to_message(answer: SearchAnswer) -> pb.SearchResponse:
    """The answer to a search as a message."""
    return pb.SearchResponse(
        matches=[match_to_message(match) for match in answer.matches],
        readings=[
            pb.ProbeReading(box=None if b is None else pb.Box(x1=b[0], y1=b[1], x2=b[2], y2=b[3]))
            for b in answer.boxes_xyxy
        ],
        log_position=answer.log_position,
    )


def answer_from_message(message: pb.SearchResponse) -> SearchAnswer:
    """The answer to a search from a message."""
    return SearchAnswer(
        matches=tuple(match_from_message(m) for m in message.matches),
        boxes_xyxy=tuple(
            (r.box.x1, r.box.y1, r.box.x2, r.box.y2) if r.HasField("box") else None for r in message.readings
        ),
        log_position=message.log_position,
    )


def entry_to_message(entry: GalleryEntry) -> pb.Entry:
    """A gallery entry as a message."""
    return pb.Entry(
        identity_id=entry.identity_id,
        status=STATUS.get(entry.status, pb.IDENTITY_STATUS_UNSPECIFIED),
        camera_ids=entry.cameras,
        first_seen=timestamp(entry.first_seen_ns),
        last_seen=timestamp(entry.last_seen_ns),
        sighting_count=entry.sighting_count,
        vector_count=entry.vector_count,
    )


def entry_from_message(message: pb.Entry) -> GalleryEntry:
    """A gallery entry from a message."""
    return GalleryEntry(
        identity_id=message.identity_id,
        status=STATUS_OF.get(message.status, ""),
        cameras=tuple(message.camera_ids),
        first_seen_ns=message.first_seen.ToNanoseconds(),
        last_seen_ns=message.last_seen.ToNanoseconds(),
        sighting_count=message.sighting_count,
        vector_count=message.vector_count,
    )


def stats_to_message(stats: GalleryStats) -> pb.StatsResponse:
    """Counts and sizes as a message."""
    return pb.StatsResponse(
        identities=stats.identities,
        sightings=stats.sightings,
        vectors=stats.vectors,
        bytes=stats.bytes,
        segments=stats.segments,
        tier=stats.tier,
        backend=stats.backend,
        model_id=stats.model_id,
        log_position=stats.log_position,
    )


def stats_from_message(message: pb.StatsResponse) -> GalleryStats:
    """Counts and sizes from a message."""
    return GalleryStats(
        identities=message.identities,
        sightings=message.sightings,
        vectors=message.vectors,
        bytes=message.bytes,
        segments=message.segments,
        tier=message.tier,
        backend=message.backend,
        model_id=message.model_id,
        log_position=message.log_position,
    )


def camera_to_message(record: CameraRecord) -> pb.Camera:
    """A camera as a message."""
    return pb.Camera(
        camera_id=record.camera_id,
        url=record.url,
        origin=_ORIGIN[record.origin],
        state=_STATE[record.state],
        detail=record.detail,
        updated_at=timestamp(record.updated_at_ns),
        stats=dict(record.stats),
    )


def camera_from_message(message: pb.Camera) -> CameraRecord:
    """A camera from a message."""
    return CameraRecord(
        camera_id=message.camera_id,
        url=message.url,
        origin="runtime" if message.origin == pb.CAMERA_ORIGIN_RUNTIME else "file",
        state=_STATE_OF.get(message.state, "starting"),  # type: ignore[arg-type]  # keys of _STATE are the literals
        detail=message.detail,
        updated_at_ns=message.updated_at.ToNanoseconds(),
        stats=dict(message.stats),
    )
