"""The typed client of a matcher, synchronous. Speaks vreid.v1 and raises our exceptions; nothing of gRPC gets out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from services.errors import InputError, MatcherUnavailable, Unavailable, VreidError
from services.identity.store import CameraRecord
from services.matcher.types import GalleryEntry, GalleryStats, Grouping, IdentityDetail, SearchAnswer, SearchFilter
from services.rpc import convert, convert_console, vreid_pb2_grpc
from services.rpc import vreid_pb2 as pb
from services.rpc.convert_console import FoundVehicle, SiteEvent
from services.rpc.errors import ERROR_KEY, class_of

DEFAULT_ADDRESS = "127.0.0.1:50661"


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How a search is to be answered.

    Attributes:
        k: Most matches wanted, at least 1.
        wanted: Which sightings may answer.
        grouping: Per sighting or per identity.
        min_log_position: Wait until the gallery has seen this position; empty for now.
    """

    k: int = 10
    wanted: SearchFilter = field(default_factory=SearchFilter)
    grouping: Grouping = Grouping.SIGHTING
    min_log_position: str = ""


class MatcherClient:
    """A connection to one matcher. Safe for threads; close it, or use it as a context manager.

    Every call raises MatcherUnavailable when nobody answers at the address, Unavailable when it should be tried again
    later, InputError, NotAnImage, ModelMismatch or NotFound as the matcher found, and VreidError for its own failures.
    """

    def __init__(self, address: str = DEFAULT_ADDRESS, timeout_s: float = 30.0) -> None:
        """Connects at the first call.

        Args:
            address: host:port.
            timeout_s: Longest that one call may take.
        """
        self._address = address
        self._timeout_s = timeout_s
        self._channel = grpc.insecure_channel(
            address,
            options=(
                ("grpc.max_send_message_length", -1),
                ("grpc.max_receive_message_length", -1),
                ("grpc.enable_http_proxy", 0),
            ),
        )
        self._matcher = vreid_pb2_grpc.MatcherServiceStub(self._channel)
        self._gallery = vreid_pb2_grpc.GalleryServiceStub(self._channel)
        self._identity = vreid_pb2_grpc.IdentityServiceStub(self._channel)
        self._camera = vreid_pb2_grpc.CameraServiceStub(self._channel)
        self._console = vreid_pb2_grpc.ConsoleServiceStub(self._channel)
        self._health = health_pb2_grpc.HealthStub(self._channel)

    def __enter__(self) -> MatcherClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection."""
        self._channel.close()

    def search_image(self, image: bytes, options: SearchOptions | None = None, *, as_is: bool = False) -> SearchAnswer:
        """Where the vehicle in a picture was seen.

        Args:
            image: A picture file's bytes.
            options: How to answer.
            as_is: The picture is a crop of the vehicle; otherwise the largest vehicle in it is cut out.
        """
        return self._search(pb.Probe(image=pb.ImageProbe(data=image, as_is=as_is)), options)

    def search_embedding(
        self, values: Sequence[float], options: SearchOptions | None = None, *, model_id: str = ""
    ) -> SearchAnswer:
        """Where a vehicle of this vector was seen; an empty ``model_id`` means the gallery's own model."""
        return self._search(pb.Probe(embedding=pb.Embedding(values=values, model_id=model_id)), options)

    def search_sighting(self, sighting_id: str, options: SearchOptions | None = None) -> SearchAnswer:
        """Where else the vehicle of a sighting was seen."""
        return self._search(pb.Probe(sighting_id=sighting_id), options)

    def search_identity(self, identity_id: str, options: SearchOptions | None = None) -> SearchAnswer:
        """What else looks like an identity."""
        return self._search(pb.Probe(identity_id=identity_id), options)

    def gallery_list(self, limit: int = 100, offset: int = 0) -> tuple[list[GalleryEntry], int]:
        """A page of entries, most recently seen first, and how many there are in all."""
        answer = self._call(self._gallery.List, pb.ListEntriesRequest(limit=limit, offset=offset))
        return [convert.entry_from_message(e) for e in answer.entries], answer.total

    def gallery_get(self, identity_id: str) -> GalleryEntry:
        """One entry, by id or alias."""
        return convert.entry_from_message(self._call(self._gallery.Get, pb.GetEntryRequest(identity_id=identity_id)))

    def gallery_stats(self) -> GalleryStats:
        """Counts and sizes."""
        return convert.stats_from_message(self._call(self._gallery.Stats, pb.StatsRequest()))

    def gallery_delete(self, identity_id: str) -> str:
        """Removes an identity with its sightings; returns the log position."""
        return self._delete(pb.DeleteRequest(identity_id=identity_id))

    def gallery_delete_sighting(self, sighting_id: str) -> str:
        """Removes one sighting; returns the log position."""
        return self._delete(pb.DeleteRequest(sighting_id=sighting_id))

    def identity_get(self, identity_id: str) -> IdentityDetail:
        """An identity with its sightings, by id or alias."""
        request = pb.GetIdentityRequest(identity_id=identity_id)
        return convert.identity_from_message(self._call(self._identity.Get, request))

    def identity_list(self, limit: int = 100, offset: int = 0) -> tuple[list[IdentityDetail], int]:
        """A page of identities without their sightings, most recently seen first, and how many there are in all."""
        answer = self._call(self._identity.List, pb.ListIdentitiesRequest(limit=limit, offset=offset))
        return [convert.identity_from_message(i) for i in answer.identities], answer.total

    def camera_list(self) -> list[CameraRecord]:
        """Every camera with its state, by id."""
        answer = self._call(self._camera.List, pb.ListCamerasRequest())
        return [convert.camera_from_message(c) for c in answer.cameras]

    def picture(self, sighting_id: str, index: int = 0) -> tuple[bytes, int]:
        """A stored picture of a sighting as JPEG, and how many it has."""
        answer = self._call(self._console.Picture, pb.PictureRequest(sighting_id=sighting_id, index=index))
        return answer.jpeg, answer.count

    def find_vehicles(self, image: bytes) -> tuple[list[FoundVehicle], tuple[int, int]]:
        """The vehicles in a picture, largest first, and its width and height in px."""
        answer = self._call(self._console.FindVehicles, pb.FindVehiclesRequest(image=image))
        return convert_console.found_from_message(answer.vehicles), (answer.width, answer.height)

    def events(self, after_log_position: str = "", limit: int = 100) -> tuple[list[SiteEvent], str]:
        """What happened after a position, by default within the last ten minutes; and the position to go on from."""
        request = pb.EventsRequest(after_log_position=after_log_position, limit=limit)
        answer = self._call(self._console.Events, request)
        return [convert_console.event_from_message(event) for event in answer.events], answer.log_position

    def serving(self) -> bool:
        """Whether the matcher has caught up with the store and answers; False also when nobody is there."""
        try:
            answer = self._call(self._health.Check, health_pb2.HealthCheckRequest())
        except Unavailable:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def _search(self, probe: pb.Probe, options: SearchOptions | None) -> SearchAnswer:
        options = options or SearchOptions()
        if options.k < 1:  # on the wire 0 means "the default"
            raise InputError(f"k: must be at least 1, got {options.k}")
        request = pb.SearchRequest(
            probes=[probe],
            filter=convert.filter_to_message(options.wanted),
            k=options.k,
            grouping=convert.grouping_to_message(options.grouping),
            min_log_position=options.min_log_position,
        )
        return convert.answer_from_message(self._call(self._matcher.Search, request))

    def _delete(self, request: pb.DeleteRequest) -> str:
        position: str = self._call(self._gallery.Delete, request).log_position
        return position

    def _call(self, method: Callable[..., Any], request: Any) -> Any:
        try:
            return method(request, timeout=self._timeout_s)
        except grpc.RpcError as exc:
            raise self._translated(exc) from exc

    def _translated(self, error: Any) -> VreidError:
        """The exception of ours that a gRPC failure stands for, its message on one line."""
        status: grpc.StatusCode = error.code()
        details = " ".join((error.details() or "").split())
        name = next((value for key, value in error.trailing_metadata() or () if key == ERROR_KEY), None)
        if name is None and status is grpc.StatusCode.UNAVAILABLE:
            return MatcherUnavailable(f"no matcher at {self._address}; is `vreid up` running?")
        if name is None and status is grpc.StatusCode.DEADLINE_EXCEEDED:
            return Unavailable(f"the matcher at {self._address} did not answer within {self._timeout_s:g} s")
        if name is None and status is grpc.StatusCode.RESOURCE_EXHAUSTED:
            if "larger than max" in details:
                return InputError(f"the request is larger than the matcher at {self._address} accepts")
            return Unavailable(f"the matcher at {self._address} is busy; try again")
        return class_of(status, name)(details or f"the matcher at {self._address} answered {status.name}")
