"""What every gRPC call gets: a request id, a trace, its time and status counted. Answers nothing itself."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from inspect import iscoroutinefunction
from typing import Any

import grpc
from prometheus_client.metrics_core import Metric as Family

from services.observability import catalogue
from services.observability.instruments import counter, family, histogram
from services.observability.request_ids import REQUEST_KEY, accepted, set_request_id
from services.observability.tracing import TRACE_KEY, span

log = logging.getLogger(__name__)

_OURS = "/vreid."


class ObservedContext:
    """A call's context that keeps the request id among the trailing metadata and remembers the status."""

    def __init__(self, inner: grpc.ServicerContext, request_id: str) -> None:
        self._inner = inner
        self._always = ((REQUEST_KEY, request_id),)
        self.status = grpc.StatusCode.OK
        inner.set_trailing_metadata(self._always)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def set_trailing_metadata(self, metadata: Any) -> None:
        """As grpc.ServicerContext; the request id stays."""
        self._inner.set_trailing_metadata((*metadata, *self._always))

    def set_code(self, code: grpc.StatusCode) -> None:
        """As grpc.ServicerContext."""
        self.status = code
        self._inner.set_code(code)

    def abort(self, code: grpc.StatusCode, details: str) -> None:
        """As grpc.ServicerContext."""
        self.status = code
        self._inner.abort(code, details)

    def abort_with_status(self, status: Any) -> None:
        """As grpc.ServicerContext."""
        self.status = status.code
        self._inner.abort_with_status(status)


class _Running:
    """How many calls are being answered, by method. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, method: str, change: int) -> None:
        with self._lock:
            self._counts[method] += change

    def counts(self) -> dict[str, int]:
        with self._lock:
            return dict(self._counts)


class _Call:
    """One call while it is answered."""

    def __init__(self, method: str, context: grpc.ServicerContext, running: _Running) -> None:
        said = dict(context.invocation_metadata())
        self._method = method
        self._running = running
        self._began_s = time.perf_counter()
        self._request_id = accepted(said.get(REQUEST_KEY))
        self._span = span(
            method, {"rpc.system": "grpc", "request_id": self._request_id}, parent=said.get(TRACE_KEY, "")
        )
        self.context = ObservedContext(context, self._request_id)

    def __enter__(self) -> ObservedContext:
        set_request_id(self._request_id)
        self._running.add(self._method, 1)
        self._span.__enter__()
        return self.context

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        status = self.context.status
        if kind is not None and status is grpc.StatusCode.OK:
            # A stream that its caller gave up is closed from outside; all else is an error that nobody mapped.
            status = grpc.StatusCode.CANCELLED if kind is GeneratorExit else grpc.StatusCode.UNKNOWN
        self._span.__exit__(kind, error, trace)
        took_s = time.perf_counter() - self._began_s
        self._running.add(self._method, -1)
        counter(catalogue.CALLS).labels(self._method, status.name).inc()
        histogram(catalogue.CALL_SECONDS).labels(self._method).observe(took_s)
        log.debug("%s %s in %.1f ms", self._method, status.name, took_s * 1000)
        set_request_id("")


class CallInterceptor(grpc.ServerInterceptor):  # type: ignore[misc]
    """Wraps the product's own calls; health and reflection pass as they are. Must be the first of a server's."""

    def __init__(self) -> None:
        self._running = _Running()

    def running(self) -> Family:
        """How many calls are being answered, by method."""
        return family(catalogue.CALLS_RUNNING, [((name,), n) for name, n in self._running.counts().items()])

    def intercept_service(
        self, continuation: Callable[[Any], Any], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        """Wraps calls of every kind."""
        handler = continuation(handler_call_details)
        method: str = handler_call_details.method
        if handler is None or not method.startswith(_OURS):
            return handler
        method = method.removeprefix("/")
        codecs = {
            "request_deserializer": handler.request_deserializer,
            "response_serializer": handler.response_serializer,
        }
        if handler.unary_unary is not None:
            return grpc.unary_unary_rpc_method_handler(self._single(method, handler.unary_unary), **codecs)
        if handler.stream_unary is not None:
            return grpc.stream_unary_rpc_method_handler(self._single(method, handler.stream_unary), **codecs)
        if handler.unary_stream is not None:
            return grpc.unary_stream_rpc_method_handler(self._many(method, handler.unary_stream), **codecs)
        return grpc.stream_stream_rpc_method_handler(self._many(method, handler.stream_stream), **codecs)

    def _single(self, method: str, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        return self._awaited(method, inner) if iscoroutinefunction(inner) else self._one(method, inner)

    def _awaited(self, method: str, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        async def outer(request: Any, context: grpc.ServicerContext) -> Any:
            with _Call(method, context, self._running) as observed:
                return await inner(request, observed)

        return outer

    def _one(self, method: str, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
        def outer(request: Any, context: grpc.ServicerContext) -> Any:
            with _Call(method, context, self._running) as observed:
                return inner(request, observed)

        return outer

    def _many(self, method: str, inner: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Iterator[Any]]:
        def outer(request: Any, context: grpc.ServicerContext) -> Iterator[Any]:
            with _Call(method, context, self._running) as observed:
                yield from inner(request, observed)

        return outer
