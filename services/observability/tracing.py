"""Traces from a frame to its decision and from a query to its answer. Off, and free of cost, unless switched on.

The only place that knows OpenTelemetry, which is an optional dependency (the extra ``telemetry``). A context travels as
a W3C ``traceparent``: in an entry of the store's work stream and in the metadata of a call.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from services.errors import ConfigError
from services.observability.settings import TracingSettings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

log = logging.getLogger(__name__)

#: Metadata of a gRPC call and field of a work stream's entry.
TRACE_KEY = "traceparent"

Attribute = str | bool | int | float

_NOTHING: AbstractContextManager[None] = nullcontext()
#: A collector that is away must not hold up the end of a process.
_SEND_S = 2


class _Tracing:
    """A tracer and how to end it."""

    def __init__(self, tracer: Tracer, provider: Any) -> None:
        self.tracer = tracer
        self.provider = provider


_active: _Tracing | None = None


def start_tracing(settings: TracingSettings, role: str, site: str, exporter: SpanExporter | None = None) -> bool:
    """Begins to record where the configuration names a collector.

    Args:
        settings: Where to, and how many.
        role: Of this process; the service is named vreid-<role>.
        site: It belongs to.
        exporter: Takes the spans instead of the collector, each at once.

    Returns:
        Whether anything is recorded.

    Raises:
        ConfigError: A collector is named and the extra is not installed.
    """
    global _active  # noqa: PLW0603 - a process has one tracer
    stop_tracing()
    if settings.endpoint is None and exporter is None:
        return False
    try:
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

        from services.observability.machine import product_version

        resource = Resource({"service.name": f"vreid-{role}", "service.version": product_version(), "vreid.site": site})
        sampler = ParentBased(TraceIdRatioBased(settings.sample_ratio))
        provider = TracerProvider(sampler=sampler, resource=resource, shutdown_on_exit=False)
        if exporter is not None:
            provider.add_span_processor(SimpleSpanProcessor(exporter))
        else:
            from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

            sender = OTLPSpanExporter(endpoint=settings.endpoint, timeout=_SEND_S)
            provider.add_span_processor(BatchSpanProcessor(sender))
    except ImportError as exc:
        raise ConfigError(
            "tracing.endpoint: OpenTelemetry is not installed; pip install 'vreid[telemetry]', or leave it unset"
        ) from exc
    _active = _Tracing(provider.get_tracer("vreid"), provider)
    log.info("traces go to %s, %g of all", settings.endpoint or "an exporter", settings.sample_ratio)
    return True


def stop_tracing() -> None:
    """Sends what waits and records no more; does nothing where nothing is recorded."""
    global _active
    ended, _active = _active, None
    if ended is not None:
        ended.provider.shutdown()


@contextmanager
def traced(settings: TracingSettings, role: str, site: str) -> Iterator[None]:
    """Records while the block runs, where the configuration says so. Raises as ``start_tracing``."""
    start_tracing(settings, role, site)
    try:
        yield
    finally:
        stop_tracing()


def span(
    name: str,
    attributes: Mapping[str, Attribute] | None = None,
    *,
    parent: str = "",
    start_ns: int | None = None,
) -> AbstractContextManager[Any]:
    """A step, as a context manager; steps inside of it become its children.

    Args:
        name: Of the step.
        attributes: What to know of it; no picture, no vector.
        parent: A ``traceparent`` that it belongs to; empty for the step around it, or a new trace.
        start_ns: When it began, UTC nanoseconds; None for now.
    """
    if _active is None:
        return _NOTHING
    return _active.tracer.start_as_current_span(
        name, context=_context(parent) if parent else None, attributes=attributes, start_time=start_ns
    )


def step(name: str, attributes: Mapping[str, Attribute] | None = None) -> AbstractContextManager[Any]:
    """A part of the step around it; nothing where that is not recorded, so that it never begins a trace."""
    if _active is None or not traceparent():
        return _NOTHING
    return _active.tracer.start_as_current_span(name, attributes=attributes)


def continued(name: str, parent: str, attributes: Mapping[str, Attribute] | None = None) -> AbstractContextManager[Any]:
    """A step of a trace that came from elsewhere; nothing without one, so that it never begins a trace."""
    return span(name, attributes, parent=parent) if parent else _NOTHING


def record(name: str, parent: str, start_ns: int, end_ns: int, attributes: Mapping[str, Attribute]) -> None:
    """A step that is over and belongs to a trace that came from elsewhere; without a parent nothing is recorded."""
    if _active is None or not parent:
        return
    done = _active.tracer.start_span(name, context=_context(parent), attributes=attributes, start_time=start_ns)
    done.end(end_ns)


def traceparent() -> str:
    """The step around this, for another process; empty where none is recorded."""
    if _active is None:
        return ""
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid or not context.trace_flags.sampled:
        return ""
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def trace_metadata() -> Iterable[tuple[str, str]]:
    """What an outgoing gRPC call says of the step that it is made in."""
    said = traceparent()
    return ((TRACE_KEY, said),) if said else ()


def current_trace_id() -> str:
    """Of the step around this, hexadecimal; empty where none is recorded."""
    said = traceparent()
    return said.split("-")[1] if said else ""


def _context(parent: str) -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({TRACE_KEY: parent})
