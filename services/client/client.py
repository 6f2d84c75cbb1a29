"""The typed client of a matcher, synchronous. Speaks vreid.v1 and raises our exceptions; nothing of gRPC gets out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from types import TracebackType
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from detector.types import VehicleClass
from reid.types import Calibration
from services.client.acting import Metadata, acting_metadata
from services.client.channel import open_channel
from services.client.credentials import Credentials
from services.client.identities import IdentityCalls
from services.client.messages import (
    image_message,
    probe_message,
    search_message,
    translated,
    watch_message,
    watched,
)
from services.client.options import (
    DEFAULT_ADDRESS,
    Enrolled,
    Imported,
    Probe,
    RetryRules,
    SearchOptions,
    Verdict,
)
from services.client.watching import WatchingCalls
from services.errors import Unavailable, VreidError
from services.identity.store import CameraRecord
from services.matcher.types import (
    GalleryEntry,
    GalleryStats,
    ImageMode,
    SearchAnswer,
    SearchFilter,
)
from services.observability.request_ids import request_metadata
from services.observability.tracing import trace_metadata
from services.rpc import convert, convert_console, vreid_pb2_grpc
from services.rpc import vreid_pb2 as pb
from services.rpc.convert_console import FoundVehicle, SiteEvent
from services.rpc.errors import ACTOR_KEY
from services.rpc.topology import topology_from_message
from services.types import Match
from tracker.multi_camera.topology.report import TopologyReport

#: Statuses of a failure for now.
RETRIED = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
_LONG_S = 600.0


class MatcherClient(IdentityCalls, WatchingCalls):
    """A connection to one matcher. Safe for threads; close it, or use it as a context manager.

    Every call raises MatcherUnavailable when nobody answers at the address, Unavailable when it should be tried again
    later, Unauthenticated or PermissionDenied when the caller is not let in, InputError, NotAnImage, ModelMismatch or
    NotFound as the matcher found, and VreidError for its own failures.
    """

    def __init__(
        self,
        address: str = DEFAULT_ADDRESS,
        timeout_s: float = 30.0,
        actor: str = "",
        retry: RetryRules | None = None,
        *,
        credentials: Credentials | None = None,
    ) -> None:
        """Connects at the first call.

        Args:
            address: host:port.
            timeout_s: Longest that one call may take, its retries included.
            actor: Who asks, for history and audit: letters, digits and ``.@:/+-_``.
            retry: When reads are tried again; None for the usual rules, RetryRules(attempts=1) for never.
            credentials: Certificates and a token; None for a matcher on this machine that asks for neither.

        Raises:
            ConfigError: The token would go over a network in the clear.
        """
        credentials = credentials or Credentials()
        self._metadata = (((ACTOR_KEY, actor),) if actor else ()) + credentials.metadata(address)
        self._retry = retry or RetryRules()
        self._address = address
        self._timeout_s = timeout_s
        self._channel = open_channel(address, credentials)
        self._matcher = vreid_pb2_grpc.MatcherServiceStub(self._channel)
        self._gallery = vreid_pb2_grpc.GalleryServiceStub(self._channel)
        self._identity = vreid_pb2_grpc.IdentityServiceStub(self._channel)
        self._camera = vreid_pb2_grpc.CameraServiceStub(self._channel)
        self._console = vreid_pb2_grpc.ConsoleServiceStub(self._channel)
        self._standing = vreid_pb2_grpc.StandingServiceStub(self._channel)
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

    def search(
        self, probes: Sequence[Probe], options: SearchOptions | None = None, *, negatives: Sequence[Probe] = ()
    ) -> SearchAnswer:
        """Where the vehicle shown by all probes was seen.

        Args:
            probes: 1 to 16 views of it; a sighting counts by its best similarity to any.
            options: How to answer.
            negatives: Views of vehicles that are not meant.
        """
        request = search_message(probes, negatives, options)
        return convert.answer_from_message(self._call(self._matcher.Search, request))

    def verify(self, left: Sequence[Probe], right: Sequence[Probe]) -> Verdict:
        """Whether two are one vehicle."""
        request = pb.VerifyRequest(left=[probe_message(p) for p in left], right=[probe_message(p) for p in right])
        answer = self._call(self._matcher.Verify, request)
        return Verdict(answer.similarity, answer.probability, answer.same)

    def embed(self, images: Sequence[bytes], mode: ImageMode = ImageMode.LARGEST) -> list[list[tuple[float, ...]]]:
        """The vectors of the vehicles in each picture, in the gallery's model."""
        request = pb.EmbedRequest(images=[image_message(image, mode) for image in images])
        answer = self._call(self._matcher.Embed, request)
        return [[tuple(e.values) for e in image.embeddings] for image in answer.images]

    def watch(
        self,
        probes: Sequence[Probe] = (),
        wanted: SearchFilter | None = None,
        min_probability: float = 0.0,
        after: str = "",
    ) -> Iterator[tuple[bool, Match, str]]:
        """What happens that looks like the probes, as it happens: decided or only seen, the match, the log position.

        Args:
            probes: Views of the vehicle; none for every sighting.
            wanted: Which sightings.
            min_probability: In [0, 1]; 0 means 0.5 where there are probes.
            after: Log position to go on from; empty for from now on.
        """
        call = self._matcher.Watch(watch_message(probes, wanted, min_probability, after), metadata=self._said())
        try:
            for event in call:
                yield watched(event)
        except grpc.RpcError as exc:
            raise translated(exc, self._address, None) from exc
        finally:
            call.cancel()

    def search_image(self, image: bytes, options: SearchOptions | None = None, *, as_is: bool = False) -> SearchAnswer:
        """Where the vehicle in a picture was seen.

        Args:
            image: A picture file's bytes.
            options: How to answer.
            as_is: The picture is a crop of the vehicle; otherwise the largest vehicle in it is cut out.
        """
        return self.search([Probe(image=image, mode=ImageMode.AS_IS if as_is else ImageMode.LARGEST)], options)

    def search_embedding(
        self, values: Sequence[float], options: SearchOptions | None = None, *, model_id: str = ""
    ) -> SearchAnswer:
        """Where a vehicle of this vector was seen; an empty ``model_id`` means the gallery's own model."""
        return self.search([Probe(embedding=tuple(values), model_id=model_id)], options)

    def search_sighting(self, sighting_id: str, options: SearchOptions | None = None) -> SearchAnswer:
        """Where else the vehicle of a sighting was seen."""
        return self.search([Probe(sighting_id=sighting_id)], options)

    def search_identity(self, identity_id: str, options: SearchOptions | None = None) -> SearchAnswer:
        """What else looks like an identity."""
        return self.search([Probe(identity_id=identity_id)], options)

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

    def gallery_enroll(
        self,
        images: Sequence[bytes],
        *,
        identity_id: str = "",
        mode: ImageMode = ImageMode.LARGEST,
        vehicle_class: VehicleClass | None = None,
        colour: str = "",
    ) -> Enrolled:
        """Puts a vehicle in, by 1 to 4 pictures; an empty ``identity_id`` makes a new identity."""
        request = pb.EnrollRequest(
            images=[image_message(image, mode) for image in images],
            identity_id=identity_id,
            vehicle_class=None if vehicle_class is None else convert.class_to_message(vehicle_class),
            colour=colour,
        )
        answer = self._call(self._gallery.Enroll, request, repeat=False)
        return Enrolled(answer.identity_id, answer.sighting_id, answer.log_position)

    def gallery_update(self, sighting_id: str, vehicle_class: VehicleClass | None = None, colour: str = "") -> str:
        """Corrects class or colour of a sighting; returns the log position."""
        request = pb.UpdateRequest(
            sighting_id=sighting_id,
            vehicle_class=None if vehicle_class is None else convert.class_to_message(vehicle_class),
            colour=colour,
        )
        position: str = self._call(self._gallery.Update, request, repeat=False).log_position
        return position

    def gallery_export(self, identity_ids: Sequence[str] = ()) -> Iterator[pb.ExportChunk]:
        """Everything that is held, or these identities, in parts."""
        try:
            request = pb.ExportRequest(identity_ids=identity_ids)
            yield from self._gallery.Export(request, timeout=_LONG_S, metadata=self._said())
        except grpc.RpcError as exc:
            raise self._translated(exc) from exc

    def gallery_import(self, chunks: Iterable[pb.ExportChunk]) -> Imported:
        """Takes what was exported; done again it changes nothing."""
        try:
            answer = self._gallery.Import(iter(chunks), timeout=_LONG_S, metadata=self._said())
        except grpc.RpcError as exc:
            raise self._translated(exc) from exc
        return Imported(answer.imported, answer.passed_over, answer.log_position)

    def calibration(self) -> Calibration:
        """How similarities of the gallery's model are read."""
        fitted = self._call(self._gallery.Stats, pb.StatsRequest()).calibration
        return Calibration(fitted.slope, fitted.offset, fitted.limit)

    def gallery_picture(self, sighting_id: str) -> bytes | None:
        """The best stored picture of a sighting as JPEG; None where it has none."""
        return self.picture(sighting_id)[0] or None

    def gallery_snapshot(self) -> tuple[str, int]:
        """Writes the gallery to disk now; returns its log position and size in bytes."""
        answer = self._call(partial(self._long, self._gallery.Snapshot), pb.SnapshotRequest())
        return answer.log_position, answer.bytes

    def gallery_restore(self, *, from_store: bool = False) -> tuple[bool, str]:
        """Fills the gallery anew; returns whether a snapshot was used, and the log position."""
        answer = self._call(partial(self._long, self._gallery.Restore), pb.RestoreRequest(from_store=from_store))
        return answer.from_snapshot, answer.log_position

    def gallery_compact(self) -> tuple[int, int]:
        """Gives back the room of removed vectors; returns bytes before and after."""
        answer = self._call(partial(self._long, self._gallery.Compact), pb.CompactRequest())
        return answer.bytes_before, answer.bytes_after

    def gallery_erase(self, identity_id: str = "", sighting_id: str = "", reason: str = "") -> str:
        """Removes an identity or a sighting so that no byte of its vectors remains in the gallery or its snapshot."""
        request = (
            pb.DeleteRequest(sighting_id=sighting_id, reason=reason)
            if sighting_id
            else pb.DeleteRequest(identity_id=identity_id, reason=reason)
        )
        position: str = self._call(partial(self._long, self._gallery.Erase), request, repeat=False).log_position
        return position

    @staticmethod
    def _long(method: Callable[..., Any], request: Any, timeout: float, **more: Any) -> Any:
        """A call that may take longer than others."""
        return method(request, timeout=max(timeout, _LONG_S), **more)

    def gallery_delete(self, identity_id: str, reason: str = "") -> str:
        """Removes an identity with its sightings; returns the log position."""
        return self._delete(pb.DeleteRequest(identity_id=identity_id, reason=reason))

    def gallery_delete_sighting(self, sighting_id: str) -> str:
        """Removes one sighting; returns the log position."""
        return self._delete(pb.DeleteRequest(sighting_id=sighting_id))

    def camera_list(self) -> list[CameraRecord]:
        """Every camera with its state, by id."""
        answer = self._call(self._camera.List, pb.ListCamerasRequest())
        return [convert.camera_from_message(c) for c in answer.cameras]

    def camera_topology(self) -> TopologyReport:
        """What was learned of the ways between cameras and of their clocks."""
        return topology_from_message(self._call(self._camera.Topology, pb.TopologyRequest()))

    def picture(self, sighting_id: str, index: int = 0) -> tuple[bytes, int]:
        """A stored picture of a sighting as JPEG, empty where it has none, and how many it has."""
        answer = self._call(self._gallery.Picture, pb.PictureRequest(sighting_id=sighting_id, index=index))
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
        return bool(self._health_status() == health_pb2.HealthCheckResponse.SERVING)

    def answers(self) -> bool:
        """Whether a matcher is there, even one that still catches up with the store."""
        return self._health_status() is not None

    def _health_status(self) -> int | None:
        """What it says of itself; None when nobody is there."""
        try:
            answer = self._call(self._health.Check, health_pb2.HealthCheckRequest(), repeat=False)
        except Unavailable:
            return None
        return int(answer.status)

    def _delete(self, request: pb.DeleteRequest) -> str:
        position: str = self._call(self._gallery.Delete, request, repeat=False).log_position
        return position

    def _call(self, method: Callable[..., Any], request: Any, *, repeat: bool = True) -> Any:
        """The answer to a call; tried again while it fails for now and time is left."""
        deadline = time.monotonic() + self._timeout_s
        told = (*request_metadata(), *trace_metadata())
        failed = 0
        while True:
            try:
                left_s = max(0.001, deadline - time.monotonic())
                return method(request, timeout=left_s, metadata=(*self._said(), *told))
            except grpc.RpcError as exc:
                failed += 1
                pause_s = self._retry.pause_s(failed)
                again = exc.code() in RETRIED and repeat and failed < self._retry.attempts
                if not again or time.monotonic() + pause_s > deadline:
                    raise self._translated(exc) from exc
            time.sleep(pause_s)

    def _said(self) -> Metadata:
        """What goes with every call."""
        return acting_metadata(self._metadata)

    def _translated(self, error: Any) -> VreidError:
        return translated(error, self._address, self._timeout_s)
