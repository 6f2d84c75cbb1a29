"""The calls of vreid.v1: requests checked field by field, answered from the gallery, written through the store."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace

import grpc
import numpy as np

from services.crops import CropStore
from services.errors import InputError, Unavailable
from services.identity.store import IdentityStore
from services.matcher.gallery import Gallery
from services.matcher.probes import ProbeReader, Reading
from services.matcher.settings import MatcherSettings
from services.matcher.types import SearchFilter
from services.rpc import convert, vreid_pb2_grpc
from services.rpc import vreid_pb2 as pb

log = logging.getLogger(__name__)

DEFAULT_K = 10
MAX_PROBES = 16
DEFAULT_LIMIT = 100
MAX_LIMIT = 1000
#: Recorded in the audit as who asked, until callers have names.
ACTOR = "grpc"


@dataclass(frozen=True, slots=True)
class Parts:
    """What the calls work with."""

    store: IdentityStore
    gallery: Gallery
    reader: ProbeReader
    settings: MatcherSettings
    crops: CropStore | None = None

    def wait(self, position: str, context: grpc.ServicerContext) -> None:
        """Returns once the gallery may answer a read; see Gallery.wait_for."""
        left: float | None = context.time_remaining()
        self.gallery.wait_for(position, min(self.settings.max_wait_s, left if left is not None else np.inf))


def _page(limit: int, offset: int) -> tuple[int, int]:
    if not 0 <= limit <= MAX_LIMIT:
        raise InputError(f"limit: must be in 1..{MAX_LIMIT}, got {limit}")
    if offset < 0:
        raise InputError(f"offset: must be >= 0, got {offset}")
    return limit or DEFAULT_LIMIT, offset


def _id(value: str, name: str) -> str:
    if not value:
        raise InputError(f"{name}: missing")
    return value


class MatcherServicer(vreid_pb2_grpc.MatcherServiceServicer):  # type: ignore[misc]
    """See MatcherService in proto/vreid.proto."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def Search(self, request: pb.SearchRequest, context: grpc.ServicerContext) -> pb.SearchResponse:  # noqa: N802
        """See the proto."""
        parts = self._parts
        parts.wait(request.min_log_position, context)
        k = request.k or DEFAULT_K
        if not 1 <= k <= parts.settings.max_k:
            raise InputError(f"k: must be in 1..{parts.settings.max_k}, got {request.k}")
        if not 1 <= len(request.probes) <= MAX_PROBES:
            raise InputError(f"probes: must be 1 to {MAX_PROBES}, got {len(request.probes)}")
        grouping = convert.grouping_from_message(request.grouping)
        wanted = self._without_probes(convert.filter_from_message(request.filter), request)
        readings = [self._read(probe, f"probes[{i}]") for i, probe in enumerate(request.probes)]
        queries = np.concatenate([reading.vectors for reading in readings])
        answer = parts.gallery.search(queries, k, wanted, grouping)
        return convert.answer_to_message(replace(answer, boxes_xyxy=tuple(r.box_xyxy for r in readings)))

    @staticmethod
    def _without_probes(wanted: SearchFilter, request: pb.SearchRequest) -> SearchFilter:
        return replace(
            wanted,
            exclude_sighting_ids=frozenset(p.sighting_id for p in request.probes if p.sighting_id),
            exclude_identity_ids=frozenset(p.identity_id for p in request.probes if p.identity_id),
        )

    def _read(self, probe: pb.Probe, name: str) -> Reading:
        parts = self._parts
        match probe.WhichOneof("source"):
            case "image":
                return parts.reader.image(probe.image.data, as_is=probe.image.as_is, name=f"{name}.image")
            case "embedding":
                return parts.reader.embedding(probe.embedding.values, probe.embedding.model_id, f"{name}.embedding")
            case "sighting_id":
                return Reading(parts.gallery.vectors_of_sighting(_id(probe.sighting_id, f"{name}.sighting_id")))
            case "identity_id":
                return Reading(parts.gallery.vectors_of_identity(_id(probe.identity_id, f"{name}.identity_id")))
        raise InputError(f"{name}: give an image, an embedding, a sighting_id or an identity_id")


class GalleryServicer(vreid_pb2_grpc.GalleryServiceServicer):  # type: ignore[misc]
    """See GalleryService in proto/vreid.proto."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def List(  # noqa: N802
        self, request: pb.ListEntriesRequest, context: grpc.ServicerContext
    ) -> pb.ListEntriesResponse:
        """See the proto."""
        limit, offset = _page(request.limit, request.offset)
        self._parts.wait(request.min_log_position, context)
        entries, total = self._parts.gallery.entries(limit, offset)
        return pb.ListEntriesResponse(entries=[convert.entry_to_message(e) for e in entries], total=total)

    def Get(self, request: pb.GetEntryRequest, context: grpc.ServicerContext) -> pb.Entry:  # noqa: N802
        """See the proto."""
        identity_id = _id(request.identity_id, "identity_id")
        self._parts.wait(request.min_log_position, context)
        return convert.entry_to_message(self._parts.gallery.entry(identity_id))

    def Delete(self, request: pb.DeleteRequest, context: grpc.ServicerContext) -> pb.DeleteResponse:  # noqa: N802
        """See the proto."""
        store = self._parts.store
        self._parts.wait("", context)
        match request.WhichOneof("target"):
            case "identity_id":
                position = store.delete_identity(_id(request.identity_id, "identity_id"), ACTOR)
            case "sighting_id":
                position = store.delete_sighting(_id(request.sighting_id, "sighting_id"), ACTOR)
            case _:
                raise InputError("target: give an identity_id or a sighting_id")
        try:
            self._parts.wait(position, context)
        except Unavailable:  # it is done all the same; the gallery will hear of it
            log.warning("gallery has not reached the deletion at %s yet", position)
        return pb.DeleteResponse(log_position=position)

    def Stats(self, request: pb.StatsRequest, context: grpc.ServicerContext) -> pb.StatsResponse:  # noqa: N802
        """See the proto."""
        self._parts.wait(request.min_log_position, context)
        return convert.stats_to_message(self._parts.gallery.stats())


class IdentityServicer(vreid_pb2_grpc.IdentityServiceServicer):  # type: ignore[misc]
    """See IdentityService in proto/vreid.proto."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def Get(self, request: pb.GetIdentityRequest, context: grpc.ServicerContext) -> pb.Identity:  # noqa: N802
        """See the proto."""
        identity_id = _id(request.identity_id, "identity_id")
        self._parts.wait(request.min_log_position, context)
        return convert.identity_to_message(self._parts.gallery.identity(identity_id))

    def List(  # noqa: N802
        self, request: pb.ListIdentitiesRequest, context: grpc.ServicerContext
    ) -> pb.ListIdentitiesResponse:
        """See the proto."""
        limit, offset = _page(request.limit, request.offset)
        self._parts.wait(request.min_log_position, context)
        details, total = self._parts.gallery.identities(limit, offset)
        return pb.ListIdentitiesResponse(identities=[convert.identity_to_message(d) for d in details], total=total)


class CameraServicer(vreid_pb2_grpc.CameraServiceServicer):  # type: ignore[misc]
    """See CameraService in proto/vreid.proto."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def List(  # noqa: N802
        self, request: pb.ListCamerasRequest, context: grpc.ServicerContext
    ) -> pb.ListCamerasResponse:
        """See the proto. Read from the store: how a camera fares is no part of the gallery."""
        cameras = self._parts.store.list_cameras()
        return pb.ListCamerasResponse(cameras=[convert.camera_to_message(c) for c in cameras])
