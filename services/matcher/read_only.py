"""A replica that only reads: refuses every call that changes what the site knows. Knows no gallery and no store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

import grpc

from services.errors import Unsupported

#: Calls that write to the store. What changes this process's own gallery alone (Snapshot, Restore, Compact) is none.
WRITES = frozenset(
    {
        "/vreid.v1.GalleryService/Delete",
        "/vreid.v1.GalleryService/Enroll",
        "/vreid.v1.GalleryService/Update",
        "/vreid.v1.GalleryService/Erase",
        "/vreid.v1.GalleryService/Import",
        "/vreid.v1.IdentityService/Merge",
        "/vreid.v1.IdentityService/Split",
        "/vreid.v1.IdentityService/Undo",
        "/vreid.v1.IdentityService/SetEnrolled",
        "/vreid.v1.StandingService/Create",
        "/vreid.v1.StandingService/SetActive",
        "/vreid.v1.StandingService/Delete",
        "/vreid.v1.StandingService/Acknowledge",
    }
)


class ReadOnlyInterceptor(grpc.ServerInterceptor):  # type: ignore[misc]
    """Answers writes with Unsupported, before their request is looked at; everything else passes."""

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Replaces the behaviour of a write by a refusal, of the same kind of call."""
        handler = continuation(handler_call_details)
        if handler is None or handler_call_details.method not in WRITES:
            return handler
        streams = handler.request_streaming
        wrap = grpc.stream_unary_rpc_method_handler if streams else grpc.unary_unary_rpc_method_handler
        return wrap(_refuse, handler.request_deserializer, handler.response_serializer)


def _refuse(_request: Any, _context: grpc.ServicerContext) -> NoReturn:
    raise Unsupported("this matcher only reads; send changes to the site's matcher that decides")
