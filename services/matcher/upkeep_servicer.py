"""The calls of GalleryService that change or keep the gallery; those that read it are in servicers.py."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc

from detector.types import COLOURS
from services.crops import CropStore
from services.errors import InputError, NotFound, Unsupported
from services.identity.codec import encode_sighting
from services.matcher import servicers
from services.matcher.door.admission import actor_of
from services.matcher.enrolment import Enroller, Enrolment, Exported
from services.matcher.pages import MESSAGE_BYTES
from services.matcher.requests import picture_of
from services.matcher.servicers import Parts, left_s, required
from services.matcher.snapshot import write_snapshot
from services.rpc import convert
from services.rpc import vreid_pb2 as pb
from services.types import MAX_EXEMPLARS

log = logging.getLogger(__name__)

_PER_CHUNK = 100
_MAX_PER_CHUNK = 5000
_FEEDER_S = 300.0


@dataclass(frozen=True, slots=True)
class Keeping:
    """What keeps the gallery; each None where this deployment has none.

    Attributes:
        crops: Pictures of sightings.
        enroller: Writes sightings that people put in.
        folder: Where the snapshot lies.
        feeder: Runs work in the thread that feeds the gallery, within so many seconds.
        refill: Fills the gallery anew, in that thread; given whether from the store; says whether from a snapshot.
    """

    crops: CropStore | None = None
    enroller: Enroller | None = None
    folder: Path | None = None
    feeder: Callable[[Callable[[], Any], float], Any] | None = None
    refill: Callable[[bool], bool] | None = None


class GalleryServicer(servicers.GalleryServicer):
    """See GalleryService in proto/vreid.proto."""

    def __init__(self, parts: Parts, keeping: Keeping) -> None:
        super().__init__(parts)
        self._keeping = keeping

    def Enroll(self, request: pb.EnrollRequest, context: grpc.ServicerContext) -> pb.EnrollResponse:  # noqa: N802
        """See the proto."""
        parts, enroller = self._parts, self._enroller()
        if not 1 <= len(request.images) <= MAX_EXEMPLARS:
            raise InputError(f"images: must be 1 to {MAX_EXEMPLARS}, got {len(request.images)}")
        seen_ns = convert.moment_ns(request.seen_at, "seen_at") if request.HasField("seen_at") else None
        if seen_ns is not None and seen_ns < 0:
            raise InputError("seen_at: lies before 1970")
        asked = Enrolment(
            [
                parts.reader.picture(picture_of(image, f"images[{i}]"), left_s(context))
                for i, image in enumerate(request.images)
            ],
            request.identity_id,
            convert.class_from_message(request.vehicle_class, "vehicle_class"),
            _colour(request.colour),
            seen_ns,
        )
        done = enroller.enroll(asked, actor_of(context))
        self._parts.show(done.log_position, context)
        return pb.EnrollResponse(
            identity_id=done.identity_id, sighting_id=done.sighting_id, log_position=done.log_position
        )

    def Update(self, request: pb.UpdateRequest, context: grpc.ServicerContext) -> pb.UpdateResponse:  # noqa: N802
        """See the proto."""
        vehicle_class = convert.class_from_message(request.vehicle_class, "vehicle_class")
        sighting_id = required(request.sighting_id, "sighting_id")
        done = self._enroller().update(sighting_id, vehicle_class, _colour(request.colour))
        self._parts.show(done.log_position, context)
        return pb.UpdateResponse(revision=done.revision, log_position=done.log_position)

    def Erase(self, request: pb.DeleteRequest, context: grpc.ServicerContext) -> pb.DeleteResponse:  # noqa: N802
        """See the proto."""
        answer = self._remove(request, context, "erase")
        self._parts.gallery.wait_for(answer.log_position, self._parts.settings.max_wait_s)
        self._in_feeder(self._parts.gallery.compact)
        if self._keeping.folder is not None:
            write_snapshot(self._parts.gallery, self._keeping.folder)
        return answer

    def Stats(self, request: pb.StatsRequest, context: grpc.ServicerContext) -> pb.StatsResponse:  # noqa: N802
        """See the proto."""
        answer = super().Stats(request, context)
        fitted = self._parts.gallery.spec.calibration
        answer.calibration.CopyFrom(pb.Calibration(slope=fitted.slope, offset=fitted.offset, limit=fitted.limit))
        return answer

    def Picture(self, request: pb.PictureRequest, context: grpc.ServicerContext) -> pb.PictureResponse:  # noqa: N802
        """See the proto."""
        sighting_id, crops = required(request.sighting_id, "sighting_id"), self._keeping.crops
        sighting = self._parts.store.get_sighting(sighting_id)
        if sighting is None:
            raise NotFound(f"sighting_id: no sighting {sighting_id[:64]}")
        keys = () if crops is None else sighting.crop_keys
        if not 0 <= request.index < max(1, len(keys)):
            raise NotFound(f"index: sighting {sighting_id[:64]} has {len(keys)} pictures, asked for {request.index}")
        return pb.PictureResponse(jpeg=_first_readable(crops, keys[request.index :]), count=len(keys))

    def Export(self, request: pb.ExportRequest, context: grpc.ServicerContext) -> Iterator[pb.ExportChunk]:  # noqa: N802
        """See the proto."""
        parts = self._parts
        parts.wait("", context)
        wanted = set()
        for identity_id in request.identity_ids:
            wanted.add(parts.gallery.identity(required(identity_id, "identity_ids")).record.identity_id)
        model_id = parts.gallery.model_id
        chunk, left = pb.ExportChunk(model_id=model_id), MESSAGE_BYTES // 2
        for stored, identity_id in parts.store.scan_sightings():
            # One model's vectors leave: whoever takes them in knows that one alone.
            sighting = replace(stored.seen_by(model_id), beside=None)
            if sighting.model_id != model_id or (wanted and identity_id not in wanted):
                continue
            added = chunk.sightings.add(
                identity_id=identity_id or "",
                fields=encode_sighting(sighting),
                enrolled=identity_id is not None and parts.gallery.is_enrolled(identity_id),
            )
            left -= added.ByteSize()
            if left < 0 or len(chunk.sightings) == _PER_CHUNK:
                yield chunk
                chunk, left = pb.ExportChunk(model_id=model_id), MESSAGE_BYTES // 2
        yield chunk

    def Import(  # noqa: N802
        self, request_iterator: Iterator[pb.ExportChunk], context: grpc.ServicerContext
    ) -> pb.ImportResponse:
        """See the proto."""
        enroller, actor, answer = self._enroller(), actor_of(context), pb.ImportResponse()
        for chunk in request_iterator:
            if len(chunk.sightings) > _MAX_PER_CHUNK:
                raise InputError(f"sightings: at most {_MAX_PER_CHUNK} in one message, got {len(chunk.sightings)}")
            for exported in chunk.sightings:
                taken = Exported(exported.identity_id, exported.fields, exported.enrolled)
                done = enroller.take(taken, actor)
                if done is None:
                    answer.passed_over += 1
                else:
                    answer.imported += 1
                    answer.log_position = done.log_position
        if answer.log_position:
            self._parts.show(answer.log_position, context)
        return answer

    def Snapshot(self, request: pb.SnapshotRequest, context: grpc.ServicerContext) -> pb.SnapshotResponse:  # noqa: N802
        """See the proto."""
        if self._keeping.folder is None:
            raise Unsupported("this matcher keeps no snapshot")
        self._parts.wait("", context)
        info = write_snapshot(self._parts.gallery, self._keeping.folder)
        return pb.SnapshotResponse(log_position=info.log_position, bytes=info.bytes, vectors=info.vectors)

    def Restore(self, request: pb.RestoreRequest, context: grpc.ServicerContext) -> pb.RestoreResponse:  # noqa: N802
        """See the proto."""
        refill = self._keeping.refill
        if refill is None:
            raise Unsupported("this matcher's gallery cannot be filled anew by a call")
        used = bool(self._in_feeder(lambda: refill(request.from_store)))
        return pb.RestoreResponse(from_snapshot=used, log_position=self._parts.gallery.log_position)

    def Compact(self, request: pb.CompactRequest, context: grpc.ServicerContext) -> pb.CompactResponse:  # noqa: N802
        """See the proto."""
        gallery = self._parts.gallery
        before = gallery.stats().bytes
        self._in_feeder(gallery.compact)
        return pb.CompactResponse(bytes_before=before, bytes_after=gallery.stats().bytes)

    def _enroller(self) -> Enroller:
        if self._keeping.enroller is None:
            raise Unsupported("this matcher takes no sightings")
        return self._keeping.enroller

    def _in_feeder(self, work: Callable[[], Any]) -> Any:
        if self._keeping.feeder is None:
            raise Unsupported("this matcher's gallery is fed elsewhere")
        return self._keeping.feeder(work, _FEEDER_S)


def _first_readable(crops: CropStore | None, keys: Sequence[str]) -> bytes:
    """The first of these pictures that can be read; empty for none."""
    if crops is None:
        return b""
    for key in keys:
        try:
            return crops.get(key)
        except (NotFound, OSError) as exc:
            log.debug("crop %s not shown: %s", key, exc)
    return b""


def _colour(name: str) -> str:
    if name and name not in COLOURS:
        raise InputError(f"colour: unknown colour {name[:40]!r}, expected one of {', '.join(COLOURS)}")
    return name
