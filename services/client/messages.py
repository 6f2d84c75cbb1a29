"""Options of a client as messages of vreid.v1, and failures of gRPC as ours. Calls nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import grpc

from services.client.options import Probe, SearchOptions
from services.errors import DeadlinePassed, InputError, MatcherUnavailable, Overloaded, VreidError
from services.matcher.types import ImageMode, Reranking, SearchFilter
from services.rpc import convert
from services.rpc import vreid_pb2 as pb
from services.rpc.errors import ERROR_KEY, class_of
from services.types import Match

#: Messages are as large as the matcher accepts; no proxy stands between.
CHANNEL_OPTIONS = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.enable_http_proxy", 0),
)


def image_message(data: bytes, mode: ImageMode, box: tuple[float, float, float, float] | None = None) -> pb.ImageProbe:
    """A picture as a message."""
    given = None if box is None else pb.Box(x1=box[0], y1=box[1], x2=box[2], y2=box[3])
    return pb.ImageProbe(data=data, mode=convert.MODES[mode], box=given)


def probe_message(probe: Probe) -> pb.Probe:
    """A probe as a message."""
    if probe.image is not None:
        return pb.Probe(image=image_message(probe.image, probe.mode, probe.box_xyxy))
    if probe.embedding is not None:
        return pb.Probe(embedding=pb.Embedding(values=probe.embedding, model_id=probe.model_id))
    if probe.sighting_id is not None:
        return pb.Probe(sighting_id=probe.sighting_id)
    return pb.Probe(identity_id=probe.identity_id)


def search_message(
    probes: Sequence[Probe], negatives: Sequence[Probe], options: SearchOptions | None
) -> pb.SearchRequest:
    """A search as a message.

    Raises:
        InputError: k is below 1.
    """
    options = options or SearchOptions()
    if options.k < 1:  # on the wire 0 means "the default"
        raise InputError(f"k: must be at least 1, got {options.k}")
    return pb.SearchRequest(
        probes=[probe_message(p) for p in probes],
        negatives=[probe_message(p) for p in negatives],
        filter=convert.filter_to_message(options.wanted),
        k=options.k,
        grouping=convert.grouping_to_message(options.grouping),
        min_log_position=options.min_log_position,
        rerank=convert.RERANKS[options.rerank],
        rerank_depth=options.rerank_depth if options.rerank is not Reranking.NONE else 0,
    )


def watch_message(
    probes: Sequence[Probe], wanted: SearchFilter | None, min_probability: float, after: str
) -> pb.WatchRequest:
    """A standing query as a message."""
    return pb.WatchRequest(
        probes=[probe_message(p) for p in probes],
        filter=convert.filter_to_message(wanted or SearchFilter()),
        min_probability=min_probability,
        after_log_position=after,
    )


def watched(event: pb.WatchEvent) -> tuple[bool, Match, str]:
    """Whether it was decided or only seen, the match, and the log position."""
    return event.kind == pb.WATCH_KIND_DECIDED, convert.match_from_message(event.match), event.log_position


def translated(error: Any, address: str, timeout_s: float | None) -> VreidError:
    """The exception of ours that a gRPC failure stands for, its message on one line."""
    status: grpc.StatusCode = error.code()
    details = " ".join((error.details() or "").split())
    name = next((value for key, value in error.trailing_metadata() or () if key == ERROR_KEY), None)
    if name is None and status is grpc.StatusCode.UNAVAILABLE:
        if (trouble := _handshake_trouble(details)) is not None:
            return MatcherUnavailable(f"no secure connection to {address}: {trouble}")
        return MatcherUnavailable(f"no matcher at {address}; is `vreid up` running?")
    if name is None and status is grpc.StatusCode.DEADLINE_EXCEEDED:
        return DeadlinePassed(f"the matcher at {address} did not answer within {timeout_s or 0:g} s")
    if name is None and status is grpc.StatusCode.RESOURCE_EXHAUSTED:
        if "larger than max" in details:
            return InputError(f"the request is larger than the matcher at {address} accepts")
        return Overloaded(f"the matcher at {address} is busy; try again")
    return class_of(status, name)(details or f"the matcher at {address} answered {status.name}")


def _handshake_trouble(details: str) -> str | None:
    """What went wrong before anything was said, in words; None where it was something else."""
    text = details.lower()
    if "hostname verification" in text or "peer name" in text:
        return "its certificate is for another name; see tls_server_name"
    if "certificate_verify_failed" in text:
        if "expired" in text:
            return "its certificate has expired"
        return "its certificate was signed by nobody that is trusted; see tls_ca"
    if "wrong_version_number" in text:
        return "it does not speak TLS"
    if "ssl" in text or "handshake" in text or "tsi" in text:
        return "it refused the connection; perhaps it wants a client certificate, and one that has not expired"
    return None
