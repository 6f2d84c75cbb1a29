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

class ImageMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IMAGE_MODE_UNSPECIFIED: _ClassVar[ImageMode]
    IMAGE_MODE_LARGEST: _ClassVar[ImageMode]
    IMAGE_MODE_ALL: _ClassVar[ImageMode]
    IMAGE_MODE_BOX: _ClassVar[ImageMode]
    IMAGE_MODE_AS_IS: _ClassVar[ImageMode]

class Rerank(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RERANK_UNSPECIFIED: _ClassVar[Rerank]
    RERANK_NONE: _ClassVar[Rerank]
    RERANK_K_RECIPROCAL: _ClassVar[Rerank]
    RERANK_GEOMETRIC: _ClassVar[Rerank]

class WatchKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WATCH_KIND_UNSPECIFIED: _ClassVar[WatchKind]
    WATCH_KIND_SEEN: _ClassVar[WatchKind]
    WATCH_KIND_DECIDED: _ClassVar[WatchKind]

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

class ClockFault(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CLOCK_FAULT_UNSPECIFIED: _ClassVar[ClockFault]
    CLOCK_FAULT_STEP: _ClassVar[ClockFault]
    CLOCK_FAULT_DRIFT: _ClassVar[ClockFault]
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
IMAGE_MODE_UNSPECIFIED: ImageMode
IMAGE_MODE_LARGEST: ImageMode
IMAGE_MODE_ALL: ImageMode
IMAGE_MODE_BOX: ImageMode
IMAGE_MODE_AS_IS: ImageMode
RERANK_UNSPECIFIED: Rerank
RERANK_NONE: Rerank
RERANK_K_RECIPROCAL: Rerank
RERANK_GEOMETRIC: Rerank
WATCH_KIND_UNSPECIFIED: WatchKind
WATCH_KIND_SEEN: WatchKind
WATCH_KIND_DECIDED: WatchKind
CAMERA_ORIGIN_UNSPECIFIED: CameraOrigin
CAMERA_ORIGIN_FILE: CameraOrigin
CAMERA_ORIGIN_RUNTIME: CameraOrigin
CAMERA_STATE_UNSPECIFIED: CameraState
CAMERA_STATE_STARTING: CameraState
CAMERA_STATE_UP: CameraState
CAMERA_STATE_DOWN: CameraState
CAMERA_STATE_ENDED: CameraState
CLOCK_FAULT_UNSPECIFIED: ClockFault
CLOCK_FAULT_STEP: ClockFault
CLOCK_FAULT_DRIFT: ClockFault

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
    __slots__ = ("data", "as_is", "mode", "box")
    DATA_FIELD_NUMBER: _ClassVar[int]
    AS_IS_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    BOX_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    as_is: bool
    mode: ImageMode
    box: Box
    def __init__(self, data: _Optional[bytes] = ..., as_is: _Optional[bool] = ..., mode: _Optional[_Union[ImageMode, str]] = ..., box: _Optional[_Union[Box, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("camera_ids", "exclude_camera_ids", "span", "classes", "colours")
    CAMERA_IDS_FIELD_NUMBER: _ClassVar[int]
    EXCLUDE_CAMERA_IDS_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    COLOURS_FIELD_NUMBER: _ClassVar[int]
    camera_ids: _containers.RepeatedScalarFieldContainer[str]
    exclude_camera_ids: _containers.RepeatedScalarFieldContainer[str]
    span: TimeSpan
    classes: _containers.RepeatedScalarFieldContainer[VehicleClass]
    colours: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, camera_ids: _Optional[_Iterable[str]] = ..., exclude_camera_ids: _Optional[_Iterable[str]] = ..., span: _Optional[_Union[TimeSpan, _Mapping]] = ..., classes: _Optional[_Iterable[_Union[VehicleClass, str]]] = ..., colours: _Optional[_Iterable[str]] = ...) -> None: ...

class SearchRequest(_message.Message):
    __slots__ = ("probes", "negatives", "filter", "k", "grouping", "min_log_position", "rerank", "rerank_depth")
    PROBES_FIELD_NUMBER: _ClassVar[int]
    NEGATIVES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    K_FIELD_NUMBER: _ClassVar[int]
    GROUPING_FIELD_NUMBER: _ClassVar[int]
    MIN_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    RERANK_FIELD_NUMBER: _ClassVar[int]
    RERANK_DEPTH_FIELD_NUMBER: _ClassVar[int]
    probes: _containers.RepeatedCompositeFieldContainer[Probe]
    negatives: _containers.RepeatedCompositeFieldContainer[Probe]
    filter: Filter
    k: int
    grouping: Grouping
    min_log_position: str
    rerank: Rerank
    rerank_depth: int
    def __init__(self, probes: _Optional[_Iterable[_Union[Probe, _Mapping]]] = ..., negatives: _Optional[_Iterable[_Union[Probe, _Mapping]]] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., k: _Optional[int] = ..., grouping: _Optional[_Union[Grouping, str]] = ..., min_log_position: _Optional[str] = ..., rerank: _Optional[_Union[Rerank, str]] = ..., rerank_depth: _Optional[int] = ...) -> None: ...

class SearchStreamRequest(_message.Message):
    __slots__ = ("request_id", "search")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SEARCH_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    search: SearchRequest
    def __init__(self, request_id: _Optional[str] = ..., search: _Optional[_Union[SearchRequest, _Mapping]] = ...) -> None: ...

class SearchStreamResponse(_message.Message):
    __slots__ = ("request_id", "response", "error")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    RESPONSE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    response: SearchResponse
    error: CallError
    def __init__(self, request_id: _Optional[str] = ..., response: _Optional[_Union[SearchResponse, _Mapping]] = ..., error: _Optional[_Union[CallError, _Mapping]] = ...) -> None: ...

class CallError(_message.Message):
    __slots__ = ("code", "error", "message")
    CODE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    code: int
    error: str
    message: str
    def __init__(self, code: _Optional[int] = ..., error: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class VerifyRequest(_message.Message):
    __slots__ = ("left", "right", "min_log_position")
    LEFT_FIELD_NUMBER: _ClassVar[int]
    RIGHT_FIELD_NUMBER: _ClassVar[int]
    MIN_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    left: _containers.RepeatedCompositeFieldContainer[Probe]
    right: _containers.RepeatedCompositeFieldContainer[Probe]
    min_log_position: str
    def __init__(self, left: _Optional[_Iterable[_Union[Probe, _Mapping]]] = ..., right: _Optional[_Iterable[_Union[Probe, _Mapping]]] = ..., min_log_position: _Optional[str] = ...) -> None: ...

class VerifyResponse(_message.Message):
    __slots__ = ("similarity", "probability", "same", "log_likelihood_ratio")
    SIMILARITY_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    SAME_FIELD_NUMBER: _ClassVar[int]
    LOG_LIKELIHOOD_RATIO_FIELD_NUMBER: _ClassVar[int]
    similarity: float
    probability: float
    same: bool
    log_likelihood_ratio: float
    def __init__(self, similarity: _Optional[float] = ..., probability: _Optional[float] = ..., same: _Optional[bool] = ..., log_likelihood_ratio: _Optional[float] = ...) -> None: ...

class EmbedRequest(_message.Message):
    __slots__ = ("images",)
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedCompositeFieldContainer[ImageProbe]
    def __init__(self, images: _Optional[_Iterable[_Union[ImageProbe, _Mapping]]] = ...) -> None: ...

class Embedded(_message.Message):
    __slots__ = ("embeddings", "boxes")
    EMBEDDINGS_FIELD_NUMBER: _ClassVar[int]
    BOXES_FIELD_NUMBER: _ClassVar[int]
    embeddings: _containers.RepeatedCompositeFieldContainer[Embedding]
    boxes: _containers.RepeatedCompositeFieldContainer[Box]
    def __init__(self, embeddings: _Optional[_Iterable[_Union[Embedding, _Mapping]]] = ..., boxes: _Optional[_Iterable[_Union[Box, _Mapping]]] = ...) -> None: ...

class EmbedResponse(_message.Message):
    __slots__ = ("images",)
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedCompositeFieldContainer[Embedded]
    def __init__(self, images: _Optional[_Iterable[_Union[Embedded, _Mapping]]] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("probes", "filter", "min_probability", "after_log_position")
    PROBES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MIN_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    AFTER_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    probes: _containers.RepeatedCompositeFieldContainer[Probe]
    filter: Filter
    min_probability: float
    after_log_position: str
    def __init__(self, probes: _Optional[_Iterable[_Union[Probe, _Mapping]]] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., min_probability: _Optional[float] = ..., after_log_position: _Optional[str] = ...) -> None: ...

class WatchEvent(_message.Message):
    __slots__ = ("kind", "match", "log_position")
    KIND_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    kind: WatchKind
    match: Match
    log_position: str
    def __init__(self, kind: _Optional[_Union[WatchKind, str]] = ..., match: _Optional[_Union[Match, _Mapping]] = ..., log_position: _Optional[str] = ...) -> None: ...

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
    __slots__ = ("identity_id", "sighting_id", "camera_id", "first_seen", "last_seen", "similarity", "probability", "evidence", "posterior")
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
    POSTERIOR_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    sighting_id: str
    camera_id: str
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    similarity: float
    probability: float
    evidence: _containers.ScalarMap[str, float]
    posterior: float
    def __init__(self, identity_id: _Optional[str] = ..., sighting_id: _Optional[str] = ..., camera_id: _Optional[str] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., similarity: _Optional[float] = ..., probability: _Optional[float] = ..., evidence: _Optional[_Mapping[str, float]] = ..., posterior: _Optional[float] = ...) -> None: ...

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
    __slots__ = ("identity_id", "sighting_id", "reason")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    sighting_id: str
    reason: str
    def __init__(self, identity_id: _Optional[str] = ..., sighting_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class DeleteResponse(_message.Message):
    __slots__ = ("log_position",)
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    log_position: str
    def __init__(self, log_position: _Optional[str] = ...) -> None: ...

class EnrollRequest(_message.Message):
    __slots__ = ("images", "identity_id", "vehicle_class", "colour", "seen_at")
    IMAGES_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    VEHICLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    COLOUR_FIELD_NUMBER: _ClassVar[int]
    SEEN_AT_FIELD_NUMBER: _ClassVar[int]
    images: _containers.RepeatedCompositeFieldContainer[ImageProbe]
    identity_id: str
    vehicle_class: VehicleClass
    colour: str
    seen_at: _timestamp_pb2.Timestamp
    def __init__(self, images: _Optional[_Iterable[_Union[ImageProbe, _Mapping]]] = ..., identity_id: _Optional[str] = ..., vehicle_class: _Optional[_Union[VehicleClass, str]] = ..., colour: _Optional[str] = ..., seen_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class EnrollResponse(_message.Message):
    __slots__ = ("identity_id", "sighting_id", "log_position")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_ID_FIELD_NUMBER: _ClassVar[int]
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    sighting_id: str
    log_position: str
    def __init__(self, identity_id: _Optional[str] = ..., sighting_id: _Optional[str] = ..., log_position: _Optional[str] = ...) -> None: ...

class UpdateRequest(_message.Message):
    __slots__ = ("sighting_id", "vehicle_class", "colour")
    SIGHTING_ID_FIELD_NUMBER: _ClassVar[int]
    VEHICLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    COLOUR_FIELD_NUMBER: _ClassVar[int]
    sighting_id: str
    vehicle_class: VehicleClass
    colour: str
    def __init__(self, sighting_id: _Optional[str] = ..., vehicle_class: _Optional[_Union[VehicleClass, str]] = ..., colour: _Optional[str] = ...) -> None: ...

class UpdateResponse(_message.Message):
    __slots__ = ("revision", "log_position")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    log_position: str
    def __init__(self, revision: _Optional[int] = ..., log_position: _Optional[str] = ...) -> None: ...

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

class ExportRequest(_message.Message):
    __slots__ = ("identity_ids",)
    IDENTITY_IDS_FIELD_NUMBER: _ClassVar[int]
    identity_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, identity_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class ExportedSighting(_message.Message):
    __slots__ = ("identity_id", "fields", "enrolled")
    class FieldsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: bytes
        def __init__(self, key: _Optional[str] = ..., value: _Optional[bytes] = ...) -> None: ...
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    FIELDS_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    fields: _containers.ScalarMap[str, bytes]
    enrolled: bool
    def __init__(self, identity_id: _Optional[str] = ..., fields: _Optional[_Mapping[str, bytes]] = ..., enrolled: _Optional[bool] = ...) -> None: ...

class ExportChunk(_message.Message):
    __slots__ = ("model_id", "sightings")
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    SIGHTINGS_FIELD_NUMBER: _ClassVar[int]
    model_id: str
    sightings: _containers.RepeatedCompositeFieldContainer[ExportedSighting]
    def __init__(self, model_id: _Optional[str] = ..., sightings: _Optional[_Iterable[_Union[ExportedSighting, _Mapping]]] = ...) -> None: ...

class ImportResponse(_message.Message):
    __slots__ = ("imported", "passed_over", "log_position")
    IMPORTED_FIELD_NUMBER: _ClassVar[int]
    PASSED_OVER_FIELD_NUMBER: _ClassVar[int]
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    imported: int
    passed_over: int
    log_position: str
    def __init__(self, imported: _Optional[int] = ..., passed_over: _Optional[int] = ..., log_position: _Optional[str] = ...) -> None: ...

class SnapshotRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SnapshotResponse(_message.Message):
    __slots__ = ("log_position", "bytes", "vectors")
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    log_position: str
    bytes: int
    vectors: int
    def __init__(self, log_position: _Optional[str] = ..., bytes: _Optional[int] = ..., vectors: _Optional[int] = ...) -> None: ...

class RestoreRequest(_message.Message):
    __slots__ = ("from_store",)
    FROM_STORE_FIELD_NUMBER: _ClassVar[int]
    from_store: bool
    def __init__(self, from_store: _Optional[bool] = ...) -> None: ...

class RestoreResponse(_message.Message):
    __slots__ = ("from_snapshot", "log_position")
    FROM_SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    from_snapshot: bool
    log_position: str
    def __init__(self, from_snapshot: _Optional[bool] = ..., log_position: _Optional[str] = ...) -> None: ...

class CompactRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class CompactResponse(_message.Message):
    __slots__ = ("bytes_before", "bytes_after")
    BYTES_BEFORE_FIELD_NUMBER: _ClassVar[int]
    BYTES_AFTER_FIELD_NUMBER: _ClassVar[int]
    bytes_before: int
    bytes_after: int
    def __init__(self, bytes_before: _Optional[int] = ..., bytes_after: _Optional[int] = ...) -> None: ...

class StatsRequest(_message.Message):
    __slots__ = ("min_log_position",)
    MIN_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    min_log_position: str
    def __init__(self, min_log_position: _Optional[str] = ...) -> None: ...

class StatsResponse(_message.Message):
    __slots__ = ("identities", "sightings", "vectors", "bytes", "segments", "tier", "backend", "model_id", "log_position", "calibration")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    SIGHTINGS_FIELD_NUMBER: _ClassVar[int]
    VECTORS_FIELD_NUMBER: _ClassVar[int]
    BYTES_FIELD_NUMBER: _ClassVar[int]
    SEGMENTS_FIELD_NUMBER: _ClassVar[int]
    TIER_FIELD_NUMBER: _ClassVar[int]
    BACKEND_FIELD_NUMBER: _ClassVar[int]
    MODEL_ID_FIELD_NUMBER: _ClassVar[int]
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    CALIBRATION_FIELD_NUMBER: _ClassVar[int]
    identities: int
    sightings: int
    vectors: int
    bytes: int
    segments: int
    tier: str
    backend: str
    model_id: str
    log_position: str
    calibration: Calibration
    def __init__(self, identities: _Optional[int] = ..., sightings: _Optional[int] = ..., vectors: _Optional[int] = ..., bytes: _Optional[int] = ..., segments: _Optional[int] = ..., tier: _Optional[str] = ..., backend: _Optional[str] = ..., model_id: _Optional[str] = ..., log_position: _Optional[str] = ..., calibration: _Optional[_Union[Calibration, _Mapping]] = ...) -> None: ...

class Calibration(_message.Message):
    __slots__ = ("slope", "offset", "limit")
    SLOPE_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    slope: float
    offset: float
    limit: float
    def __init__(self, slope: _Optional[float] = ..., offset: _Optional[float] = ..., limit: _Optional[float] = ...) -> None: ...

class Identity(_message.Message):
    __slots__ = ("identity_id", "status", "camera_ids", "first_seen", "last_seen", "aliases", "sighting_count", "sightings", "enrolled", "best_sighting_id", "vehicle_class", "colour")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    CAMERA_IDS_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    ALIASES_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_COUNT_FIELD_NUMBER: _ClassVar[int]
    SIGHTINGS_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_FIELD_NUMBER: _ClassVar[int]
    BEST_SIGHTING_ID_FIELD_NUMBER: _ClassVar[int]
    VEHICLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    COLOUR_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    status: IdentityStatus
    camera_ids: _containers.RepeatedScalarFieldContainer[str]
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    aliases: _containers.RepeatedScalarFieldContainer[str]
    sighting_count: int
    sightings: _containers.RepeatedCompositeFieldContainer[SightingSummary]
    enrolled: bool
    best_sighting_id: str
    vehicle_class: VehicleClass
    colour: str
    def __init__(self, identity_id: _Optional[str] = ..., status: _Optional[_Union[IdentityStatus, str]] = ..., camera_ids: _Optional[_Iterable[str]] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., aliases: _Optional[_Iterable[str]] = ..., sighting_count: _Optional[int] = ..., sightings: _Optional[_Iterable[_Union[SightingSummary, _Mapping]]] = ..., enrolled: _Optional[bool] = ..., best_sighting_id: _Optional[str] = ..., vehicle_class: _Optional[_Union[VehicleClass, str]] = ..., colour: _Optional[str] = ...) -> None: ...

class SightingSummary(_message.Message):
    __slots__ = ("sighting_id", "camera_id", "first_seen", "last_seen", "vehicle_class", "quality", "revision", "final", "colour")
    SIGHTING_ID_FIELD_NUMBER: _ClassVar[int]
    CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEEN_FIELD_NUMBER: _ClassVar[int]
    LAST_SEEN_FIELD_NUMBER: _ClassVar[int]
    VEHICLE_CLASS_FIELD_NUMBER: _ClassVar[int]
    QUALITY_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    FINAL_FIELD_NUMBER: _ClassVar[int]
    COLOUR_FIELD_NUMBER: _ClassVar[int]
    sighting_id: str
    camera_id: str
    first_seen: _timestamp_pb2.Timestamp
    last_seen: _timestamp_pb2.Timestamp
    vehicle_class: VehicleClass
    quality: float
    revision: int
    final: bool
    colour: str
    def __init__(self, sighting_id: _Optional[str] = ..., camera_id: _Optional[str] = ..., first_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_seen: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., vehicle_class: _Optional[_Union[VehicleClass, str]] = ..., quality: _Optional[float] = ..., revision: _Optional[int] = ..., final: _Optional[bool] = ..., colour: _Optional[str] = ...) -> None: ...

class GetIdentityRequest(_message.Message):
    __slots__ = ("identity_id", "min_log_position", "sighting_limit", "sighting_offset")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_LIMIT_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_OFFSET_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    min_log_position: str
    sighting_limit: int
    sighting_offset: int
    def __init__(self, identity_id: _Optional[str] = ..., min_log_position: _Optional[str] = ..., sighting_limit: _Optional[int] = ..., sighting_offset: _Optional[int] = ...) -> None: ...

class ListIdentitiesRequest(_message.Message):
    __slots__ = ("limit", "offset", "min_log_position", "camera_ids", "span", "statuses", "min_cameras", "active", "classes", "colours", "enrolled")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    MIN_LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    CAMERA_IDS_FIELD_NUMBER: _ClassVar[int]
    SPAN_FIELD_NUMBER: _ClassVar[int]
    STATUSES_FIELD_NUMBER: _ClassVar[int]
    MIN_CAMERAS_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    CLASSES_FIELD_NUMBER: _ClassVar[int]
    COLOURS_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_FIELD_NUMBER: _ClassVar[int]
    limit: int
    offset: int
    min_log_position: str
    camera_ids: _containers.RepeatedScalarFieldContainer[str]
    span: TimeSpan
    statuses: _containers.RepeatedScalarFieldContainer[IdentityStatus]
    min_cameras: int
    active: bool
    classes: _containers.RepeatedScalarFieldContainer[VehicleClass]
    colours: _containers.RepeatedScalarFieldContainer[str]
    enrolled: bool
    def __init__(self, limit: _Optional[int] = ..., offset: _Optional[int] = ..., min_log_position: _Optional[str] = ..., camera_ids: _Optional[_Iterable[str]] = ..., span: _Optional[_Union[TimeSpan, _Mapping]] = ..., statuses: _Optional[_Iterable[_Union[IdentityStatus, str]]] = ..., min_cameras: _Optional[int] = ..., active: _Optional[bool] = ..., classes: _Optional[_Iterable[_Union[VehicleClass, str]]] = ..., colours: _Optional[_Iterable[str]] = ..., enrolled: _Optional[bool] = ...) -> None: ...

class ListIdentitiesResponse(_message.Message):
    __slots__ = ("identities", "total")
    IDENTITIES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    identities: _containers.RepeatedCompositeFieldContainer[Identity]
    total: int
    def __init__(self, identities: _Optional[_Iterable[_Union[Identity, _Mapping]]] = ..., total: _Optional[int] = ...) -> None: ...

class MergeRequest(_message.Message):
    __slots__ = ("survivor_id", "absorbed_id", "reason")
    SURVIVOR_ID_FIELD_NUMBER: _ClassVar[int]
    ABSORBED_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    survivor_id: str
    absorbed_id: str
    reason: str
    def __init__(self, survivor_id: _Optional[str] = ..., absorbed_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class SplitRequest(_message.Message):
    __slots__ = ("identity_id", "sighting_ids", "reason")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_IDS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    sighting_ids: _containers.RepeatedScalarFieldContainer[str]
    reason: str
    def __init__(self, identity_id: _Optional[str] = ..., sighting_ids: _Optional[_Iterable[str]] = ..., reason: _Optional[str] = ...) -> None: ...

class UndoRequest(_message.Message):
    __slots__ = ("event_id", "identity_id", "reason")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    identity_id: str
    reason: str
    def __init__(self, event_id: _Optional[str] = ..., identity_id: _Optional[str] = ..., reason: _Optional[str] = ...) -> None: ...

class SetEnrolledRequest(_message.Message):
    __slots__ = ("identity_id", "enrolled")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    ENROLLED_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    enrolled: bool
    def __init__(self, identity_id: _Optional[str] = ..., enrolled: _Optional[bool] = ...) -> None: ...

class SetEnrolledResponse(_message.Message):
    __slots__ = ("log_position",)
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    log_position: str
    def __init__(self, log_position: _Optional[str] = ...) -> None: ...

class CorrectionResponse(_message.Message):
    __slots__ = ("event_id", "log_position", "new_identity_id")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    LOG_POSITION_FIELD_NUMBER: _ClassVar[int]
    NEW_IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    log_position: str
    new_identity_id: str
    def __init__(self, event_id: _Optional[str] = ..., log_position: _Optional[str] = ..., new_identity_id: _Optional[str] = ...) -> None: ...

class HistoryRequest(_message.Message):
    __slots__ = ("identity_id", "at", "after_event_id", "limit", "sighting_offset")
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    AFTER_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_OFFSET_FIELD_NUMBER: _ClassVar[int]
    identity_id: str
    at: _timestamp_pb2.Timestamp
    after_event_id: str
    limit: int
    sighting_offset: int
    def __init__(self, identity_id: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., after_event_id: _Optional[str] = ..., limit: _Optional[int] = ..., sighting_offset: _Optional[int] = ...) -> None: ...

class HistoryResponse(_message.Message):
    __slots__ = ("events", "believed", "next_event_id")
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    BELIEVED_FIELD_NUMBER: _ClassVar[int]
    NEXT_EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[HistoryEvent]
    believed: Identity
    next_event_id: str
    def __init__(self, events: _Optional[_Iterable[_Union[HistoryEvent, _Mapping]]] = ..., believed: _Optional[_Union[Identity, _Mapping]] = ..., next_event_id: _Optional[str] = ...) -> None: ...

class HistoryEvent(_message.Message):
    __slots__ = ("event_id", "at", "kind", "identity_id", "other_identity_id", "sighting_ids", "actor", "reason", "undoes", "status", "probability", "evidence", "sighting_count")
    class EvidenceEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    OTHER_IDENTITY_ID_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_IDS_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    UNDOES_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_COUNT_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    at: _timestamp_pb2.Timestamp
    kind: str
    identity_id: str
    other_identity_id: str
    sighting_ids: _containers.RepeatedScalarFieldContainer[str]
    actor: str
    reason: str
    undoes: str
    status: IdentityStatus
    probability: float
    evidence: _containers.ScalarMap[str, float]
    sighting_count: int
    def __init__(self, event_id: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., kind: _Optional[str] = ..., identity_id: _Optional[str] = ..., other_identity_id: _Optional[str] = ..., sighting_ids: _Optional[_Iterable[str]] = ..., actor: _Optional[str] = ..., reason: _Optional[str] = ..., undoes: _Optional[str] = ..., status: _Optional[_Union[IdentityStatus, str]] = ..., probability: _Optional[float] = ..., evidence: _Optional[_Mapping[str, float]] = ..., sighting_count: _Optional[int] = ...) -> None: ...

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

class TopologyRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TopologyResponse(_message.Message):
    __slots__ = ("cameras", "links", "warnings")
    CAMERAS_FIELD_NUMBER: _ClassVar[int]
    LINKS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    cameras: _containers.RepeatedCompositeFieldContainer[CameraTraffic]
    links: _containers.RepeatedCompositeFieldContainer[CameraLink]
    warnings: _containers.RepeatedCompositeFieldContainer[ClockWarning]
    def __init__(self, cameras: _Optional[_Iterable[_Union[CameraTraffic, _Mapping]]] = ..., links: _Optional[_Iterable[_Union[CameraLink, _Mapping]]] = ..., warnings: _Optional[_Iterable[_Union[ClockWarning, _Mapping]]] = ...) -> None: ...

class CameraTraffic(_message.Message):
    __slots__ = ("camera_id", "arrivals_per_s", "new_share", "returning_share")
    CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    ARRIVALS_PER_S_FIELD_NUMBER: _ClassVar[int]
    NEW_SHARE_FIELD_NUMBER: _ClassVar[int]
    RETURNING_SHARE_FIELD_NUMBER: _ClassVar[int]
    camera_id: str
    arrivals_per_s: float
    new_share: float
    returning_share: float
    def __init__(self, camera_id: _Optional[str] = ..., arrivals_per_s: _Optional[float] = ..., new_share: _Optional[float] = ..., returning_share: _Optional[float] = ...) -> None: ...

class CameraLink(_message.Message):
    __slots__ = ("from_camera_id", "to_camera_id", "trips", "share", "travel", "overlap", "offset", "pinned")
    FROM_CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    TO_CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    TRIPS_FIELD_NUMBER: _ClassVar[int]
    SHARE_FIELD_NUMBER: _ClassVar[int]
    TRAVEL_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    PINNED_FIELD_NUMBER: _ClassVar[int]
    from_camera_id: str
    to_camera_id: str
    trips: float
    share: float
    travel: TravelTime
    overlap: float
    offset: ClockOffset
    pinned: bool
    def __init__(self, from_camera_id: _Optional[str] = ..., to_camera_id: _Optional[str] = ..., trips: _Optional[float] = ..., share: _Optional[float] = ..., travel: _Optional[_Union[TravelTime, _Mapping]] = ..., overlap: _Optional[float] = ..., offset: _Optional[_Union[ClockOffset, _Mapping]] = ..., pinned: _Optional[bool] = ...) -> None: ...

class TravelTime(_message.Message):
    __slots__ = ("median_s", "low_s", "high_s")
    MEDIAN_S_FIELD_NUMBER: _ClassVar[int]
    LOW_S_FIELD_NUMBER: _ClassVar[int]
    HIGH_S_FIELD_NUMBER: _ClassVar[int]
    median_s: float
    low_s: float
    high_s: float
    def __init__(self, median_s: _Optional[float] = ..., low_s: _Optional[float] = ..., high_s: _Optional[float] = ...) -> None: ...

class ClockOffset(_message.Message):
    __slots__ = ("offset_s", "error_s")
    OFFSET_S_FIELD_NUMBER: _ClassVar[int]
    ERROR_S_FIELD_NUMBER: _ClassVar[int]
    offset_s: float
    error_s: float
    def __init__(self, offset_s: _Optional[float] = ..., error_s: _Optional[float] = ...) -> None: ...

class ClockWarning(_message.Message):
    __slots__ = ("camera_id", "fault", "change_s", "trips")
    CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    CHANGE_S_FIELD_NUMBER: _ClassVar[int]
    TRIPS_FIELD_NUMBER: _ClassVar[int]
    camera_id: str
    fault: ClockFault
    change_s: float
    trips: int
    def __init__(self, camera_id: _Optional[str] = ..., fault: _Optional[_Union[ClockFault, str]] = ..., change_s: _Optional[float] = ..., trips: _Optional[int] = ...) -> None: ...

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

class AuditRequest(_message.Message):
    __slots__ = ("before_entry_id", "limit")
    BEFORE_ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    before_entry_id: str
    limit: int
    def __init__(self, before_entry_id: _Optional[str] = ..., limit: _Optional[int] = ...) -> None: ...

class AuditEntry(_message.Message):
    __slots__ = ("entry_id", "at", "actor", "action", "subject", "sightings", "detail")
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    ACTOR_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_FIELD_NUMBER: _ClassVar[int]
    SIGHTINGS_FIELD_NUMBER: _ClassVar[int]
    DETAIL_FIELD_NUMBER: _ClassVar[int]
    entry_id: str
    at: _timestamp_pb2.Timestamp
    actor: str
    action: str
    subject: str
    sightings: int
    detail: str
    def __init__(self, entry_id: _Optional[str] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., actor: _Optional[str] = ..., action: _Optional[str] = ..., subject: _Optional[str] = ..., sightings: _Optional[int] = ..., detail: _Optional[str] = ...) -> None: ...

class AuditResponse(_message.Message):
    __slots__ = ("entries",)
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[AuditEntry]
    def __init__(self, entries: _Optional[_Iterable[_Union[AuditEntry, _Mapping]]] = ...) -> None: ...

class SiteRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class SiteReport(_message.Message):
    __slots__ = ("version", "process", "started_at", "store", "retention_s", "overdue", "unacknowledged", "counted_most", "views_silent_s", "oldest_event")
    class StoreEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    class RetentionSEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class ViewsSilentSEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    PROCESS_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_FIELD_NUMBER: _ClassVar[int]
    STORE_FIELD_NUMBER: _ClassVar[int]
    RETENTION_S_FIELD_NUMBER: _ClassVar[int]
    OVERDUE_FIELD_NUMBER: _ClassVar[int]
    UNACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    COUNTED_MOST_FIELD_NUMBER: _ClassVar[int]
    VIEWS_SILENT_S_FIELD_NUMBER: _ClassVar[int]
    OLDEST_EVENT_FIELD_NUMBER: _ClassVar[int]
    version: str
    process: str
    started_at: _timestamp_pb2.Timestamp
    store: _containers.ScalarMap[str, str]
    retention_s: _containers.ScalarMap[str, float]
    overdue: int
    unacknowledged: int
    counted_most: int
    views_silent_s: _containers.ScalarMap[str, float]
    oldest_event: _timestamp_pb2.Timestamp
    def __init__(self, version: _Optional[str] = ..., process: _Optional[str] = ..., started_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., store: _Optional[_Mapping[str, str]] = ..., retention_s: _Optional[_Mapping[str, float]] = ..., overdue: _Optional[int] = ..., unacknowledged: _Optional[int] = ..., counted_most: _Optional[int] = ..., views_silent_s: _Optional[_Mapping[str, float]] = ..., oldest_event: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class PredictRequest(_message.Message):
    __slots__ = ("camera_id", "left_at")
    CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    LEFT_AT_FIELD_NUMBER: _ClassVar[int]
    camera_id: str
    left_at: _timestamp_pb2.Timestamp
    def __init__(self, camera_id: _Optional[str] = ..., left_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class ExpectedArrival(_message.Message):
    __slots__ = ("camera_id", "probability", "at", "to", "trips")
    CAMERA_ID_FIELD_NUMBER: _ClassVar[int]
    PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    AT_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    TRIPS_FIELD_NUMBER: _ClassVar[int]
    camera_id: str
    probability: float
    at: _timestamp_pb2.Timestamp
    to: _timestamp_pb2.Timestamp
    trips: float
    def __init__(self, camera_id: _Optional[str] = ..., probability: _Optional[float] = ..., at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., to: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., trips: _Optional[float] = ..., **kwargs) -> None: ...

class PredictResponse(_message.Message):
    __slots__ = ("arrivals", "not_again")
    ARRIVALS_FIELD_NUMBER: _ClassVar[int]
    NOT_AGAIN_FIELD_NUMBER: _ClassVar[int]
    arrivals: _containers.RepeatedCompositeFieldContainer[ExpectedArrival]
    not_again: float
    def __init__(self, arrivals: _Optional[_Iterable[_Union[ExpectedArrival, _Mapping]]] = ..., not_again: _Optional[float] = ...) -> None: ...

class CreateStandingRequest(_message.Message):
    __slots__ = ("name", "probes", "filter", "min_probability")
    NAME_FIELD_NUMBER: _ClassVar[int]
    PROBES_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    MIN_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    name: str
    probes: _containers.RepeatedCompositeFieldContainer[Probe]
    filter: Filter
    min_probability: float
    def __init__(self, name: _Optional[str] = ..., probes: _Optional[_Iterable[_Union[Probe, _Mapping]]] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., min_probability: _Optional[float] = ...) -> None: ...

class StandingQuery(_message.Message):
    __slots__ = ("standing_id", "name", "min_probability", "filter", "sighting_ids", "identity_ids", "pictures", "active", "created_at", "created_by", "picture", "fault")
    STANDING_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MIN_PROBABILITY_FIELD_NUMBER: _ClassVar[int]
    FILTER_FIELD_NUMBER: _ClassVar[int]
    SIGHTING_IDS_FIELD_NUMBER: _ClassVar[int]
    IDENTITY_IDS_FIELD_NUMBER: _ClassVar[int]
    PICTURES_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_FIELD_NUMBER: _ClassVar[int]
    CREATED_BY_FIELD_NUMBER: _ClassVar[int]
    PICTURE_FIELD_NUMBER: _ClassVar[int]
    FAULT_FIELD_NUMBER: _ClassVar[int]
    standing_id: str
    name: str
    min_probability: float
    filter: Filter
    sighting_ids: _containers.RepeatedScalarFieldContainer[str]
    identity_ids: _containers.RepeatedScalarFieldContainer[str]
    pictures: int
    active: bool
    created_at: _timestamp_pb2.Timestamp
    created_by: str
    picture: bytes
    fault: str
    def __init__(self, standing_id: _Optional[str] = ..., name: _Optional[str] = ..., min_probability: _Optional[float] = ..., filter: _Optional[_Union[Filter, _Mapping]] = ..., sighting_ids: _Optional[_Iterable[str]] = ..., identity_ids: _Optional[_Iterable[str]] = ..., pictures: _Optional[int] = ..., active: _Optional[bool] = ..., created_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., created_by: _Optional[str] = ..., picture: _Optional[bytes] = ..., fault: _Optional[str] = ...) -> None: ...

class ListStandingRequest(_message.Message):
    __slots__ = ("limit", "offset")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    limit: int
    offset: int
    def __init__(self, limit: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class ListStandingResponse(_message.Message):
    __slots__ = ("queries", "total")
    QUERIES_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    queries: _containers.RepeatedCompositeFieldContainer[StandingQuery]
    total: int
    def __init__(self, queries: _Optional[_Iterable[_Union[StandingQuery, _Mapping]]] = ..., total: _Optional[int] = ...) -> None: ...

class SetStandingActiveRequest(_message.Message):
    __slots__ = ("standing_id", "active")
    STANDING_ID_FIELD_NUMBER: _ClassVar[int]
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    standing_id: str
    active: bool
    def __init__(self, standing_id: _Optional[str] = ..., active: _Optional[bool] = ...) -> None: ...

class DeleteStandingRequest(_message.Message):
    __slots__ = ("standing_id",)
    STANDING_ID_FIELD_NUMBER: _ClassVar[int]
    standing_id: str
    def __init__(self, standing_id: _Optional[str] = ...) -> None: ...

class DeleteStandingResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAlertsRequest(_message.Message):
    __slots__ = ("limit", "offset", "open_only")
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    OPEN_ONLY_FIELD_NUMBER: _ClassVar[int]
    limit: int
    offset: int
    open_only: bool
    def __init__(self, limit: _Optional[int] = ..., offset: _Optional[int] = ..., open_only: _Optional[bool] = ...) -> None: ...

class Alert(_message.Message):
    __slots__ = ("alert_id", "standing_id", "name", "match", "raised_at", "acknowledged_by", "acknowledged_at", "latest")
    ALERT_ID_FIELD_NUMBER: _ClassVar[int]
    STANDING_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    MATCH_FIELD_NUMBER: _ClassVar[int]
    RAISED_AT_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_BY_FIELD_NUMBER: _ClassVar[int]
    ACKNOWLEDGED_AT_FIELD_NUMBER: _ClassVar[int]
    LATEST_FIELD_NUMBER: _ClassVar[int]
    alert_id: str
    standing_id: str
    name: str
    match: Match
    raised_at: _timestamp_pb2.Timestamp
    acknowledged_by: str
    acknowledged_at: _timestamp_pb2.Timestamp
    latest: SightingSummary
    def __init__(self, alert_id: _Optional[str] = ..., standing_id: _Optional[str] = ..., name: _Optional[str] = ..., match: _Optional[_Union[Match, _Mapping]] = ..., raised_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., acknowledged_by: _Optional[str] = ..., acknowledged_at: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., latest: _Optional[_Union[SightingSummary, _Mapping]] = ...) -> None: ...

class ListAlertsResponse(_message.Message):
    __slots__ = ("alerts", "total")
    ALERTS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    alerts: _containers.RepeatedCompositeFieldContainer[Alert]
    total: int
    def __init__(self, alerts: _Optional[_Iterable[_Union[Alert, _Mapping]]] = ..., total: _Optional[int] = ...) -> None: ...

class AcknowledgeRequest(_message.Message):
    __slots__ = ("alert_ids",)
    ALERT_IDS_FIELD_NUMBER: _ClassVar[int]
    alert_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, alert_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class AcknowledgeResponse(_message.Message):
    __slots__ = ("acknowledged",)
    ACKNOWLEDGED_FIELD_NUMBER: _ClassVar[int]
    acknowledged: int
    def __init__(self, acknowledged: _Optional[int] = ...) -> None: ...
