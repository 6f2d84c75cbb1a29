# mypy: ignore-errors
import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class VehicleClass(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    VEHICLE_CLASS_UNSPECIFIED: _ClassVar[VehicleClass]
    VEHICLE_CLASS_CAR: _ClassVar[VehicleClass]
    VEHICLE_CLASS_MOTORCYCLE: _ClassVar[VehicleClass]
    VEHICLE_CLASS_BUS: _ClassVar[VehicleClass]
    VEHICLE_CLASS_TRUCK: _ClassVar[VehicleClass]

class Grouping(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GROUPING_UNSPECIFIED: _ClassVar[Grouping]
    GROUPING_SIGHTING: _ClassVar[Grouping]
    GROUPING_IDENTITY: _ClassVar[Grouping]

class IdentityStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IDENTITY_STATUS_UNSPECIFIED: _ClassVar[IdentityStatus]
    IDENTITY_STATUS_MATCHED: _ClassVar[IdentityStatus]
    IDENTITY_STATUS_NEW: _ClassVar[IdentityStatus]
    IDENTITY_STATUS_AMBIGUOUS: _ClassVar[IdentityStatus]

class CameraOrigin(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAMERA_ORIGIN_UNSPECIFIED: _ClassVar[CameraOrigin]
    CAMERA_ORIGIN_FILE: _ClassVar[CameraOrigin]
    CAMERA_ORIGIN_RUNTIME: _ClassVar[CameraOrigin]

class CameraState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CAMERA_STATE_UNSPECIFIED: _ClassVar[CameraState]
    CAMERA_STATE_STARTING: _ClassVar[CameraState]
    CAMERA_STATE_UP: _ClassVar[CameraState]
    CAMERA_STATE_DOWN: _ClassVar[CameraState]
    CAMERA_STATE_ENDED: _ClassVar[CameraState]
VEHICLE_CLASS_UNSPECIFIED: VehicleClass
VEHICLE_CLASS_CAR: VehicleClass
VEHICLE_CLASS_MOTORCYCLE: VehicleClass
VEHICLE_CLASS_BUS: VehicleClass
VEHICLE_CLASS_TRUCK: VehicleClass
GROUPING_UNSPECIFIED: Grouping
GROUPING_SIGHTING: Grouping
GROUPING_IDENTITY: Grouping
IDENTITY_STATUS_UNSPECIFIED: IdentityStatus
IDENTITY_STATUS_MATCHED: IdentityStatus
IDENTITY_STATUS_NEW: IdentityStatus
IDENTITY_STATUS_AMBIGUOUS: IdentityStatus
CAMERA_ORIGIN_UNSPECIFIED: CameraOrigin
CAMERA_ORIGIN_FILE: CameraOrigin
CAMERA_ORIGIN_RUNTIME: CameraOrigin
CAMERA_STATE_UNSPECIFIED: CameraState
CAMERA_STATE_STARTING: CameraState
CAMERA_STATE_UP: CameraState
CAMERA_STATE_DOWN: CameraState
CAMERA_STATE_ENDED: CameraState

class Probe(_message.Message):
    __slots__ = ("image", "embedding", "sighting_id", "identity_id")
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    EMBEDDING_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    image: ImageProbe
    embedding: Embedding
    sighting_id: str
    identity_id: str
    def __init__(self, image: _Optional[_Union[ImageProbe, _Mapping]] = ..., embedding: _Optional[_Union[Embedding, _Mapping]] = ..., sighting_id: _Optional[str] = ..., identity_id: _Optional[str] = ...) -> None: ...

class ImageProbe(_message.Message):
    __slots__ = ("data", "as_is")
    DATA_FIELD_NUMBER: _ClassVar[int]
    AS_IS_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    as_is: bool
    def __init__(self, data: _Optional[bytes] = ..., as_is: _Optional[bool] = ...) -> None: ...

class Embedding(_message.Message):
    __slots__ = ("values", "model_id")
    VALUES_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    values: _containers.RepeatedScalarFieldContainer[float]
    model_id: str
    def __init__(self, values: _Optional[_Iterable[float]] = ..., model_id: _Optional[str] = ...) -> None: ...

class TimeSpan(_message.Message):
    __slots__ = ("to",)
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    to: _timestamp_pb2.Timestamp
    def __init__(self, to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., **kwargs) -> None: ...

class Filter(_message.Message):
    __slots__ = ("camera_ids", "exclude_camera_ids", "span", "classes")
    CAMERA_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_CAMERA_IDS_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    camera_ids: _containers.RepeatedScalarFieldContainer[str]
    exclude_camera_ids: _containers.RepeatedScalarFieldContainer[str]
    span: TimeSpan
    classes: _containers.RepeatedScalarFieldContainer[VehicleClass]
    def __init__(self, camera_ids: _Optional[_Iterable[str]] = ..., exclude_camera_ids: _Optional[_Iterable[str]] = ..., span: _Optional[_Union[TimeSpan, _Mapping]] = ..., classes: _Optional[_Iterable[_Union[VehicleClass, str]]] = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ("probes", "filter", "k", "grouping", "min_log_position")
    PROBES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    GROUPING_FIELD_NUMBER: _ClassVar[int]
    MIN_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    probes: _containers.RepeatedCompositeFieldContainer[Probe]
    filter: Filter
    k: int
    grouping: Grouping
    min_log_position: str
    def __init__(self, probes: _Optional[_Iterable[_Union[Probe, _Mapping]]] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., k: _Optional[int] = ..., grouping: _Optional[_Union[Grouping, str]] = ..., min_log_position: _Optional[str] = ...) -> None: ...

class SearchResponse(_message.Message):
    __slots__ = ("matches", "readings", "log_position")
    MATCHES_FIELD_NUMBER: _ClassVar[int]
    READINGS_FIELD_NUMBER: _ClassVar[int]
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    matches: _containers.RepeatedCompositeFieldContainer[Match]
    readings: _containers.RepeatedCompositeFieldContainer[ProbeReading]
    log_position: str
    def __init__(self, matches: _Optional[_Iterable[_Union[Match, _Mapping]]] = ..., readings: _Optional[_Iterable[_Union[ProbeReading, _Mapping]]] = ..., log_position: _Optional[str] = ...) -> None: ...

class Match(_message.Message):
    __slots__ = ("identity_id", "sighting_id", "camera_id", "first_seen", "last_seen", "similarity", "probability", "evidence")
    class EvidenceEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_ID_FIELD_NUMBER: _ClassVar[int]
    CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    sighting_id: str
    camera_id: str
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    similarity: float
    probability: float
    evidence: _containers.ScalarMap[str, float]
    def __init__(self, identity_id: _Optional[str] = ..., sighting_id: _Optional[str] = ..., camera_id: _Optional[str] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., similarity: _Optional[float] = ..., probability: _Optional[float] = ..., evidence: _Optional[_Mapping[str, float]] = ...) -> None: ...

class ProbeReading(_message.Message):
    __slots__ = ("box",)
    BOX_FIELD_NUMBER: _ClassVar[int]
    box: Box
    def __init__(self, box: _Optional[_Union[Box, _Mapping]] = ...) -> None: ...

class Box(_message.Message):
    __slots__ = ("x1", "y1", "x2", "y2")
    X1_FIELD_NUMBER: _ClassVar[int]
    Y1_FIELD_NUMBER: _ClassVar[int]
    X2_FIELD_NUMBER: _ClassVar[int]
    Y2_FIELD_NUMBER: _ClassVar[int]
    x1: float
    y1: float
    x2: float
    y2: float
    def __init__(self, x1: _Optional[float] = ..., y1: _Optional[float] = ..., x2: _Optional[float] = ..., y2: _Optional[float] = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("identity_id", "status", "camera_ids", "first_seen", "last_seen", "sighting_count", "vector_count")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CAMERA_IDS_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_COUNT_FIELD_NUMBER: _ClassVar[int]
    VECTOR_COUNT_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    status: IdentityStatus
    camera_ids: _containers.RepeatedScalarFieldContainer[str]
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    sighting_count: int
    vector_count: int
    def __init__(self, identity_id: _Optional[str] = ..., status: _Optional[_Union[IdentityStatus, str]] = ..., camera_ids: _Optional[_Iterable[str]] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., sighting_count: _Optional[int] = ..., vector_count: _Optional[int] = ...) -> None: ...

class ListEntriesRequest(_message.Message):
    __slots__ = ("limit", "offset", "min_log_position")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    MIN_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    limit: int
    offset: int
    min_log_position: str
    def __init__(self, limit: _Optional[int] = ..., offset: _Optional[int] = ..., min_log_position: _Optional[str] = ...) -> None: ...

class ListEntriesResponse(_message.Message):
    __slots__ = ("entries", "total")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[Entry]
    total: int
    def __init__(self, entries: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., total: _Optional[int] = ...) -> None: ...

class GetEntryRequest(_message.Message):
    __slots__ = ("identity_id", "min_log_position")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    min_log_position: str
    def __init__(self, identity_id: _Optional[str] = ..., min_log_position: _Optional[str] = ...) -> None: ...

class DeleteRequest(_message.Message):
    __slots__ = ("identity_id", "sighting_id")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_ID_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    sighting_id: str
    def __init__(self, identity_id: _Optional[str] = ..., sighting_id: _Optional[str] = ...) -> None: ...

class DeleteResponse(_message.Message):
    __slots__ = ("log_position",)
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    log_position: str
    def __init__(self, log_position: _Optional[str] = ...) -> None: ...

class StatsRequest(_message.Message):
    __slots__ = ("min_log_position",)
    MIN_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    min_log_position: str
    def __init__(self, min_log_position: _Optional[str] = ...) -> None: ...

class StatsResponse(_message.Message):
    __slots__ = ("identities", "sightings", "vectors", "bytes", "segments", "tier", "backend", "model_id", "log_position")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    SIGHTINGS_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    identities: int
    sightings: int
    vectors: int
    bytes: int
    segments: int
    tier: str
    backend: str
    model_id: str
    log_position: str
    def __init__(self, identities: _Optional[int] = ..., sightings: _Optional[int] = ..., vectors: _Optional[int] = ..., bytes: _Optional[int] = ..., segments: _Optional[int] = ..., tier: _Optional[str] = ..., backend: _Optional[str] = ..., model_id: _Optional[str] = ..., log_position: _Optional[str] = ...) -> None: ...

class Identity(_message.Message):
    __slots__ = ("identity_id", "status", "camera_ids", "first_seen", "last_seen", "aliases", "sighting_count", "sightings")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CAMERA_IDS_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_COUNT_FIELD_NUMBER: _ClassVar[int]
    SIGHTINGS_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    status: IdentityStatus
    camera_ids: _containers.RepeatedScalarFieldContainer[str]
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    aliases: _containers.RepeatedScalarFieldContainer[str]
    sighting_count: int
    sightings: _containers.RepeatedCompositeFieldContainer[SightingSummary]
    def __init__(self, identity_id: _Optional[str] = ..., status: _Optional[_Union[IdentityStatus, str]] = ..., camera_ids: _Optional[_Iterable[str]] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., aliases: _Optional[_Iterable[str]] = ..., sighting_count: _Optional[int] = ..., sightings: _Optional[_Iterable[_Union[SightingSummary, _Mapping]]] = ...) -> None: ...

class SightingSummary(_message.Message):
    __slots__ = ("sighting_id", "camera_id", "first_seen", "last_seen", "vehicle_class", "quality", "revision", "final")
    SIGHTING_ID_FIELD_NUMBER: _ClassVar[int]
    CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    VEHICLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    sighting_id: str
    camera_id: str
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    vehicle_class: VehicleClass
    quality: float
    revision: int
    final: bool
    def __init__(self, sighting_id: _Optional[str] = ..., camera_id: _Optional[str] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., vehicle_class: _Optional[_Union[VehicleClass, str]] = ..., quality: _Optional[float] = ..., revision: _Optional[int] = ..., final: _Optional[bool] = ...) -> None: ...

class GetIdentityRequest(_message.Message):
    __slots__ = ("identity_id", "min_log_position")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    min_log_position: str
    def __init__(self, identity_id: _Optional[str] = ..., min_log_position: _Optional[str] = ...) -> None: ...

class ListIdentitiesRequest(_message.Message):
    __slots__ = ("limit", "offset", "min_log_position")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    MIN_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    limit: int
    offset: int
    min_log_position: str
    def __init__(self, limit: _Optional[int] = ..., offset: _Optional[int] = ..., min_log_position: _Optional[str] = ...) -> None: ...

class ListIdentitiesResponse(_message.Message):
    __slots__ = ("identities", "total")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    identities: _containers.RepeatedCompositeFieldContainer[Identity]
    total: int
    def __init__(self, identities: _Optional[_Iterable[_Union[Identity, _Mapping]]] = ..., total: _Optional[int] = ...) -> None: ...

class Camera(_message.Message):
    __slots__ = ("camera_id", "url", "origin", "state", "detail", "updated_at", "stats")
    class StatsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    URL_FIELD_NUMBER: _ClassVar[int]
    ORIGIN_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_FIELD_NUMBER: _ClassVar[int]
    STATS_FIELD_NUMBER: _ClassVar[int]
    camera_id: str
    url: str
    origin: CameraOrigin
    state: CameraState
    detail: str
    updated_at: _timestamp_pb2.Timestamp
    stats: _containers.ScalarMap[str, float]
    def __init__(self, camera_id: _Optional[str] = ..., url: _Optional[str] = ..., origin: _Optional[_Union[CameraOrigin, str]] = ..., state: _Optional[_Union[CameraState, str]] = ..., detail: _Optional[str] = ..., updated_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., stats: _Optional[_Mapping[str, float]] = ...) -> None: ...

class ListCamerasRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListCamerasResponse(_message.Message):
    __slots__ = ("cameras",)
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    cameras: _containers.RepeatedCompositeFieldContainer[Camera]
    def __init__(self, cameras: _Optional[_Iterable[_Union[Camera, _Mapping]]] = ...) -> None: ...

class PictureRequest(_message.Message):
    __slots__ = ("sighting_id", "index")
    SIGHTING_ID_FIELD_NUMBER: _ClassVar[int]
    INDEX_FIELD_NUMBER: _ClassVar[int]
    sighting_id: str
    index: int
    def __init__(self, sighting_id: _Optional[str] = ..., index: _Optional[int] = ...) -> None: ...

class PictureResponse(_message.Message):
    __slots__ = ("jpeg", "count")
    JPEG_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    jpeg: bytes
    count: int
    def __init__(self, jpeg: _Optional[bytes] = ..., count: _Optional[int] = ...) -> None: ...

class FindVehiclesRequest(_message.Message):
    __slots__ = ("image",)
    IMAGE_FIELD_NUMBER: _ClassVar[int]
    image: bytes
    def __init__(self, image: _Optional[bytes] = ...) -> None: ...

class FoundVehicle(_message.Message):
    __slots__ = ("box", "score", "vehicle_class")
    BOX_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    VEHICLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    box: Box
    score: float
    vehicle_class: VehicleClass
    def __init__(self, box: _Optional[_Union[Box, _Mapping]] = ..., score: _Optional[float] = ..., vehicle_class: _Optional[_Union[VehicleClass, str]] = ...) -> None: ...

class FindVehiclesResponse(_message.Message):
    __slots__ = ("vehicles", "width", "height")
    VEHICLES_FIELD_NUMBER: _ClassVar[int]
    WIDTH_FIELD_NUMBER: _ClassVar[int]
    HEIGHT_FIELD_NUMBER: _ClassVar[int]
    vehicles: _containers.RepeatedCompositeFieldContainer[FoundVehicle]
    width: int
    height: int
    def __init__(self, vehicles: _Optional[_Iterable[_Union[FoundVehicle, _Mapping]]] = ..., width: _Optional[int] = ..., height: _Optional[int] = ...) -> None: ...

class EventsRequest(_message.Message):
    __slots__ = ("after_log_position", "limit")
    AFTER_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    after_log_position: str
    limit: int
    def __init__(self, after_log_position: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class SiteEvent(_message.Message):
    __slots__ = ("log_position", "at", "kind", "sighting_id", "identity_id", "other_identity_id", "camera_id", "status", "probability", "evidence", "reason")
    class EvidenceEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    OTHER_IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    log_position: str
    at: _timestamp_pb2.Timestamp
    kind: str
    sighting_id: str
    identity_id: str
    other_identity_id: str
    camera_id: str
    status: IdentityStatus
    probability: float
    evidence: _containers.ScalarMap[str, float]
    reason: str
    def __init__(self, log_position: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[str] = ..., sighting_id: _Optional[str] = ..., identity_id: _Optional[str] = ..., other_identity_id: _Optional[str] = ..., camera_id: _Optional[str] = ..., status: _Optional[_Union[IdentityStatus, str]] = ..., probability: _Optional[float] = ..., evidence: _Optional[_Mapping[str, float]] = ..., reason: _Optional[str] = ...) -> None: ...

class EventsResponse(_message.Message):
    __slots__ = ("events", "log_position")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[SiteEvent]
    log_position: str
    def __init__(self, events: _Optional[_Iterable[_Union[SiteEvent, _Mapping]]] = ..., log_position: _Optional[str] = ...) -> None: ...
