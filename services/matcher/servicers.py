"""The calls of vreid.v1: requests checked field by field, answered from the gallery, written through the store."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
import numpy as np

from services.errors import DeadlinePassed, InputError, Unavailable
from services.identity.retention.contract import Cause
from services.identity.retention.settings import RetentionSettings
from services.identity.store import IdentityStore
from services.matcher.door.admission import actor_of
from services.matcher.gallery import Gallery
from services.matcher.pages import fitting, page
from services.matcher.probes import ProbeReader
from services.matcher.settings import MatcherSettings
from services.rpc import convert, vreid_pb2_grpc
from services.rpc import vreid_pb2 as pb
from services.rpc.topology import prediction_to_message, topology_to_message
from tracker.multi_camera.settings import AssociationSettings
from tracker.multi_camera.topology.learned import Topology as LearnedTopology
from tracker.multi_camera.topology.prediction import predict_next
from tracker.multi_camera.topology.report import topology_report

log = logging.getLogger(__name__)

MAX_REASON = 500
NO_DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the calls work with."""

    store: IdentityStore
    gallery: Gallery
    reader: ProbeReader
    settings: MatcherSettings
    retention: RetentionSettings = field(default_factory=RetentionSettings)
    association: AssociationSettings = field(default_factory=AssociationSettings)

    def wait(self, position: str, context: grpc.ServicerContext) -> None:
        """Returns once the gallery may answer a read; see Gallery.wait_for."""
        left: float | None = context.time_remaining()
        self.gallery.wait_for(position, min(self.settings.max_wait_s, left if left is not None else np.inf))

    def show(self, position: str, context: grpc.ServicerContext) -> None:
        """Gives the gallery time to see a write that is done, so that the caller's next read shows it."""
        try:
            self.wait(position, context)
        except Unavailable:  # the gallery will hear of it
            log.warning("the gallery has not reached %s yet", position)


def left_s(context: grpc.ServicerContext) -> float:
    """Seconds until the caller's deadline, 60 at most."""
    left: float | None = context.time_remaining()
    # Without a deadline gRPC may say a number that no clock can wait for.
    return NO_DEADLINE_S if left is None else max(0.0, min(left, NO_DEADLINE_S))


def wanted_by(context: grpc.ServicerContext) -> Callable[[], None]:
    """What long work asks before each step, so that it ends with its call; raises DeadlinePassed once that is over."""

    def go_on() -> None:
        if not context.is_active():
            raise DeadlinePassed("the caller does not wait any more")

    return go_on


def required(value: str, name: str) -> str:
    """An id that was given.

    Raises:
        InputError: It was not.
    """
    if not value:
        raise InputError(f"{name}: missing")
    return value


def reason_of(text: str) -> str:
    """A reason, checked.

    Raises:
        InputError: It is longer than MAX_REASON, or more than one line.
    """
    if len(text) > MAX_REASON or not text.isprintable():
        raise InputError(f"reason: must be one line of at most {MAX_REASON} characters, got {len(text)}")
    return text


class GalleryServicer(vreid_pb2_grpc.GalleryServiceServicer):  # type: ignore[misc]
    """See GalleryService in proto/vreid.proto."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def List(  # noqa: N802
        self, request: pb.ListEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListEntriesResponse:
        """See the proto."""
        limit, offset = page(request.limit, request.offset)
        self._parts.wait(request.min_log_position, context)
        entries, total = self._parts.gallery.entries(limit, offset)
        return pb.ListEntriesResponse(entries=fitting(map(convert.entry_to_message, entries)), total=total)

    def Get(self, request: pb.GetEntryRequest, context: grpc.ServicerContext) -> pb.Entry:  # noqa: N802
        """See the proto."""
        identity_id = required(request.identity_id, "identity_id")
        self._parts.wait(request.min_log_position, context)
        return convert.entry_to_message(self._parts.gallery.entry(identity_id))

    def Delete(self, request: pb.DeleteRequest, context: grpc.ServicerContext) -> pb.DeleteResponse:  # noqa: N802
        """See the proto."""
        return self._remove(request, context, "delete")

    def _remove(self, request: pb.DeleteRequest, context: grpc.ServicerContext, cause: Cause) -> pb.DeleteResponse:
        store, actor, reason = self._parts.store, actor_of(context), reason_of(request.reason)
        self._parts.wait("", context)
        match request.WhichOneof("target"):
            case "identity_id":
                name = required(request.identity_id, "identity_id")
                position = store.delete_identity(name, actor, cause=cause, reason=reason)
            case "sighting_id":
                name = required(request.sighting_id, "sighting_id")
                position = store.delete_sighting(name, actor, cause=cause, reason=reason)
            case _:
                raise InputError("target: give an identity_id or a sighting_id")
        self._parts.show(position, context)
        return pb.DeleteResponse(log_position=position)

    def Stats(self, request: pb.StatsRequest, context: grpc.ServicerContext) -> pb.StatsResponse:  # noqa: N802
        """See the proto."""
        self._parts.wait(request.min_log_position, context)
        return convert.stats_to_message(self._parts.gallery.stats())


class CameraServicer(vreid_pb2_grpc.CameraServiceServicer):  # type: ignore[misc]
    """See CameraService in proto/vreid.proto."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._lock = threading.Lock()
        self._links: dict[str, str] = {}
        self._topology = LearnedTopology(parts.association)

    def List(  # noqa: N802
        self, request: pb.ListCamerasRequest, context: grpc.ServicerContext
    ) -> pb.ListCamerasResponse:
        """See the proto. Read from the store: how a camera fares is no part of the gallery."""
        cameras = self._parts.store.list_cameras()
        return pb.ListCamerasResponse(cameras=[convert.camera_to_message(c) for c in cameras])

    def Topology(self, request: pb.TopologyRequest, context: grpc.ServicerContext) -> pb.TopologyResponse:  # noqa: N802
        """See the proto. Read from the store: whoever decides for this site commits what it learns there."""
        return topology_to_message(topology_report(self._parts.association, self._parts.store.links()))

    def Predict(self, request: pb.PredictRequest, context: grpc.ServicerContext) -> pb.PredictResponse:  # noqa: N802
        """See the proto. A clock that is ahead counts as a vehicle still in view."""
        camera_id = required(request.camera_id, "camera_id")
        if not request.HasField("left_at"):
            raise InputError("left_at: missing")
        left_ns = convert.moment_ns(request.left_at, "left_at")
        since_s = (self._parts.store.now_ns() - left_ns) / 1e9
        return prediction_to_message(predict_next(self._learned(), camera_id, since_s), left_ns)

    def _learned(self) -> LearnedTopology:
        """What was learned, read again where it changed."""
        links = dict(self._parts.store.links())
        with self._lock:
            if links != self._links:
                topology = LearnedTopology(self._parts.association)
                topology.load(links)
                topology.tables()  # fitted once, here, and only read afterwards
                self._links, self._topology = links, topology
            return self._topology
