"""How failures cross gRPC: our exception tree to status codes and back. Follows the table in proto/vreid.proto.

Unlike its neighbours this file is written by hand.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

import grpc

from services import errors
from services.access.tokens import redact_tokens
from services.observability.request_ids import current_request_id, new_request_id

log = logging.getLogger(__name__)

#: Statuses travel as metadata, of which gRPC takes 8 KB, and a character may take 12 bytes of it.
_MAX_MESSAGE = 500
_STORE_AWAY = "the store does not answer; try again later"
#: Trailing metadata that names the class of a failure.
ERROR_KEY = "vreid-error"
#: Metadata by which a caller says who asks, for history and audit: a claim, written behind its token's name.
ACTOR_KEY = "vreid-actor"

#: The status of each class; a class that is not listed has the status of its nearest listed ancestor.
STATUS_OF: dict[type[errors.VreidError], grpc.StatusCode] = {
    errors.VreidError: grpc.StatusCode.INTERNAL,
    errors.InputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.ModelMismatch: grpc.StatusCode.FAILED_PRECONDITION,
    errors.NotFound: grpc.StatusCode.NOT_FOUND,
    errors.AccessError: grpc.StatusCode.PERMISSION_DENIED,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.Unavailable: grpc.StatusCode.UNAVAILABLE,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.DeadlinePassed: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.SnapshotError: grpc.StatusCode.FAILED_PRECONDITION,
    errors.Unsupported: grpc.StatusCode.UNIMPLEMENTED,
    errors.LeaseLost: grpc.StatusCode.ABORTED,
}

#: What a client raises for a status that carries no class of ours.
_CLASS_OF: dict[grpc.StatusCode, type[errors.VreidError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: errors.InputError,
    grpc.StatusCode.FAILED_PRECONDITION: errors.InputError,
    grpc.StatusCode.OUT_OF_RANGE: errors.InputError,
    grpc.StatusCode.NOT_FOUND: errors.NotFound,
    grpc.StatusCode.UNAUTHENTICATED: errors.Unauthenticated,
    grpc.StatusCode.PERMISSION_DENIED: errors.PermissionDenied,
    grpc.StatusCode.ABORTED: errors.LeaseLost,
    grpc.StatusCode.RESOURCE_EXHAUSTED: errors.Overloaded,
    grpc.StatusCode.DEADLINE_EXCEEDED: errors.DeadlinePassed,
    grpc.StatusCode.UNAVAILABLE: errors.MatcherUnavailable,
}


def one_line(error: BaseException) -> str:
    """The message of a failure as a status may carry it: one line, without tokens, cut short where it is long.

    >>> one_line(errors.NotFound("no  sighting " + "x" * 1000))[-4:]
    'xxx…'
    """
    text = redact_tokens(" ".join(str(error).split())) or type(error).__name__
    return text if len(text) <= _MAX_MESSAGE else text[:_MAX_MESSAGE] + "…"


def status_of(error: BaseException) -> grpc.StatusCode:
    """The status of a failure, by its most specific listed class; INTERNAL for what is not of our tree.

    >>> status_of(errors.NotAnImage("empty")).name, status_of(KeyError("x")).name
    ('INVALID_ARGUMENT', 'INTERNAL')
    """
    for cls in type(error).__mro__:
        if cls in STATUS_OF:
            return STATUS_OF[cls]
    return grpc.StatusCode.INTERNAL


@dataclass(frozen=True, slots=True)
class Told:
    """What a caller is told of a failure.

    Attributes:
        status: Of the call.
        error: The class of ours that it is; empty for a failure of the matcher's own.
        message: One line.
    """

    status: grpc.StatusCode
    error: str
    message: str


def told(call: str, error: Exception) -> Told:
    """What to say of a failed call. What is not the caller's affair is logged, and only the log's id is said."""
    status = status_of(error)
    if isinstance(error, errors.StoreUnavailable) and error.__cause__ is not None:
        log.debug("%s: %s", call, error)
        return Told(status, type(error).__name__, _STORE_AWAY)  # where the store is stays inside
    if status is not grpc.StatusCode.INTERNAL:
        return Told(status, type(error).__name__, one_line(error))
    request_id = current_request_id() or new_request_id()
    log.error("%s failed, request_id=%s", call, request_id, exc_info=error, extra={"request_id": request_id})
    return Told(status, "", f"internal error; the matcher logged it under request_id {request_id}")


def class_of(status: grpc.StatusCode, name: str | None) -> type[errors.VreidError]:
    """The class to raise for a status.

    Args:
        status: As received.
        name: What the trailing metadata said, None where it said nothing.

    Returns:
        The named class where it is of our tree, otherwise the one that the status stands for.
    """
    named = getattr(errors, name, None) if name else None
    if isinstance(named, type) and issubclass(named, errors.VreidError):
        return named
    return _CLASS_OF.get(status, errors.VreidError)
