"""The one place where what a call raises becomes its status. Admits nobody and answers nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction
from typing import Any, NoReturn

import grpc

from services.rpc.errors import ERROR_KEY, told

_OURS = ("/vreid.", "/grpc.reflection.")


class ErrorInterceptor(grpc.ServerInterceptor):  # type: ignore[misc]
    """Turns what a call raises into its status, by the most specific class. What is not of our tree leaks nothing."""

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Wraps calls of every kind."""
        handler = continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith(_OURS):
            return handler
        codecs = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(_single(method, handler.unary_unary), **codecs)
        if handler.stream_unary is not None:
            return grpc.stream_unary_rpc_method_handler(_single(method, handler.stream_unary), **codecs)
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(_guarded_stream(method, handler.unary_stream), **codecs)
        return grpc.stream_stream_rpc_method_handler(_guarded_stream(method, handler.stream_stream), **codecs)


def _single(method: str, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return _awaited(method, inner) if iscoroutinefunction(inner) else _guarded(method, inner)


def _awaited(method: str, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    async def outer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return await inner(request, context)
        except Exception as exc:  # the top of a call: what is not the caller's affair is logged
            _abort(context, method, exc)

    return outer


def _guarded(method: str, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def outer(request: Any, context: grpc.ServicerContext) -> Any:
        try:
            return inner(request, context)
        except Exception as exc:  # as above
            _abort(context, method, exc)

    return outer


def _guarded_stream(method: str, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Iterator[Any]]:
    def outer(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
        try:
            yield from inner(request, context)
        except Exception as exc:  # as above
            _abort(context, method, exc)

    return outer


def _abort(context: grpc.ServicerContext, method: str, exc: Exception) -> NoReturn:
    failure = told(method, exc)
    if failure.error:
        context.set_trailing_metadata(((ERROR_KEY, failure.error),))
    context.abort(failure.status, failure.message)
    raise AssertionError("abort raises")
